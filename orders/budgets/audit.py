"""The invariants of the books that need nothing but the books: each a set-based query that finds what breaks it.

What orders, contracts and payments must agree on stands in `orders.thread.audit`.
"""

from typing import Any, Final

from sqlalchemy import and_, case, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from app.kernel.outbox import Event
from orders.budgets import queries
from orders.budgets.rules import Finding
from orders.budgets.states import ControlKind, Pool
from orders.budgets.tables import Allotment, BudgetLine, BudgetProject, Control, Move

MOST: Final = 100
"""Findings kept per invariant; one is enough to stop, a hundred to see the pattern."""

USED: Final = Control.reserved_fen + Control.committed_fen + Control.accrued_fen + Control.paid_fen


def audit(session: Session) -> list[Finding]:
    """Everything in the books that breaks an invariant; empty when they are in order."""
    return [
        *overspent(session),
        *counters_off(session),
        *lines_off(session),
        *moves_without_event(session),
        *keys_twice(session),
        *allotments_below_use(session),
        *owners_off(session),
    ]


def overspent(session: Session) -> list[Finding]:
    """1: no control holds more than its amount, no counter is negative."""
    negative = or_(*(column < 0 for column in (Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen)))
    pieces = or_(Control.ordered < 0, and_(Control.quantity.is_not(None), Control.ordered > Control.quantity))
    query = select(Control.id, Control.amount_fen, USED.label("used")).where(or_(negative, Control.amount_fen < USED, pieces)).limit(MOST)
    return [Finding(1, f"control {row.id}", f"<= {row.amount_fen}", str(row.used)) for row in session.execute(query)]


def counters_off(session: Session) -> list[Finding]:
    """2: amount, the four counters and the pieces are what the moves add up to."""
    rows = session.execute(queries.counters_off().limit(MOST))
    return [Finding(2, f"control {row[0]}", str(tuple(map(int, row[7:]))), str(tuple(row[1:7]))) for row in rows]


def _moved(source: Pool, target: Pool) -> Any:
    return func.sum(case((and_(Move.source == source, Move.target == target), Move.amount_fen), else_=0))


def lines_off(session: Session) -> list[Finding]:
    """4, 5 and 8, per order line and control, on the cumulative sums of its moves.

    4: of what was reserved no more is resolved; 5: paid <= accrued <= committed <= reserved; 8: refunded <= paid.
    """
    sums = (
        select(
            Move.control_id,
            Move.order_line_id,
            _moved(Pool.FREE, Pool.RESERVED).label("reserved"),
            _moved(Pool.RESERVED, Pool.COMMITTED).label("committed"),
            _moved(Pool.RESERVED, Pool.FREE).label("released"),
            _moved(Pool.COMMITTED, Pool.FREE).label("ended"),
            _moved(Pool.COMMITTED, Pool.ACCRUED).label("accrued"),
            _moved(Pool.ACCRUED, Pool.FREE).label("returned"),
            _moved(Pool.ACCRUED, Pool.PAID).label("paid"),
            _moved(Pool.PAID, Pool.FREE).label("refunded"),
        )
        .where(Move.order_line_id.is_not(None))
        .group_by(Move.order_line_id, Move.control_id)
        .subquery()
    )
    col = sums.c
    broken = {
        4: or_(col.committed + col.released > col.reserved, col.accrued + col.ended > col.committed, col.paid + col.returned > col.accrued),
        5: not_(and_(col.paid <= col.accrued, col.accrued <= col.committed, col.committed <= col.reserved)),
        8: col.refunded > col.paid,
    }
    flags = [case((condition, 1), else_=0).label(f"broken_{number}") for number, condition in broken.items()]
    query = select(sums, *flags).where(or_(*broken.values())).limit(MOST)
    return [
        Finding(
            number,
            f"order line {row['order_line_id']}, control {row['control_id']}",
            "reserved >= committed >= accrued >= paid >= refunded",
            ", ".join(str(row[name]) for name in ("reserved", "committed", "accrued", "paid", "refunded")),
        )
        for row in session.execute(query).mappings()
        for number in broken
        if row[f"broken_{number}"]
    ]


def moves_without_event(session: Session) -> list[Finding]:
    """6: every move belongs to an event."""
    query = (
        select(Move.id, Move.stream, Move.version)
        .outerjoin(Event, and_(Event.stream == Move.stream, Event.version == Move.version))
        .where(Event.id.is_(None))
        .limit(MOST)
    )
    return [Finding(6, f"move {row.id}", "an event", f"none at {row.stream}:{row.version}") for row in session.execute(query)]


def keys_twice(session: Session) -> list[Finding]:
    """7: a key stands for one move."""
    query = select(Move.key, func.count().label("n")).group_by(Move.key).having(func.count() > 1).limit(MOST)
    return [Finding(7, f"key {row.key}", "1 move", str(row.n)) for row in session.execute(query)]


def allotments_below_use(session: Session) -> list[Finding]:
    """9: no allotment is less than what is used of it, and none was opened or changed without its event."""
    query = (
        select(Allotment.number, Control.amount_fen, USED.label("used"))
        .join(Control, Control.id == Allotment.control_id)
        .where(Control.amount_fen < USED)
        .limit(MOST)
    )
    found = [Finding(9, f"allotment {row.number}", f">= {row.used}", str(row.amount_fen)) for row in session.execute(query)]
    events = select(func.max(Event.version)).where(Event.stream == Allotment.number).correlate(Allotment).scalar_subquery()
    silent = select(Allotment.number, Allotment.version).where(func.coalesce(events, 0) != Allotment.version).limit(MOST)
    return found + [Finding(6, f"allotment {row.number}", f"version {row.version}", "another") for row in session.execute(silent)]


def owners_off(session: Session) -> list[Finding]:
    """10: money belongs to one unit and year all the way down, so that units add up to regions and regions to the province."""
    allotments = (
        select(Allotment.number.label("name"), literal("allotment").label("what"))
        .join(Control, Control.id == Allotment.control_id)
        .join(BudgetProject, BudgetProject.id == Allotment.project_id)
        .where(
            or_(
                Control.unit_id != Allotment.unit_id,
                Control.year != Allotment.year,
                Control.kind != ControlKind.ALLOTMENT,
                BudgetProject.unit_id != Allotment.unit_id,
                BudgetProject.year != Allotment.year,
            )
        )
    )
    lines = (
        select(BudgetLine.code.label("name"), literal("budget line").label("what"))
        .join(Allotment, Allotment.id == BudgetLine.allotment_id)
        .where(or_(Allotment.unit_id != BudgetLine.unit_id, Allotment.year != BudgetLine.year))
    )
    orphans = (
        select(Control.id.label("name"), literal("control").label("what"))
        .outerjoin(Allotment, Allotment.control_id == Control.id)
        .where(Control.kind == ControlKind.ALLOTMENT, Allotment.id.is_(None))
    )
    return [
        Finding(10, f"{row.what} {row.name}", "one unit and year", "another")
        for query in (allotments, lines, orphans)
        for row in session.execute(query.limit(MOST))
    ]
