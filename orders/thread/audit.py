"""The invariants that the books share with orders, plans, contracts, acceptances and payments, as set-based queries."""

from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, and_, case, cast, exists, func, or_, select, type_coerce, union_all
from sqlalchemy.orm import Session, aliased

from app.kernel import clock
from app.kernel.outbox import Event
from orders.budgets import audit as books
from orders.budgets.audit import MOST
from orders.budgets.rules import Finding
from orders.budgets.states import ControlKind, Pool
from orders.budgets.tables import BudgetLine, Control, Move
from orders.contracts.tables import Contract
from orders.deliveries.tables import Acceptance
from orders.payments.states import ApplicationState
from orders.payments.tables import PaymentApplication
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine
from orders.purchases.states import FINAL, State
from orders.purchases.tables import Order, OrderLine, Submission

RESERVING = (State.HELD, State.SUBMITTED, State.PLACED)
COMMITTING = (State.CONFIRMED, State.SHIPPED, State.DELIVERED)
OWING = (State.ACCEPTED, State.INVOICED, State.PAYING)
SPENT = (State.PAID, State.CLOSED)
GIVEN_BACK = tuple(FINAL - set(SPENT))
CONTRACTED = (*COMMITTING, *OWING, *SPENT)

LATEST_RELEASE = timedelta(seconds=60)
"""How long after its deadline a reservation may still be there."""


def audit(session: Session) -> list[Finding]:
    """Everything that breaks an invariant, in the books and between them and the orders; empty when all is in order."""
    return [
        *books.audit(session),
        *counters_against_orders(session),
        *halves_of_lines(session),
        *orders_without_events(session),
        *submissions_repeated(session),
        *plans_off(session),
        *payments_without_ground(session),
        *reservations_expired(session),
    ]


def counters_against_orders(session: Session) -> list[Finding]:
    """3: each control's counters and pieces are what its order lines add up to by the state of their orders."""
    waiting = OrderLine.quantity - OrderLine.rejected - OrderLine.accepted - OrderLine.returned
    held = {
        "reserved": _when(RESERVING, (OrderLine.quantity - OrderLine.rejected) * OrderLine.price_fen),
        "committed": _when((*COMMITTING, *OWING), waiting * OrderLine.price_fen),
        "accrued": _when((*COMMITTING, *OWING), OrderLine.accepted * OrderLine.price_fen),
        "paid": _when(SPENT, OrderLine.accepted * OrderLine.price_fen),
        "ordered": case((Order.state.in_(GIVEN_BACK), 0), else_=OrderLine.quantity - OrderLine.rejected - OrderLine.returned),
    }

    def drawn(column: Any, pieces: bool) -> Any:
        figures = [figure.label(name) if name != "ordered" or pieces else (figure * 0).label(name) for name, figure in held.items()]
        return select(column.label("control_id"), *figures).join(Order, Order.id == OrderLine.order_id)

    lines = union_all(drawn(OrderLine.plan_control_id, pieces=True), drawn(OrderLine.allotment_control_id, pieces=False)).subquery()
    sums = select(lines.c.control_id, *(func.sum(lines.c[name]).label(name) for name in held)).group_by(lines.c.control_id).subquery()
    columns = (Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen, Control.ordered)
    wanted = [func.coalesce(sums.c[name], 0) for name in held]
    query = (
        select(Control.id, *columns, *wanted)
        .outerjoin(sums, sums.c.control_id == Control.id)
        .where(or_(*(column != figure for column, figure in zip(columns, wanted, strict=True))))
        .limit(MOST)
    )
    return [Finding(3, f"control {row[0]}", str(tuple(map(int, row[6:]))), str(tuple(row[1:6]))) for row in session.execute(query)]


def _when(states: tuple[State, ...], figure: ColumnElement[int]) -> ColumnElement[int]:
    return case((Order.state.in_(states), figure), else_=0)


def halves_of_lines(session: Session) -> list[Finding]:
    """3: every step of an order line moves its two controls by the same amount."""
    per_step = (
        select(
            Move.order_line_id,
            func.count().label("n"),
            func.min(Move.amount_fen).label("least"),
            func.max(Move.amount_fen).label("most"),
            func.count(Move.control_id.distinct()).label("controls"),
        )
        .where(Move.order_line_id.is_not(None))
        .group_by(Move.order_line_id, Move.stream, Move.version, Move.source, Move.target)
        .subquery()
    )
    query = (
        select(per_step)
        .where(or_(per_step.c.n != 2, per_step.c.controls != 2, per_step.c.least != per_step.c.most))
        .limit(MOST)
    )
    return [
        Finding(3, f"order line {row.order_line_id}", "two controls, one amount", f"{row.controls} controls, {row.least}..{row.most}")
        for row in session.execute(query)
    ]


