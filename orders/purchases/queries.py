"""Reads of orders, and the facts that a submission is judged by: few statements, however many lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.people.desk import Desk
from app.kernel import clock, regions
from app.kernel.db import among, run
from app.kernel.errors import Missing
from app.kernel.verdicts import read
from app.policy import Actor, Reach, scope_of
from catalog.listings import queries as listings
from catalog.listings.rules import Traded
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import CategoryKind, What
from orders.budgets.tables import Allotment, Control
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine
from orders.purchases.rules import Cited, Facts, Funding, Line, Past
from orders.purchases.states import FINAL, State
from orders.purchases.tables import Attempt, DecisionRecord, Hold, Order, OrderLine, Submission
from orders.purchases.verdicts import Verdict

__all__ = ["Attempt", "Order", "OrderLine"]  # rows that other packages name in their annotations

PAST_DAYS = 30
"""The widest window that a gate may look back over (rule S02)."""

_VOID = FINAL - {State.CLOSED}
_CONCLUDED = frozenset(State) - _VOID - {State.HELD, State.SUBMITTED, State.PLACED}
"""Orders with a contract that was not ended: their prices are concluded ones."""
KIND_OF = {"A": CategoryKind.GOODS, "B": CategoryKind.WORKS, "C": CategoryKind.SERVICES}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One line as the buyer sends it off."""

    listing_id: int
    quantity: int
    seen_price_fen: int
    plan_line_id: int | None
    address_id: int | None
    why: str | None = None
    """The code of the reason why not the lowest offer."""
    words: str | None = None
    """The same in the buyer's words."""

    @property
    def told(self) -> dict[str, Any]:
        """What is said, without reasons that nobody gave."""
        return {name: value for name, value in vars(self).items() if value is not None or name not in {"why", "words"}}


@dataclass(frozen=True, kw_only=True)
class ActionLink:
    """One step that an actor may take on an order now: label (marked with N_), address, and whether it is the expected one."""

    label: str
    url: str
    primary: bool = False


def address(number: str, action: str = "") -> str:
    """The page of an order, or of something to be done with it."""
    return f"/orders/{number}/{action}".rstrip("/")


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The orders an actor may see: own unit's, own supplier's, or a supervised region's."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return true()
    if scope.reach is Reach.REGION and scope.region is not None:
        return Order.region.in_(regions.below(scope.region)) if scope.region != "410000" else true()
    if scope.reach is Reach.ORGANISATION and actor.is_supplier:
        return and_(Order.supplier_id == scope.organisation_id, Order.approver_id.is_not(None), Order.state.not_in(UNSEEN_BY_SUPPLIER))
    if scope.reach is Reach.ORGANISATION:
        return Order.unit_id == scope.organisation_id
    return false()


UNSEEN_BY_SUPPLIER = frozenset({State.HELD, State.SUBMITTED, State.REJECTED})
"""A supplier learns of an order when the unit has approved it."""


def by_number(session: Session, actor: Actor, number: str) -> Order:
    """The order with this number if the actor may see it. Raises Missing otherwise, whatever the reason."""
    order = session.scalar(select(Order).where(Order.number == number, visible_to(actor)))
    if order is None:
        raise Missing()
    return order


def lines_of(session: Session, order: Order) -> list[OrderLine]:
    """The lines of an order, in line order."""
    return list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.line_no)))


def decisions_of(session: Session, order: Order) -> tuple[Verdict, ...]:
    """Every check of the submission this order came from, as it was made."""
    number = select(Submission.number).where(Submission.id == order.submission_id).scalar_subquery()
    stored = session.scalar(select(DecisionRecord.verdicts).where(DecisionRecord.submission == number))
    return read(Verdict, stored) if stored is not None else ()


def findings_of(session: Session, order_ids: Iterable[int]) -> dict[int, int]:
    """How many checks did not simply pass, by order; orders without any are left out."""
    rows = session.execute(
        select(Order.id, DecisionRecord.findings)
        .join(Submission, Submission.id == Order.submission_id)
        .join(DecisionRecord, DecisionRecord.submission == Submission.number)
        .where(Order.id.in_(set(order_ids)), DecisionRecord.findings > 0)
    )
    return {row.id: row.findings for row in rows}


