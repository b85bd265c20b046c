"""The steps of an order: the one door through which it changes state, its deadlines, and giving back what it holds."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, outbox, workdays
from app.kernel.workdays import Deadline
from app.policy import Actor
from catalog.listings import service as listings
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.budgets import rules as money
from orders.budgets import service as budgets
from orders.budgets.states import Pool
from orders.purchases import events, queries, rules
from orders.purchases.states import Action, State, next_state
from orders.purchases.tables import Order, OrderLine

_TERMS: dict[State, TermName] = {
    State.HELD: TermName.EXPLAIN_HOLD,
    State.SUBMITTED: TermName.APPROVE,
    State.PLACED: TermName.CONFIRM,
    State.CONFIRMED: TermName.DELIVER,
    State.DELIVERED: TermName.ACCEPT,
}
_RESERVING = frozenset({State.HELD, State.SUBMITTED, State.PLACED})
Pieces = Sequence[tuple[OrderLine, int]]
"""Order lines, each with so many of its pieces."""

_DOERS = {Action.APPROVE: "approver_id", Action.ACCEPT: "acceptor_id"}


def deadline(session: Session, state: State, region: str, start: date) -> tuple[datetime | None, bool]:
    """When the state an order enters runs out, and whether that day is provisional (dated rows of the region).

    What is only reserved lapses with the budget year.
    """
    name = _TERMS.get(state)
    if name is None:
        return None, False
    last = taxonomy.term(session, name, region, start).after(start)
    if state in _RESERVING and last.on.year > start.year:
        last = Deadline(date(start.year, 12, 31))
    return clock.end_of_day(last.on), last.provisional


def move(
    session: Session,
    actor: Actor,
    order: Order,
    action: Action,
    *,
    lines: Sequence[Mapping[str, Any]] = (),
    note: str | None = None,
    details: dict[str, Any] | None = None,
    target: State | None = None,
    total_fen: int | None = None,
) -> int:
    """Take one step of the table, record the fact, and return the order's new version (the caller moves the money by it).

    `target` chooses another end than the table's where a chapter knows better (part of the goods accepted).
    Raises NotNow, Forbidden, SamePerson, SystemOnly, TooLate.
    """
    step = next_state(order.state, action)
    if step.permission is None:
        rules.only_system(actor.is_system)
    elif not actor.is_system:
        actor.must(step.permission)
        rules.separate_duties(action, actor.person_id, order.buyer_id, order.approver_id, order.acceptor_id)
    previous, reached = order.state, target or step.target
    values: dict[str, Any] = {"version": order.version + 1}
    if reached is not previous:
        due_at, provisional = deadline(session, reached, order.region, clock.today())
        if reached is State.CONFIRMED:
            values["deliver_by"] = due_at
        if reached is State.SHIPPED:  # the delivery deadline stands until all has arrived
            due_at = order.deliver_by
            provisional = due_at is not None and not workdays.calendar().announced(clock.local(due_at).year)
        values |= {"state": reached, "state_since": clock.now(), "due_at": due_at, "due_provisional": provisional}
    if total_fen is not None:
        values["total_fen"] = total_fen
    if action in _DOERS and not actor.is_system:
        values[_DOERS[action]] = actor.person_id
    changed = session.execute(
        update(Order).where(Order.id == order.id, Order.version == order.version).values(**values).returning(Order.id),
        execution_options={"synchronize_session": False},
    ).first()
    if changed is None:
        raise rules.TooLate(number=order.number)
    session.refresh(order)
    names = organisations.names(session, [order.unit_id, order.supplier_id])
    categories = session.scalars(select(OrderLine.category_code).where(OrderLine.order_id == order.id).distinct())
    fact = events.FACT_OF[action](
        order=order.number,
        unit_id=order.unit_id,
        unit_name=names[order.unit_id],
        supplier_id=order.supplier_id,
        supplier_name=names[order.supplier_id],
        total_fen=order.total_fen,
        categories=tuple(sorted(categories)),
        state=reached.value,
        previous=previous.value,
        note=note,
        action=action.value,
        lines=tuple(dict(line) for line in lines),
        details=details,
    )
    outbox.record(session, actor, fact, stream=order.number, version=order.version, region=order.region, owner_id=order.unit_id)
    return order.version


def shift(session: Session, actor: Actor, order: Order, *shifts: tuple[Pieces, Pool, Pool]) -> None:
    """Move the money of (line, pieces) between two pools of both its controls, under the order's present version.

    Several shifts of one step go together, so that controls are taken in one order. Raises OverBudget, PoolShort.
    """
    moves: list[money.MoveRequest] = []
    for pieces, source, target in shifts:
        draws = [
            money.Draw(
                order_line_id=line.id,
                plan_control_id=line.plan_control_id,
                allotment_control_id=line.allotment_control_id,
                amount_fen=quantity * line.price_fen,
                quantity=quantity,
            )
            for line, quantity in pieces
            if quantity
        ]
        moves += money.moves(draws, source, target, stream=order.number, version=order.version)
    budgets.apply(session, actor, moves)


def release(session: Session, actor: Actor, order: Order, *, source: Pool = Pool.RESERVED) -> None:
    """Give back all that an ended order still holds: money to both controls, pieces to the plan line and the shelf."""
    open_lines = [(line, line.quantity - line.rejected - line.accepted - line.returned) for line in queries.lines_of(session, order)]
    listings.give_stock_back(session, ((line.listing_id, quantity) for line, quantity in open_lines))
    shift(session, actor, order, (open_lines, source, Pool.FREE))
