"""Goods of a shop pass the same gate as everybody's: what it holds waits in review, what it blocks says why, and no price slips by."""

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.connections.states import Job
from catalog.listings import decisions
from catalog.listings.states import ReviewState, Shelf
from catalog.listings.tables import ListingReview
from catalog.references import service as references
from catalog.references.rules import Found
from tests import factories
from tests.catalog.connections.desk import Desk
from tests.supplier_shop import Item, opened

pytestmark = pytest.mark.both_databases


@pytest.fixture
def keeper(session):
    with commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        return factories.actor(session, factories.person(session, agency, Role.CATALOGUE_ADMIN))


@pytest.fixture
def desk(session):
    with commit(session):
        world = factories.world(session)
    with opened() as shop:
        shop.add(Item("P-1", "1299.00"))
        made = Desk(session, world, shop)
        made.connect()
        yield made


def refer(desk, keeper, price_fen):
    """A large e-shop's price of the good, above which rule R01 holds."""
    desk.certify()
    with commit(desk.session):
        product = desk.session.scalar(select(factories.Product.id).where(factories.Product.model == "P3370DN"))
        references.keep(desk.session, keeper, [Found(product_id=product, source="某电商自营", day=clock.today(), price_fen=price_fen)])


def reviews(desk):
    desk.session.rollback()
    return [(each.state, each.price_fen) for each in desk.session.scalars(select(ListingReview).order_by(ListingReview.id))]


def test_a_printer_without_certificate_is_a_draft_with_the_reason_until_the_certificate_is_there(desk):
    for _ in range(2):
        desk.follow(Job.POOL)
        desk.follow(Job.STOCK)
        desk.follow(Job.PRICE)
        assert (desk.listing("P-1").shelf, desk.good("P-1").trouble, reviews(desk)) == (Shelf.DRAFT, "listing.gate", [])
    desk.certify()
    desk.follow(Job.POOL)
    assert (desk.listing("P-1").shelf, desk.good("P-1").trouble) == (Shelf.ON_SHELF, None)


def test_a_good_above_the_reference_price_waits_in_review_and_is_asked_for_once(desk, keeper):
    refer(desk, keeper, 1_200_00)
    for _ in range(2):
        desk.follow(Job.POOL)
        desk.follow(Job.PRICE)
        assert (desk.listing("P-1").shelf, desk.good("P-1").trouble) == (Shelf.REVIEW, "listing.in_review")
    assert reviews(desk) == [(ReviewState.WAITING, 1_299_00)]
    with commit(desk.session):
        decisions.send_back(desk.session, keeper, desk.session.scalar(select(ListingReview.id)), reason="价格偏高")
    for _ in range(2):
        desk.follow(Job.POOL)
        desk.follow(Job.STOCK)
        assert (desk.listing("P-1").shelf, desk.good("P-1").trouble) == (Shelf.DRAFT, "connection.sent_back")
    assert reviews(desk) == [(ReviewState.RETURNED, 1_299_00)]


def test_a_good_in_review_that_leaves_the_shop_is_taken_back(desk, keeper):
    refer(desk, keeper, 1_200_00)
    desk.follow(Job.POOL)
    desk.shop.items["P-1"].on_shelf = False
    desk.follow(Job.POOL)
    assert (desk.listing("P-1").shelf, desk.good("P-1").trouble, reviews(desk)) == (Shelf.DRAFT, None, [(ReviewState.WITHDRAWN, 1_299_00)])


def test_a_price_that_is_held_leaves_the_old_one_says_so_and_is_asked_for_once(desk, keeper):
    refer(desk, keeper, 1_300_00)
    desk.follow(Job.POOL)
    desk.shop.items["P-1"].price = "1350.00"
    for job in (Job.PRICE, Job.PRICE, Job.STOCK, Job.POOL):
        desk.follow(job)
        assert (desk.listing("P-1").price_fen, desk.listing("P-1").version, desk.good("P-1").trouble) == (1_299_00, 1, "listing.in_review")
    assert reviews(desk) == [(ReviewState.WAITING, 1_350_00)]
    kinds = desk.session.scalars(select(Event.type).where(Event.stream == f"listing/{desk.listing('P-1').id}").order_by(Event.version))
    assert list(kinds) == ["listing.created", "listing.proposed"]
    with commit(desk.session):
        decisions.send_back(desk.session, keeper, desk.session.scalar(select(ListingReview.id)), reason="高于参考价")
    desk.follow(Job.PRICE)
    assert (desk.listing("P-1").price_fen, desk.good("P-1").trouble, len(reviews(desk))) == (1_299_00, "connection.sent_back", 1)
    desk.shop.items["P-1"].price = "1290.00"
    assert desk.follow(Job.PRICE) == 1
    assert (desk.listing("P-1").price_fen, desk.good("P-1").trouble) == (1_290_00, None)


def test_a_price_that_the_shop_takes_back_waits_no_longer(desk, keeper):
    refer(desk, keeper, 1_300_00)
    desk.follow(Job.POOL)
    for price in ("1350.00", "1299.00"):
        desk.shop.items["P-1"].price = price
        desk.follow(Job.PRICE)
    assert (desk.listing("P-1").price_fen, desk.good("P-1").trouble, reviews(desk)) == (1_299_00, None, [(ReviewState.WITHDRAWN, 1_350_00)])
