"""A draft meets the gate: refused with the figure, corrected, held by a rule, approved by the keeper, found by a buyer."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.desk import Desk

pytestmark = pytest.mark.peer("chromium")

LISTER, KEEPER, BUYER = "lister.journey", "catalogue.zz", "buyer.journey"
TITLE = "富士通 fi-8170 高速扫描仪"
OFFER = {
    "品目编码": "A02021118", "品牌": "富士通", "型号": "fi-8170", "商品名称": TITLE, "销售单位": "台", "货号": "GATE-1", "单价": "9300", "库存": "8",
}  # fmt: skip


def drafts(page: Page) -> None:
    offer = page.locator("#offer")
    for label, value in OFFER.items():
        offer.get_by_label(re.compile(f"^{label}")).fill(value)
    offer.get_by_label("存为草稿").check()
    expect(page.locator("#gate")).to_contain_text("9,300.00 元高于其他供应商同款在架中位价 3,100.00 元，超出上限 3,720.00 元（n=3）")
    assert violations(page) == []
    offer.get_by_role("button", name="保存").click()
    page.wait_for_url(re.compile(r"/listings/\d+"))


def corrects(page: Page) -> None:
    editor = page.url
    page.get_by_role("button", name="上架").click()
    expect(page.locator("main")).to_contain_text("不能上架：价格畸高")
    page.goto(editor)
    page.locator("#price").fill("3100")
    expect(page.locator("#gate")).to_contain_text("3,100.00 元，其他供应商中位价 3,100.00 元，上限 3,720.00 元，n=3")
    page.get_by_role("button", name="改价").click()
    page.get_by_role("button", name="上架").click()
    expect(page.locator("main")).to_contain_text("正在等待目录管理员审核")
    assert violations(page) == []


def test_a_draft_is_refused_by_figure_corrected_approved_and_found(desk: Desk) -> None:
    page = desk.page(LISTER, "/listings/new")
    drafts(page)
    corrects(page)
    keeper = desk.page(KEEPER, f"/upkeep/reviews?q={TITLE}")
    expect(keeper.locator("main")).to_contain_text("进口产品须先审核")
    assert violations(keeper) == []
    keeper.get_by_role("button", name="通过", exact=True).click()
    expect(keeper.get_by_text("已通过", exact=True)).to_be_visible()
    buyer = desk.page(BUYER, "/search?q=fi-8170")
    found = buyer.get_by_role("link", name=TITLE)
    for _ in range(40):
        if found.count():
            break
        buyer.wait_for_timeout(250)
        buyer.reload()
    found.first.click()
    expect(buyer.locator("main")).to_contain_text("3,100.00")
    for each in (page, keeper, buyer):
        each.close()
