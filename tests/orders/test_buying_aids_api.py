"""The buying aids for programs: lists that are bought again, stars, wishes, kept searches, and frozen comparisons."""

import hashlib
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.policy import Permission, Role
from orders.favourites.tables import Favourite
from orders.reorders.tables import ReorderList
from tests import factories
from tests.app.accounts.conftest import KEPT, PASSWORD
from tests.catalog.conftest import Shop, shop
from tests.orders.visits import Caller

__all__ = ["shop"]


class Program(Caller):
    """A program that knows where the interface is."""

    def __call__(self, method: str, address: str, **more: Any) -> TestResponse:
        return super().__call__(method, f"/api/v1{address}", **more)


@pytest.fixture
def call(shop: Shop) -> Program:
    shop.index()
    return Program(shop.app, shop.token(Role.BUYER))


@pytest.mark.both_databases
def test_a_list_is_made_filled_bought_and_taken_away(shop: Shop, call: Program) -> None:
    laser, paper = shop.world.laser, shop.world.paper
    made = call("POST", "/reorder-lists", json={"name": "季度耗材"})
    assert made.status_code == 201
    at = f"/reorder-lists/{made.get_json()['id']}"
    items = [{"listing_id": laser.id, "quantity": 2}, {"listing_id": paper.id}]
    lines = call("POST", f"{at}/lines", json={"items": items}).get_json()["lines"]
    assert [(each["listing_id"], each["quantity"], each["fate"]) for each in lines] == [(laser.id, 2, "same"), (paper.id, 1, "same")]
    assert call("PATCH", f"{at}/lines/{lines[0]['id']}", json={"quantity": 3}).get_json()["lines"][0]["quantity"] == 3
    (listed,) = call("GET", "/reorder-lists").get_json()["items"]
    assert (listed["name"], listed["lines"], listed["worth_fen"]) == ("季度耗材", 2, 3 * laser.price_fen + paper.price_fen)
    assert call("PATCH", at, json={"name": "月度耗材"}).get_json()["name"] == "月度耗材"
    report = call("POST", f"{at}/cart").get_json()["items"]
    assert [(each["quantity"], each["fate"]) for each in report] == [(3, "same"), (1, "same")]
    assert {each["listing_id"]: each["quantity"] for each in call("GET", "/cart/items").get_json()["items"]} == {laser.id: 3, paper.id: 1}
    assert call("DELETE", f"{at}/lines/{lines[1]['id']}").status_code == 204
    assert call("DELETE", at).status_code == 204
    assert call("GET", at).status_code == 404 and call("GET", "/reorder-lists").get_json() == {"items": []}


def test_offers_are_put_on_a_list_all_or_none(shop: Shop, call: Program) -> None:
    at = f"/reorder-lists/{call('POST', '/reorder-lists', json={'name': '耗材'}).get_json()['id']}"
    answer = call("POST", f"{at}/lines", json={"items": [{"listing_id": shop.world.laser.id}, {"listing_id": 10**9}]})
    assert answer.status_code == 404
    assert call("GET", at).get_json()["lines"] == []
    taken = call("POST", "/reorder-lists", json={"name": " 耗材 "})
    assert (taken.status_code, taken.get_json()["code"]) == (409, "reorder.name_taken")