def orders_without_events(session: Session) -> list[Finding]:
    """6: versions of a stream run from 1 without a gap; order and plan stand where their last event left them."""
    streams = (
        select(Event.stream, func.count().label("n"), func.max(Event.version).label("last"), func.min(Event.version).label("first"))
        .group_by(Event.stream)
        .having(or_(func.min(Event.version) != 1, func.count() != func.max(Event.version)))
        .limit(MOST)
    )
    found = [Finding(6, f"stream {row.stream}", f"1..{row.last}", f"{row.n} events") for row in session.execute(streams)]
    for table in (Order, Plan):
        last = select(func.max(Event.version)).where(Event.stream == table.number).correlate(table).scalar_subquery()
        query = select(table.number, table.version).where(func.coalesce(last, 0) != table.version).limit(MOST)
        found += [Finding(6, row.number, f"version {row.version}", "another last event") for row in session.execute(query)]
    body = cast(Event.body, JSON) if session.get_bind().dialect.name == "postgresql" else type_coerce(Event.body, JSON)
    state = body["state"].as_string()
    moved = (
        select(Order.number, Order.state, state.label("told"))
        .join(Event, and_(Event.stream == Order.number, Event.version == Order.version))
        .where(state != Order.state)
        .limit(MOST)
    )
    found += [Finding(6, row.number, f"state {row.told}", f"state {row.state}") for row in session.execute(moved)]
    return found + states_unchained(session)


def states_unchained(session: Session) -> list[Finding]:
    """6: every step of an order begins in the state where the one before it ended."""
    before = aliased(Event)

    def told(event: Any, name: str) -> ColumnElement[str]:
        body = cast(event.body, JSON) if session.get_bind().dialect.name == "postgresql" else type_coerce(event.body, JSON)
        text: ColumnElement[str] = body[name].as_string()
        return text

    query = (
        select(Event.stream, Event.version, told(before, "state").label("ended"), told(Event, "previous").label("began"))
        .join(before, and_(before.stream == Event.stream, before.version == Event.version - 1))
        .where(Event.type.startswith("order."), told(before, "state") != told(Event, "previous"))
        .limit(MOST)
    )
    rows = session.execute(query)
    return [Finding(6, f"{row.stream}, version {row.version}", f"from {row.ended}", f"from {row.began}") for row in rows]


def submissions_repeated(session: Session) -> list[Finding]:
    """7: a buyer's key stands for one submission, and that for one order with each of its suppliers, never for none."""
    keys = (
        select(Submission.buyer_id, Submission.key, func.count().label("n"))
        .group_by(Submission.buyer_id, Submission.key)
        .having(func.count() > 1)
        .limit(MOST)
    )
    found = [Finding(7, f"key {row.key} of person {row.buyer_id}", "1 submission", str(row.n)) for row in session.execute(keys)]
    orders = (
        select(Submission.number, func.count(Order.id).label("n"), func.count(Order.supplier_id.distinct()).label("suppliers"))
        .outerjoin(Order, Order.submission_id == Submission.id)
        .group_by(Submission.number)
        .having(or_(func.count(Order.id) == 0, func.count(Order.id) != func.count(Order.supplier_id.distinct())))
        .limit(MOST)
    )
    return found + [
        Finding(7, f"submission {row.number}", "one order with each supplier", f"{row.n} orders with {row.suppliers}")
        for row in session.execute(orders)
    ]


