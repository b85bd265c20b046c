"""The tour: a stranger goes through the whole journey by clicks alone, as everybody in turn."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")


def onwards(page: Page) -> None:
    """What the strip offers: go on as the next person, or go on because everything was seen."""
    page.get_by_role("region", name="导览", exact=True).get_by_role("button", name=re.compile("下一步")).click()


def stage(page: Page, words: str) -> None:
    """The strip stands at this step; the treasury and the worker get the seconds they need."""
    until = time.monotonic() + 30
    while words not in page.get_by_role("region", name="导览", exact=True).inner_text():
        assert time.monotonic() < until, (words, page.get_by_role("region", name="导览", exact=True).inner_text())
        time.sleep(0.5)
        page.reload()


def test_the_tour_leads_a_stranger_through_everything_by_clicks_alone(desk: Desk) -> None:
    began = time.monotonic()
    page = desk.page(None, "/sign-in")
    page.get_by_role("button", name="开始导览").click()
    stage(page, "下单")
    page.locator(".cards > li").first.get_by_role("button", name="加入购物车").click()
    page.get_by_role("link", name=re.compile("购物车")).first.click()
    page.get_by_role("link", name="去填单").click()
    page.get_by_role("button", name="提交并冻结预算").click()
    stage(page, "审批")
    onwards(page)
    page.get_by_role("button", name="按逐行决定提交").click()
    stage(page, "确认成约")
    onwards(page)
    page.get_by_role("button", name="确认订单并成立合同").click()
    for words, button, is_form in (
        ("发货", "确认发货", True), ("签收", "签收这个包裹", False), ("验收", "签署验收单", True),
        ("开票", "登记发票", True), ("支付申请", "申请支付", False),
    ):
        stage(page, words)
        _to_the_page(page)
        if is_form:
            page.get_by_role("button", name="填入示例").click()
        page.locator("main").get_by_role("button", name=re.compile(button)).first.click()
    stage(page, "资产入库")
    onwards(page)
    page.get_by_role("button", name="填入示例").click()
    page.get_by_role("button", name="入库").click()
    stage(page, "在线监管")
    onwards(page)
    for address in ("/watch/stream$", "/watch/orders/DD", "/portal/notices/GG"):
        expect(page).to_have_url(re.compile(address))
        onwards(page)
    expect(page).to_have_url(re.compile("/tour$"))
    assert time.monotonic() - began < 300


def _to_the_page(page: Page) -> None:
    """As the next person where another one is needed, otherwise by the link to the page."""
    strip = page.get_by_role("region", name="导览", exact=True)
    link = strip.get_by_role("link", name="打开要办理的页面")
    if link.count():
        link.click()
    elif strip.get_by_role("button", name=re.compile("下一步")).count():
        onwards(page)
