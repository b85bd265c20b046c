"""Decisions inside the unit: explain and clear a hold, approve line by line, take back, let time-outs release."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Missing
from app.policy import SYSTEM, Actor
from catalog.listings import service as listings
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.approvals import queries
from orders.approvals.rules import NotExplained, NotPlain, NotTheBuyer, UnknownHold, given
from orders.approvals.tables import Decision, LineDecision
from orders.budgets.states import Pool
from orders.purchases import queries as purchases
from orders.purchases import service as purchasing
from orders.purchases.states import Action, State
from orders.purchases.tables import Order, OrderLine


def approve(session: Session, actor: Actor, order: Order, rejected: Mapping[int, str] | None = None, *, note: str | None = None) -> None:
    """Approve an order, but for the lines rejected (reason by line id): their money and stock are free again at once.

    All lines rejected is a rejection. Raises NotNow, Forbidden, SamePerson, TooLate, NoReason, Missing.
    """
    lines, reasons = purchases.lines_of(session, order), {line: given(why) for line, why in (rejected or {}).items()}
    if set(reasons) - {line.id for line in lines}:
        raise Missing()
    if len(reasons) == len(lines):
        reject(session, actor, order, note or "；".join(dict.fromkeys(reasons.values())), reasons)
        return
    out = [line for line in lines if line.id in reasons]
    kept_fen = sum(line.amount_fen for line in lines if line.id not in reasons)
    purchasing.move(
        session,
        actor,
        order,
        Action.APPROVE,
        note=note,
        total_fen=kept_fen,
        lines=[{"no": line.line_no, "decision": _decision(line, reasons).value, "reason": reasons.get(line.id)} for line in lines],
    )
    _record(session, actor, order, lines, reasons)
    for line in out:
        line.rejected = line.quantity
    session.flush()
    if out:
        listings.give_stock_back(session, ((line.listing_id, line.quantity) for line in out))
        purchasing.shift(session, actor, order, ([(line, line.quantity) for line in out], Pool.RESERVED, Pool.FREE))


def reject(session: Session, actor: Actor, order: Order, reason: str, reasons: Mapping[int, str] | None = None) -> None:
    """Reject a whole order: all it held is free again. Raises NoReason, NotNow, Forbidden, SamePerson, TooLate."""
    reason, lines = given(reason), purchases.lines_of(session, order)
    why = {line.id: (reasons or {}).get(line.id, reason) for line in lines}
    purchasing.move(
        session,
        actor,
        order,
        Action.REJECT,
        note=reason,
        lines=[{"no": line.line_no, "decision": Decision.REJECTED.value, "reason": why[line.id]} for line in lines],
    )
    _record(session, actor, order, lines, why)
    purchasing.release(session, actor, order)


def approve_plain(session: Session, actor: Actor, numbers: Sequence[str]) -> list[str]:
    """Approve several orders at once, all or none, and only those in which no check found anything.

    Raises NotPlain, Missing, and what `approve` raises.
    """
    for number in sorted(set(numbers)):
        order = purchases.by_number(session, actor, number)
        if not queries.is_plain(session, order):
            raise NotPlain(number=number)
        approve(session, actor, order)
    return sorted(set(numbers))


def explain(session: Session, actor: Actor, order: Order, words: Mapping[str, str]) -> None:
    """The buyer says why what holds the order should not; later words replace earlier ones.

    `words` by rule. Raises NotTheBuyer, NoReason, UnknownHold, NotNow, Forbidden, TooLate.
    """
    _must_be_buyer(actor, order)
    holds = {hold.rule: hold for hold in purchases.holds_of(session, order)}
    said = {rule: given(text) for rule, text in words.items()}
    for rule in said:
        if rule not in holds:
            raise UnknownHold(rule=rule)
    if not said:
        given(None)
    note = "；".join(f"{rule} {text}" for rule, text in said.items())
    purchasing.move(session, actor, order, Action.EXPLAIN, note=note, details={"explanations": said})
    for rule, text in said.items():
        hold = holds[rule]
        hold.explanation, hold.explained_by, hold.explained_at = text, actor.person_id, clock.now()
    session.flush()


def clear(session: Session, actor: Actor, order: Order, note: str | None = None) -> None:
    """Somebody else than the buyer clears the holds on his explanation; the order goes to approval.

    Raises NotExplained, NotNow, Forbidden, SamePerson, TooLate.
    """
    holds = purchases.holds_of(session, order)
    silent = [hold.rule for hold in holds if not hold.explanation]
    explanations = {hold.rule: hold.explanation for hold in holds}
    if silent and order.state is State.HELD:
        raise NotExplained(rules="、".join(silent))
    purchasing.move(session, actor, order, Action.CLEAR, note=note, details={"explanations": explanations})
    for hold in holds:
        hold.cleared_by, hold.cleared_at = actor.person_id, clock.now()
    session.flush()


def release(session: Session, actor: Actor, order: Order, reason: str) -> None:
    """Somebody else than the buyer does not clear the holds: the order ends and all it held is free again.

    Raises NoReason, NotNow, Forbidden, SamePerson, TooLate.
    """
    purchasing.move(session, actor, order, Action.RELEASE, note=given(reason))
    purchasing.release(session, actor, order)


def withdraw(session: Session, actor: Actor, order: Order, reason: str | None = None) -> None:
    """The buyer takes an order back before the contract: freely before approval, with a reason afterwards.

    Raises NotTheBuyer, NoReason, NotNow, Forbidden, TooLate.
    """
    _must_be_buyer(actor, order)
    words = given(reason) if order.state is State.PLACED else (reason or "").strip() or None
    purchasing.move(session, actor, order, Action.WITHDRAW, note=words)
    purchasing.release(session, actor, order)


def lapse(session: Session, number: str) -> bool:
    """Let an order whose time ran out release what it holds; tells whether there was anything to do."""
    order = purchases.by_number(session, SYSTEM, number)
    why = queries.overdue(order, kept_days(session, order))
    if why is None:
        return False
    purchasing.move(session, SYSTEM, order, Action.LAPSE, note=why)
    purchasing.release(session, SYSTEM, order)
    return True


def kept_days(session: Session, order: Order) -> timedelta:
    """How long price and stock are kept for an order of this region."""
    return timedelta(days=taxonomy.term(session, TermName.HOLD_PRICE_STOCK, order.region, clock.today()).days)


def _must_be_buyer(actor: Actor, order: Order) -> None:
    if not actor.is_system and actor.person_id != order.buyer_id:
        raise NotTheBuyer()


def _decision(line: OrderLine, reasons: Mapping[int, str]) -> Decision:
    return Decision.REJECTED if line.id in reasons else Decision.APPROVED


def _record(session: Session, actor: Actor, order: Order, lines: Sequence[OrderLine], reasons: Mapping[int, str]) -> None:
    """The approver's word on every line."""
    at = clock.now()
    session.execute(
        insert(LineDecision),
        [
            {
                "order_line_id": line.id,
                "order_id": order.id,
                "decision": _decision(line, reasons),
                "reason": reasons.get(line.id),
                "actor_id": actor.person_id,
                "at": at,
            }
            for line in lines
        ],
    )
