"""The inbox, and the buyer's own pages on an order: explain, withdraw, bring back."""

import re

from sqlalchemy import select

from app.kernel.db import commit
from app.policy import Role
from orders.carts import service as carts
from orders.carts.tables import CartItem
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine
from tests import factories
from tests.orders.till import Till
from tests.orders.visits import Shop


def submit(shop: Shop, *, held: bool = False) -> str:
    """Two lines of one supplier sent off (with `held`: a desktop on the wrong class); returns the order's number."""
    with shop.session() as session:
        till = Till(session, shop.world)
        if held:
            with commit(session):
                money = factories.allotment(session, shop.world.unit, economic_class="30201")
                line = factories.budget_line(session, money, category_code=factories.DESKTOP)
                (office,) = factories.plan_lines(session, factories.plan(session, shop.world.actor(Role.FINANCE), line))
                computer = factories.listing(
                    session, shop.world.supplier, factories.product(session, factories.DESKTOP), price_fen=4_000_00
                )
            till.put(computer, 1, plan_line_id=office.id)
        else:
            till.put(shop.world.laser, 2)
            till.put(shop.world.paper, 10)
        made = till.send(f"key-{factories.serial('K')}")
        assert isinstance(made, list)
        return made[0]


def state(shop: Shop, number: str) -> tuple[State, int]:
    with shop.session() as session:
        order = session.scalars(select(Order).where(Order.number == number)).one()
        return order.state, order.total_fen


def test_the_inbox_shows_lines_money_checks_and_similar_orders(shop: Shop) -> None:
    first, second = submit(shop), submit(shop)
    approver = shop.visitor(Role.APPROVER)
    page = approver.text(f"/approvals?order={second}")
    for words in ("待我审批", first, second, "等 2 行", "逐行决定", "本单已在冻结内", "相近订单", "按逐行决定提交", "检查通过"):
        assert words in page, words
    assert "96,000.00" in page and "19,500.00" in page
    assert "style=" not in page


def test_a_line_is_rejected_on_the_page_and_the_rest_approved(shop: Shop) -> None:
    number = submit(shop)
    with shop.session() as session:
        laser, paper = session.scalars(select(OrderLine.id).order_by(OrderLine.line_no)).all()
    approver = shop.visitor(Role.APPROVER)
    fields = {f"line-{laser}": "approve", f"line-{paper}": "reject", f"why-{paper}": "not_needed", f"words-{paper}": "库房尚有"}
    answer = approver.post(f"/orders/{number}/approve", "/approvals", **fields)
    assert answer.status_code == 303
    assert state(shop, number) == (State.PLACED, 2_000_00)
    page = approver.text(f"/approvals?show=done&order={number}")
    assert "确无需要：库房尚有" in page and "没有等您决定的订单" in approver.text("/approvals")


def test_rejecting_all_needs_a_reason(shop: Shop) -> None:
    number = submit(shop)
    approver = shop.visitor(Role.APPROVER)
    answer = approver.post(f"/orders/{number}/reject", "/approvals", note=" ")
    assert answer.status_code == 422 and "请填写理由" in answer.get_data(as_text=True)
    assert state(shop, number)[0] is State.SUBMITTED
    assert approver.post(f"/orders/{number}/reject", "/approvals", note="暂缓采购").status_code == 303
    assert state(shop, number)[0] is State.REJECTED


def test_plain_orders_are_approved_together(shop: Shop) -> None:
    numbers = [submit(shop), submit(shop)]
    approver = shop.visitor(Role.APPROVER)
    assert approver.post("/approvals/bulk", "/approvals", order=numbers).status_code == 303
    assert [state(shop, number)[0] for number in numbers] == [State.PLACED, State.PLACED]


def test_a_held_order_is_explained_by_the_buyer_and_cleared_by_the_approver(shop: Shop) -> None:
    number = submit(shop, held=True)
    buyer, approver = shop.visitor(Role.BUYER), shop.visitor(Role.APPROVER)
    page = approver.text("/approvals?show=held")
    assert "经办人尚未说明" in page and "经济分类与品目不符" in page
    refused = approver.post(f"/orders/{number}/clear", "/approvals?show=held")
    assert refused.status_code == 409 and "尚未说明" in refused.get_data(as_text=True)
    assert "为何挂起" in buyer.text(f"/orders/{number}/explain")
    done = buyer.post(f"/orders/{number}/explain", f"/orders/{number}/explain", **{"rule-B11": "窗口新增工位"})
    assert (done.status_code, done.headers["Location"]) == (303, f"/orders/{number}")
    assert "窗口新增工位" in approver.text("/approvals?show=held")
    assert approver.post(f"/orders/{number}/clear", "/approvals?show=held").status_code == 303
    assert state(shop, number)[0] is State.SUBMITTED


