"""The cart and the sending-off for programs: the same rules, the same verdicts, problems with stable codes."""

from sqlalchemy import select

from app.kernel.db import commit
from app.policy import Role
from catalog.listings import service as listings
from orders.purchases.tables import Attempt, Order
from tests import factories
from tests.orders.visits import Shop


def line(shop: Shop, quantity: int = 2, **more: int | None) -> dict[str, int | None]:
    """A wished line for printers at the price of now."""
    plain = {"listing_id": shop.world.laser.id, "quantity": quantity, "seen_price_fen": 1_000_00, "plan_line_id": shop.world.lines[0].id}
    return {**plain, "address_id": None, **more}


def test_a_cart_is_filled_changed_split_and_emptied(shop: Shop) -> None:
    call = shop.caller(Role.BUYER)
    made = call("POST", "/api/v1/cart/items", json={"listing_id": shop.world.laser.id, "quantity": 4})
    assert made.status_code == 201
    (item,) = made.get_json()["items"]
    assert (item["plan_line_id"], item["amount_fen"], item["stock"]) == (shop.world.lines[0].id, 4_000_00, 100)
    with shop.session() as session, commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=1_100_00)
    changed = call("PATCH", f"/api/v1/cart/items/{item['id']}", json={"quantity": 6, "accept_price": True}).get_json()["items"][0]
    assert (changed["quantity"], changed["seen_price_fen"], changed["plan_line_id"]) == (6, 1_100_00, shop.world.lines[0].id)
    parts = call("POST", f"/api/v1/cart/items/{item['id']}/split", json={"pieces": 2}).get_json()
    assert [each["quantity"] for each in parts["items"]] == [4, 2] and parts["total_fen"] == 6_600_00
    assert call("DELETE", f"/api/v1/cart/items/{item['id']}").status_code == 204
    assert call("DELETE", f"/api/v1/cart/items/{item['id']}").get_json()["code"] == "missing"
    assert call("DELETE", "/api/v1/cart/items").status_code == 204
    assert call("GET", "/api/v1/cart/items").get_json() == {"items": [], "total_fen": 0}


def test_a_preview_says_everything_and_records_nothing(shop: Shop) -> None:
    call = shop.caller(Role.BUYER)
    fine = call("POST", "/api/v1/assessments", json={"lines": [line(shop)]}).get_json()
    assert (fine["would"], fine["total_fen"]) == ("submitted", 2_000_00)
    bad = call("POST", "/api/v1/assessments", json={"lines": [line(shop, quantity=51)]}).get_json()
    assert bad["would"] == "refused"
    assert {each["rule"] for each in bad["verdicts"] if each["outcome"] == "block"} == {"B02", "P02"}
    with shop.session() as session:
        assert session.scalars(select(Attempt)).all() == [] and session.scalars(select(Order)).all() == []


def test_a_submission_needs_a_key_and_the_same_key_gives_the_same_order(shop: Shop) -> None:
    call = shop.caller(Role.BUYER)
    body = {"lines": [line(shop)], "reason": "窗口新增"}
    missing = call("POST", "/api/v1/submissions", json=body)
    assert (missing.status_code, missing.get_json()["code"]) == (400, "idempotency_key.missing")
    first = call("POST", "/api/v1/submissions", json=body, headers={"Idempotency-Key": "same-key-1"})
    second = call("POST", "/api/v1/submissions", json=body, headers={"Idempotency-Key": "same-key-1"})
    assert first.status_code == second.status_code == 201 and first.get_json() == second.get_json()
    (order,) = first.get_json()["orders"]
    assert (order["state"], order["total_fen"]) == ("submitted", 2_000_00)
    other = call("POST", "/api/v1/submissions", json={"lines": [line(shop, quantity=1)]}, headers={"Idempotency-Key": "same-key-1"})
    assert (other.status_code, other.get_json()["code"]) == (409, "submission.key_reused")
    with shop.session() as session:
        assert len(session.scalars(select(Order)).all()) == 1


def test_a_refused_submission_is_a_problem_with_every_verdict(shop: Shop) -> None:
    call = shop.caller(Role.BUYER)
    body = {"lines": [line(shop, quantity=51, seen_price_fen=999_00)]}
    answers = [call("POST", "/api/v1/submissions", json=body, headers={"Idempotency-Key": "refused-key"}) for _ in range(2)]
    problem = answers[0].get_json()
    assert (answers[0].status_code, answers[0].content_type, problem["code"]) == (422, "application/problem+json", "submission.refused")
    blocks = {each["rule"]: each for each in problem["verdicts"] if each["outcome"] == "block"}
    assert set(blocks) == {"B02", "P02", "PRICE"}
    assert "超出 1,000.00 元" in blocks["B02"]["sentence"] and blocks["B02"]["way_out"] and blocks["B02"]["facts"]["over_fen"] == 1_000_00
    assert answers[1].get_json()["facts"]["attempt"] == problem["facts"]["attempt"]
    with shop.session() as session:
        assert len(session.scalars(select(Attempt)).all()) == 1 and session.scalars(select(Order)).all() == []
        assert factories.figures(session, shop.world.lines[0].control_id) == (50_000_00, 0, 0, 0, 0)


def test_a_plan_is_filed_on_the_spot_by_a_program(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        factories.budget_line(
            session, factories.allotment(session, shop.world.unit), category_code=factories.DESKTOP, amount_fen=9_000_00, quantity=9
        )
        computer = factories.listing(session, shop.world.supplier, factories.product(session, factories.DESKTOP), price_fen=4_000_00)
    call = shop.caller(Role.BUYER)
    (item,) = call("POST", "/api/v1/cart/items", json={"listing_id": computer.id, "quantity": 2}).get_json()["items"]
    assert item["plan_line_id"] is None
    filed = call("POST", f"/api/v1/cart/items/{item['id']}/plan", json={})
    assert filed.status_code == 201 and filed.get_json()["number"].startswith("JH")
    again = call("POST", f"/api/v1/cart/items/{item['id']}/plan", json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "plan.nothing_fits")


def test_foreign_plan_lines_and_listings_are_not_there(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        foreign = factories.world(session)
    call = shop.caller(Role.BUYER)
    wrong = call(
        "POST",
        "/api/v1/submissions",
        json={"lines": [line(shop, plan_line_id=foreign.lines[0].id)]},
        headers={"Idempotency-Key": "foreign-1"},
    )
    assert wrong.status_code == 422 and "B01" in {v["rule"] for v in wrong.get_json()["verdicts"] if v["outcome"] == "block"}
    gone = call("POST", "/api/v1/submissions", json={"lines": [line(shop, listing_id=10**9)]}, headers={"Idempotency-Key": "foreign-2"})
    assert (gone.status_code, gone.get_json()["code"]) == (404, "missing")
    seller = shop.caller(Role.ORDER_CLERK)
    assert seller("POST", "/api/v1/submissions", json={"lines": [line(shop)]}, headers={"Idempotency-Key": "seller-01"}).status_code == 403
