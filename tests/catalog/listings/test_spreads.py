"""How the prices of a product are spread stands beside its offers and follows them."""

import threading

import pytest
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit, make_engine
from app.kernel.outbox import Consumer, step
from app.policy import SYSTEM
from catalog.listings import handlers, prices, queries, service
from catalog.listings.rules import Quartiles
from catalog.listings.tables import Listing
from catalog.suppliers import service as suppliers
from catalog.suppliers.tables import Supplier
from tests import factories

pytestmark = pytest.mark.both_databases


def kept(session: Session, listing_id: int) -> Quartiles | None:
    session.rollback()
    return queries.cards(session, [listing_id])[listing_id][1]


def follow(session: Session, follower: Consumer) -> None:
    """Let the consumer take what waits for it."""
    assert step(lambda: Session(session.get_bind()), follower) == 1


@pytest.fixture
def offers(session: Session) -> list[Listing]:
    with commit(session):
        product = factories.product(session)
        return [factories.listing(session, factories.supplier(session), product, price_fen=price) for price in (100, 200, 300)]


def test_a_new_price_a_shelf_left_and_taken_again_are_followed_at_once(session, offers):
    first, second, third = (offer.id for offer in offers)
    assert kept(session, first) == Quartiles(n=3, min=100, q1=100, median=200, q3=300, max=300)
    with commit(session):
        service.reprice(session, SYSTEM, third, price_fen=900)
    assert kept(session, first) == Quartiles(n=3, min=100, q1=100, median=200, q3=900, max=900)
    with commit(session):
        service.take_off_shelf(session, SYSTEM, second)
    assert kept(session, first) == Quartiles(n=2, min=100, q1=100, median=500, q3=900, max=900)
    with commit(session):
        service.put_on_shelf(session, SYSTEM, second)
    assert kept(session, first) == Quartiles(n=3, min=100, q1=100, median=200, q3=900, max=900)
    for each in (first, second, third):
        with commit(session):
            service.take_off_shelf(session, SYSTEM, each)
    assert kept(session, first) is None


def test_offers_made_in_bulk_are_followed(session, offers):
    with commit(session):
        product, supplier = offers[0].product_id, factories.supplier(session)
        new = service.NewListing(product_id=product, sku="NEW-1", title="新报价", price_fen=50, stock=1, supplier_id=supplier.organisation_id)
        service.create_all(session, SYSTEM, [new])
    assert kept(session, offers[0].id) == prices.quartiles(session, product_id=product) == Quartiles(
        n=4, min=50, q1=50, median=150, q3=200, max=300
    )  # fmt: skip


def test_the_offers_of_a_suspended_supplier_leave_the_spread_and_come_back(session, offers):
    follower = next(each for each in handlers.consumers(Settings()) if each.name == "listings.spreads")
    with commit(session):
        supplier = session.get_one(Supplier, offers[0].supplier_id)
        suppliers.suspend(session, SYSTEM, supplier.organisation_id, reason="延期交货三次", until=None)
    follow(session, follower)
    assert kept(session, offers[1].id) == Quartiles(n=2, min=200, q1=200, median=250, q3=300, max=300)
    with commit(session):
        suppliers.lift(session, SYSTEM, supplier.organisation_id, reason="已整改")
    follow(session, follower)
    assert kept(session, offers[1].id) == Quartiles(n=3, min=100, q1=100, median=200, q3=300, max=300)


def test_two_suppliers_who_change_their_prices_at_once_leave_a_spread_of_both(session, database_url, offers):
    """Each would count the other's old price, if the second did not wait for the first before it counts."""
    first, second = offers[0].id, offers[1].id
    session.rollback()
    started, results = threading.Barrier(2), []

    def change(listing_id: int) -> None:
        engine = make_engine(database_url)
        started.wait()
        for price in range(1_000, 1_030):
            with Session(engine) as own, commit(own):
                service.reprice(own, SYSTEM, listing_id, price_fen=price * listing_id)
        results.append(listing_id)
        engine.dispose()

    threads = [threading.Thread(target=change, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted((first, second))
    assert kept(session, first) == prices.quartiles(session, product_id=offers[0].product_id)

