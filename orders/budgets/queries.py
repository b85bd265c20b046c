"""Reads of budget money. Lists begin with what the actor may see: the own unit, or the region and below."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from app.accounts.organisations.queries import Organisation
from app.kernel import paging, regions
from app.kernel.errors import Missing
from app.kernel.paging import Key, Page
from app.policy import Actor, Reach, scope_of
from orders.budgets.rules import UnknownAllotment
from orders.budgets.states import ControlKind, Pool
from orders.budgets.tables import Allotment, BudgetLine, BudgetProject, Control, Move


def visible_to(actor: Actor, unit: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The condition on a column of unit ids: the own unit, the region and below, or everything for the system."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return true()
    if scope.reach is Reach.ORGANISATION and actor.is_unit:
        return unit == scope.organisation_id
    if scope.reach is Reach.REGION and scope.region is not None:
        return unit.in_(select(Organisation.id).where(Organisation.region.in_(regions.below(scope.region))))
    return false()


@dataclass(frozen=True)
class Owner:
    """The unit that money belongs to."""

    unit_id: int
    name: str
    region: str


def owner(session: Session, unit_id: int) -> Owner:
    """The unit of an allotment. Raises Missing."""
    found = owners(session, [unit_id])
    if unit_id not in found:
        raise Missing()
    return found[unit_id]


def owners(session: Session, unit_ids: Collection[int]) -> dict[int, Owner]:
    """These units by id."""
    query = select(Organisation.id, Organisation.name, Organisation.region).where(Organisation.id.in_(unit_ids))
    return {row.id: Owner(*row) for row in session.execute(query)}


# ---------------------------------------------------------------- one control


@dataclass(frozen=True)
class Buckets:
    """A control at one glance, in fen: the amount, the four buckets, and what is left."""

    control_id: int
    amount_fen: int
    reserved_fen: int
    committed_fen: int
    accrued_fen: int
    paid_fen: int

    @property
    def used_fen(self) -> int:
        """What stands in the four buckets."""
        return self.reserved_fen + self.committed_fen + self.accrued_fen + self.paid_fen

    @property
    def free_fen(self) -> int:
        """What is left."""
        return self.amount_fen - self.used_fen

    def in_bucket(self, pool: Pool) -> int:
        """What stands in one of the four buckets."""
        return {
            Pool.RESERVED: self.reserved_fen,
            Pool.COMMITTED: self.committed_fen,
            Pool.ACCRUED: self.accrued_fen,
            Pool.PAID: self.paid_fen,
        }[pool]


def buckets(control: Control) -> Buckets:
    """The control as plain figures."""
    return Buckets(
        control.id, control.amount_fen, control.reserved_fen, control.committed_fen, control.accrued_fen, control.paid_fen
    )


def total(rows: Iterable[Buckets]) -> Buckets:
    """The sum of several controls; its id is 0."""
    sums = [0] * 5
    for row in rows:
        for index, fen in enumerate((row.amount_fen, row.reserved_fen, row.committed_fen, row.accrued_fen, row.paid_fen)):
            sums[index] += fen
    return Buckets(0, *sums)


def fresh(session: Session, control_id: int) -> Control:
    """The control as the database holds it now, whatever the session remembers. Raises Missing."""
    found = session.scalar(select(Control).where(Control.id == control_id).execution_options(populate_existing=True))
    if found is None:
        raise Missing()
    return found


def buckets_of(session: Session, control_ids: Collection[int]) -> dict[int, Buckets]:
    """The figures of several controls by id, as the database holds them now."""
    columns = (Control.id, Control.amount_fen, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen)
    return {row.id: Buckets(*row) for row in session.execute(select(*columns).where(Control.id.in_(control_ids)))}


def visible_control(session: Session, actor: Actor, control_id: int) -> Control:
    """The control, if the actor may see it. Raises Missing."""
    found = session.scalar(select(Control).where(Control.id == control_id, visible_to(actor, Control.unit_id)))
    if found is None:
        raise Missing()
    return found


def buckets_then(session: Session, control_ids: Collection[int], stream: str, version: int) -> dict[int, Buckets]:
    """These controls as they stood right after the moves of one event, folded from the append-only moves."""
    last = (
        select(Move.control_id, func.max(Move.id).label("id"))
        .where(Move.stream == stream, Move.version == version, Move.control_id.in_(control_ids))
        .group_by(Move.control_id)
        .subquery()
    )
    rows = session.execute(
        select(Move.control_id, Move.source, Move.target, func.sum(Move.amount_fen).label("fen"))
        .join(last, (last.c.control_id == Move.control_id) & (Move.id <= last.c.id))
        .group_by(Move.control_id, Move.source, Move.target)
    )
    sums: dict[int, dict[Pool, int]] = {}
    for row in rows:
        pools = sums.setdefault(row.control_id, dict.fromkeys(Pool, 0))
        pools[row.source] -= int(row.fen)
        pools[row.target] += int(row.fen)
    return {
        control_id: Buckets(
            control_id, -pools[Pool.OUTSIDE], pools[Pool.RESERVED], pools[Pool.COMMITTED], pools[Pool.ACCRUED], pools[Pool.PAID]
        )
        for control_id, pools in sums.items()
    }


def moves_of(session: Session, control_id: int, *, most: int = 200) -> Sequence[Move]:
    """The latest moves of a control, newest first."""
    return session.scalars(select(Move).where(Move.control_id == control_id).order_by(Move.id.desc()).limit(most)).all()


# ---------------------------------------------------------------- allotments


@dataclass(frozen=True)
class AllotmentRow:
    """An allotment with its project and its figures."""

    allotment: Allotment
    project: BudgetProject
    unit: Owner
    buckets: Buckets


def allotments(
    session: Session, actor: Actor, *, year: int | None = None, unit_id: int | None = None, cursor: str | None = None, limit: int = 50
) -> Page[AllotmentRow]:
    """A page of the allotments the actor may see, oldest first; year and unit narrow the list. Raises BadCursor."""
    query = _allotments(actor)
    if year is not None:
        query = query.where(Allotment.year == year)
    if unit_id is not None:
        query = query.where(Allotment.unit_id == unit_id)
    found = paging.rows(session, query, [Key(Allotment.id, descending=False)], cursor=cursor, limit=limit)
    return Page([_allotment_row(row) for row in found.rows], found.next, found.prev)


def allotment(session: Session, actor: Actor, number: str) -> AllotmentRow:
    """The allotment of this number, if the actor may see it. Raises UnknownAllotment."""
    row = session.execute(_allotments(actor).where(Allotment.number == number)).first()
    if row is None:
        raise UnknownAllotment(allotment=number)
    return _allotment_row(row)


def _allotments(actor: Actor) -> Select[Allotment, BudgetProject, Control, str, str]:
    return (
        select(Allotment, BudgetProject, Control, Organisation.name, Organisation.region)
        .join(BudgetProject, BudgetProject.id == Allotment.project_id)
        .join(Control, Control.id == Allotment.control_id)
        .join(Organisation, Organisation.id == Allotment.unit_id)
        .where(visible_to(actor, Allotment.unit_id))
        .execution_options(populate_existing=True)
    )


def _allotment_row(row: Row[Allotment, BudgetProject, Control, str, str]) -> AllotmentRow:
    return AllotmentRow(row[0], row[1], Owner(row[0].unit_id, row[3], row[4]), buckets(row[2]))


def allotments_by_number(session: Session, actor: Actor, numbers: Collection[str]) -> dict[str, Allotment]:
    """These allotments by number. Raises UnknownAllotment for the first that the actor may not see."""
    query = select(Allotment).where(visible_to(actor, Allotment.unit_id), Allotment.number.in_(numbers))
    found = {row.number: row for row in session.scalars(query)}
    for number in sorted(numbers):
        if number not in found:
            raise UnknownAllotment(allotment=number)
    return found


def allotments_numbered(session: Session, actor: Actor, numbers: Collection[str]) -> list[AllotmentRow]:
    """Those of these allotments that the actor may see."""
    return [_allotment_row(row) for row in session.execute(_allotments(actor).where(Allotment.number.in_(numbers)))]


def known_allotments(session: Session, actor: Actor, numbers: Collection[str]) -> dict[str, tuple[Allotment, int]]:
    """Those of these allotments that the actor may see, with what of each no budget line has taken yet, in fen."""
    taken = select(func.coalesce(func.sum(BudgetLine.amount_fen), 0)).where(BudgetLine.allotment_id == Allotment.id).scalar_subquery()
    query = (
        select(Allotment, Control.amount_fen - taken)
        .join(Control, Control.id == Allotment.control_id)
        .where(visible_to(actor, Allotment.unit_id), Allotment.number.in_(numbers))
    )
    return {row[0].number: (row[0], int(row[1])) for row in session.execute(query)}


def numbers_taken(session: Session, numbers: Collection[str]) -> set[str]:
    """Which of these allotment numbers are in the books already."""
    return set(session.scalars(select(Allotment.number).where(Allotment.number.in_(numbers))))


def project_ids(session: Session, unit_ids: Collection[int]) -> dict[tuple[int, int, str], int]:
    """The budget projects of these units by unit, year and code."""
    columns = (BudgetProject.unit_id, BudgetProject.year, BudgetProject.code, BudgetProject.id)
    rows = session.execute(select(*columns).where(BudgetProject.unit_id.in_(unit_ids)))
    return {(row.unit_id, row.year, row.code): row.id for row in rows}


def years(session: Session, actor: Actor) -> list[int]:
    """The years that have allotments the actor may see, latest first."""
    return list(
        session.scalars(
            select(Allotment.year).where(visible_to(actor, Allotment.unit_id)).distinct().order_by(Allotment.year.desc())
        )
    )


# ---------------------------------------------------------------- procurement-budget lines


@dataclass(frozen=True)
class LineRow:
    """A procurement-budget line with its allotment and what of it is not planned yet."""

    line: BudgetLine
    allotment: Allotment
    allotment_free_fen: int

    @property
    def open_fen(self) -> int:
        """Money not yet in a plan."""
        return self.line.amount_fen - self.line.planned_fen

    @property
    def open_quantity(self) -> int:
        """Pieces not yet in a plan."""
        return self.line.quantity - self.line.planned_quantity


def lines(
    session: Session,
    actor: Actor,
    *,
    year: int | None = None,
    allotment_id: int | None = None,
    ids: Collection[int] | None = None,
    category_codes: Collection[str] | None = None,
    most: int = 500,
) -> list[LineRow]:
    """The procurement-budget lines the actor may see, oldest first; the rest narrows the list."""
    query = _lines(actor, year=year, allotment_id=allotment_id).order_by(BudgetLine.id).limit(most)
    if ids is not None:
        query = query.where(BudgetLine.id.in_(ids))
    if category_codes is not None:
        query = query.where(BudgetLine.category_code.in_(category_codes))
    return [LineRow(*row) for row in session.execute(query)]


def line_page(
    session: Session, actor: Actor, *, year: int | None = None, cursor: str | None = None, limit: int = 50
) -> Page[LineRow]:
    """A page of the procurement-budget lines the actor may see, oldest first. Raises BadCursor."""
    found = paging.rows(session, _lines(actor, year=year), [Key(BudgetLine.id, descending=False)], cursor=cursor, limit=limit)
    return Page([LineRow(row[0], row[1], row[2]) for row in found.rows], found.next, found.prev)


def _lines(actor: Actor, *, year: int | None = None, allotment_id: int | None = None) -> Select[BudgetLine, Allotment, int]:
    query = (
        select(BudgetLine, Allotment, Control.free_fen)
        .join(Allotment, Allotment.id == BudgetLine.allotment_id)
        .join(Control, Control.id == Allotment.control_id)
        .where(visible_to(actor, BudgetLine.unit_id))
        .execution_options(populate_existing=True)
    )
    if year is not None:
        query = query.where(BudgetLine.year == year)
    if allotment_id is not None:
        query = query.where(BudgetLine.allotment_id == allotment_id)
    return query


def lines_coded(session: Session, actor: Actor, codes: Collection[str]) -> dict[tuple[int, int, str], LineRow]:
    """The lines with these codes that the actor may see, by unit, year and code."""
    rows = session.execute(_lines(actor).where(BudgetLine.code.in_(codes)))
    return {(row[0].unit_id, row[0].year, row[0].code): LineRow(*row) for row in rows}


def line_codes(session: Session, unit_ids: Collection[int]) -> set[tuple[int, int, str]]:
    """The codes of the lines of these units, with unit and year."""
    columns = (BudgetLine.unit_id, BudgetLine.year, BudgetLine.code)
    return {(row.unit_id, row.year, row.code) for row in session.execute(select(*columns).where(BudgetLine.unit_id.in_(unit_ids)))}


# ---------------------------------------------------------------- the unit at one glance


def strip(session: Session, actor: Actor, year: int) -> Buckets:
    """The sum of the allotments of the actor's own unit in a year, for the header; nothing for others."""
    if not actor.is_unit or actor.organisation_id is None:
        return total(())
    columns = (Control.id, Control.amount_fen, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen)
    query = select(*columns).where(
        Control.unit_id == actor.organisation_id, Control.year == year, Control.kind == ControlKind.ALLOTMENT
    )
    return total(Buckets(*row) for row in session.execute(query))