def test_stars_wishes_and_searches_are_kept_and_dropped(shop: Shop, call: Program) -> None:
    product = shop.world.laser.product_id
    assert [call("PUT", f"/favourites/stars/{product}").status_code for _ in range(2)] == [204, 204]
    (star,) = call("GET", "/favourites/stars").get_json()["items"]
    assert (star["product_id"], star["listing_id"], star["price_fen"], star["offers"]) == (product, shop.world.laser.id, 1_000_00, 1)
    assert [call("DELETE", f"/favourites/stars/{product}").status_code for _ in range(2)] == [204, 404]
    wish = call("POST", "/favourites/awaited", json={"product_id": product, "below_fen": 900_00}).get_json()
    assert (wish["below_fen"], wish["told_at"]) == (900_00, None)
    refused = call("POST", "/favourites/awaited", json={"product_id": product, "below_fen": 0})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "favourite.bad_bound")
    assert [each["id"] for each in call("GET", "/favourites/awaited").get_json()["items"]] == [wish["id"]]
    assert call("DELETE", f"/favourites/awaited/{wish['id']}").status_code == 204
    kept = call("POST", "/favourites/searches", json={"search": "?q=打印机&sort=price_up&nonsense=1"}).get_json()
    assert (kept["words"], kept["fresh"], kept["cheaper"]) == ("打印机", 0, 0) and "nonsense" not in kept["search"]
    assert call("POST", f"/favourites/searches/{kept['id']}/look").get_json()["id"] == kept["id"]
    assert call("DELETE", f"/favourites/searches/{kept['id']}").status_code == 204
    assert [call("GET", f"/favourites/{what}").get_json()["items"] for what in ("stars", "awaited", "searches")] == [[], [], []]


def test_a_search_is_frozen_listed_and_checked_by_its_digest(shop: Shop, call: Program) -> None:
    made = call("POST", "/comparisons/searches", json={"search": "q=打印机&sort=price_up"})
    assert made.status_code == 201
    sheet = made.get_json()
    assert (sheet["kind"], sheet["words"]) == ("search", "打印机")
    digest = call("GET", f"/comparisons/{sheet['number']}/digest").get_json()
    content = call("GET", f"/comparisons/{sheet['number']}").get_json()["content"].encode()
    assert (digest["sha256"], digest["canonical"], digest["bytes"]) == (hashlib.sha256(content).hexdigest(), "RFC 8785", len(content))
    side = call("POST", "/comparisons", json={"listing_ids": [shop.world.laser.id, shop.world.paper.id]}).get_json()
    page = call("GET", "/comparisons?limit=1").get_json()
    assert [each["number"] for each in page["items"]] == [side["number"]]
    after = call("GET", f"/comparisons?limit=1&cursor={page['next']}").get_json()
    assert [each["number"] for each in after["items"]] == [sheet["number"]] and after["next"] is None
    nothing = call("POST", "/comparisons/searches", json={"search": "q=量子纠缠发生器"})
    assert (nothing.status_code, nothing.get_json()["code"]) == (409, "comparison.nothing")


def test_a_token_without_the_cart_and_a_supplier_are_kept_out_and_nothing_changes(shop: Shop) -> None:
    narrow = Program(shop.app, shop.token(Role.BUYER, scopes=[Permission.ORDER_READ]))
    seller = Program(shop.app, shop.token(Role.LISTER))
    for call in (narrow, seller):
        assert call("PUT", f"/favourites/stars/{shop.world.laser.product_id}").status_code == 403
        assert call("POST", "/reorder-lists", json={"name": "耗材"}).status_code == 403
        assert call("POST", "/comparisons/searches", json={"search": "q=打印机"}).status_code == 403
    with shop.session() as session:
        assert session.query(Favourite).count() == session.query(ReorderList).count() == 0


def test_a_colleague_shares_the_lists_and_a_foreign_buyer_finds_none(shop: Shop, call: Program) -> None:
    made = call("POST", "/reorder-lists", json={"name": "耗材"}).get_json()["id"]
    call("PUT", f"/favourites/stars/{shop.world.laser.product_id}")
    with shop.session() as session:
        factories.person(session, shop.world.unit, Role.BUYER, login="colleague", password_hash=KEPT)
        foreign = factories.world(session, region=factories.OTHER_CITY)
        factories.person(session, foreign.unit, Role.BUYER, login="foreign", password_hash=KEPT)
        session.commit()
    answers = {}
    for login in ("colleague", "foreign"):
        token = shop.app.test_client().post("/api/v1/tokens", json={"login": login, "password": PASSWORD}).get_json()["token"]
        other = Program(shop.app, token)
        answers[login] = (other("GET", f"/reorder-lists/{made}").status_code, other("GET", "/favourites/stars").get_json()["items"])
    assert answers == {"colleague": (200, []), "foreign": (404, [])}