def holds_of(session: Session, order: Order) -> list[Hold]:
    """The rules that hold an order, in the order they were found."""
    return list(session.scalars(select(Hold).where(Hold.order_id == order.id).order_by(Hold.id)))


def submission_by_number(session: Session, actor: Actor, number: str) -> Submission:
    """The submission with this number if the actor may see its orders. Raises Missing."""
    seen = select(Order.id).where(Order.submission_id == Submission.id, visible_to(actor)).exists()
    found = session.scalar(select(Submission).where(Submission.number == number, seen))
    if found is None:
        raise Missing()
    return found


_plan_control, _allotment_control = Control.__table__.alias("plan_control"), Control.__table__.alias("allotment_control")


def _free(control: Any) -> ColumnElement[int]:
    left: ColumnElement[int] = (
        control.c.amount_fen - control.c.reserved_fen - control.c.committed_fen - control.c.accrued_fen - control.c.paid_fen
    )
    return left


_FUNDINGS: Final = (
    select(
        PlanLine.id, Plan.number, Plan.state, Plan.year, PlanLine.line_no, PlanLine.category_code,
        (_plan_control.c.quantity - _plan_control.c.ordered).label("remaining"),
        PlanLine.control_id, _free(_plan_control).label("plan_free_fen"),
        Allotment.id.label("allotment_id"), Allotment.number.label("allotment_number"), Allotment.economic_class,
        Allotment.control_id.label("allotment_control_id"), _free(_allotment_control).label("allotment_free_fen"),
    )
    .join(Plan, Plan.id == PlanLine.plan_id)
    .join(_plan_control, _plan_control.c.id == PlanLine.control_id)
    .join(Allotment, Allotment.id == PlanLine.allotment_id)
    .join(_allotment_control, _allotment_control.c.id == Allotment.control_id)
    .where(among(PlanLine.id, "lines"), Plan.unit_id == bindparam("unit"))
)  # fmt: skip


def fundings(session: Session, actor: Actor, plan_line_ids: Iterable[int]) -> dict[int, Funding]:
    """The unit's own plan lines with both controls as they stand now, by id; foreign ids are simply not found."""
    wanted = sorted(set(plan_line_ids))
    if not wanted:
        return {}
    rows = run(session, _FUNDINGS, {"lines": wanted, "unit": actor.organisation_id})
    return {
        row.id: Funding(
            plan_line_id=row.id,
            plan_number=row.number,
            line_no=row.line_no,
            filed=row.state is PlanState.FILED,
            year=row.year,
            category=row.category_code,
            remaining_quantity=row.remaining or 0,
            plan_control_id=row.control_id,
            plan_free_fen=row.plan_free_fen,
            allotment_id=row.allotment_id,
            allotment_number=row.allotment_number,
            allotment_control_id=row.allotment_control_id,
            allotment_free_fen=row.allotment_free_fen,
            economic_class=row.economic_class,
        )
        for row in rows
    }


@cache
def _past(of_categories: bool) -> Select[Any]:
    cut = func.substr(OrderLine.category_code, 1, 7)
    kept_fen = func.sum(OrderLine.price_fen * (OrderLine.quantity - OrderLine.rejected))
    return (
        select(Order.number, Order.supplier_id, Order.submitted_at, cut.label("level3"), kept_fen.label("amount_fen"))
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.unit_id == bindparam("unit"), Order.submitted_at >= bindparam("since"), Order.state.not_in(_VOID))
        .where(OrderLine.quantity > OrderLine.rejected)
        .where(among(cut, "categories") if of_categories else true())
        .group_by(Order.number, Order.supplier_id, Order.submitted_at, cut)
        .order_by(Order.submitted_at)
    )


