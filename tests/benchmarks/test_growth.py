import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.tables import Product
from catalog.search import queries
from tests import factories
from tests.benchmarks import growth


@pytest.mark.both_databases
def test_the_catalogue_grows_by_whole_products_with_their_offers_and_prices(database_url, session: Session):
    with commit(session):
        world = factories.world(session)
    growth.multiply(database_url, 3)
    assert [factories.how_many(session, table) for table in (Product, Listing, ListingVersion)] == [6, 6, 6]
    lasers = list(session.scalars(select(Listing).where(Listing.price_fen == 1_000_00).order_by(Listing.id)))
    assert [listing.title.removeprefix(world.laser.title) for listing in lasers] == ["", " K1", " K2"]
    assert len({listing.product_id for listing in lasers}) == 3
    assert len(list(queries.documents(session))) == 6
    session.rollback()
    with commit(session):
        factories.listing(session, world.supplier, factories.product(session))
    assert factories.how_many(session, Listing) == 7
