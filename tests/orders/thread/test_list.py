"""The list of orders: who sees which, what narrows it, how it is paged, and what is taken away of it."""

import csv
import io
import itertools
from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from orders.budgets.states import Pool
from orders.purchases.states import State
from orders.thread import queries, rules
from orders.thread.forms import narrowing, parse
from orders.thread.rules import BadFilter, Filters
from orders.thread.states import Group, Kind, Sort
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def numbers(session, actor, filters=None, **more):
    return [row.order.number for row in queries.orders(session, actor, filters or Filters(), **more).rows]


def test_a_unit_its_supplier_and_its_region_see_their_orders_and_nobody_else(session, world):
    submitted = steps.submitted(session, world, {world.laser: 1}).number
    placed = steps.approved(session, world, {world.paper: 2}).number
    with commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY)
    assert numbers(session, world.actor(Role.BUYER)) == [placed, submitted]
    assert numbers(session, world.actor(Role.SUPERVISOR)) == [placed, submitted]
    assert numbers(session, world.actor(Role.ORDER_CLERK)) == [placed]
    for role in (Role.BUYER, Role.ORDER_CLERK, Role.SUPERVISOR):
        assert numbers(session, stranger.actor(role)) == []


def test_a_row_says_who_what_and_how_many_lines_with_three_statements(session, world, asked):
    steps.submitted(session, world, {world.laser: 1, world.paper: 4})
    steps.submitted(session, world, {world.paper: 1})
    session.rollback()
    with asked() as statements:
        paper, both = queries.orders(session, world.actor(Role.BUYER), Filters()).rows
    assert (both.unit, both.supplier, both.title, both.lines) == (world.unit.name, world.supplier.name, world.laser.title, 2)
    assert (paper.title, paper.lines) == (world.paper.title, 1)
    assert len(statements) == 3


def test_the_buckets_of_a_control_list_the_orders_whose_sums_they_are(session, world):
    world_laser, allotment = world.laser, world.allotment.control_id
    reserved = steps.submitted(session, world, {world_laser: 3}).number
    accepted = steps.accepted(session, world, {world_laser: 2}).number
    steps.submitted(session, world, {world.paper: 1})
    buyer = world.actor(Role.BUYER)
    figures = dict(zip(steps.POOLS, factories.figures(session, allotment), strict=True))
    for bucket, wanted in ((Pool.RESERVED, [reserved]), (Pool.COMMITTED, []), (Pool.ACCRUED, [accepted]), (Pool.PAID, [])):
        rows = queries.orders(session, buyer, Filters(control=allotment, bucket=bucket)).rows
        assert [row.order.number for row in rows] == wanted
        assert sum(row.held_fen or 0 for row in rows) == figures[bucket]
    assert numbers(session, buyer, Filters(control=allotment)) == [accepted, reserved]
    assert queries.control_name(session, buyer, allotment) == world.allotment.number
    assert queries.control_name(session, buyer, world.lines[0].control_id) == f"{world.plan.number} · 1"


def test_another_units_control_has_no_name(session, world):
    with commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY)
    with pytest.raises(queries.Missing):
        queries.control_name(session, stranger.actor(Role.BUYER), world.allotment.control_id)


def test_filters_narrow_by_state_text_days_sides_and_deadline(session, world):
    held = steps.submitted(session, world, {world.laser: 1})
    placed = steps.approved(session, world, {world.paper: 2})
    first, second, buyer = held.number, placed.number, world.actor(Role.BUYER)
    today = clock.today()
    for filters, wanted in (
        (Filters(state=State.SUBMITTED), [first]),
        (Filters(state=Group.OPEN), [second, first]),
        (Filters(state=Group.DONE), []),
        (Filters(q="复印纸"), [second]),
        (Filters(q=first.lower()), [first]),
        (Filters(q=world.supplier.name), [second, first]),
        (Filters(q="100%"), []),
        (Filters(since=today, until=today), [second, first]),
        (Filters(until=today - timedelta(days=1)), []),
        (Filters(supplier=world.supplier.organisation_id), [second, first]),
        (Filters(unit=world.unit.id + 1000), []),
        (Filters(region=factories.CITY), [second, first]),
        (Filters(region=factories.OTHER_CITY), []),
        (Filters(due=True), []),
    ):
        assert numbers(session, buyer, filters) == wanted, filters
    clock.advance(placed.due_at - clock.now())
    assert numbers(session, buyer, Filters(due=True)) == [second, first]


def test_pages_by_any_order_show_every_order_once(session, world):
    made = [steps.submitted(session, world, {world.paper: n}).number for n in (3, 1, 3, 2)]
    made.append(steps.delivered(session, world, {world.paper: 1}).number)
    made.append(steps.accepted(session, world, {world.paper: 1}).number)
    buyer = world.actor(Role.BUYER)
    for sort, ascending in itertools.product(Sort, (False, True)):
        filters = Filters(sort=sort, ascending=ascending)
        seen, cursor = [], None
        for _ in range(4):
            page = queries.orders(session, buyer, filters, cursor=cursor, limit=2)
            seen += [row.order.number for row in page.rows]
            cursor = page.next
            if cursor is None:
                break
        assert sorted(seen) == sorted(made) and len(seen) == 6, filters
        assert seen == numbers(session, buyer, filters), filters
        if sort is Sort.SUBMITTED:
            assert seen == (made if ascending else made[::-1])


