"""Pages at two widths and in both themes: no violation of WCAG found by axe, no sideways scrolling, nothing on the console.

Here are the key pages, and in English, on the phone, those with the longest words; the deep run looks at every page, wide and
narrow, in both themes, in both languages.
"""

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Page

from app.web.language import CATALOGUE
from tests.browser import places
from tests.browser.axe import CORNERS, overhang, turn, violations
from tests.browser.desk import Desk
from tests.browser.places import Place

pytestmark = pytest.mark.peer("chromium")

@pytest.fixture(scope="module")
def addresses(desk: Desk) -> Iterator[dict[str, Place]]:
    """Where each key page is in this province, and who looks at it."""
    yield places.of(desk)


@pytest.mark.parametrize("name", sorted(places.KEY))
def test_key_page_is_accessible_fits_and_is_quiet(desk: Desk, addresses: dict[str, Place], name: str) -> None:
    page = desk.page(*addresses[name])
    for width, theme in ((1440, "light"), (390, "dark")):
        turn(page, width, theme)
        assert violations(page) == [], (width, theme)
        assert overhang(page, width) == 0, width
    page.close()
    assert desk.complaints == []


IN_ENGLISH = ("search", "cart", "orders", "order-late", "workbench-buyer", "listings", "notice", "board")
HAN_SEEN = """() => {
  const seen = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node; node = walk.nextNode();) if (!node.parentElement.closest('[lang=zh], script')) seen.push(node.data.trim())
  for (const name of ['aria-label', 'placeholder', 'title', 'alt', 'data-l'])
    for (const each of document.querySelectorAll(`[${name}]`)) seen.push(each.getAttribute(name).trim())
  return seen.filter((text) => /[\u3400-\u9fff]/.test(text))
}"""
DATA = {"打印机", "复印纸", "货物", "工程", "服务", "全省", "其他", "系统", "河南省", "王老师", "笔"}
"""Texts of the product that are also names of categories, regions or people in the records."""


@pytest.fixture(scope="module")
def texts() -> re.Pattern[str]:
    """Every text of the product in Chinese, whatever it is filled with."""
    with CATALOGUE.open("rb") as source:
        known = [str(message.id) for message in read_po(source) if message.id and re.search(r"[\u3400-\u9fff]", str(message.id))]
    filled = [re.sub(r"%\\\(\w+\\\)[sd]", ".+", re.escape(each)) for each in known if each not in DATA and len(re.sub(r"%\(\w+\)[sd]", "", each)) > 2]
    return re.compile("|".join(filled))


@pytest.mark.parametrize("name", IN_ENGLISH)
def test_page_reads_well_in_english_on_a_phone(desk: Desk, addresses: dict[str, Place], texts: re.Pattern[str], name: str) -> None:
    page = _in_english(desk, addresses[name], texts)
    turn(page, 390, "light")
    assert overhang(page, 390) == 0
    page.close()
    assert desk.complaints == []


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", places.NAMES)
def test_every_page_in_every_corner(desk: Desk, addresses: dict[str, Place], texts: re.Pattern[str], name: str, language: str) -> None:
    page = _in_english(desk, addresses[name], texts) if language == "en" else desk.page(*addresses[name])
    for width, theme in CORNERS:
        turn(page, width, theme)
        assert violations(page) == [], (width, theme)
        assert overhang(page, width) == 0, (width, theme)
    page.close()
    assert desk.complaints == []


def _in_english(desk: Desk, place: Place, texts: re.Pattern[str]) -> Page:
    """The page for somebody who chose English; nothing that the product says is left in Chinese."""
    login, path = place
    page = desk.page(login, path, language="en")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert [seen for seen in page.evaluate(HAN_SEEN) if texts.fullmatch(seen)] == []
    return page
