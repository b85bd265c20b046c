"""The whole journey in a browser: search, order, approve, confirm, deliver, accept, pay, register, rate; watched all the time."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from catalog.listings.tables import Listing
from orders.assets.tables import AssetCard
from orders.purchases.tables import Order
from tests.browser.desk import Desk
from tests.browser.product import PASSWORD, UNIT

pytestmark = pytest.mark.peer("chromium")

BUYER = "buyer.journey"
LASER, DESKTOP = "联想 LJ2655DN A4 黑白激光打印机 双面 有线", "联想 启天 M455J7 台式计算机 16GB 512GB"


@pytest.fixture(scope="module")
def stream(desk: Desk) -> Iterator[Page]:
    """The supervisor's live stream, opened before anything happens and never reloaded."""
    page = desk.page("supervisor.journey", f"/watch/stream?q={UNIT}")
    expect(page.locator("[data-stream-words]")).to_contain_text("已连接")
    page.evaluate("window.sinceOpened = true")
    yield page
    assert page.evaluate("window.sinceOpened") is True


def seen(stream: Page, words: str) -> None:
    """The stream shows a line of the unit with these words, by itself."""
    expect(stream.locator("tr[data-index]", has_text=UNIT).filter(has_text=words).first).to_be_visible(timeout=12_000)


def titles(page: Page) -> list[str]:
    return page.locator(".cards h3").all_inner_texts()


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize("words", ["打印机", "dyj", "dayinji"])
def test_words_initials_and_pinyin_all_find_printers(desk: Desk, words: str) -> None:
    page = desk.page(BUYER)
    page.locator("#q").fill(words)
    page.locator("#q").press("Enter")
    expect(page.locator(".cards > li").first).to_be_visible()
    assert all("打印机" in title for title in titles(page)[:4])
    page.close()


def test_a_model_with_a_typo_is_corrected_and_found(desk: Desk) -> None:
    page = desk.page(BUYER, "/search?q=LJ2656DN")
    expect(page.locator(".cards > li").first).to_contain_text("LJ2655DN")
    page.close()


def test_facets_narrow_and_the_sort_orders_by_price(desk: Desk) -> None:
    page = desk.page(BUYER, "/search?q=打印机")
    found = int(page.locator("#found .ph b").first.inner_text().replace(",", "").rstrip("+"))
    page.locator("#facets label", has_text="A4黑白打印机").click()
    expect(page.locator(".chip").first).to_contain_text("A4黑白打印机")
    assert 0 < int(page.locator("#found .ph b").first.inner_text()) < found
    page.get_by_role("navigation", name="排序").get_by_text("价格从低").click()
    page.wait_for_url("**sort=price*")
    prices = [float(text.replace("¥", "").replace(",", "")) for text in page.locator(".cards .pl > b").all_inner_texts()]
    assert prices == sorted(prices)
    page.close()


def test_three_products_are_compared_side_by_side(desk: Desk) -> None:
    page = desk.page(BUYER, "/search?q=A4黑白打印机")
    for number in range(3):
        page.locator(".cards > li").nth(number).get_by_role("checkbox").check()
    page.get_by_role("button", name="并排比选").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("比选 3 件")
    assert page.locator("table.compare thead th").count() == 4
    page.close()


# ---------------------------------------------------------------- the journey


