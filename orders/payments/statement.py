"""Reconciliation (对账): our paid applications against the gateway's statement as it was told last, to the fen.

A payment belongs to the day on which the gateway took it up, on both sides; one that the gateway does not know, to the day of our
receipt. Whoever sees the order sees its payment; a charge that names no application of ours is seen by the whole province only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, Subquery, and_, case, exists, func, literal, null, or_, select, type_coerce, union_all
from sqlalchemy.orm import Session, aliased

from app.accounts.organisations import queries as organisations
from app.kernel import clock
from app.policy import Actor
from orders.payments.rules import SETTLING, Difference
from orders.payments.states import OPEN, ApplicationState
from orders.payments.tables import GatewayCharge, GatewayStatement, PaymentApplication
from orders.purchases import queries as purchases
from orders.purchases.tables import Order

CURRENCY = "cny"
MOST = 500
EXPORT = 20_000
FIRST_LOOK, DAILY_LOOK, LOOK = timedelta(days=1), timedelta(days=35), timedelta(days=2)
"""How far back a statement reaches: before our first application; once a day, so that late refunds are seen; otherwise."""


@dataclass(frozen=True)
class Day:
    """Both sides of a day: how many payments and how much (fen), and how many of them differ."""

    on: date
    ours: int
    ours_fen: int
    theirs: int
    theirs_fen: int
    differences: int


@dataclass(frozen=True)
class Pair:
    """A payment on both sides; the side that lacks it has no amount. Amounts in fen, theirs less what was sent back."""

    kind: Difference
    on: date
    application: str | None
    order: str | None
    unit: str | None
    supplier: str | None
    intent: str | None
    ours_fen: int | None
    theirs_fen: int | None


@dataclass(frozen=True)
class Reconciliation:
    """The days of a month, what differs at any time (the newest first, at most `MOST`), and which statement it was held against."""

    told: GatewayStatement | None
    days: list[Day]
    differences: list[Pair]
    differing: int


def last_told(session: Session) -> GatewayStatement | None:
    """The last statement that was fetched whole."""
    return session.scalars(select(GatewayStatement).order_by(GatewayStatement.id.desc()).limit(1)).first()


def first_look(session: Session) -> datetime:
    """Before our first application."""
    return (session.scalar(select(func.min(PaymentApplication.applied_at))) or clock.now()) - FIRST_LOOK


def since(session: Session) -> datetime:
    """From when on the next statement is to be fetched: everything that may have changed since the last one."""
    first, told = first_look(session), last_told(session)
    if told is None:
        return first
    undecided = session.scalar(select(func.min(PaymentApplication.applied_at)).where(PaymentApplication.state.in_(OPEN)))
    back = LOOK if clock.local(told.told_at).date() == clock.today() else DAILY_LOOK
    return max(min(told.told_at - back, undecided or told.told_at), first)


def of_month(session: Session, actor: Actor, month: date) -> Reconciliation:
    """The days of a month with both sides, and everything that differs at any time."""
    told = last_told(session)
    pairs = _pairs(session, actor, told)
    until = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    differs = pairs.c.kind != Difference.NONE.value
    days = session.execute(
        select(
            pairs.c.day,
            func.count(pairs.c.ours_fen),
            func.coalesce(func.sum(pairs.c.ours_fen), 0),
            func.count(pairs.c.theirs_fen),
            func.coalesce(func.sum(pairs.c.theirs_fen), 0),
            func.sum(case((differs, 1), else_=0)),
        )
        .where(pairs.c.day >= month.replace(day=1), pairs.c.day < until)
        .group_by(pairs.c.day)
        .order_by(pairs.c.day.desc())
    )
    rows = session.execute(select(pairs).where(differs).order_by(pairs.c.day.desc(), pairs.c.application, pairs.c.intent).limit(MOST)).all()
    differing = len(rows) if len(rows) < MOST else session.scalar(select(func.count()).select_from(pairs).where(differs)) or 0
    found = [Day(row[0], *map(int, row[1:])) for row in days]
    return Reconciliation(told=told, days=found, differences=_told(session, rows), differing=differing)


def exported(session: Session, actor: Actor, month: date) -> list[Pair]:
    """Every payment of a month, on both sides, differing or not."""
    pairs = _pairs(session, actor, last_told(session))
    until = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    query = select(pairs).where(pairs.c.day >= month.replace(day=1), pairs.c.day < until)
    return _told(session, session.execute(query.order_by(pairs.c.day, pairs.c.application, pairs.c.intent).limit(EXPORT)).all())


def _told(session: Session, rows: Sequence[Any]) -> list[Pair]:
    names = organisations.names(session, {of for row in rows for of in (row.unit_id, row.supplier_id) if of is not None})
    return [
        Pair(
            kind=Difference(row.kind),
            on=row.day,
            application=row.application,
            order=row.order_number,
            unit=names.get(row.unit_id),
            supplier=names.get(row.supplier_id),
            intent=row.intent,
            ours_fen=row.ours_fen,
            theirs_fen=row.theirs_fen,
        )
        for row in rows
    ]


def _pairs(session: Session, actor: Actor, told: GatewayStatement | None) -> Subquery:
    """Every paid application with its charge, and every charge that no paid application claims."""
    return union_all(_claimed(session, actor, told), _unclaimed(actor, told)).subquery()


def _claimed(session: Session, actor: Actor, told: GatewayStatement | None) -> Select[Any]:
    known = PaymentApplication.paid_at <= told.told_at if told is not None else literal(value=False)
    kind = case(
        (and_(GatewayCharge.intent.is_(None), known), Difference.MISSING_THERE.value),
        (GatewayCharge.intent.is_(None), Difference.NONE.value),
        (or_(_net() != PaymentApplication.amount_fen, GatewayCharge.currency != CURRENCY), Difference.AMOUNT.value),
        else_=Difference.NONE.value,
    )
    return (
        select(
            kind.label("kind"),
            func.coalesce(GatewayCharge.charged_on, _local_day(session)).label("day"),
            PaymentApplication.number.label("application"),
            Order.number.label("order_number"),
            Order.unit_id,
            Order.supplier_id,
            PaymentApplication.intent.label("intent"),
            PaymentApplication.amount_fen.label("ours_fen"),
            _net().label("theirs_fen"),
        )
        .join(Order, Order.id == PaymentApplication.order_id)
        .outerjoin(GatewayCharge, GatewayCharge.intent == PaymentApplication.intent)
        .where(PaymentApplication.state == ApplicationState.PAID, purchases.visible_to(actor))
    )


def _unclaimed(actor: Actor, told: GatewayStatement | None) -> Select[Any]:
    claiming = aliased(PaymentApplication)
    settled = GatewayCharge.charged_at <= (told.told_at - SETTLING if told is not None else clock.now())
    kind = case((PaymentApplication.state == ApplicationState.PAID, Difference.DOUBLE.value), else_=Difference.MISSING_HERE.value)
    return (
        select(
            kind.label("kind"),
            GatewayCharge.charged_on.label("day"),
            GatewayCharge.application.label("application"),
            Order.number.label("order_number"),
            Order.unit_id,
            Order.supplier_id,
            GatewayCharge.intent.label("intent"),
            null().label("ours_fen"),
            _net().label("theirs_fen"),
        )
        .outerjoin(PaymentApplication, PaymentApplication.number == GatewayCharge.application)
        .outerjoin(Order, Order.id == PaymentApplication.order_id)
        .where(
            ~exists().where(claiming.intent == GatewayCharge.intent, claiming.state == ApplicationState.PAID),
            _net() > 0,  # what was sent back whole is settled
            settled,
            purchases.visible_to(actor),
        )
    )


def _net() -> ColumnElement[int]:
    return GatewayCharge.captured_fen - GatewayCharge.refunded_fen


def _local_day(session: Session) -> ColumnElement[date]:
    """The Henan calendar day of our receipt."""
    if session.get_bind().dialect.name == "postgresql":
        return func.date(func.timezone("Asia/Shanghai", PaymentApplication.paid_at), type_=Date)
    return type_coerce(func.date(PaymentApplication.paid_at, "+8 hours"), Date)
