"""The workbench: what waits for one person, by kind and age, in one statement; what runs out; the year so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Date, ScalarSelect, Select, String, and_, case, cast, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from app.accounts.organisations.queries import Organisation
from app.kernel import clock, regions
from app.kernel.db import Moment
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.contracts.tables import Contract, Termination
from orders.payments.tables import PaymentClock
from orders.plans.states import PlanState
from orders.plans.tables import Plan
from orders.purchases import queries as purchases
from orders.purchases.states import FINAL, State
from orders.purchases.tables import Hold, Order, OrderLine
from orders.ratings.states import RATEABLE, Side
from orders.ratings.tables import Rating
from orders.thread.states import OF_ORDERS, OPEN, WORKS, Kind

FRESH, OLDER = timedelta(days=1), timedelta(days=3)
"""The bands of age: within a day, within three, longer."""

RATE_WITHIN = timedelta(days=15)
"""Orders that came to their present state longer ago are not offered for rating any more; the exact term is checked on rating."""

_VOID = FINAL - {State.CLOSED}


@dataclass(frozen=True, kw_only=True)
class Todo:
    """One kind of work that waits: how much, how old, and the piece that is due first."""

    kind: Kind
    count: int
    fresh: int = 0
    older: int = 0
    late: int = 0
    first: str | None = None
    with_whom: str | None = None
    due_at: datetime | None = None
    due_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Expiring:
    """An order whose deadline is near or past, or that must be paid soon."""

    number: str
    with_whom: str
    state: State
    due_at: datetime | None = None
    due_on: date | None = None


# ---------------------------------------------------------------- what waits for an actor


def waiting(actor: Actor, kind: Kind) -> ColumnElement[bool] | None:
    """The condition on orders that this kind of work of the actor's is about; None when it is none of his."""
    if kind not in OF_ORDERS or not actor.may(WORKS[kind].permission) or not (actor.is_unit or actor.is_supplier):
        return None
    return and_(purchases.visible_to(actor), _due_work(actor, kind))


def _due_work(actor: Actor, kind: Kind) -> ColumnElement[bool]:
    me = actor.person_id
    ordered, judged = OrderLine.quantity - OrderLine.rejected, OrderLine.accepted + OrderLine.returned
    unexplained = select(Hold.id).where(Hold.order_id == Order.id, Hold.explanation.is_(None)).exists()
    match kind:
        case Kind.EXPLAIN:
            return and_(Order.state == State.HELD, Order.buyer_id == me, unexplained)
        case Kind.CLEAR:
            return and_(Order.state == State.HELD, Order.buyer_id != me, ~unexplained)
        case Kind.APPROVE:
            return and_(Order.state == State.SUBMITTED, Order.buyer_id != me)
        case Kind.CONFIRM:
            return Order.state == State.PLACED
        case Kind.SHIP:
            return and_(Order.state.in_((State.CONFIRMED, State.SHIPPED, State.DELIVERED)), _line(OrderLine.shipped < ordered))
        case Kind.RECEIVE:
            return and_(Order.state == State.SHIPPED, _line(OrderLine.delivered < OrderLine.shipped))
        case Kind.ACCEPT:
            arrived = _line(judged < OrderLine.delivered)
            return and_(Order.state.in_((State.SHIPPED, State.DELIVERED)), Order.buyer_id != me, arrived)
        case Kind.AGREE:
            proposed = select(Contract.order_id).join(Termination, Termination.contract_id == Contract.id)
            mine = proposed.where(Termination.agreed_at.is_(None), Termination.proposed_for != actor.organisation_id)
            return and_(Order.state.in_((State.CONFIRMED, State.SHIPPED)), Order.id.in_(mine))
        case Kind.INVOICE:
            return Order.state == State.ACCEPTED
        case Kind.PAY:
            return and_(Order.state == State.INVOICED, or_(Order.acceptor_id.is_(None), Order.acceptor_id != me))
        case _:
            side = Side.SUPPLIER if actor.is_supplier else Side.UNIT
            rated = select(Rating.order_id).where(Rating.order_id == Order.id, Rating.side == side).exists()
            return and_(Order.state.in_(RATEABLE), Order.state_since >= clock.now() - RATE_WITHIN, ~rated)


