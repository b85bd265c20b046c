"""A buyer freezes a comparison and orders from it, citing it; the approver opens what he cites."""

import json
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.kernel.outbox import Event
from tests.browser.axe import violations
from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")


def test_a_buyer_freezes_a_comparison_and_orders_from_it_and_the_approver_sees_it(desk: Desk) -> None:
    page = desk.page("buyer.journey", "/search?q=LJ2655DN&sort=price_up")
    page.get_by_role("button", name="冻结全部结果为比选单").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("比选单")
    expect(page.locator("#digest")).to_contain_text("内容与摘要相符")
    assert violations(page) == []
    digest = page.locator("#digest code, #digest .mono").first.inner_text().strip()
    sheet = page.url.rpartition("/")[2]
    assert re.fullmatch(r"BX\d{6}-\w{6}-\w", sheet)
    page.locator("#hits form button").first.click()
    page.goto("/checkout")
    expect(page.locator("select[name=comparison]")).to_have_value(sheet)
    page.get_by_role("button", name=re.compile("^提交")).click()
    expect(page.locator("main")).to_contain_text("已提交，额度已冻结")
    number = page.locator("table a.mono").first.inner_text()
    page.goto(f"/orders/{number}")
    expect(page.locator("main")).to_contain_text(sheet)
    expect(page.locator("main")).to_contain_text(f"摘要 {digest[:12]}")
    assert violations(page) == []
    approver = desk.page("approver.journey", f"/approvals?order={number}")
    approver.get_by_role("link", name=sheet).click()
    expect(approver.locator("#hits")).to_contain_text("LJ2655DN")
    expect(approver.locator("main")).to_contain_text(number)
    expect(approver.locator("#digest")).to_contain_text(digest)
    expect(approver.locator("#receipt")).to_contain_text("已入检查点并通过验证", timeout=15_000)
    told = desk.product.ask(lambda session: session.scalars(select(Event.body).where(Event.type == "comparison.frozen", Event.stream == sheet)).one())
    assert json.loads(told)["sha256"] == digest
    approver.close()
    page.close()


def test_a_star_changes_where_it_stands_and_the_page_stays_without_fault(desk: Desk) -> None:
    page = desk.page("buyer.journey", "/search?q=LJ2655DN")
    page.evaluate("window.stays = true")
    star = page.locator("button.star").first
    expect(star).to_have_attribute("title", "收藏")
    star.click()
    expect(page.locator("button.star").first).to_have_attribute("title", "取消收藏")
    assert page.evaluate("window.stays") is True and violations(page) == []
    page.locator("button.star").first.click()
    expect(page.locator("button.star").first).to_have_attribute("title", "收藏")
    page.close()
    plain = desk.page("buyer.journey", "/search?q=LJ2655DN", scripts=False)
    plain.locator("button.star").first.click()
    expect(plain.locator("button.star").first).to_have_attribute("title", "取消收藏")
    assert plain.url.endswith("/search?q=LJ2655DN")
    plain.close()
