"""A supplier's system that calls the mall: many prices, stocks and shelves at once by its own numbers, and stock by region."""

import pytest

from app.kernel.db import commit
from app.policy import Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from tests import factories
from tests.orders.conftest import shop  # noqa: F401 - the application with its small world

pytestmark = pytest.mark.both_databases


@pytest.fixture
def call(shop):  # noqa: F811
    return shop.caller(Role.LISTER)


def test_each_entry_of_a_batch_stands_by_itself(shop, call):  # noqa: F811
    laser, paper = shop.world.laser, shop.world.paper
    body = {"items": [
        {"sku": laser.sku, "price_fen": 999_00, "version": 1}, {"sku": paper.sku, "price_fen": 1, "version": 7}, {"sku": "no-such", "price_fen": 5},
        {"sku": paper.sku, "price_fen": 0},
    ]}  # fmt: skip
    answer = call("PUT", "/api/v1/listings/prices", json=body)
    assert answer.status_code == 200, answer.json
    assert (answer.json["done"], answer.json["refused"]) == (1, 3)
    assert [(each["sku"], each["version"], each["code"]) for each in answer.json["items"]] == [
        (laser.sku, 2, None), (paper.sku, None, "listing.changed_meanwhile"), ("no-such", None, "missing"), (paper.sku, None, "listing.bad_price"),
    ]  # fmt: skip
    with shop.session() as session:
        assert (session.get_one(Listing, laser.id).price_fen, session.get_one(Listing, paper.id).price_fen) == (999_00, 25_00)


def test_many_stocks_and_shelves(shop, call):  # noqa: F811
    laser, paper = shop.world.laser, shop.world.paper
    stocks = call("PUT", "/api/v1/listings/stocks", json={"items": [{"sku": laser.sku, "stock": 7, "seen": 100}, {"sku": paper.sku, "stock": 0}]})
    assert stocks.json["done"] == 2
    shelves = call("PUT", "/api/v1/listings/shelves", json={"items": [{"sku": laser.sku, "on_shelf": False}, {"sku": paper.sku, "on_shelf": True}]})
    assert [each["code"] for each in shelves.json["items"]] == [None, None]
    with shop.session() as session:
        assert (session.get_one(Listing, laser.id).stock, session.get_one(Listing, laser.id).shelf) == (7, Shelf.OFF_SHELF)
        assert session.get_one(Listing, paper.id).stock == 0


def test_stock_by_city_and_county(shop, call):  # noqa: F811
    laser, paper = shop.world.laser, shop.world.paper
    with shop.session() as session, commit(session):
        session.get_one(Listing, laser.id).regions = factories.CITY
    for region, pieces, serves in ((factories.CITY, 100, True), (factories.COUNTY, 100, True), (factories.OTHER_CITY, 0, False)):
        answer = call("GET", f"/api/v1/listings/availability?region={region}&sku={laser.sku}")
        assert [(each["pieces"], each["serves"]) for each in answer.json["items"]] == [(pieces, serves)], region
    everything = call("GET", f"/api/v1/listings/availability?region={factories.OTHER_CITY}")
    assert {each["sku"] for each in everything.json["items"]} == {laser.sku, paper.sku}
    assert call("GET", "/api/v1/listings/availability?region=999999").status_code == 404


def test_of_others_nothing_is_seen_and_nothing_is_changed(shop, call):  # noqa: F811
    with shop.session() as session, commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY)
    theirs = shop.caller(stranger.actor(Role.LISTER))
    sku = shop.world.laser.sku
    for path, entry in (("prices", {"price_fen": 1}), ("stocks", {"stock": 1}), ("shelves", {"on_shelf": False})):
        answer = theirs("PUT", f"/api/v1/listings/{path}", json={"items": [{"sku": sku, **entry}]})
        assert [each["code"] for each in answer.json["items"]] == ["missing"]
    assert theirs("GET", f"/api/v1/listings/availability?region={factories.CITY}&sku={sku}").json["items"] == []
    assert shop.caller(Role.BUYER)("PUT", "/api/v1/listings/prices", json={"items": [{"sku": sku, "price_fen": 1}]}).status_code == 403
    with shop.session() as session:
        row = session.get_one(Listing, shop.world.laser.id)
        assert (row.price_fen, row.stock, row.shelf, row.version) == (1_000_00, 100, Shelf.ON_SHELF, 1)
