"""The price index of a category: chained from concluded prices of the same products, in whole numbers, for everybody."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, update

from app.kernel.db import commit
from app.policy import Role
from catalog.taxonomy import service as taxonomy
from orders.purchases import queries as purchases
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine
from supervision.prices import rules, service
from supervision.prices.rules import Link, Traded
from supervision.prices.tables import IndexPoint, TradedMonth
from tests.orders import steps
from tests.orders.conftest import shop

__all__ = ["shop"]
JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))


def traded(month, **prices):
    return [Traded(product_id=ord(name[0]), month=month, median_fen=fen) for name, fen in prices.items()]


def test_the_first_month_with_enough_products_is_a_hundred_and_too_few_begin_nothing():
    assert rules.link(traded(JAN, a=100, b=200, c=300), [], {}, least=3) == Link(index_bp=10_000, matched=0)
    assert rules.link(traded(JAN, a=100, b=200), [], {}, least=3) is None


def test_the_median_of_the_price_relatives_moves_the_index_and_one_odd_price_does_not():
    before = traded(JAN, a=100_00, b=200_00, c=300_00)
    now = traded(FEB, a=110_00, b=210_00, c=3_000_00)  # +10 %, +5 %, ten times
    assert rules.link(now, before, {JAN: 10_000}, least=3) == Link(index_bp=11_000, matched=3)


def test_a_dearer_model_that_was_not_bought_before_is_no_inflation():
    before, now = traded(JAN, a=100, b=200, c=300), traded(FEB, a=100, b=200, c=300, z=9_999)
    assert rules.link(now, before, {JAN: 10_000}, least=3) == Link(index_bp=10_000, matched=3)


def test_links_chain_and_an_even_number_takes_the_middle_of_two_rounded_half_up():
    before = [*traded(JAN, a=100, b=100), *traded(FEB, a=110, b=120)]
    now = traded(MAR, a=110, b=121)
    # a tells 11500 × 110 / 110 = 11500, b tells 11500 × 121 / 120 = 11595.83
    assert rules.link(now, before, {JAN: 10_000, FEB: 11_500}, least=2) == Link(index_bp=11_548, matched=2)


def test_a_product_that_paused_is_compared_with_when_it_was_last_bought():
    before = [*traded(JAN, a=100), *traded(FEB, b=100)]
    now = traded(MAR, a=150, b=110)
    # a: index of January 10000 × 1.5; b: index of February 12000 × 1.1
    assert rules.link(now, before, {JAN: 10_000, FEB: 12_000}, least=2) == Link(index_bp=14_100, matched=2)


def test_too_few_matched_products_leave_the_index_where_it_was():
    assert rules.link(traded(MAR, a=900, z=5), traded(FEB, a=100), {JAN: 10_000, FEB: 10_300}, least=2) == Link(index_bp=10_300, matched=1)


def test_months_are_counted_over_the_turn_of_the_year():
    assert rules.months_back(date(2026, 2, 1), 3) == date(2025, 11, 1) and rules.following(date(2025, 12, 1)) == date(2026, 1, 1)


def bought(shop, at, *prices, listing=None, state=State.CONFIRMED):
    """Orders of one laser printer each at these prices, submitted at that moment."""
    for price in prices:
        with shop.session() as session:
            world = shop.world
            order = steps.confirmed(session, world, {listing or world.laser: 1})
            with commit(session):
                session.execute(update(Order).where(Order.id == order.id).values(submitted_at=at, state=state))
                session.execute(update(OrderLine).where(OrderLine.order_id == order.id).values(price_fen=price, amount_fen=price * OrderLine.quantity))


def work_out(shop, on, **parameters):
    with shop.session() as session, commit(session):
        for name, value in parameters.items():
            taxonomy.set_parameter(session, rule="PI", name=name, value=value, valid_from=date(2026, 1, 1), doc_no="测试")
    with shop.session() as session, commit(session):
        written = service.bring_up_to_date(session, on)
    with shop.session() as session:
        points = session.scalars(select(IndexPoint).order_by(IndexPoint.category_code, IndexPoint.month)).all()
        return written, [(row.month, row.index_bp, row.matched, row.products, row.lines) for row in points]


def on(month, day, hour=4):
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.both_databases
def test_concluded_orders_alone_make_the_index_and_a_closed_month_is_not_read_again(shop):
    bought(shop, on(1, 10), 1_000_00, 1_010_00, 2_000_00)
    bought(shop, on(2, 10), 1_111_00)
    bought(shop, on(2, 11), 9_000_00, state=State.CANCELLED)
    written, points = work_out(shop, date(2026, 2, 28), least_products=1)
    assert (written, points) == (2, [(JAN, 10_000, 0, 1, 3), (FEB, 11_000, 1, 1, 1)])
    bought(shop, on(1, 20), 9_000_00)  # nothing that is dated back into a closed month
    bought(shop, on(3, 5), 1_222_10)
    assert work_out(shop, date(2026, 3, 20))[1] == [(JAN, 10_000, 0, 1, 3), (FEB, 11_000, 1, 1, 1), (MAR, 12_100, 1, 1, 1)]
    assert work_out(shop, date(2026, 3, 20))[1][-1] == (MAR, 12_100, 1, 1, 1)


@pytest.mark.both_databases
def test_a_month_is_worked_out_again_while_its_contracts_may_still_end(shop):
    bought(shop, on(1, 10), 1_000_00)
    bought(shop, on(2, 20), 1_100_00, 1_300_00)
    assert work_out(shop, date(2026, 2, 28), least_products=1)[1][-1] == (FEB, 12_000, 1, 1, 2)
    with shop.session() as session, commit(session):
        session.execute(update(Order).where(Order.submitted_at == on(2, 20), Order.id == select(Order.id).order_by(Order.id.desc()).limit(1).scalar_subquery()).values(state=State.CANCELLED))
    assert work_out(shop, date(2026, 3, 8))[1][-1] == (FEB, 11_000, 1, 1, 1)


@pytest.mark.both_databases
def test_a_month_begins_at_the_local_midnight_and_the_median_is_the_databases(shop):
    bought(shop, datetime(2026, 1, 31, 15, 59, tzinfo=UTC), 1_000_00)
    bought(shop, datetime(2026, 1, 31, 16, 0, tzinfo=UTC), 1_101_00, 1_100_00)
    work_out(shop, date(2026, 2, 28), least_products=1)
    with shop.session() as session:
        months = [(row.month, row.median_fen, row.lines) for row in session.scalars(select(TradedMonth).order_by(TradedMonth.month))]
        assert months == [(JAN, 1_000_00, 1), (FEB, 1_100_50, 2)]
        assert purchases.first_concluded(session) == datetime(2026, 1, 31, 15, 59, tzinfo=UTC)


def test_an_outage_of_the_worker_is_caught_up(shop):
    bought(shop, on(1, 10), 1_000_00)
    bought(shop, on(2, 10), 1_100_00)
    bought(shop, on(3, 10), 1_210_00)
    assert work_out(shop, date(2026, 1, 31), least_products=1)[1] == [(JAN, 10_000, 0, 1, 1)]
    assert [point[1] for point in work_out(shop, date(2026, 4, 28))[1]] == [10_000, 11_000, 12_100]


def test_nothing_bought_and_no_parameters_make_no_index(shop):
    assert work_out(shop, date(2026, 2, 28)) == (0, [])


def test_everybody_reads_the_chart_the_table_and_the_file(shop):
    bought(shop, on(1, 10), 1_000_00)
    bought(shop, on(2, 10), 1_050_00)
    work_out(shop, date(2026, 2, 28), least_products=1)
    client = shop.app.test_client()
    with shop.session() as session:
        code = session.scalar(select(IndexPoint.category_code).limit(1))
    page = client.get(f"/portal/prices/{code}").get_data(as_text=True)
    assert client.get("/portal/prices").status_code == 200
    assert 'class="chart"' in page and "105.00" in page and "2026-02" in page and "n=1" in page
    rows = list(csv.reader(io.StringIO(client.get(f"/portal/prices/{code}.csv").get_data(as_text=True).lstrip("\ufeff"))))
    assert [row[2:7] for row in rows[1:]] == [["2026-01", "100.00", "0", "1", "1"], ["2026-02", "105.00", "1", "1", "1"]]
    assert client.get("/portal/prices/all.csv").get_data() == client.get(f"/portal/prices/{code}.csv").get_data()
    assert {name in page for name in (shop.world.actor(Role.BUYER).name,)} == {False}


@pytest.mark.parametrize("address", ["A99999999", "x" * 300, "'", "A02021003.csv"])
def test_a_category_without_an_index_is_not_there(shop, address):
    assert shop.app.test_client().get(f"/portal/prices/{address}").status_code == 404