def test_the_buyer_withdraws_and_fills_the_cart_again(shop: Shop) -> None:
    number = submit(shop)
    buyer = shop.visitor(Role.BUYER)
    answer = buyer.post(f"/orders/{number}/withdraw", f"/orders/{number}/withdraw", reason="需求变化")
    assert answer.status_code == 303 and state(shop, number)[0] is State.CANCELLED
    assert buyer.post(f"/cart/from-order/{number}", f"/orders/{number}").status_code == 303
    with shop.session() as session:
        assert sorted(session.scalars(select(CartItem.quantity)).all()) == [2, 10]


def test_a_buyer_cannot_approve_and_a_foreign_order_is_not_there(shop: Shop) -> None:
    number = submit(shop)
    with shop.session() as session, commit(session):
        foreign = factories.world(session)
    buyer, stranger = shop.visitor(Role.BUYER), shop.visitor(foreign.actor(Role.APPROVER))
    token = re.search(r'name="csrf_token" value="([^"]+)"', buyer.text("/cart"))
    assert token and buyer.client.post(f"/orders/{number}/approve", data={"csrf_token": token[1]}).status_code == 403
    assert buyer.get("/approvals").status_code == 403
    assert stranger.get(f"/approvals?order={number}").status_code == 404
    assert state(shop, number)[0] is State.SUBMITTED


def test_the_api_takes_every_step(shop: Shop) -> None:
    buyer, approver = shop.caller(Role.BUYER), shop.caller(Role.APPROVER)
    with shop.session() as session, commit(session):
        carts.clear(session, shop.world.actor(Role.BUYER))
    number = submit(shop)
    (row,) = approver("GET", "/api/v1/approvals").get_json()["items"]
    assert (row["number"], row["lines"], row["plain"], row["total_fen"]) == (number, 2, True, 2_250_00)
    own = buyer("POST", f"/api/v1/orders/{number}/approve", json={})
    assert (own.status_code, own.get_json()["code"]) == (403, "forbidden")
    done = approver("POST", f"/api/v1/orders/{number}/approve", json={"rejected": [{"line_no": 2, "reason": "库房尚有"}]})
    assert (done.status_code, done.get_json()["state"], done.get_json()["total_fen"]) == (200, "placed", 2_000_00)
    again = approver("POST", f"/api/v1/orders/{number}/approve", json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "order.not_now")
    record = approver("GET", f"/api/v1/orders/{number}/decisions").get_json()
    assert [line["decision"] for line in record["lines"]] == ["approved", "rejected"]
    assert {verdict["outcome"] for verdict in record["verdicts"]} == {"pass"}
    assert shop.caller(Role.ORDER_CLERK)("GET", f"/api/v1/orders/{number}/decisions").status_code == 403
    bare = buyer("POST", f"/api/v1/orders/{number}/withdraw", json={})
    assert (bare.status_code, bare.get_json()["code"]) == (422, "approval.no_reason")
    back = buyer("POST", f"/api/v1/orders/{number}/withdraw", json={"reason": "需求取消"})
    assert (back.status_code, back.get_json()["state"]) == (200, "cancelled")


def test_a_hold_through_the_api(shop: Shop) -> None:
    buyer, approver = shop.caller(Role.BUYER), shop.caller(Role.APPROVER)
    number = submit(shop, held=True)
    early = approver("POST", f"/api/v1/orders/{number}/clear", json={})
    assert (early.status_code, early.get_json()["code"]) == (409, "approval.not_explained")
    said = buyer("POST", f"/api/v1/orders/{number}/explain", json={"explanations": {"B11": "窗口新增工位"}})
    assert (said.status_code, said.get_json()["state"], said.get_json()["version"]) == (200, "held", 2)
    released = approver("POST", f"/api/v1/orders/{number}/release", json={"reason": "不属于办公费"})
    assert (released.status_code, released.get_json()["state"]) == (200, "rejected")
