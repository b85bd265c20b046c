"""Reads of the stream and of the figures of regions. The order of both is that of the log."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy import false as never
from sqlalchemy import true as always
from sqlalchemy.orm import Session

from app.kernel import clock, regions
from app.kernel.errors import Missing
from app.policy import Actor, Reach, scope_of
from orders.purchases.states import State
from supervision.dashboard.states import Kind, Risk
from supervision.dashboard.tables import RegionDay, StreamCursor, StreamEntry

__all__ = ["StreamEntry"]

FIGURES = ("submitted", "submitted_fen", "refused", "held", "confirmed", "confirmed_fen", "paid", "paid_fen", "alerts")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a watcher wants to see; everything left out means all. Days are Henan days, both included."""

    region: str | None = None
    risk: Risk | None = None
    kind: Kind | None = None
    state: str | None = None
    least_fen: int | None = None
    text: str = ""
    unit_id: int | None = None
    own_level: bool = False
    since: date | None = None
    until: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL."""
        found: list[ColumnElement[bool]] = []
        if self.region:
            found.append(StreamEntry.region == self.region if self.own_level else _in(self.region))
        if self.risk is not None:
            found.append(StreamEntry.risk == self.risk.value)
        if self.kind is not None:
            found.append(_of_kind(self.kind))
        if self.state:
            found.append(StreamEntry.state == self.state)
        if self.least_fen:
            found.append(StreamEntry.amount_fen >= self.least_fen)
        if self.unit_id is not None:
            found.append(StreamEntry.unit_id == self.unit_id)
        if self.since is not None:
            found.append(StreamEntry.at >= start_of(self.since))
        if self.until is not None:
            found.append(StreamEntry.at < start_of(self.until + timedelta(days=1)))
        for word in self.text.split():
            columns = (StreamEntry.number, StreamEntry.unit_name, StreamEntry.supplier_name, StreamEntry.category, StreamEntry.rules)
            found.append(or_(*(column.contains(word, autoescape=True) for column in columns)))
        return found


def start_of(day: date) -> datetime:
    """The first moment of a Henan day."""
    return clock.end_of_day(day - timedelta(days=1)) + timedelta(seconds=1)


def _in(region: str) -> ColumnElement[bool]:
    return always() if region == regions.PROVINCE else StreamEntry.region.in_(regions.below(region))


def _of_kind(kind: Kind) -> ColumnElement[bool]:
    match kind:
        case Kind.SUBMITTED:
            return StreamEntry.type == "order.submitted"
        case Kind.HELD:
            return and_(StreamEntry.type == "order.submitted", StreamEntry.state == State.HELD.value)
        case Kind.REFUSED:
            return StreamEntry.type == "submission.refused"
        case Kind.CONFIRMED:
            return StreamEntry.type == "order.confirmed"
        case Kind.PAID:
            return StreamEntry.type == "order.paid"
        case Kind.ALERT:
            return StreamEntry.type == "alert.raised"
        case Kind.PLAN | Kind.ORDER:
            return StreamEntry.type.startswith(f"{kind.value}.")


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The lines of the actor's own region and below; nothing for units and suppliers."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return always()
    if scope.reach is Reach.REGION and scope.region is not None:
        return _in(scope.region)
    return never()


def seen_region(actor: Actor, code: str | None) -> str:
    """The region that an actor looks at: his own, or one below. Raises Missing for any other."""
    scope = scope_of(actor)
    own = regions.PROVINCE if scope.reach is Reach.EVERYWHERE else scope.region if scope.reach is Reach.REGION else None
    if own is None or (code and not regions.within(code, own)):
        raise Missing()
    return code or own


def head(session: Session) -> int:
    """The index of the last leaf that was taken over; −1 before the first."""
    found = session.scalar(select(StreamCursor.leaf_index).where(StreamCursor.name == "stream"))
    return -1 if found is None else found


def latest(session: Session, actor: Actor, wanted: Filter, *, before: int | None = None, limit: int = 50) -> list[StreamEntry]:
    """The newest lines first, those below an index when given."""
    query = select(StreamEntry).where(visible_to(actor), *wanted.conditions())
    if before is not None:
        query = query.where(StreamEntry.leaf_index < before)
    return list(session.scalars(query.order_by(StreamEntry.leaf_index.desc()).limit(limit)))


def after(session: Session, actor: Actor, wanted: Filter, index: int, *, limit: int = 200) -> tuple[list[StreamEntry], int]:
    """The lines above an index in the order of the log, and how far that answer reaches.

    The head is read first: everything up to it is in the tables, so an answer that is not full reaches to the head.
    """
    reached = head(session)
    if index >= reached:
        return [], max(index, reached)
    query = select(StreamEntry).where(visible_to(actor), *wanted.conditions())
    query = query.where(StreamEntry.leaf_index > index, StreamEntry.leaf_index <= reached).order_by(StreamEntry.leaf_index).limit(limit)
    found = list(session.scalars(query))
    return found, found[-1].leaf_index if len(found) == limit else reached


def rules_of(session: Session, numbers: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The rules that these streams had tripped as of their last line."""
    if not numbers:
        return {}
    query = select(StreamEntry.number, StreamEntry.rules).where(StreamEntry.number.in_(numbers)).order_by(StreamEntry.leaf_index)
    return {row.number: tuple(row.rules.split()) for row in session.execute(query)}


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Figures:
    """Sums over some regions and days; amounts in fen."""

    submitted: int = 0
    submitted_fen: int = 0
    refused: int = 0
    held: int = 0
    confirmed: int = 0
    confirmed_fen: int = 0
    paid: int = 0
    paid_fen: int = 0
    alerts: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in FIGURES))


