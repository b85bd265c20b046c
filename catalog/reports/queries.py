"""Reads of reports: the keepers see all, everybody else his own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, true
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.listings.tables import Listing
from catalog.questions.tables import Question
from catalog.reports.states import ReportKind, ReportState
from catalog.reports.tables import Report
from catalog.suppliers.tables import Supplier


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A report with what it is about."""

    id: int
    listing_id: int
    listing_version: int
    question_id: int | None
    question: str | None
    supplier_id: int
    supplier_name: str
    title: str
    kind: ReportKind
    words: str
    made_at: datetime
    state: ReportState
    answer: str | None
    decided_at: datetime | None


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The keepers see every report, everybody else his own; the supplier never learns who reported."""
    return true() if actor.may(Permission.LISTING_REVIEW) else Report.made_by == actor.person_id


def page(
    session: Session, actor: Actor, *, own: bool = False, state: ReportState | None = None, cursor: str | None = None, limit: int = 30
) -> paging.Page[Reported]:
    """Reports, the newest first; `own` keeps those that the actor made."""
    query = _whole().where(visible_to(actor))
    if own:
        query = query.where(Report.made_by == actor.person_id)
    if state is not None:
        query = query.where(Report.state == state)
    found = paging.rows(session, query, (paging.Key(Report.made_at), paging.Key(Report.id)), cursor=cursor, limit=limit)
    return paging.Page(rows=[_reported(row) for row in found.rows], next=found.next, prev=found.prev)


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many reports the actor sees stand where."""
    rows = session.execute(select(Report.state, func.count()).where(visible_to(actor)).group_by(Report.state))
    return {state.value: number for state, number in rows}


def by_id(session: Session, actor: Actor, report_id: int) -> Reported:
    """One report as the actor may see it. Raises Missing."""
    row = session.execute(_whole().where(Report.id == report_id, visible_to(actor))).first()
    if row is None:
        raise Missing()
    return _reported(row)


def of_listing(session: Session, actor: Actor, listing_id: int) -> list[Reported]:
    """The reports about a listing that the actor may see, the newest first."""
    query = _whole().where(Report.listing_id == listing_id, visible_to(actor)).order_by(Report.id.desc()).limit(20)
    return [_reported(row) for row in session.execute(query)]


def made_since(session: Session, person_id: int, since: datetime) -> int:
    """How many reports somebody made since a moment."""
    query = select(func.count()).select_from(Report).where(Report.made_by == person_id, Report.made_at >= since)
    return session.scalar(query) or 0


_COLUMNS: Sequence[Any] = (
    Report.id, Report.listing_id, Report.listing_version, Report.question_id, Question.words.label("question"), Report.supplier_id,
    Supplier.name.label("supplier_name"), Listing.title, Report.kind, Report.words, Report.made_at, Report.state, Report.answer,
    Report.decided_at,
)  # fmt: skip


def _whole() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Listing, Listing.id == Report.listing_id)
        .join(Supplier, Supplier.organisation_id == Report.supplier_id)
        .outerjoin(Question, Question.id == Report.question_id)
    )


def _reported(row: Row[Any]) -> Reported:
    return Reported(**{name: getattr(row, name) for name in Reported.__dataclass_fields__})