def _into(pool: Pool) -> ColumnElement[int]:
    """What moves brought into a pool less what they took out of it, in fen."""
    sign = case((Move.target == pool, Move.amount_fen), (Move.source == pool, -Move.amount_fen), else_=0)
    return func.coalesce(func.sum(sign), 0)


def counters_off(among: Collection[int] | None = None) -> Select[*tuple[Any, ...]]:
    """Controls (of these ids, or all) whose amount, counters or pieces are not what their moves add up to.

    Columns: the id, the six figures as they stand, the six as they were moved.
    """
    pieces = case(
        (and_(Move.source == Pool.FREE, Move.target == Pool.RESERVED), Move.quantity),
        (and_(Move.target == Pool.FREE, Move.source != Pool.OUTSIDE), -Move.quantity),
        else_=0,
    )
    allowed = case((Move.source == Pool.OUTSIDE, Move.quantity), (Move.target == Pool.OUTSIDE, -Move.quantity), else_=0)
    sums = (
        select(
            Move.control_id,
            (-_into(Pool.OUTSIDE)).label("amount"),
            *(_into(pool).label(pool.value) for pool in (Pool.RESERVED, Pool.COMMITTED, Pool.ACCRUED, Pool.PAID)),
            func.sum(pieces).label("ordered"),
            func.sum(allowed).label("allowed"),
        )
        .where(Move.control_id.in_(among) if among is not None else true())
        .group_by(Move.control_id)
        .subquery()
    )

    def of(name: str) -> ColumnElement[int]:
        return func.coalesce(sums.c[name], 0)

    names = ("amount", "reserved", "committed", "accrued", "paid", "ordered")
    columns = (Control.amount_fen, Control.reserved_fen, Control.committed_fen, Control.accrued_fen, Control.paid_fen, Control.ordered)
    return (
        select(Control.id, *columns, *(of(name).label(f"moved_{name}") for name in names))
        .outerjoin(sums, sums.c.control_id == Control.id)
        .where(
            Control.id.in_(among) if among is not None else true(),
            or_(
                *(column != of(name) for column, name in zip(columns, names, strict=True)),
                and_(Control.quantity.is_not(None), Control.quantity != of("allowed")),
            ),
        )
        .order_by(Control.id)
    )