def past_orders(session: Session, unit_id: int, level3: Iterable[str] | None, since: datetime) -> tuple[Past, ...]:
    """The unit's standing orders in these level-3 categories (all for None) since a moment, summed per order and category.

    What the approver took out, or both sides ended unsent, no longer counts.
    """
    values: dict[str, Any] = {"unit": unit_id, "since": since} | ({} if level3 is None else {"categories": sorted(set(level3))})
    rows = run(session, _past(level3 is not None), values)
    return tuple(
        Past(number=row.number, supplier_id=row.supplier_id, level3=row.level3, amount_fen=int(row.amount_fen), at=row.submitted_at)
        for row in rows
    )


def facts_for(session: Session, actor: Actor, wishes: Sequence[Wish], desk: Desk, cited: Cited | None = None) -> Facts:
    """Everything the checks look at, read now. Raises Missing when a listing does not exist."""
    at, on = clock.now(), clock.today()
    found = listings.offers(session, (wish.listing_id for wish in wishes), actor.region, on)
    funding = fundings(session, actor, (wish.plan_line_id for wish in wishes if wish.plan_line_id))
    if any(wish.listing_id not in found for wish in wishes):
        raise Missing()
    default_place = next(iter(desk.places.values()), "")
    lines = tuple(
        Line(
            no=no,
            quantity=wish.quantity,
            seen_price_fen=wish.seen_price_fen,
            offer=found[wish.listing_id],
            funding=funding.get(wish.plan_line_id or 0),
            place=desk.places[wish.address_id] if wish.address_id else default_place,
            why=wish.why,
            words=wish.words,
        )
        for no, wish in enumerate(wishes, start=1)
    )
    kinds = {line.level3[0] for line in lines}
    return Facts(
        unit_id=actor.organisation_id or 0,
        region=actor.region,
        year=on.year,
        at=at,
        lines=lines,
        other_approvers=desk.other_approvers,
        other_acceptors=desk.other_acceptors,
        mall_ceiling_fen={k: taxonomy.limit(session, What.MALL_CEILING, actor.region, KIND_OF[k], on).amount_fen for k in kinds},
        direct_ceiling_fen={k: taxonomy.limit(session, What.DIRECT_CEILING, actor.region, KIND_OF[k], on).amount_fen for k in kinds},
        past=past_orders(session, actor.organisation_id or 0, (line.level3 for line in lines), at - timedelta(days=PAST_DAYS)),
        cited=cited,
    )


# ---------------------------------------------------------------- what the supervision asks


def attempt(session: Session, actor: Actor, number: str) -> tuple[Attempt, tuple[Verdict, ...]]:
    """A refused submission with every verdict, for the unit and for those who watch its region. Raises Missing."""
    scope = scope_of(actor)
    seen: ColumnElement[bool] = true() if scope.reach is Reach.EVERYWHERE else false()
    if scope.reach is Reach.REGION and scope.region is not None:
        seen = Attempt.region.in_(regions.below(scope.region))
    elif scope.reach is Reach.ORGANISATION and actor.is_unit:
        seen = Attempt.unit_id == scope.organisation_id
    found = session.scalar(select(Attempt).where(Attempt.number == number, seen))
    if found is None:
        raise Missing()
    return found, read(Verdict, found.verdicts)


def standing_in(
    session: Session, states: Iterable[State], *, due_before: datetime | None = None, after: int = 0, most: int = 500
) -> list[Order]:
    """Orders in these states, by id from `after` on; with `due_before` those whose deadline is over (rules T01–T03)."""
    query = select(Order).where(Order.state.in_(tuple(states)), Order.id > after)
    if due_before is not None:
        query = query.where(Order.due_at < due_before)
    return list(session.scalars(query.order_by(Order.id).limit(most)))


def given_up(session: Session, unit_id: int, since: datetime) -> tuple[Past, ...]:
    """The unit's orders submitted since a moment that it withdrew after approval or ended after the contract (rule X02).

    A contract that ended because goods were sent back has its cause in the acceptance record.
    """
    sent_back = select(OrderLine.id).where(OrderLine.order_id == Order.id, OrderLine.returned > 0).exists()
    ended = or_(and_(Order.state == State.TERMINATED, ~sent_back), and_(Order.state == State.CANCELLED, Order.approver_id.is_not(None)))
    return _whole(session, Order.unit_id == unit_id, Order.submitted_at >= since, ended)


