"""Where a price stands: the same figures in Python and in SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.db import commit
from catalog.listings import prices as spreads
from catalog.listings.rules import Quartiles, quartiles_of
from catalog.listings.states import Shelf
from catalog.suppliers.states import Standing
from tests import factories


@pytest.mark.both_databases
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 11])
def test_the_database_and_the_rule_count_alike(session, n):
    prices = [(7 * i * i + 31) % 97 + 1 for i in range(n)]
    with commit(session):
        product = factories.product(session)
        for price in prices:
            factories.listing(session, factories.supplier(session), product, price_fen=price)
        factories.listing(session, factories.supplier(session), product, price_fen=9_999, shelf=Shelf.OFF_SHELF)
        factories.listing(session, factories.supplier(session, standing=Standing.SUSPENDED), product, price_fen=8_888)
    assert spreads.quartiles(session, product_id=product.id) == quartiles_of(prices)
    assert spreads.quartiles(session, category=product.category_code) == quartiles_of(prices)
    assert spreads.quartiles_by_product(session, [product.id, 10**9]) == {product.id: quartiles_of(prices)}


def test_nothing_on_offer_has_no_quartiles(session):
    assert spreads.quartiles(session, product_id=1) is None
    assert spreads.quartiles(session, category=factories.LASER) is None
    assert spreads.quartiles_by_product(session, []) == {}


def test_four_prices_by_nearest_rank():
    assert quartiles_of([40, 10, 30, 20]) == Quartiles(n=4, min=10, q1=10, median=25, q3=30, max=40)


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=40))
def test_quartiles_stand_in_order(prices):
    found = quartiles_of(prices)
    assert found is not None
    assert found.min <= found.q1 <= found.median <= found.q3 <= found.max


@pytest.mark.both_databases
def test_the_others_are_all_offers_but_the_suppliers_own(session):
    with commit(session):
        product, own = factories.product(session), factories.supplier(session)
        factories.listing(session, own, product, price_fen=9_999)
        for price in (300, 100, 200):
            factories.listing(session, factories.supplier(session), product, price_fen=price)
    assert spreads.quartiles_of_others(session, [product.id], own.organisation_id) == {product.id: quartiles_of([100, 200, 300])}
    assert spreads.quartiles_of_others(session, [], own.organisation_id) == {}
