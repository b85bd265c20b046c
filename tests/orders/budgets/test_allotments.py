"""Allotments and procurement-budget lines: opened once, adjusted never below their use, and seen by whom they concern."""

import json

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, Role
from orders.budgets import audit, queries, service
from orders.budgets.rules import BelowUse, LinesAboveAllotment, MoveRequest, NothingMoved, NumberTaken, UnknownAllotment
from orders.budgets.states import Pool
from orders.budgets.tables import Allotment, BudgetLine
from tests import factories

pytestmark = pytest.mark.both_databases


@pytest.fixture
def unit(session):
    with commit(session):
        return factories.unit(session)


def types(session, stream):
    return list(session.scalars(select(Event.type).where(Event.stream == stream).order_by(Event.version)))


def reserve(session, control_id, amount_fen, stream):
    move = MoveRequest(
        key=factories.serial("K"), control_id=control_id, source=Pool.FREE, target=Pool.RESERVED, amount_fen=amount_fen, stream=stream, version=1
    )
    service.apply(session, SYSTEM, [move])


def test_an_allotment_is_opened_with_its_event_and_its_money(session, unit):
    with commit(session):
        row = factories.allotment(session, unit, amount_fen=123_45)
    assert factories.figures(session, row.control_id) == (123_45, 0, 0, 0, 0)
    event = session.scalars(select(Event).where(Event.stream == row.number)).one()
    assert (event.type, event.version, event.region, event.owner_id) == ("allotment.opened", 1, unit.region, unit.id)
    assert json.loads(event.body)["amount_fen"] == 123_45
    assert audit.audit(session) == []


def test_a_number_is_taken_once(session, unit):
    with commit(session):
        factories.allotment(session, unit, number="ZB1")
    with pytest.raises(NumberTaken), commit(session):
        factories.allotment(session, unit, number="ZB1")
    assert factories.how_many(session, Allotment) == 1


def test_raising_and_lowering_leave_events(session, unit):
    with commit(session):
        row = factories.allotment(session, unit, amount_fen=100_00)
    with commit(session):
        service.adjust(session, SYSTEM, row, 50_00, "追加")
    with commit(session):
        service.adjust(session, SYSTEM, row, -30_00, "调减")
    assert factories.figures(session, row.control_id) == (120_00, 0, 0, 0, 0)
    assert types(session, row.number) == ["allotment.opened", "allotment.adjusted", "allotment.adjusted"]
    assert audit.audit(session) == []


def test_an_allotment_never_falls_below_its_use(session, unit):
    with commit(session):
        row = factories.allotment(session, unit, amount_fen=100_00)
        reserve(session, row.control_id, 70_00, row.number)
    with commit(session):
        service.adjust(session, SYSTEM, row, -30_00, "调减到已用")
    with pytest.raises(BelowUse) as refused, commit(session):
        service.adjust(session, SYSTEM, row, -1, "多一分")
    assert (refused.value.used_fen, refused.value.target_fen) == (70_00, 69_99)
    assert factories.figures(session, row.control_id) == (0, 70_00, 0, 0, 0)
    assert types(session, row.number) == ["allotment.opened", "allotment.adjusted"]


def test_nothing_is_no_adjustment(session, unit):
    with commit(session):
        row = factories.allotment(session, unit)
    with pytest.raises(NothingMoved), commit(session):
        service.adjust(session, SYSTEM, row, 0, "无")


def test_lines_fill_an_allotment_but_no_more(session, unit):
    with commit(session):
        row = factories.allotment(session, unit, amount_fen=100_00)
        factories.budget_line(session, row, amount_fen=60_00)
        factories.budget_line(session, row, amount_fen=40_00)
    with pytest.raises(LinesAboveAllotment) as refused, commit(session):
        factories.budget_line(session, row, amount_fen=1)
    assert (refused.value.amount_fen, refused.value.lines_fen) == (100_00, 100_01)
    assert factories.how_many(session, BudgetLine) == 2
    assert types(session, row.number) == ["allotment.opened", "budget_line.added", "budget_line.added"]
    assert audit.audit(session) == []


def test_a_line_code_is_taken_once_in_a_unit_and_year(session, unit):
    with commit(session):
        row = factories.allotment(session, unit)
        factories.budget_line(session, row, code="CG1", amount_fen=1_00)
    with pytest.raises(NumberTaken), commit(session):
        factories.budget_line(session, row, code="CG1", amount_fen=1_00)


def test_who_sees_which_allotments(session):
    with commit(session):
        city = factories.world(session)
        county = factories.world(session, region=factories.COUNTY)
        other = factories.world(session, region=factories.OTHER_CITY)

    def numbers(actor):
        return {row.allotment.number for row in queries.allotments(session, actor).rows}

    mine = {city.allotment.number, city.office.number}
    assert numbers(city.actor(Role.BUYER)) == mine
    assert numbers(city.actor(Role.SUPERVISOR)) == mine | {county.allotment.number, county.office.number}
    assert numbers(county.actor(Role.SUPERVISOR)) == {county.allotment.number, county.office.number}
    assert numbers(city.actor(Role.ORDER_CLERK)) == set()
    with pytest.raises(UnknownAllotment):
        queries.allotment(session, city.actor(Role.BUYER), other.allotment.number)
    with pytest.raises(Missing):
        queries.visible_control(session, city.actor(Role.BUYER), other.allotment.control_id)


def test_a_unit_keeps_only_its_own_books(session, unit):
    with commit(session):
        stranger = factories.staff(session, factories.unit(session), [Role.FINANCE, Role.BUYER])
        row = factories.allotment(session, unit)
    with pytest.raises(UnknownAllotment), commit(session):
        line = factories.LineInput(allotment=row.number, code="X", category_code=factories.LASER, name="x", quantity=1, amount_fen=1)
        service.add_budget_lines(session, stranger[Role.FINANCE], [line])
    with pytest.raises(Forbidden), commit(session):
        service.adjust(session, stranger[Role.BUYER], row, 1, "没有权限")


def test_the_year_filter_and_the_strip_of_the_header(session):
    with commit(session):
        world = factories.world(session)
        factories.allotment(session, world.unit, year=2025, amount_fen=7_00)
    buyer = world.actor(Role.BUYER)
    year = world.allotment.year
    assert len(queries.allotments(session, buyer, year=year).rows) == 2
    assert queries.years(session, buyer) == [year, 2025]
    assert queries.strip(session, buyer, year).amount_fen == 120_000_00
    assert queries.strip(session, world.actor(Role.SUPERVISOR), year).amount_fen == 0
