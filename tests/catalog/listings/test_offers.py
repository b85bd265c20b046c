"""A supplier makes an offer, changes its price, stock and shelf; every version and event stays."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, Role
from catalog.listings import prices, queries, service
from catalog.listings.rules import (
    BadPrice,
    BadStock,
    ChangedMeanwhile,
    DuplicateListing,
    ListingFrozen,
    SkuTaken,
    StockSold,
    UnknownArea,
    areas,
)
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion
from catalog.suppliers.states import Standing
from tests import factories

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


@pytest.fixture
def lister(world):
    return world.actor(Role.LISTER)


def new(session, **more):
    product = factories.product(session)
    facts = {"product_id": product.id, "sku": factories.serial("K"), "title": product.title, "price_fen": 1_299_00, "stock": 48}
    return service.NewListing(**(facts | more))


def versions(session, listing):
    query = select(ListingVersion).where(ListingVersion.listing_id == listing.id).order_by(ListingVersion.version)
    return [(row.version, row.price_fen, row.shelf) for row in session.scalars(query)]


def events(session, listing):
    return [(e.type, json.loads(e.body)) for e in session.scalars(select(Event).where(Event.stream == f"listing/{listing.id}").order_by(Event.version))]


def test_a_new_offer_is_on_the_shelf_with_its_first_version(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session))
    assert (listing.supplier_id, listing.shelf, listing.price_fen, listing.stock) == (lister.organisation_id, Shelf.ON_SHELF, 1_299_00, 48)
    assert versions(session, listing) == [(1, 1_299_00, Shelf.ON_SHELF)]
    ((kind, body),) = events(session, listing)
    assert (kind, body["price_fen"], body["shelf"], body["listing_version"]) == ("listing.created", 1_299_00, "on_shelf", 1)


def test_price_and_shelf_leave_versions_and_stock_leaves_an_event(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session, shelf=Shelf.DRAFT))
    with commit(session):
        service.put_on_shelf(session, lister, listing.id, version=1)
        service.reprice(session, lister, listing.id, price_fen=1_199_00, version=2)
        service.restock(session, lister, listing.id, stock=60, seen=48)
        service.take_off_shelf(session, lister, listing.id)
        service.edit(session, lister, listing.id, title="新名称", delivery_days=2, regions=["410100"], warranty_months=36, version=4)
    assert versions(session, listing) == [
        (1, 1_299_00, Shelf.DRAFT), (2, 1_299_00, Shelf.ON_SHELF), (3, 1_199_00, Shelf.ON_SHELF), (4, 1_199_00, Shelf.OFF_SHELF),
        (5, 1_199_00, Shelf.OFF_SHELF),
    ]  # fmt: skip
    kinds = ["listing.created", "listing.shelved", "listing.repriced", "listing.restocked", "listing.unshelved", "listing.edited"]
    assert [kind for kind, _ in events(session, listing)] == kinds
    assert dict(events(session, listing))["listing.repriced"]["previous_fen"] == 1_299_00
    assert (listing.title, listing.regions, listing.stock) == ("新名称", "410100", 60)


def test_doing_the_same_again_leaves_no_trace(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session))
        service.reprice(session, lister, listing.id, price_fen=1_299_00)
        service.put_on_shelf(session, lister, listing.id)
        service.restock(session, lister, listing.id, stock=48)
    assert len(versions(session, listing)) == len(events(session, listing)) == 1


def test_a_change_of_something_read_long_ago_is_refused(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session))
        service.reprice(session, lister, listing.id, price_fen=1_100_00)
    with pytest.raises(ChangedMeanwhile), commit(session):
        service.reprice(session, lister, listing.id, price_fen=1_000_00, version=1)
    assert listing.price_fen == 1_100_00


def test_pieces_sold_while_the_stock_is_typed_stay_sold(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session, stock=10))
        service.take_stock(session, {listing.id: 4})
    with commit(session):
        service.restock(session, lister, listing.id, stock=20, seen=10)
    assert listing.stock == 16
    with pytest.raises(StockSold) as refused, commit(session):
        service.restock(session, lister, listing.id, stock=0, seen=20)
    assert refused.value.stock == 16


def test_nobody_touches_the_offers_of_another_supplier(session, world, lister):
    with commit(session):
        stranger = factories.supplier(session)
        foreign = factories.listing(session, stranger, factories.product(session))
    for attempt in (
        lambda: service.reprice(session, lister, foreign.id, price_fen=1),
        lambda: service.restock(session, lister, foreign.id, stock=0),
        lambda: service.take_off_shelf(session, lister, foreign.id),
        lambda: service.reprice(session, lister, 10**9, price_fen=1),
    ):
        with pytest.raises(Missing), commit(session):
            attempt()
    with pytest.raises(Forbidden), commit(session):
        service.create(session, world.actor(Role.BUYER), new(session))
    assert (foreign.price_fen, foreign.stock, foreign.shelf) == (1_000_00, 100, Shelf.ON_SHELF)


def test_one_supplier_offers_one_product_once(session, world, lister):
    again = service.NewListing(product_id=world.laser.product_id, sku="K-2", title="同款", price_fen=1_00, stock=1)
    with pytest.raises(DuplicateListing) as refused, commit(session):
        service.create(session, lister, again)
    assert refused.value.sku == world.laser.sku
    with pytest.raises(SkuTaken), commit(session):
        service.create(session, lister, new(session, sku=world.laser.sku))
    with commit(session):
        draft = service.create(session, lister, service.NewListing(**{**vars(again), "shelf": Shelf.DRAFT}))
    with pytest.raises(DuplicateListing), commit(session):
        service.put_on_shelf(session, lister, draft.id)
    assert draft.shelf is Shelf.DRAFT


def test_impossible_figures_are_refused(session, lister):
    for kind, more in ((BadPrice, {"price_fen": 0}), (BadPrice, {"price_fen": 10**10}), (BadStock, {"stock": -1}), (UnknownArea, {"regions": ["110000"]})):
        with pytest.raises(kind), commit(session):
            service.create(session, lister, new(session, **more))
    assert factories.how_many(session, Listing) == 2


def test_a_frozen_offer_takes_stock_but_no_price(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session, shelf=Shelf.FROZEN))
        service.restock(session, lister, listing.id, stock=5)
    for attempt in (lambda: service.reprice(session, lister, listing.id, price_fen=1), lambda: service.put_on_shelf(session, lister, listing.id)):
        with pytest.raises(ListingFrozen), commit(session):
            attempt()


def test_regions_are_kept_as_the_widest_ones():
    assert areas([]) == "410000"
    assert areas(["410122", "410100", "410300"]) == "410100,410300"
    assert areas(["410000", "410100"]) == "410000"


def test_many_offers_are_made_with_three_statements_a_thousand(session, world):
    with commit(session):
        made = service.create_all(session, SYSTEM, [new(session, supplier_id=world.supplier.organisation_id, price_fen=100 + i) for i in range(5)])
    rows = queries.shown(session, made)
    assert [rows[i].price_fen for i in made] == [100, 101, 102, 103, 104]
    assert all(kind == "listing.created" for i in made for kind, _ in events(session, rows[i].__class__ and session.get(Listing, i)))


def test_history_begins_with_the_price_that_held_ninety_days_ago(session, lister):
    with commit(session):
        listing = service.create(session, lister, new(session, created_at=clock.now() - timedelta(days=200)))
        for days, price in ((150, 900_00), (40, 800_00)):
            listing.version += 1
            session.add(
                ListingVersion(
                    listing_id=listing.id, version=listing.version, title=listing.title, price_fen=price, shelf=Shelf.ON_SHELF,
                    delivery_days=5, actor_id=None, at=clock.now() - timedelta(days=days),
                )
            )
    assert [row.price_fen for row in prices.versions_of(session, listing.id)] == [900_00, 800_00]


def test_sales_are_counted(session, world):
    with commit(session):
        service.settle(session, sold={world.laser.id: 3, world.paper.id: 7})
        service.settle(session, sold={world.laser.id: 1})
    session.expire_all()
    assert (world.laser.sold, world.paper.sold) == (4, 7)


def test_a_supplier_sees_its_own_drafts_and_the_others_only_what_is_live(session, world, lister):
    with commit(session):
        draft = service.create(session, lister, new(session, shelf=Shelf.DRAFT))
    assert queries.by_id(session, lister, draft.id).shelf is Shelf.DRAFT
    for reader in (None, world.actor(Role.BUYER)):
        with pytest.raises(Missing):
            queries.by_id(session, reader, draft.id)
    with commit(session):
        world.supplier.standing = Standing.SUSPENDED
    with pytest.raises(Missing):
        queries.by_id(session, None, world.laser.id)
    assert queries.by_id(session, lister, world.laser.id).is_live is False


def test_a_suppliers_list_is_searched_and_paged(session, world, lister):
    with commit(session):
        for number in range(5):
            service.create(session, lister, new(session, title=f"彩色激光打印机 {number}", stock=number))
    assert queries.own_counts(session, lister) == {"all": 7, "on_shelf": 7, "low": 1}
    first = queries.own_page(session, lister, q="彩色", limit=3)
    second = queries.own_page(session, lister, q="彩色", limit=3, cursor=first.next)
    assert [row.title[-1] for row in (*first.rows, *second.rows)] == ["4", "3", "2", "1", "0"]
    assert [row.title[-1] for row in queries.own_page(session, lister, low=True).rows] == ["0"]
    assert queries.own_page(session, lister, shelf=Shelf.OFF_SHELF).rows == []
    assert len(queries.own_page(session, lister, q=factories.PAPER[:4].lower()).rows) == 1