def test_only_what_is_under_way_is_counted(session, world):
    steps.submitted(session, world, {world.laser: 1})
    steps.submitted(session, world, {world.laser: 2})
    steps.approved(session, world, {world.paper: 2})
    counts = queries.counts(session, world.actor(Role.BUYER), Filters(state=State.PLACED))
    assert counts == {State.SUBMITTED: queries.Count(2, 3_000_00), State.PLACED: queries.Count(1, 50_00)}
    assert queries.counts(session, world.actor(Role.ORDER_CLERK)) == {State.PLACED: queries.Count(1, 50_00)}


def test_filters_and_addresses_are_the_same_both_ways():
    given = {"state": "held", "q": "打印", "since": "2026-01-01", "control": "7", "bucket": "paid", "todo": "ship", "due": "1", "sort": "due", "dir": "asc"}
    filters = parse(given)
    assert rules.address_of(filters) == given
    assert rules.address_of(filters, state=None, sort=Sort.SUBMITTED, ascending=False).keys() == given.keys() - {"state", "sort", "dir"}
    assert filters.narrows and not parse({"sort": "due", "dir": "asc"}).narrows


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "lost"), ("since", "yesterday"), ("since", "0001-01-01"), ("unit", "x"), ("unit", "9" * 30), ("unit", "１"), ("bucket", "free"),
     ("todo", "stock"), ("sort", "price"), ("q", "a\0b"), ("q", "长" * 101)],
)  # fmt: skip
def test_a_filter_with_an_impossible_value_is_refused_by_name(name, value):
    with pytest.raises(BadFilter) as refused:
        parse({name: value})
    assert refused.value.facts["name"] == name


def test_work_that_is_not_ones_own_is_no_filter(world):
    with pytest.raises(BadFilter):
        narrowing(world.actor(Role.BUYER), {"todo": Kind.SHIP.value})


# ---------------------------------------------------------------- the page and what is taken away


def test_the_export_holds_exactly_the_list_with_cells_defused(office):
    world = office.world
    with office.session() as session:
        with commit(session):
            session.merge(world.supplier)
            organisation = session.get_one(type(world.unit), world.supplier.organisation_id)
            organisation.name = "=HYPERLINK(1)"
        steps.submitted(session, world, {world.laser: 1, world.paper: 1})
        number = steps.approved(session, world, {world.paper: 2}).number
    text = office.browser(Role.BUYER).get("/orders.csv?state=placed").get_data(as_text=True)
    assert text.startswith("\ufeff演示数据\r\n")
    heads, row = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:]
    assert heads == ["订单号", "提交时间", "采购单位", "供应商", "商品", "行数", "金额（元）", "状态", "期限"]
    assert (row[0], row[3], row[5], row[6], row[7]) == (number, "'=HYPERLINK(1)", "1", "50.00", "待供应商确认")


def test_the_page_keeps_its_filters_in_every_link_and_says_what_to_do_when_empty(office):
    buyer = office.browser(Role.BUYER)
    assert "本单位还没有订单" in buyer.get("/orders").get_data(as_text=True)
    assert "还没有送达的订单" in office.browser(Role.ORDER_CLERK).get("/orders").get_data(as_text=True)
    with office.session() as session:
        number = steps.approved(session, office.world, {office.world.laser: 1}).number
    control = office.world.allotment.control_id
    page = buyer.get(f"/orders?control={control}&bucket=reserved&sort=total").get_data(as_text=True)
    assert number in page and f"{office.world.allotment.number} 的冻结" in page and "冻结（元）" in page
    assert f'href="/orders.csv?control={control}&amp;bucket=reserved&amp;sort=total"' in page
    nothing = buyer.get("/orders?q=zzz").get_data(as_text=True)
    assert "没有符合条件的订单" in nothing and "含“zzz”" in nothing
    assert buyer.get("/orders?state=lost").status_code == 422
    assert office.browser(Role.PLAN_CLERK).get("/orders").status_code == 403


def test_the_api_lists_what_the_caller_may_see_page_by_page(office):
    with office.session() as session:
        made = [steps.approved(session, office.world, {office.world.paper: n}).number for n in (1, 2, 3)]
    first = office.api("GET", "/orders?limit=2&sort=total", Role.ORDER_CLERK).get_json()
    second = office.api("GET", f"/orders?limit=2&sort=total&cursor={first['next']}", Role.ORDER_CLERK).get_json()
    assert [row["number"] for row in first["items"] + second["items"]] == made[::-1]
    assert (first["items"][0]["total_fen"], first["items"][0]["state"], second["next"]) == (75_00, "placed", None)
    refused = office.api("GET", "/orders?state=lost", Role.BUYER)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "orders.bad_filter")
