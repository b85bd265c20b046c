"""The detail beside the live stream: never empty on a wide screen, never in the way on a phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.browser.places import SUPERVISOR

pytestmark = pytest.mark.peer("chromium")

HELD_STILL = "/watch/stream?state=closed"
"""Lines that the traffic of the province adds to least often."""


def test_the_newest_line_is_chosen_and_the_detail_follows_the_keyboard(desk: Desk) -> None:
    page = desk.page(SUPERVISOR, HELD_STILL)
    links = page.locator("[data-stream] a[hx-get]")
    detail = page.locator("#detail h2").first
    first, second = (links.nth(at).get_attribute("href") or "" for at in (0, 1))
    expect(detail).to_have_text(first.rpartition("/")[2])
    expect(page.locator("tr.on")).to_have_count(1)
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("j")
    expect(page.locator("tr.on a[hx-get]")).to_have_attribute("href", second)
    expect(detail).to_have_text(second.rpartition("/")[2])
    assert page.evaluate("document.activeElement.getAttribute('href')") == second
    page.mouse.wheel(0, 5_000)
    expect(detail).to_be_in_viewport()
    page.close()
    assert desk.complaints == []


def test_on_a_phone_nothing_is_chosen_and_a_line_is_no_taller_than_three(desk: Desk) -> None:
    page = desk.page(SUPERVISOR, HELD_STILL, width=390)
    page.wait_for_timeout(600)
    expect(page.locator("tr.on")).to_have_count(0)
    expect(page.locator("#detail")).to_contain_text("选中一行")
    tall = page.locator("[data-stream] tbody tr").first.bounding_box()
    assert tall is not None
    assert tall["height"] <= 120
    page.close()
