"""Listings follow the supplier's own shop: pool, price, stock by region; through the mall's own rules, and through a shop in trouble."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.kernel.outgoing import AddressClosed, BadAddress, Door
from app.policy import Role
from catalog.connections import queries, rules, service
from catalog.connections.gateway import Shop as Gateway
from catalog.connections.rules import Access, ShopAway
from catalog.connections.states import ConnectionState, Job
from catalog.connections.tables import ConnectedGood, Connection
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from tests import factories
from tests.catalog.connections.desk import DOOR, SEAL, Desk
from tests.supplier_shop import Item, opened


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session)


@pytest.fixture
def desk(session, world):
    with opened() as shop:
        shop.add(Item("P-1", "1299.00"), Item("P-2", "899.50", name="奔图 P2206W 打印机", model="P2206W"), Item("D-1", "4199", name="联想 M455 台式机", brand="联想", model="M455", category="A02010105"))
        made = Desk(session, world, shop)
        made.connect()
        made.certify()
        yield made


def events_of(desk, listing_id):
    desk.session.rollback()
    return [event.type for event in desk.session.scalars(select(Event).where(Event.stream == f"listing/{listing_id}").order_by(Event.version))]


@pytest.mark.both_databases
def test_the_pool_becomes_listings_with_the_same_events_as_by_hand(desk):
    assert desk.follow(Job.POOL) == 3
    made = desk.listing("P-1")
    assert (made.price_fen, made.stock, made.shelf, made.delivery_days, made.warranty_months) == (1_299_00, 50, Shelf.ON_SHELF, 2, 24)
    assert made.regions == factories.CITY
    assert events_of(desk, made.id) == ["listing.created"]
    created = desk.session.scalars(select(Event).where(Event.stream == f"listing/{made.id}")).one()
    assert created.actor_id == desk.world.actor(Role.SUPPLIER_ADMIN).person_id
    assert json.loads(desk.good("P-1").images) == ["https://img.example/P-1/1.jpg", "https://img.example/P-1/2.jpg"]
    assert desk.shop.calls == {"/token": 1, "/categories": 1, "/pool": 2, "/detail": 1, "/images": 1, "/shelf": 1, "/price": 1, "/stock": 1}
    assert desk.follow(Job.POOL) == 0
    assert events_of(desk, made.id) == ["listing.created"]
    assert desk.shop.calls["/token"] == 1


@pytest.mark.both_databases
def test_prices_follow_and_leave_their_history(desk):
    desk.follow(Job.POOL)
    desk.shop.items["P-1"].price = "1199.00"
    assert desk.follow(Job.PRICE) == 1
    made = desk.listing("P-1")
    assert (made.price_fen, made.version) == (1_199_00, 2)
    assert events_of(desk, made.id) == ["listing.created", "listing.repriced"]
    assert desk.follow(Job.PRICE) == 0


@pytest.mark.both_databases
def test_stock_is_asked_by_city_and_county_and_only_regions_with_stock_are_served(desk):
    desk.connect(factories.CITY, "410311")
    desk.shop.items["P-1"].stock = {"410100": 30, "410300": 0, "410311": 12}
    desk.shop.items["P-2"].stock = {"": 7}
    desk.follow(Job.POOL)
    first, second = desk.listing("P-1"), desk.listing("P-2")
    assert (first.stock, first.regions) == (12, "410100,410311")
    assert second.stock == 7 and second.regions == "410100,410311"
    desk.shop.items["P-1"].stock = {"": 0}
    desk.follow(Job.STOCK)
    assert desk.listing("P-1").stock == 0
    desk.shop.items["P-1"].stock = {"410100": 0, "410311": 9}
    desk.follow(Job.STOCK)
    assert (desk.listing("P-1").stock, desk.listing("P-1").regions) == (9, "410311")


def test_what_leaves_the_pool_or_the_shops_shelf_leaves_ours_and_comes_back(desk):
    desk.follow(Job.POOL)
    desk.shop.items["P-1"].on_shelf = False
    gone = desk.shop.items.pop("P-2")
    desk.follow(Job.POOL)
    assert (desk.listing("P-1").shelf, desk.listing("P-2").shelf) == (Shelf.OFF_SHELF, Shelf.OFF_SHELF)
    desk.shop.items["P-1"].on_shelf = True
    desk.shop.add(gone)
    desk.follow(Job.POOL)
    assert (desk.listing("P-1").shelf, desk.listing("P-2").shelf) == (Shelf.ON_SHELF, Shelf.ON_SHELF)


@pytest.mark.both_databases
def test_the_malls_own_rules_hold_and_the_refusal_stands_beside_the_good(desk):
    desk.shop.add(Item("Z-1", "10", category="A02021000", model="Z1"), Item("Z-2", "10", category="A99999999", model="Z2"), Item("P-9", "1290", model="P3370DN"))
    desk.follow(Job.POOL)
    troubles = {row.sku: row.trouble for row in desk.session.scalars(select(ConnectedGood))}
    assert (troubles["Z-1"], troubles["Z-2"], troubles["P-1"], troubles["P-9"]) == ("product.not_leaf", "taxonomy.unknown_category", None, "listing.duplicate")
    assert {row.sku for row in desk.session.scalars(select(Listing))} >= {"P-1", "P-2", "D-1"}
    assert queries.counts(desk.session, desk.world.actor(Role.SUPPLIER_ADMIN)) == {"all": 6, "listed": 3, "troubled": 3}


def test_a_price_of_nothing_changes_nothing(desk):
    desk.follow(Job.POOL)
    desk.shop.items["P-1"].price = "0.00"
    assert desk.follow(Job.PRICE) == 0
    assert (desk.listing("P-1").price_fen, desk.good("P-1").trouble) == (1_299_00, "listing.bad_price")


def test_goods_and_answers_of_the_wrong_shape_do_no_harm(desk):
    desk.shop.add(Item("bad sku with spaces", "1"), Item("E-1", "1", brand=""), Item("E-2", "1", name="x" * 500, model="E2"))
    assert desk.follow(Job.POOL) == 3
    desk.shop.items["P-1"].price = "about a thousand"
    assert desk.follow(Job.PRICE) == 0
    assert desk.connection().trouble == "unreadable_answer" and desk.listing("P-1").price_fen == 1_299_00


# ---------------------------------------------------------------- tokens, signatures, trouble


@pytest.mark.both_databases
def test_a_token_serves_all_calls_is_shared_and_is_renewed_before_it_ends(desk, session):
    desk.follow(Job.POOL)
    desk.follow(Job.PRICE)
    assert desk.shop.calls["/token"] == 1
    kept = desk.connection()
    assert kept.token is not None and "token-1" not in kept.token and SEAL.open(kept.token) == "token-1"
    assert timedelta(hours=23) < kept.token_until - clock.now() <= timedelta(hours=24)
    clock.advance(timedelta(hours=23, minutes=55))
    desk.follow(Job.PRICE)
    assert desk.shop.calls["/token"] == 2


def test_a_token_that_the_shop_forgot_is_renewed_at_once(desk):
    desk.follow(Job.POOL)
    desk.shop.tokens.clear()
    desk.shop.items["P-1"].price = "1199.00"
    assert desk.follow(Job.PRICE) == 1
    assert desk.shop.calls["/token"] == 2


def test_a_wrong_secret_is_told_and_nothing_is_changed(desk):
    desk.connect(secret="another")
    assert desk.follow(Job.POOL) == 0
    assert desk.connection().trouble == "connection.not_admitted"
    assert desk.session.scalars(select(ConnectedGood)).all() == []


@pytest.mark.parametrize("fault", ["500", "nonsense", "redirect", "cut_before", "cut_after", "slow"])
def test_a_passing_trouble_is_overcome_by_asking_again(desk, fault):
    desk.shop.faults = {"/price": [fault], "/token": [fault]}
    assert desk.follow(Job.POOL) == 3
    assert (desk.connection().failures, desk.connection().trouble) == (0, None)


@pytest.mark.parametrize(("fault", "reason"), [("500", "http_500"), ("nonsense", "unreadable_answer"), ("redirect", "http_302"), ("cut_before", "connection_lost")])
def test_a_lasting_trouble_ends_and_after_five_jobs_the_shop_is_left_alone_for_a_minute(desk, fault, reason):
    for done in range(1, 6):
        desk.shop.faults = {"/categories": [fault] * 3}
        assert desk.follow(Job.POOL) == 0
        assert (desk.connection().failures, desk.connection().trouble) == (done, reason)
    calls = sum(desk.shop.calls.values())
    assert desk.follow(Job.POOL) == 0
    assert sum(desk.shop.calls.values()) == calls
    clock.advance(timedelta(seconds=61))
    assert desk.follow(Job.POOL) == 3
    assert desk.connection().failures == 0


def test_a_shop_that_hangs_ends_with_the_time_of_the_call():
    with opened() as shop:
        shop.faults = {"/token": ["hang"] * 9}
        access = Access(shop.url, shop.client_id, shop.secret, timeout_s=1)
        with pytest.raises(ShopAway) as away:
            Gateway(Door(loopback=True), access, lambda *_: None, wait_s=0.001).categories()
    assert (away.value.reason, away.value.is_sent, shop.calls["/token"] <= 3) == ("timeout", True, True)


@pytest.mark.both_databases
def test_only_one_worker_does_a_job_that_is_due(desk):
    supplier_id = desk.world.supplier.organisation_id
    taken = []
    for _ in range(2):
        desk.session.rollback()
        with commit(desk.session):
            taken.append(service.take(desk.session, supplier_id, Job.POOL))
    assert taken == [True, False]


# ---------------------------------------------------------------- connecting


@pytest.mark.parametrize(("url", "refusal"), [("http://shop.example/api", BadAddress), ("https://10.0.0.9/api", AddressClosed), ("https://169.254.169.254/", AddressClosed)])
def test_an_address_that_may_not_be_called_is_refused_and_nothing_is_kept(session, world, url, refusal):
    with pytest.raises(refusal), commit(session):
        service.connect(session, world.actor(Role.SUPPLIER_ADMIN), DOOR, SEAL, base_url=url, client_id="a", secret="b", regions=())
    assert session.scalars(select(Connection)).all() == []


def test_another_address_needs_its_secret_so_that_no_secret_is_sent_to_a_stranger(desk):
    with pytest.raises(rules.SecretMissing), commit(desk.session):
        service.connect(desk.session, desk.world.actor(Role.SUPPLIER_ADMIN), DOOR, SEAL, base_url="https://other.example/", client_id="a", secret="", regions=())
    assert desk.connection().base_url == desk.shop.url
    with commit(desk.session):
        service.connect(desk.session, desk.world.actor(Role.SUPPLIER_ADMIN), DOOR, SEAL, base_url=desk.shop.url, client_id="mall", secret="", regions=())
    assert SEAL.open(desk.connection().secret) == desk.shop.secret


def test_switched_off_nothing_is_called_and_the_listings_stay(desk):
    desk.follow(Job.POOL)
    with commit(desk.session):
        service.switch(desk.session, desk.world.actor(Role.SUPPLIER_ADMIN), on=False)
    calls = sum(desk.shop.calls.values())
    assert desk.follow(Job.PRICE) == 0
    assert sum(desk.shop.calls.values()) == calls and desk.listing("P-1").shelf is Shelf.ON_SHELF
    assert desk.connection().state is ConnectionState.OFF


def test_only_the_suppliers_administrator_connects_and_the_secret_is_nowhere_in_the_open(desk):
    for role in (Role.LISTER, Role.ORDER_CLERK, Role.UNIT_ADMIN):
        with pytest.raises(Forbidden), commit(desk.session):
            service.connect(desk.session, desk.world.actor(role), DOOR, SEAL, base_url=desk.shop.url, client_id="a", secret="b", regions=())
    assert desk.shop.secret not in desk.connection().secret
    facts = desk.session.scalars(select(Event).where(Event.type.startswith("supplier.connection"))).all()
    assert len(facts) == 1 and desk.shop.secret not in facts[0].body