def _line(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(OrderLine.id).where(OrderLine.order_id == Order.id, condition).exists()


def _pieces(actor: Actor) -> list[Select[Any]]:
    """One select per kind of the actor's work, all of the same shape."""
    found: list[Select[Any]] = []
    other = Order.unit_id if actor.is_supplier else Order.supplier_id
    for kind in WORKS:
        condition = waiting(actor, kind)
        if condition is None:
            continue
        query = select(*_columns(kind, Order.number, Organisation.name, Order.state_since, Order.due_at, PaymentClock.due_on))
        query = query.join(Organisation, Organisation.id == other).outerjoin(PaymentClock, PaymentClock.order_id == Order.id)
        found.append(query.where(condition))
    if actor.is_unit and actor.may(Permission.ASSET_KEEP):
        cards = select(*_columns(Kind.CARD, AssetCard.number, AssetCard.name, Order.state_since))
        cards = cards.join(Order, Order.id == AssetCard.order_id)
        found.append(cards.where(AssetCard.unit_id == actor.organisation_id, AssetCard.state == CardState.DRAFT))
    if actor.is_unit and actor.may(Permission.PLAN_FILE):
        returned = select(*_columns(Kind.PLAN, Plan.number, Plan.title, Plan.filed_at))
        found.append(returned.where(Plan.unit_id == actor.organisation_id, Plan.state == PlanState.RETURNED))
    if actor.may(Permission.PLAN_RETURN) and not actor.is_system:
        open_to_return = and_(Plan.state == PlanState.FILED, Plan.returnable_until >= clock.now())
        filed = select(*_columns(Kind.CHECK_PLAN, Plan.number, Plan.title, Plan.filed_at, Plan.returnable_until))
        found.append(filed.where(open_to_return, Plan.region.in_(regions.below(actor.region))))
    return found


def _columns(kind: Kind, first: Any, whom: Any, since: Any, due_at: Any = None, due_on: Any = None) -> list[Any]:
    return [
        literal(kind.value, String).label("kind"),
        first.label("first"),
        whom.label("whom"),
        since.label("since"),
        (cast(null(), Moment) if due_at is None else due_at).label("due_at"),
        (cast(null(), Date) if due_on is None else due_on).label("due_on"),
    ]


def todo(session: Session, actor: Actor) -> list[Todo]:
    """What waits for the actor, by kind in the order of the loop; one statement (two for who keeps listings)."""
    found: dict[Kind, Todo] = {}
    if pieces := _pieces(actor):
        for row in session.execute(_by_kind(pieces)):
            found[Kind(row.kind)] = Todo(
                kind=Kind(row.kind),
                count=row.n,
                fresh=int(row.fresh),
                older=int(row.older),
                late=row.n - int(row.fresh) - int(row.older),
                first=row.first,
                with_whom=row.whom,
                due_at=row.due_at,
                due_on=row.due_on if Kind(row.kind) is Kind.PAY else None,
            )
    if actor.is_supplier and actor.may(Permission.LISTING_KEEP) and (low := listings.own_counts(session, actor)["low"]):
        found[Kind.STOCK] = Todo(kind=Kind.STOCK, count=low)
    return [found[kind] for kind in WORKS if kind in found]


def _by_kind(pieces: Sequence[Select[Any]]) -> Select[Any]:
    """Counts and bands per kind beside the piece that is due first."""
    now = clock.now()
    all_of = union_all(*pieces).subquery() if len(pieces) > 1 else pieces[0].subquery()
    cells = all_of.c

    def within(least: timedelta, most: timedelta) -> Any:
        band = and_(cells.since > now - most, cells.since <= now - least)
        return func.sum(case((band, 1), else_=0)).over(partition_by=cells.kind)

    ranked = select(
        *cells,
        func.count().over(partition_by=cells.kind).label("n"),
        within(-FRESH, FRESH).label("fresh"),
        within(FRESH, OLDER).label("older"),
        func.row_number()
        .over(partition_by=cells.kind, order_by=(cells.due_at.is_(None), cells.due_at, cells.due_on, cells.since, cells.first))
        .label("place"),
    ).subquery()
    return select(ranked).where(ranked.c.place == 1)


def todo_count(actor: Actor) -> ScalarSelect[int] | None:
    """How many pieces of work wait for the actor, for the head of every page: part of a statement, or nothing to ask."""
    pieces = _pieces(actor)
    if not pieces:
        return None
    plain = [piece.with_only_columns(piece.selected_columns[1], maintain_column_froms=True) for piece in pieces]
    every = union_all(*plain).subquery() if len(plain) > 1 else plain[0].subquery()
    return select(func.count()).select_from(every).scalar_subquery()


# ---------------------------------------------------------------- what runs out, and the year so far


def expiring(session: Session, actor: Actor, *, within: timedelta = timedelta(days=3), most: int = 8) -> list[Expiring]:
    """Orders the actor may see whose deadline is past or near, the nearest first."""
    other = Order.unit_id if actor.is_supplier else Order.supplier_id
    query = (
        select(Order.number, Organisation.name, Order.state, Order.due_at)
        .join(Organisation, Organisation.id == other)
        .where(purchases.visible_to(actor), Order.state.in_(OPEN), Order.due_at <= clock.now() + within)
        .order_by(Order.due_at, Order.id)
        .limit(most)
    )
    return [Expiring(number=row.number, with_whom=row.name, state=row.state, due_at=row.due_at) for row in session.execute(query)]


def payable(session: Session, actor: Actor, *, within: timedelta = timedelta(days=10), most: int = 5) -> list[Expiring]:
    """Accepted orders the actor may see that must be paid soon or should have been, the nearest first."""
    other = Order.unit_id if actor.is_supplier else Order.supplier_id
    query = (
        select(Order.number, Organisation.name, Order.state, PaymentClock.due_on)
        .join(PaymentClock, PaymentClock.order_id == Order.id)
        .join(Organisation, Organisation.id == other)
        .where(purchases.visible_to(actor), Order.state.in_((State.ACCEPTED, State.INVOICED, State.PAYING)))
        .where(PaymentClock.due_on <= clock.today() + within)
        .order_by(PaymentClock.due_on, Order.id)
        .limit(most)
    )
    return [Expiring(number=row.number, with_whom=row.name, state=row.state, due_on=row.due_on) for row in session.execute(query)]


def months(session: Session, actor: Actor, year: int) -> list[int]:
    """What the actor's side ordered in each month of a year, in fen; ended orders are left out."""
    starts = [clock.end_of_day(date(year, month, 1) - timedelta(days=1)) for month in range(1, 13)]
    starts.append(clock.end_of_day(date(year, 12, 31)))
    sums = [
        func.sum(case((and_(Order.submitted_at > since, Order.submitted_at <= until), Order.total_fen), else_=0))
        for since, until in pairwise(starts)
    ]
    query = select(*sums).where(purchases.visible_to(actor), Order.state.not_in(_VOID))
    row = session.execute(query.where(Order.submitted_at > starts[0], Order.submitted_at <= starts[-1])).one()
    return [int(each or 0) for each in row]