def plans_off(session: Session) -> list[Finding]:
    """10: what plans took from budget lines, and what their controls hold, agree with the filed lines of one unit and year."""
    stands = Plan.state.in_((PlanState.FILED, PlanState.CLOSED))
    planned = (
        select(
            PlanLine.budget_line_id,
            func.sum(case((stands, PlanLine.amount_fen), else_=0)).label("fen"),
            func.sum(case((stands, PlanLine.quantity), else_=0)).label("pieces"),
        )
        .join(Plan, Plan.id == PlanLine.plan_id)
        .group_by(PlanLine.budget_line_id)
        .subquery()
    )
    fen, pieces = func.coalesce(planned.c.fen, 0), func.coalesce(planned.c.pieces, 0)
    lines = (
        select(BudgetLine.code, BudgetLine.planned_fen, fen.label("fen"))
        .outerjoin(planned, planned.c.budget_line_id == BudgetLine.id)
        .where(or_(BudgetLine.planned_fen != fen, BudgetLine.planned_quantity != pieces, BudgetLine.planned_fen > BudgetLine.amount_fen))
        .limit(MOST)
    )
    found = [Finding(10, f"budget line {row.code}", f"planned {row.fen}", str(row.planned_fen)) for row in session.execute(lines)]
    chain = (
        select(Plan.number, PlanLine.line_no)
        .join(PlanLine, PlanLine.plan_id == Plan.id)
        .join(Control, Control.id == PlanLine.control_id)
        .join(BudgetLine, BudgetLine.id == PlanLine.budget_line_id)
        .where(
            or_(
                PlanLine.unit_id != Plan.unit_id,
                Control.unit_id != Plan.unit_id,
                BudgetLine.unit_id != Plan.unit_id,
                Control.year != Plan.year,
                BudgetLine.year != Plan.year,
                BudgetLine.allotment_id != PlanLine.allotment_id,
                Control.kind != ControlKind.PLAN_LINE,
                Control.amount_fen != case((stands, PlanLine.amount_fen), else_=0),
            )
        )
        .limit(MOST)
    )
    return found + [Finding(10, f"plan {row.number}, line {row.line_no}", "its own", "another") for row in session.execute(chain)]


def payments_without_ground(session: Session) -> list[Finding]:
    """11: who is paid has delivered and was accepted; who was accepted has a filed contract; paid money has its application."""
    accepted = exists().where(Acceptance.order_id == Order.id)
    contracted = exists().where(Contract.order_id == Order.id)
    applied = exists().where(PaymentApplication.order_id == Order.id)
    paying = or_(Order.state.in_((State.PAYING, *SPENT)), applied)
    spent = and_(Order.state.in_(SPENT), exists().where(OrderLine.order_id == Order.id, OrderLine.accepted > 0))
    paid = exists().where(PaymentApplication.order_id == Order.id, PaymentApplication.state == ApplicationState.PAID)
    checks = (
        (and_(paying, ~accepted), "an acceptance"),
        (and_(or_(Order.state.in_(CONTRACTED), accepted), ~contracted), "a filed contract"),
        (and_(spent, ~paid), "a paid application"),
    )
    found = [
        Finding(11, row.number, wanted, "none")
        for condition, wanted in checks
        for row in session.execute(select(Order.number).where(condition).limit(MOST))
    ]
    moved = (
        select(Move.stream, func.sum(Move.amount_fen).label("fen"))
        .join(Control, Control.id == Move.control_id)
        .where(Move.source == Pool.ACCRUED, Move.target == Pool.PAID, Control.kind == ControlKind.PLAN_LINE)
        .group_by(Move.stream)
        .subquery()
    )
    applications = (
        select(PaymentApplication.order_id, func.sum(PaymentApplication.amount_fen).label("fen"))
        .where(PaymentApplication.state == ApplicationState.PAID)
        .group_by(PaymentApplication.order_id)
        .subquery()
    )
    differ = (
        select(Order.number, func.coalesce(moved.c.fen, 0).label("moved"), func.coalesce(applications.c.fen, 0).label("applied"))
        .outerjoin(moved, moved.c.stream == Order.number)
        .outerjoin(applications, applications.c.order_id == Order.id)
        .where(func.coalesce(moved.c.fen, 0) != func.coalesce(applications.c.fen, 0))
        .limit(MOST)
    )
    return found + [Finding(11, row.number, f"paid {row.applied}", f"moved {row.moved}") for row in session.execute(differ)]


def reservations_expired(session: Session) -> list[Finding]:
    """12: nothing stays reserved longer than a minute after its deadline."""
    limit = clock.now() - LATEST_RELEASE
    query = select(Order.number, Order.due_at).where(Order.state.in_(RESERVING), Order.due_at < limit).order_by(Order.due_at).limit(MOST)
    return [Finding(12, row.number, f"released by {row.due_at.isoformat()}", "still reserved") for row in session.execute(query)]
