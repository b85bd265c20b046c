"""Reads of required documents and of those handed in. Files are for the supplier itself and for those who review it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, false, select, true
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, regions
from app.kernel.contents import Bounds
from app.kernel.errors import Missing
from app.kernel.uploads import Upload
from app.policy import Actor, Permission
from catalog.qualifications.rules import Wanted, ends_soon, wanted_of
from catalog.qualifications.states import PaperState
from catalog.qualifications.tables import Qualification, Requirement
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy

__all__ = ["Qualification"]  # rows that other packages name in their annotations


@dataclass(frozen=True, kw_only=True)
class Row:
    """A document with its file, and whether its end is near."""

    paper: Qualification
    upload: Upload
    ends_soon: bool
    has_ended: bool


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A document that waits for review, with whose it is."""

    row: Row
    supplier: str


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whose documents with files the actor may read: his own supplier's; if he reviews, those handed over in his region."""
    if actor.is_system:
        return true()
    if actor.is_supplier and actor.may(Permission.SUPPLIER_ADMINISTER):
        return Qualification.organisation_id == (actor.organisation_id or 0)
    if actor.may(Permission.SUPPLIER_REVIEW):
        inside = Qualification.organisation_id.in_(organisations.ids_in(regions.below(actor.region)))
        return and_(inside, Qualification.handed_over_at.is_not(None))
    return false()


def wanted(session: Session, kind: str | None, classes: Collection[str], on: date) -> tuple[Wanted, ...]:
    """The documents that a supplier of this kind and these classes hands in on a day, in the order of the registry."""
    names = Wanted.__dataclass_fields__
    rows = [Wanted(**{name: getattr(row, name) for name in names}) for row in session.scalars(select(Requirement).order_by(Requirement.id))]
    return wanted_of(rows, kind, classes, on)


def title_of(session: Session, code: str) -> str:
    """What a required document is called; its code when the registry does not know it."""
    query = select(Requirement.title).where(Requirement.code == code).order_by(Requirement.valid_from.desc())
    return session.scalars(query.limit(1)).one_or_none() or code


def wanted_of_supplier(session: Session, supplier_id: int, on: date) -> tuple[Wanted, ...]:
    """The documents that a supplier of the library hands in on a day."""
    return wanted(session, suppliers.by_id(session, supplier_id).kind, suppliers.classes(session, supplier_id), on)


def bounds(session: Session) -> Bounds:
    """How large a file may be today."""
    figures = taxonomy.parameters(session, "UPLOAD", clock.today())
    return Bounds(most_bytes=figures["most_bytes"], most_pixels=figures["most_pixels"])


def warning_days(session: Session) -> int:
    """How many days before its end a document is warned of (rule K05); none when the rule is switched off."""
    return int(taxonomy.parameters(session, "K05", clock.today()).get("d", -1))


def current(session: Session, organisation_id: int) -> dict[str, list[Row]]:
    """A supplier's documents by requirement: those that wait, hold or were returned, newest first."""
    found: dict[str, list[Row]] = {}
    query = select(Qualification, Upload).join(Upload, Upload.id == Qualification.upload_id)
    query = query.where(Qualification.organisation_id == organisation_id, Qualification.state != PaperState.REPLACED)
    days, today = warning_days(session), clock.today()
    for paper, upload in session.execute(query.order_by(Qualification.id.desc())):
        found.setdefault(paper.requirement, []).append(_row(paper, upload, today, days))
    return found


def accepted(session: Session, organisation_id: int) -> list[Qualification]:
    """The documents of a supplier that were found good, as the public sees them."""
    query = select(Qualification).where(Qualification.organisation_id == organisation_id, Qualification.state == PaperState.ACCEPTED)
    return list(session.scalars(query.order_by(Qualification.id)))


def by_id(session: Session, actor: Actor, qualification_id: int) -> Row:
    """One document with its file. Raises Missing."""
    query = select(Qualification, Upload).join(Upload, Upload.id == Qualification.upload_id)
    row = session.execute(query.where(Qualification.id == qualification_id, visible_to(actor))).first()
    if row is None:
        raise Missing()
    return _row(row[0], row[1], clock.today(), warning_days(session))


def waiting(session: Session, actor: Actor, limit: int = 100) -> list[Waiting]:
    """Renewals of suppliers in the library that wait for the actor's review, oldest first."""
    if not actor.may(Permission.SUPPLIER_REVIEW):
        return []
    query = select(Qualification, Upload).join(Upload, Upload.id == Qualification.upload_id)
    query = query.where(
        Qualification.state == PaperState.WAITING, visible_to(actor), suppliers.in_library(Qualification.organisation_id)
    )
    rows = session.execute(query.order_by(Qualification.id).limit(limit)).all()
    names = suppliers.names(session, {paper.organisation_id for paper, _ in rows})
    days, today = warning_days(session), clock.today()
    return [Waiting(row=_row(paper, upload, today, days), supplier=names[paper.organisation_id]) for paper, upload in rows]


def ending(session: Session, organisation_id: int) -> list[Qualification]:
    """The accepted documents of a supplier that end within the days of rule K05, or have ended, earliest first."""
    return sorted(
        (each for each in accepted(session, organisation_id) if ends_soon(each.valid_to, clock.today(), warning_days(session))),
        key=lambda each: (each.valid_to or date.max, each.id),
    )


def lapsed(session: Session, supplier_id: int, on: date) -> tuple[str, ...]:
    """Titles of the required documents of a supplier that have ended and were not renewed (rule K05)."""
    ended = [each for each in accepted(session, supplier_id) if each.valid_to is not None and each.valid_to < on]
    required = {each.code for each in wanted_of_supplier(session, supplier_id, on) if each.required} if ended else set()
    return tuple(each.title for each in ended if each.requirement in required)


def all_ending(session: Session, *, days: int, page: int = 500) -> Iterator[list[Qualification]]:
    """The accepted documents of all suppliers in the library that end within so many days or have ended, in pages (rule K05)."""
    last = 0
    until = clock.today() + timedelta(days=days)
    while True:
        query = select(Qualification).where(
            Qualification.state == PaperState.ACCEPTED,
            Qualification.valid_to <= until,
            Qualification.id > last,
            suppliers.in_library(Qualification.organisation_id),
        )
        rows = list(session.scalars(query.order_by(Qualification.id).limit(page)))
        if rows:
            yield rows
        if len(rows) < page:
            return
        last = rows[-1].id


def _row(paper: Qualification, upload: Upload, on: date, days: int) -> Row:
    ended = paper.valid_to is not None and paper.valid_to < on
    return Row(paper=paper, upload=upload, ends_soon=ends_soon(paper.valid_to, on, days) and not ended, has_ended=ended)