def turned_down(session: Session, supplier_id: int, since: datetime) -> tuple[tuple[Past, ...], int]:
    """The supplier's orders submitted since a moment that it refused or let lapse, and how many reached it at all (rule X03)."""
    reached = (Order.supplier_id == supplier_id, Order.submitted_at >= since, Order.approver_id.is_not(None))
    lost = _whole(session, *reached, Order.state.in_((State.REFUSED, State.LAPSED)))
    return lost, session.scalar(select(func.count()).select_from(Order).where(*reached)) or 0


def _whole(session: Session, *conditions: ColumnElement[bool]) -> tuple[Past, ...]:
    rows = session.execute(
        select(Order.number, Order.supplier_id, Order.total_fen, Order.state_since).where(*conditions).order_by(Order.state_since)
    )
    return tuple(
        Past(number=row.number, supplier_id=row.supplier_id, level3="", amount_fen=row.total_fen, at=row.state_since) for row in rows
    )


def search_condition(text: str) -> ColumnElement[bool]:
    """Orders whose number or line titles hold the text."""
    like = f"%{text.strip()}%"
    titles = select(OrderLine.order_id).where(or_(OrderLine.title.like(like), OrderLine.model.like(like)))
    return or_(Order.number.like(like.upper()), Order.id.in_(titles))


def traded(session: Session, product_ids: Sequence[int], since: datetime) -> dict[int, Traded]:
    """What these products were bought for since a moment: order lines of contracts that stand, and their mean price; one statement."""
    query = (
        select(OrderLine.product_id, func.count().label("n"), func.sum(OrderLine.price_fen).label("sum"))
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.product_id.in_(product_ids), Order.submitted_at >= since, Order.state.in_(_CONCLUDED))
        .group_by(OrderLine.product_id)
    )
    return {row.product_id: Traded(n=row.n, average_fen=int(row.sum) // row.n) for row in session.execute(query)}


@dataclass(frozen=True, kw_only=True)
class TradedProduct:
    """What a product was bought for in a span of time: its lines and the median of their unit prices, in fen."""

    product_id: int
    category_code: str
    n: int
    median_fen: int


def traded_between(session: Session, first: datetime, until: datetime) -> list[TradedProduct]:
    """Every product bought from a moment on and before another, by contracts that stand, ordered by id; one statement.

    The median of an even number of lines is the mean of the two in the middle, rounded half up. The regions are named because the
    index over orders begins with them.
    """
    lines = (
        select(
            OrderLine.product_id, OrderLine.category_code, OrderLine.price_fen.label("price"),
            func.row_number().over(partition_by=OrderLine.product_id, order_by=(OrderLine.price_fen, OrderLine.id)).label("place"),
            func.count().over(partition_by=OrderLine.product_id).label("n"),
        )
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.region.in_(sorted(regions.REGIONS)), Order.submitted_at >= first, Order.submitted_at < until)
        .where(Order.state.in_(_CONCLUDED))
        .subquery()
    )  # fmt: skip
    price, place, n = lines.c.price, lines.c.place, lines.c.n

    def at(wanted: ColumnElement[int]) -> ColumnElement[int]:
        return func.max(case((place == wanted, price)))

    query = (
        select(
            lines.c.product_id, func.max(lines.c.category_code).label("code"), func.max(n).label("n"),
            at((n + 1) // 2).label("low"), at(n // 2 + 1).label("high"),
        )
        .group_by(lines.c.product_id)
        .order_by(lines.c.product_id)
    )  # fmt: skip
    return [
        TradedProduct(product_id=row.product_id, category_code=row.code, n=row.n, median_fen=(row.low + row.high + 1) // 2)
        for row in session.execute(query)
    ]


def first_concluded(session: Session) -> datetime | None:
    """When the first order was submitted whose contract stands."""
    return session.scalar(select(func.min(Order.submitted_at)).where(Order.state.in_(_CONCLUDED)))
