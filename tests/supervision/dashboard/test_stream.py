"""The stream: one line for each leaf, in the order of the log, seen only where it may be seen."""

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from supervision.dashboard import handlers, queries, rules, service
from supervision.dashboard.queries import Filter
from supervision.dashboard.states import Kind, Risk
from supervision.dashboard.tables import RegionDay, StreamEntry
from supervision.journal.tables import Leaf
from tests import factories
from tests.orders import steps


def lines(session, actor, **wanted):
    session.rollback()
    return queries.latest(session, actor, Filter(**wanted))


@pytest.mark.both_databases
def test_each_leaf_of_an_order_is_a_line_with_words_for_its_risk(watched):
    world = watched.world
    with watched.session() as session:
        order = steps.confirmed(session, world, {world.laser: 2})
        attempt = watched.refuse(3)
        watched.work()
        found = {each.type: each for each in lines(session, watched.supervisor)}
        submitted, refused = found["order.submitted"], found["submission.refused"]
        leaf = session.scalars(select(Leaf.idx).where(Leaf.event_id == submitted.event_id)).one()
        assert (submitted.leaf_index, submitted.number, submitted.amount_fen, submitted.risk) == (leaf, order.number, 2_000_00, "pass")
        assert (submitted.unit_name, submitted.supplier_name) == (world.unit.name, world.supplier.name)
        assert submitted.category == "A4黑白打印机"
        assert (refused.number, refused.risk, refused.rules, refused.amount_fen) == (attempt, "block", "PRICE", 3_000_00)
        assert [each.state for each in lines(session, watched.supervisor, kind=Kind.ORDER)] == ["confirmed", "placed", "submitted"]
        assert [each.number for each in lines(session, watched.supervisor, risk=Risk.BLOCK)] == [attempt]
        assert len(lines(session, watched.supervisor, text=order.number, least_fen=2_000_00)) == 3
        assert lines(session, watched.supervisor, text=order.number, least_fen=2_000_01) == []
        assert [each.type for each in lines(session, watched.supervisor, kind=Kind.PLAN)] == ["plan.filed"]


@pytest.mark.both_databases
def test_figures_are_the_sums_of_the_lines_and_are_counted_once(watched):
    world = watched.world
    with watched.session() as session:
        steps.confirmed(session, world, {world.laser: 2})
        steps.submitted(session, world, {world.laser: 1})
        watched.refuse()
        watched.work()
        watched.work()
        session.rollback()
        row = session.get_one(RegionDay, (factories.CITY, clock.today()), populate_existing=True)
        assert (row.submitted, row.submitted_fen, row.refused, row.held) == (2, 3_000_00, 1, 0)
        assert (row.confirmed, row.confirmed_fen, row.paid, row.alerts) == (1, 2_000_00, 0, 0)
        for name, kind in (("submitted", Kind.SUBMITTED), ("refused", Kind.REFUSED), ("confirmed", Kind.CONFIRMED)):
            assert len(lines(session, watched.supervisor, kind=kind)) == getattr(row, name)
        (unit,) = queries.by_unit(session, factories.CITY, clock.today(), clock.today())
        assert (unit.name, unit.submitted, unit.submitted_fen, unit.refused, unit.confirmed) == (world.unit.name, 2, 3_000_00, 1, 1)


@pytest.mark.both_databases
def test_two_workers_never_take_the_same_leaves(watched):
    with watched.session() as first, watched.session() as second:
        assert queries.head(second) == -1
        watched.turn(watched.session)
        with commit(first):
            assert service.catch_up(first) > 0
        second.rollback()
        with commit(second):
            assert not service._move_cursor(second, -1, 3)
            assert service.catch_up(second) == 0
        assert handlers.follow(watched.session) == 0
        assert factories.how_many(second, StreamEntry) == 1


def test_small_batches_come_to_the_same(watched, monkeypatch):
    with watched.session() as session:
        steps.confirmed(session, watched.world, {watched.world.laser: 1})
        watched.turn(watched.session)
        session.rollback()
        while True:
            with commit(session):
                if not service.catch_up(session, 1):
                    break
        kept = [each.leaf_index for each in lines(session, watched.supervisor)]
        assert kept == sorted(kept, reverse=True)
        assert len(kept) == 4


def test_who_sees_what(watched):
    with watched.session() as session:
        county = factories.world
        with commit(session):
            below = county(session, region=factories.COUNTY)
        steps.submitted(session, watched.world, {watched.world.laser: 1})
        steps.submitted(session, below, {below.laser: 1})
        watched.work()
        seen = {actor.region: {each.region for each in lines(session, actor, kind=Kind.SUBMITTED)} for actor in (watched.supervisor, watched.province, watched.other)}
        assert seen == {factories.CITY: {factories.CITY, factories.COUNTY}, "410000": {factories.CITY, factories.COUNTY}, factories.OTHER_CITY: set()}
        assert lines(session, watched.auditor, kind=Kind.SUBMITTED) != []
        assert lines(session, watched.world.actor(Role.BUYER)) == []
        assert {each.region for each in lines(session, watched.supervisor, region=factories.COUNTY)} == {factories.COUNTY}
        with pytest.raises(Exception, match="missing"):
            queries.seen_region(watched.supervisor, factories.OTHER_CITY)


def test_a_held_order_keeps_its_rules_to_the_end():
    body = {"unit_id": 1, "unit_name": "甲", "supplier_id": 2, "supplier_name": "乙", "total_fen": 5, "categories": ["A02021003"], "state": "held"}
    held = rules.line_of("order.submitted", body | {"verdicts": [{"rule": "S02", "outcome": "hold"}, {"rule": "X", "outcome": "watch"}]})
    assert (held.risk, held.rules) == (Risk.HOLD, ("S02", "X"))
    paid = rules.line_of("order.paid", body | {"state": "paid"}, held.rules)
    assert (paid.risk, paid.rules, rules.tally("order.paid", paid)) == (Risk.WATCH, ("S02", "X"), {"paid": 1, "paid_fen": 5})
    assert rules.tally("order.submitted", held) == {"submitted": 1, "submitted_fen": 5, "held": 1}


def test_shades_go_from_one_to_five():
    assert [rules.shade(value, 100) for value in (0, 1, 20, 40, 61, 100)] == [1, 1, 1, 2, 4, 5]
    assert rules.shade(0, 0) == 1
