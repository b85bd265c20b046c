"""A supplier sees where its own prices stand, and of the others no more than their prices."""

import csv
import io
import re

import pytest

from app.kernel.db import commit
from app.policy import Role
from catalog.listings.moves import follow_prices
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.positions import queries
from catalog.positions.queries import Stand
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from tests import factories


@pytest.fixture
def market(shop):
    """Six offers of the laser printer: ours at 1,000, others at 900, 1,000, 1,100, 1,200 and one suspended supplier's at 100."""
    with shop.session() as session, commit(session):
        product = session.get_one(Listing, shop.world.laser.id).product_id
        what = _product(session, product)
        for number, price in enumerate((900_00, 1_000_00, 1_100_00, 1_200_00)):
            factories.listing(session, factories.supplier(session), what, price_fen=price, sku=f"OTHER-{number}")
        out = factories.supplier(session)
        factories.listing(session, out, what, price_fen=100_00)
        session.get_one(Supplier, out.organisation_id).standing = Standing.SUSPENDED
        session.flush()
        follow_prices(session, {product})
    return shop


def _product(session, product_id):
    from catalog.products.tables import Product

    return session.get_one(Product, product_id)


@pytest.mark.both_databases
def test_the_own_offer_has_its_rank_among_those_that_can_be_bought(market):
    with market.session() as session:
        actor = market.world.actor(Role.LISTER)
        mine = queries.one(session, actor, market.world.laser.id)
        assert (mine.price_fen, mine.rank, mine.stats.n, mine.stats.min, mine.stats.median, mine.stats.max) == (
            1_000_00, 2, 5, 900_00, 1_000_00, 1_200_00
        )  # fmt: skip
        told = [(rival.price_fen, rival.rank, rival.is_own) for rival in queries.rivals(session, mine)]
        assert told == [(900_00, 1, False), (1_000_00, 2, True), (1_000_00, 2, False), (1_100_00, 4, False), (1_200_00, 5, False)]


@pytest.mark.both_databases
def test_tabs_keep_the_offers_that_stand_so_and_count_them(market):
    with market.session() as session:
        actor = market.world.actor(Role.LISTER)
        counts = queries.counts(session, actor)
        for stand in Stand:
            rows = queries.page(session, actor, stand).rows
            assert len(rows) == counts[stand] == len(list(queries.everything(session, actor, stand)))
        beaten = [each.listing_id for each in queries.page(session, actor, Stand.BEATEN).rows]
        assert beaten == [market.world.laser.id]
        assert market.world.laser.id not in [each.listing_id for each in queries.page(session, actor, Stand.LOWEST).rows]


def test_pages_and_the_file_name_nobody_else(market):
    lister = market.browser(Role.LISTER)
    pages = [lister.get(address).get_data(as_text=True) for address in ("/positions/", f"/positions/{market.world.laser.id}", "/positions/positions.csv")]
    with market.session() as session:
        mine = market.world.supplier.organisation_id
        others = [row for row in session.query(Supplier).all() if row.organisation_id != mine]
        names = [market_name(session, row.organisation_id) for row in others]
    assert names and all(name not in page and "OTHER-" not in page for name in names for page in pages)
    assert "2 / 5" in pages[0] and "其他供应商" in pages[1] and "本企业" in pages[1] and "n=5" in pages[1]
    rows = list(csv.reader(io.StringIO(pages[2].lstrip("\ufeff"))))
    laser = next(row for row in rows if row[3] == "1000.00")
    assert laser[3:11] == ["1000.00", "2", "5", "900.00", "1000.00", "1000.00", "1100.00", "1200.00"] and laser[11]


def market_name(session, organisation_id):
    from app.accounts.organisations.tables import Organisation

    return session.get_one(Organisation, organisation_id).name


def test_the_chart_draws_the_own_price_within_the_spread_with_its_size_and_age(market):
    page = market.browser(Role.LISTER).get(f"/positions/{market.world.laser.id}").get_data(as_text=True)
    assert re.search(r'class="qt big" role="img" aria-label="本价 1,000.00，中位 1,000.00，四分位 1,000.00 至 1,100.00', page)
    assert re.search(r"n=5 · [^<]* 更新，[^<]*前", page)


@pytest.mark.both_databases
def test_a_foreign_or_absent_offer_is_not_there(market):
    with market.session() as session, commit(session):
        other = session.query(Listing).filter(Listing.sku == "OTHER-0").one()
        foreign = other.id
        session.get_one(Listing, market.world.paper.id).shelf = Shelf.DRAFT
    lister = market.browser(Role.LISTER)
    for listing_id in (foreign, market.world.paper.id, 987654):
        assert lister.get(f"/positions/{listing_id}").status_code == 404


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.ORDER_CLERK, Role.SUPERVISOR])
def test_whoever_keeps_no_offers_has_no_such_page(market, role):
    browser = market.browser(role)
    for address in ("/positions/", f"/positions/{market.world.laser.id}", "/positions/positions.csv"):
        assert browser.get(address).status_code in {303, 403}
    if role:
        with market.session() as session:
            assert list(queries.everything(session, market.world.actor(Role.BUYER), Stand.ALL)) == []


def test_nonsense_in_the_address_is_no_error_of_ours(market):
    lister = market.browser(Role.LISTER)
    assert lister.get("/positions/?stand=nonsense").status_code == 200
    assert lister.get("/positions/?cursor=nonsense").status_code == 422


def test_the_product_page_tells_size_and_age_of_its_spread(market):
    page = market.browser().get(f"/products/{market.world.laser.product_id}").get_data(as_text=True)
    assert re.search(r"同款在架报价 n=5 · \d\d:\d\d 读取，各家报价更新于[^<]+前至[^<]+前", page)