def test_the_whole_journey_is_seen_live_and_ends_in_the_portal(desk: Desk, stream: Page) -> None:
    buyer = _signed_in_by_hand(desk)
    _into_the_cart(buyer)
    _files_a_plan_on_the_spot(buyer)
    number = _submits(buyer)
    seen(stream, "待审批")

    approver = desk.page("approver.journey", f"/approvals?order={number}")
    approver.get_by_role("button", name="按逐行决定提交").click()
    seen(stream, "待供应商确认")

    clerk = desk.page("clerk.journey", f"/orders/{number}/confirm")
    clerk.locator("form[action$='/confirm'] button").click()
    seen(stream, "已确认，待发货")
    _ships(clerk, number, 5, 0)
    _ships(clerk, number, 0, 1)
    seen(stream, "已发货")

    acceptor = desk.page("acceptor.journey", f"/orders/{number}/receive")
    for _ in range(2):
        acceptor.goto(f"/orders/{number}/receive")
        acceptor.get_by_role("button", name="签收").first.click()
    seen(stream, "待验收")
    acceptor.goto(f"/orders/{number}/accept")
    for place, quantity in enumerate((5, 1)):
        acceptor.get_by_label("合格").nth(place).fill(str(quantity))
        acceptor.get_by_label("退回").nth(place).fill("0")
    acceptor.get_by_role("button", name="签署验收单").click()
    seen(stream, "已验收，待开票")

    clerk.goto(f"/orders/{number}/invoice")
    clerk.locator("#number").fill("26412000000012345678")
    clerk.get_by_role("button", name="登记发票").click()
    seen(stream, "已开票，待支付")

    finance = desk.page("finance.journey", f"/orders/{number}/payment")
    finance.get_by_role("button", name=re.compile("申请支付 9,600.00 元")).click()
    seen(stream, "已支付")

    _stores_the_cards(desk, number)
    seen(stream, "办结")
    for page in (buyer, clerk):
        page.goto(f"/orders/{number}/rating")
        page.locator("input[name=score][value='5']").check()
        page.get_by_role("button", name="提交评价").click()
        expect(page.locator("main")).to_contain_text("评价已提交")

    buyer.goto(f"/orders/{number}")
    expect(buyer.locator("#spine")).to_contain_text("办结")
    expect(buyer.locator("#lines")).to_contain_text("9,600.00")
    expect(buyer.locator("main")).to_contain_text("已入检查点并通过验证")
    _is_audited_with_its_proof(desk, number)
    _is_in_the_portal(desk, number)


def _signed_in_by_hand(desk: Desk) -> Page:
    page = desk.page(None, "/sign-in")
    page.get_by_label("账号").fill(BUYER)
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录").click()
    expect(page.get_by_role("banner")).to_contain_text(UNIT)
    return page


