"""Cart and checkout as a buyer sees them, with and without htmx."""

import re

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.kernel.db import commit
from app.policy import Role
from catalog.listings import service as listings
from orders.carts.tables import CartItem
from orders.purchases.tables import Attempt, Order
from tests import factories
from tests.orders.visits import Shop, Visitor


@pytest.fixture
def buyer(shop: Shop) -> Visitor:
    return shop.visitor(Role.BUYER)


def fill(shop: Shop, buyer: Visitor, quantity: int = 2) -> int:
    """Put printers into the cart; returns the line's id."""
    answer = buyer.post("/cart/items", "/cart", listing_id=shop.world.laser.id, quantity=quantity)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    with shop.session() as session:
        return session.scalars(select(CartItem.id)).one()


def form_of(page: str) -> dict[str, list[str]]:
    """The fields of the checkout form, as a browser would send them."""
    body = page[page.index('action="/checkout"') :]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body):
        fields.setdefault(name, []).append(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', options) or re.search(r'value="([^"]*)"', options)
        assert chosen
        fields.setdefault(name, []).append(chosen[1])
    picked = re.search(r'name="address" value="(\d+)" checked', body)
    fields["address"] = [picked[1]] if picked else []
    return fields


def send(buyer: Visitor, fields: dict[str, list[str]]) -> TestResponse:
    """Send the checkout form with exactly these fields (its token is one of them)."""
    return buyer.client.post("/checkout", data=MultiDict(fields))


def test_an_empty_cart_says_what_to_do(buyer: Visitor) -> None:
    page = buyer.text("/cart")
    assert "购物车是空的" in page and "去找商品" in page


def test_the_cart_shows_rulers_limits_and_the_plan_line_picker(shop: Shop, buyer: Visitor) -> None:
    fill(shop, buyer)
    page = buyer.text("/cart")
    for words in (
        "预算尺",
        "限额表",
        "校验结果",
        "直接订购限额",
        "余 98,000.00",
        shop.world.plan.number,
        "¥2,000.00",
        "贰仟元整",
        "去填单",
        "就地备案",
    ):
        assert words in page, words
    assert 'style="' not in page and "onclick" not in page


def test_a_line_is_changed_by_a_plain_form_and_by_htmx(shop: Shop, buyer: Visitor) -> None:
    line = fill(shop, buyer)
    plain = buyer.post(f"/cart/items/{line}", "/cart", quantity="3", plan=shop.world.lines[0].id, chosen="1")
    assert plain.status_code == 303
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', buyer.text("/cart"))
    assert token
    part = buyer.client.post(
        f"/cart/items/{line}",
        data={"csrf_token": token[1], "quantity": "4", "plan": shop.world.lines[0].id, "chosen": "1"},
        headers={"HX-Request": "true"},
    )
    text = part.get_data(as_text=True)
    assert part.status_code == 200 and "<html" not in text and "¥4,000.00" in text


def test_a_price_change_is_shown_and_accepted(shop: Shop, buyer: Visitor) -> None:
    line = fill(shop, buyer)
    with shop.session() as session, commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=1_100_00)
    page = buyer.text("/cart")
    assert "1 件商品在加入后改价" in page and "加入购物车后变价" in page
    assert buyer.post(f"/cart/items/{line}/price", "/cart").status_code == 303
    assert "加入购物车后变价" not in buyer.text("/cart")


def test_a_plan_is_filed_on_the_spot_from_the_page(shop: Shop, buyer: Visitor) -> None:
    with shop.session() as session, commit(session):
        money = factories.allotment(session, shop.world.unit)
        factories.budget_line(session, money, category_code=factories.DESKTOP, amount_fen=10_000_00, quantity=10)
        computer = factories.listing(session, shop.world.supplier, factories.product(session, factories.DESKTOP), price_fen=4_000_00)
    buyer.post("/cart/items", "/cart", listing_id=computer.id, quantity=2)
    with shop.session() as session:
        line = session.scalars(select(CartItem.id)).one()
    page = buyer.text(f"/cart/items/{line}/plan")
    assert "备案不是审批" in page and 'value="8000.00"' in page
    budget_line = re.search(r'name="budget_line" value="(\d+)"', page)
    assert budget_line
    too_much = buyer.post(
        f"/cart/items/{line}/plan", f"/cart/items/{line}/plan", budget_line=budget_line[1], amount="20000", pieces="2", name="电脑"
    )
    assert too_much.status_code == 422 and "B02" not in buyer.text("/cart")
    done = buyer.post(
        f"/cart/items/{line}/plan", f"/cart/items/{line}/plan", budget_line=budget_line[1], amount="8000", pieces="2", name="电脑"
    )
    assert done.status_code == 303
    assert "计划已备案，回执号 JH" in buyer.text("/cart")


def test_checkout_sends_off_what_was_seen_and_empties_the_cart(shop: Shop, buyer: Visitor) -> None:
    fill(shop, buyer)
    page = buyer.text("/checkout")
    for words in ("计划与指标", "收货", "发票与事由", "审批路线", "税号", "提交并冻结预算"):
        assert words in page, words
    fields = form_of(page)
    answer = send(buyer, fields | {"reason": ["窗口新增"]})
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/orders/submissions/TJ")
    with shop.session() as session:
        (order,) = session.scalars(select(Order)).all()
        assert (order.total_fen, order.reason) == (2_000_00, "窗口新增")
        assert session.scalars(select(CartItem)).all() == []
        assert factories.figures(session, shop.world.lines[0].control_id) == (48_000_00, 2_000_00, 0, 0, 0)


def test_a_refused_checkout_shows_every_verdict_and_leaves_the_cart(shop: Shop, buyer: Visitor) -> None:
    fill(shop, buyer, quantity=51)
    fields = form_of(buyer.text("/checkout"))
    answer = send(buyer, fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("超预算采购", "超直购限额未竞争", "超出 1,000.00 元", "请减少到限额以下", "本次尝试已记入监督日志"):
        assert words in page, words
    with shop.session() as session:
        assert session.scalars(select(Order)).all() == []
        assert session.scalars(select(CartItem.quantity)).one() == 51
        assert len(session.scalars(select(Attempt)).all()) == 1


def test_nothing_chosen_cannot_be_sent_off(shop: Shop, buyer: Visitor) -> None:
    line = fill(shop, buyer)
    buyer.post(f"/cart/items/{line}", "/cart", quantity="2", plan=shop.world.lines[0].id)
    assert "没有要提交的商品" in buyer.text("/checkout")


def test_others_have_no_cart(shop: Shop) -> None:
    for role in (Role.APPROVER, Role.ORDER_CLERK, Role.SUPERVISOR):
        assert shop.visitor(role).get("/cart").status_code == 403
        assert shop.visitor(role).get("/checkout").status_code == 403
