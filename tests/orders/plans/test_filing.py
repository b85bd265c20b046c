"""Filing a plan: every check at once, the receipt at once; and back again within two working days."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kernel import clock, numbers
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.policy import SYSTEM, Role
from orders.budgets import service as budgets
from orders.budgets.rules import MoveRequest, OverBudget
from orders.budgets.states import Pool
from orders.budgets.tables import BudgetLine
from orders.plans import queries, service
from orders.plans.rules import (
    NoReason,
    NotFiled,
    NothingFits,
    OtherRegion,
    PlanInUse,
    PlanLineInput,
    PlanRefused,
    ReturnReason,
    ReturnTooLate,
)
from orders.plans.states import PlanState
from orders.plans.tables import Plan
from orders.thread.audit import audit
from tests import factories
from tests.factories import DESKTOP, LASER, PAPER

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(session):
    with commit(session):
        return factories.world(session, planned_fen=50_000_00)


@pytest.fixture
def line(session, world):
    """A budget line of 10,000 yuan and 10 pieces for A4 laser printers."""
    with commit(session):
        return factories.budget_line(session, world.allotment, code="CG-L", quantity=10, amount_fen=10_000_00)


def planned(session, line):
    row = session.scalars(select(BudgetLine).where(BudgetLine.id == line.id).execution_options(populate_existing=True)).one()
    return row.planned_fen, row.planned_quantity


def asked(line, *, quantity=1, amount_fen=1_000_00, name="打印机", category_code=None):
    return PlanLineInput(budget_line_id=line.id, quantity=quantity, amount_fen=amount_fen, name=name, category_code=category_code)


def codes(refused):
    return [(refusal.code, refusal.line) for refusal in refused.value.refusals]


def reserve(session, world, plan_line, amount_fen, *, quantity=1):
    """What an order does, without the order: one move that names an order line."""
    move = MoveRequest(
        key=factories.serial("K"),
        control_id=plan_line.control_id,
        source=Pool.FREE,
        target=Pool.RESERVED,
        amount_fen=amount_fen,
        quantity=quantity,
        order_line_id=1,
        stream=world.plan.number,
        version=1,
    )
    budgets.apply(session, SYSTEM, [move])
    return move


def test_filing_gives_a_receipt_a_control_and_an_event_at_once(session, world, line):
    finance = world.actor(Role.FINANCE)
    with commit(session):
        plan = service.file(session, finance, title=" 打印机更新 ", lines=[asked(line, quantity=4, amount_fen=4_000_00)])
    assert numbers.valid(plan.number)
    assert (plan.state, plan.version, plan.title, plan.region) == (PlanState.FILED, 1, "打印机更新", factories.CITY)
    (row,) = queries.lines_of(session, plan)
    assert (row.buckets.free_fen, row.line.category_code, row.allotment.id) == (4_000_00, LASER, world.allotment.id)
    assert planned(session, line) == (4_000_00, 4)
    event = session.scalars(select(Event).where(Event.stream == plan.number)).one()
    body = json.loads(event.body)
    assert (event.type, body["total_fen"], body["lines"][0]["budget_line"]) == ("plan.filed", 4_000_00, "CG-L")
    assert audit(session) == []


def test_a_budget_line_can_be_planned_to_the_last_fen(session, world, line):
    with commit(session):
        service.file(session, world.actor(Role.FINANCE), title="全额", lines=[asked(line, quantity=10, amount_fen=10_000_00)])
    assert planned(session, line) == (10_000_00, 10)
    with pytest.raises(PlanRefused) as refused, commit(session):
        service.file(session, world.actor(Role.FINANCE), title="多一分", lines=[asked(line, amount_fen=1)])
    assert codes(refused) == [("plan.money_short", 1), ("plan.quantity_short", 1)]


def test_lines_on_one_budget_line_are_judged_together(session, world, line):
    with pytest.raises(PlanRefused) as refused, commit(session):
        service.file(session, world.actor(Role.FINANCE), title="两行", lines=[asked(line, amount_fen=5_000_01), asked(line, amount_fen=5_000_00)])
    assert codes(refused) == [("plan.money_short", 1)]
    short = refused.value.refusals[0]
    assert (short.open_fen, short.wanted_fen) == (10_000_00, 10_000_01)


def test_everything_wrong_is_said_at_once_and_nothing_is_written(session, world, line):
    with commit(session):
        stranger = factories.budget_line(session, factories.allotment(session, factories.unit(session)))
        last_year = factories.budget_line(session, factories.allotment(session, world.unit, year=clock.today().year - 1))
        desktops = factories.budget_line(session, world.allotment, category_code="A02000000", amount_fen=10_00)
    before = factories.how_many(session, Event)
    with pytest.raises(PlanRefused) as refused, commit(session):
        service.file(
            session,
            world.actor(Role.FINANCE),
            title=" ",
            lines=[
                asked(stranger),
                asked(last_year),
                asked(line, category_code=PAPER),
                asked(line, category_code="A99999999"),
                asked(line, quantity=0, name=""),
                asked(desktops, amount_fen=1, category_code="A02080703"),
                asked(line, amount_fen=10_000_00, quantity=11),
            ],
        )
    assert sorted(codes(refused)) == [
        ("plan.category_outside", 3),
        ("plan.line_incomplete", 5),
        ("plan.money_short", 3),
        ("plan.no_budget_line", 1),
        ("plan.no_title", 0),
        ("plan.not_in_mall", 6),
        ("plan.other_year", 2),
        ("plan.quantity_short", 3),
        ("plan.unknown_category", 4),
    ]
    assert [verdict.as_dict()["rule"] for verdict in refused.value.verdicts][1] == "B01"
    assert factories.how_many(session, Plan) == 1
    assert factories.how_many(session, Event) == before
    assert planned(session, line) == (0, 0)


def test_a_descendant_of_the_budgeted_category_may_be_planned(session, world):
    with commit(session):
        wide = factories.budget_line(session, world.allotment, category_code="A02020000", quantity=5, amount_fen=5_000_00)
        plan = factories.plan(session, world.actor(Role.FINANCE), wide, category_code=LASER)
    (row,) = queries.lines_of(session, plan)
    assert row.line.category_code == LASER


def test_filing_is_for_the_units_own_people(session, world, line):
    for role in (Role.APPROVER, Role.SUPERVISOR, Role.ORDER_CLERK):
        with pytest.raises(Forbidden), commit(session):
            service.file(session, world.actor(role), title="x", lines=[asked(line)])


# ---------------------------------------------------------------- on the spot


def test_filing_on_the_spot_takes_the_closest_line_with_enough_money(session, world, line):
    with commit(session):
        factories.budget_line(session, world.allotment, category_code="A02020000", quantity=50, amount_fen=20_000_00)
    buyer = world.actor(Role.BUYER)
    found = queries.candidates(session, buyer, LASER, 2_000_00, 2)
    assert found[0].row.line.code == "CG-L"
    assert len(found) == 2
    with commit(session):
        plan = service.file_on_spot(session, buyer, category_code=LASER, quantity=2, amount_fen=2_000_00)
    (row,) = queries.lines_of(session, plan)
    assert (row.budget_line.id, row.line.quantity, row.buckets.free_fen) == (line.id, 2, 2_000_00)
    assert json.loads(session.scalars(select(Event.body).where(Event.stream == plan.number)).one())["origin"] == "cart"


def test_nothing_fits_when_the_money_is_one_fen_short(session, world, line):
    buyer = world.actor(Role.BUYER)
    assert queries.candidates(session, buyer, LASER, 10_000_00, 1) != []
    assert queries.candidates(session, buyer, LASER, 10_000_01, 1) == []
    assert queries.candidates(session, buyer, LASER, 1_00, 11) == []
    assert queries.candidates(session, buyer, DESKTOP, 1_00, 1) == []
    with pytest.raises(NothingFits), commit(session):
        service.file_on_spot(session, buyer, category_code=DESKTOP, quantity=1, amount_fen=1_00)
    assert factories.how_many(session, Plan) == 1


def test_open_lines_say_what_plan_and_allotment_have_left(session, world):
    buyer = world.actor(Role.BUYER)
    (row,) = queries.lines_open_for(session, buyer, LASER)
    assert (row.plan_number, row.free_fen, row.left) == (world.plan.number, 50_000_00, 100)
    with commit(session):
        reserve(session, world, world.lines[0], 49_999_00, quantity=99)
    (row,) = queries.lines_open_for(session, buyer, LASER)
    assert (row.free_fen, row.left) == (1_00, 1)
    assert queries.lines_open_for(session, buyer, DESKTOP) == []
    assert len(queries.lines_open_for(session, buyer)) == 2


# ---------------------------------------------------------------- sending back


def send_back(session, world, *, by=None, note="请补充资金来源", reason=ReturnReason.WRONG_BUDGET):
    with commit(session):
        plan = session.scalars(select(Plan).where(Plan.number == world.plan.number).execution_options(populate_existing=True)).one()
        service.send_back(session, by or world.actor(Role.PLAN_CLERK), plan, reason, note)


def test_a_plan_sent_back_returns_its_money(session, world):
    send_back(session, world)
    assert world.plan.state is PlanState.RETURNED
    assert factories.figures(session, world.lines[0].control_id) == (0, 0, 0, 0, 0)
    assert planned(session, world.printers) == (0, 0)
    assert list(session.scalars(select(Event.type).where(Event.stream == world.plan.number).order_by(Event.version))) == ["plan.filed", "plan.returned"]
    assert queries.lines_open_for(session, world.actor(Role.BUYER)) == []
    assert audit(session) == []
    with pytest.raises(NotFiled):
        send_back(session, world)
    with pytest.raises(OverBudget), commit(session):
        reserve(session, world, world.lines[0], 1, quantity=0)


def test_after_its_first_order_a_plan_is_not_sent_back_even_if_that_was_withdrawn(session, world):
    with commit(session):
        reserved = reserve(session, world, world.lines[0], 1_000_00)
    with pytest.raises(PlanInUse):
        send_back(session, world)
    with commit(session):
        back = MoveRequest(
            key="back",
            control_id=reserved.control_id,
            source=Pool.RESERVED,
            target=Pool.FREE,
            amount_fen=1_000_00,
            quantity=1,
            order_line_id=1,
            stream=world.plan.number,
            version=1,
        )
        budgets.apply(session, SYSTEM, [back])
    with pytest.raises(PlanInUse):
        send_back(session, world)
    assert factories.figures(session, world.lines[0].control_id) == (50_000_00, 0, 0, 0, 0)


@pytest.mark.only_postgresql
def test_two_clerks_at_once_send_a_plan_back_once(session, world):
    number, clerk = world.plan.number, world.actor(Role.PLAN_CLERK)
    with pytest.raises(NotFiled), commit(session):
        mine = session.scalars(select(Plan).where(Plan.number == number)).one()
        with Session(session.get_bind()) as other:
            send_back(other, world)
        service.send_back(session, clerk, mine, ReturnReason.WRONG_BUDGET, "请补充资金来源")
    assert audit(session) == []


def test_the_return_period_ends_after_two_working_days(session, world):
    late = clock.now() - timedelta(seconds=1)
    with commit(session):
        session.execute(update(Plan).where(Plan.id == world.plan.id).values(returnable_until=late))
    with pytest.raises(ReturnTooLate):
        send_back(session, world)


def test_the_period_is_two_working_days(session, world):
    from app.kernel import workdays

    last = clock.local(world.plan.returnable_until).date()
    assert last == workdays.add_workdays(clock.today(), 2).on


def test_only_the_regions_own_clerk_sends_back_and_says_why(session, world):
    with commit(session):
        province = factories.organisation(session, factories.OrganisationKind.FINANCE, region="410000")
        above = factories.staff(session, province, [Role.PLAN_CLERK])[Role.PLAN_CLERK]
        elsewhere = factories.world(session, region=factories.OTHER_CITY).actor(Role.PLAN_CLERK)
    with pytest.raises(OtherRegion):
        send_back(session, world, by=above)
    with pytest.raises(Forbidden):
        send_back(session, world, by=world.actor(Role.FINANCE))
    with pytest.raises(NoReason):
        send_back(session, world, note=" ")
    with pytest.raises(NoReason):
        send_back(session, world, reason=None)
    with pytest.raises(Missing):
        queries.by_number(session, elsewhere, world.plan.number)
    assert queries.by_number(session, above, world.plan.number).state is PlanState.FILED


def test_who_sees_which_plans(session, world):
    with commit(session):
        county = factories.world(session, region=factories.COUNTY)
    assert [row.plan.number for row in queries.plans(session, world.actor(Role.BUYER)).rows] == [world.plan.number]
    assert {row.plan.number for row in queries.plans(session, world.actor(Role.PLAN_CLERK)).rows} == {world.plan.number, county.plan.number}
    assert queries.plans(session, world.actor(Role.ORDER_CLERK)).rows == []
    (row,) = queries.plans(session, world.actor(Role.BUYER), returnable=True).rows
    assert (row.total_fen, row.lines, row.ordered, row.unit.name) == (70_000_00, 2, False, world.unit.name)