def _into_the_cart(page: Page) -> None:
    page.goto("/search?q=LJ2655DN")
    page.locator(".cards h3 a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LASER)
    expect(page.get_by_role("heading", name="挂牌价 90 日")).to_be_visible()
    expect(page.get_by_role("heading", name="可用的采购计划")).to_be_visible()
    expect(page.locator("main")).to_contain_text("n=")
    page.get_by_label("数量", exact=True).fill("5")
    page.locator("#buy").get_by_role("button", name="加入购物车").click()
    page.goto("/search?q=M455J7")
    page.locator(".cards > li").first.get_by_role("button", name="加入购物车").click()
    page.goto("/cart")
    expect(page.get_by_role("group", name=re.compile("^预算尺")).first).to_contain_text("5,000.00")


def _files_a_plan_on_the_spot(page: Page) -> None:
    page.locator("form.cl", has_text=DESKTOP).get_by_role("link", name="就地备案").click()
    page.get_by_role("button", name="备案并使用").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("购物车")
    expect(page.locator(".ruler").first).to_contain_text("9,600.00")


def _submits(page: Page) -> str:
    page.get_by_role("link", name="去填单").click()
    expect(page.get_by_role("region", name="校验结果")).not_to_contain_text("未通过")
    page.get_by_role("button", name="提交并冻结预算").click()
    expect(page.locator("main")).to_contain_text("已提交，额度已冻结")
    return page.locator("table a.mono").first.inner_text()


def _ships(page: Page, number: str, *quantities: int) -> None:
    page.goto(f"/orders/{number}/ship")
    inputs = page.locator("form[action$='/ship'] input[type=number]")
    for place, quantity in enumerate(q for q in quantities if inputs.count() == len(quantities) or q):
        inputs.nth(place).fill(str(quantity))
    page.get_by_label("承运单位").fill("顺丰速运")
    page.get_by_label("运单号").fill(f"SF{sum(quantities):012d}")
    page.get_by_role("button", name="确认发货").click()
    page.wait_for_url(f"**/orders/{number}")


def _stores_the_cards(desk: Desk, number: str) -> None:
    cards = select(AssetCard.number).join(Order, Order.id == AssetCard.order_id).where(Order.number == number)
    until = time.monotonic() + 10
    while not (numbers := desk.product.ask(lambda s: list(s.scalars(cards)))) and time.monotonic() < until:
        time.sleep(0.2)
    assert len(numbers) == 2
    page = desk.page("asset.journey", "/assets")
    for each in numbers:
        page.goto(f"/assets/{each}")
        page.get_by_label("保管人").fill("王守")
        page.get_by_label("存放地点").fill("档案馆 301")
        page.get_by_role("button", name="入库").click()
        expect(page.locator("main")).to_contain_text("档案馆 301")
    page.goto(f"/assets/{numbers[0]}")
    expect(page.locator("main")).to_contain_text("已登记", timeout=10_000)


def _is_audited_with_its_proof(desk: Desk, number: str) -> None:
    page = desk.page("supervisor.journey", f"/watch/orders/{number}")
    expect(page.get_by_role("heading", name="包含证明")).to_be_visible()
    expect(page.locator("main")).to_contain_text("已入检查点并通过验证")
    page.close()


def _is_in_the_portal(desk: Desk, number: str) -> None:
    page = desk.page(None, f"/portal/notices?q={UNIT}")
    page.locator("ul a", has_text=UNIT).first.click()
    expect(page.locator("main")).to_contain_text(number)
    document = page.request.get(page.get_by_role("link", name="下载 PDF").get_attribute("href") or "")
    assert document.ok
    assert document.body().startswith(b"%PDF")
    page.close()


# ---------------------------------------------------------------- what else must be seen


def test_a_buyer_sees_a_new_price_within_five_seconds(desk: Desk) -> None:
    with desk.product.session() as session:
        listing = session.scalars(select(Listing).where(Listing.title == LASER)).one()
    supplier = desk.page("lister.journey", f"/listings/{listing.id}")
    supplier.get_by_label("单价").fill("1028.00")
    supplier.get_by_role("button", name="改价").click()
    expect(supplier.locator("main")).to_contain_text("第 2 版")
    page, begun = desk.page(BUYER, "/search?q=LJ2655DN"), time.monotonic()
    while "1,028.00" not in page.locator(".cards > li").first.inner_text():
        assert time.monotonic() - begun < 5
        time.sleep(0.2)
        page.reload()
    page.close()
    supplier.close()


def test_a_refused_submission_says_why_and_appears_in_the_stream(desk: Desk, stream: Page) -> None:
    page = desk.page(BUYER, "/search?q=LJ2655DN")
    page.locator(".cards h3 a").first.click()
    page.get_by_label("数量", exact=True).fill("60")
    page.locator("#buy").get_by_role("button", name="加入购物车").click()
    page.goto("/checkout")
    page.get_by_role("button", name=re.compile("^提交")).click()
    expect(page.get_by_role("alert")).to_contain_text("本次尝试已记入监督日志")
    blocks = page.get_by_role("region", name="校验结果").locator(".vl > li.bad")
    for rule in ("B02", "P02"):
        each = blocks.filter(has_text=rule)
        expect(each).to_be_visible()
        assert each.locator(".way a").count() >= 1
    seen(stream, "阻断")
    page.goto("/cart")
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="清空购物车").click()
    expect(page.locator("main")).to_contain_text("购物车是空的")
    page.close()


def test_a_buyer_orders_without_javascript(desk: Desk) -> None:
    page = desk.page(BUYER, "/", scripts=False)
    page.locator("input[name=q]").fill("LJ2655DN")
    page.get_by_role("button", name="搜索").click()
    page.locator(".cards > li").first.get_by_role("button", name="加入购物车").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("购物车")
    page.get_by_role("link", name="去填单").click()
    page.get_by_role("button", name="重新校验").click()
    page.get_by_role("button", name="提交并冻结预算").click()
    expect(page.locator("main")).to_contain_text("已提交，额度已冻结")
    page.close()