NOTHING = Figures()
_SUMS = tuple(func.coalesce(func.sum(getattr(RegionDay, name)), 0).label(name) for name in FIGURES)


def _of(row: object) -> Figures:
    return Figures(*(int(getattr(row, name)) for name in FIGURES))


def by_region(session: Session, codes: Iterable[str], since: date, until: date) -> dict[str, Figures]:
    """The figures of each of these regions alone (without what lies below) over the days, both included; one statement."""
    query = select(RegionDay.region, *_SUMS).where(RegionDay.day.between(since, until), RegionDay.region.in_(tuple(codes)))
    return {row.region: _of(row) for row in session.execute(query.group_by(RegionDay.region))}


def by_day(session: Session, codes: Iterable[str], since: date, until: date) -> dict[tuple[str, date], Figures]:
    """The figures of each region and day; one statement."""
    query = select(RegionDay).where(RegionDay.day.between(since, until), RegionDay.region.in_(tuple(codes)))
    return {(row.region, row.day): _of(row) for row in session.scalars(query)}


def total(figures: Iterable[Figures]) -> Figures:
    """The sum of several."""
    return sum(figures, NOTHING)


@dataclass(frozen=True)
class UnitFigures:
    """What one unit did over some days."""

    unit_id: int
    name: str
    submitted: int
    submitted_fen: int
    refused: int
    held: int
    confirmed: int
    paid: int


def by_unit(session: Session, region: str, since: date, until: date, *, most: int = 200) -> list[UnitFigures]:
    """The units of one region (its own level), the largest amounts first, from the lines of the stream."""

    def count(kind: Kind) -> ColumnElement[int]:
        return func.count().filter(_of_kind(kind))

    amount = func.coalesce(func.sum(StreamEntry.amount_fen).filter(_of_kind(Kind.SUBMITTED)), 0)
    query = (
        select(
            StreamEntry.unit_id,
            func.max(StreamEntry.unit_name).label("name"),
            count(Kind.SUBMITTED).label("submitted"),
            amount.label("fen"),
            count(Kind.REFUSED).label("refused"),
            count(Kind.HELD).label("held"),
            count(Kind.CONFIRMED).label("confirmed"),
            count(Kind.PAID).label("paid"),
        )
        .where(
            StreamEntry.region == region,
            StreamEntry.unit_id.is_not(None),
            StreamEntry.at >= start_of(since),
            StreamEntry.at < start_of(until + timedelta(days=1)),
        )
        .group_by(StreamEntry.unit_id)
        .order_by(amount.desc(), StreamEntry.unit_id)
        .limit(most)
    )
    return [
        UnitFigures(row.unit_id, row.name, row.submitted, int(row.fen), row.refused, row.held, row.confirmed, row.paid)
        for row in session.execute(query)
    ]
