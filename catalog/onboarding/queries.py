"""Reads of applications: a supplier's own, and those that wait in a region."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, paging, regions
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.onboarding import rules
from catalog.onboarding.states import OPEN, Part, State
from catalog.onboarding.tables import Agreement, Application, Remark
from catalog.qualifications import queries as qualifications
from catalog.qualifications.rules import Wanted
from catalog.qualifications.states import PaperState
from catalog.taxonomy import queries as taxonomy

__all__ = ["Agreement", "Application"]  # rows that other packages name in their annotations

CLASS_LETTERS = 5
"""A class is a letter and two pairs of digits of the catalogue."""

UNSEEN = (State.DRAFT, State.LAPSED)
"""What a supplier has not handed over is for nobody else to read."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An application as the list of the reviewer shows it."""

    application: Application
    name: str


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which applications the actor may read: his own supplier's, or, if he reviews, those handed over in his region and below."""
    if actor.is_supplier and actor.may(Permission.SUPPLIER_ADMINISTER):
        return Application.organisation_id == (actor.organisation_id or 0)
    if actor.may(Permission.SUPPLIER_REVIEW):
        return and_(Application.region.in_(regions.below(actor.region)), Application.state.not_in(UNSEEN))
    return false()


def own(session: Session, actor: Actor) -> Application:
    """The application of the actor's own supplier. Raises Missing."""
    query = select(Application).where(Application.organisation_id == (actor.organisation_id or 0), visible_to(actor))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise Missing()
    return found


def has_one(session: Session, organisation_id: int | None) -> bool:
    """Whether the organisation began an application."""
    return session.scalar(select(Application.id).where(Application.organisation_id == (organisation_id or 0))) is not None


def by_number(session: Session, actor: Actor, number: str) -> Application:
    """The application with this number. Raises Missing."""
    found = session.scalars(select(Application).where(Application.number == number, visible_to(actor))).one_or_none()
    if found is None:
        raise Missing()
    return found


def listing(session: Session, actor: Actor, state: State | None, *, cursor: str | None = None, limit: int = 50) -> paging.Page[Listed]:
    """Applications in a state (all that were handed over when none is given), the oldest first."""
    query = select(Application).where(visible_to(actor))
    if state is not None:
        query = query.where(Application.state == state)
    page = paging.page(session, query, [paging.Key(Application.id, descending=False)], cursor=cursor, limit=limit)
    names = organisations.names(session, {row.organisation_id for row in page.rows})
    rows = [Listed(application=row, name=names[row.organisation_id]) for row in page.rows]
    return paging.Page(rows=rows, next=page.next, prev=page.prev)


def counts(session: Session, actor: Actor) -> dict[State, int]:
    """How many applications the actor sees in each state."""
    rows = session.execute(select(Application.state, func.count().label("number")).where(visible_to(actor)).group_by(Application.state))
    return {row.state: row.number for row in rows}


def remarks(session: Session, application: Application) -> dict[str, str]:
    """Why the application was returned the last time, by part or document; empty once it is handed in again."""
    query = select(Remark).where(Remark.application_id == application.id, Remark.round == application.round)
    return {row.subject: row.reason for row in session.scalars(query.order_by(Remark.id))}


def all_remarks(session: Session, application: Application) -> Sequence[Remark]:
    """Why the application was returned, every time, newest first."""
    return session.scalars(select(Remark).where(Remark.application_id == application.id).order_by(Remark.id.desc())).all()


def agreement(session: Session) -> Agreement:
    """The version of the agreement that is in force today. Raises Missing."""
    query = select(Agreement).where(Agreement.valid_from <= clock.today()).order_by(Agreement.valid_from.desc(), Agreement.version.desc())
    found = session.scalars(query.limit(1)).one_or_none()
    if found is None:
        raise Missing()
    return found


def agreement_of(session: Session, version: str) -> Agreement:
    """A version of the agreement, in force or not. Raises Missing."""
    found = session.get(Agreement, version)
    if found is None:
        raise Missing()
    return found


def wanted_of(session: Session, application: Application) -> tuple[Wanted, ...]:
    """The documents that this application must or may hold."""
    return qualifications.wanted(session, application.kind, codes_of(application.classes), clock.today())


def classes_offered(session: Session) -> list[tuple[str, str]]:
    """The classes of the catalogue that the mall of the province sells today, with their names."""
    rows = taxonomy.mall_categories(session, regions.PROVINCE, clock.today())
    codes = sorted({row.category_code[:CLASS_LETTERS] for row in rows})
    named = taxonomy.names(session, [code.ljust(9, "0") for code in codes])
    return [(code, named.get(code.ljust(9, "0"), code)) for code in codes]


def missing(session: Session, application: Application) -> dict[Part, tuple[str, ...]]:
    """What each part of the application still lacks."""
    handed_in = {
        code
        for code, rows in qualifications.current(session, application.organisation_id).items()
        if any(row.paper.state in {PaperState.WAITING, PaperState.ACCEPTED} and not row.has_ended for row in rows)
    }
    written = {name: getattr(application, name) for names in rules.FIELD_NAMES.values() for name in names}
    return rules.missing(
        written,
        wanted_of(session, application),
        handed_in,
        agreed=application.agreement_version,
        agreement=agreement(session).version,
    )


def written_before(session: Session, moment: datetime, limit: int = 500) -> list[int]:
    """Ids of applications that are open and were last written in before then, the longest first."""
    query = select(Application.id).where(Application.state.in_(OPEN), Application.saved_at < moment)
    return list(session.scalars(query.order_by(Application.saved_at).limit(limit)))


def codes_of(text: str | None) -> tuple[str, ...]:
    """The codes of a stored list."""
    return tuple(code for code in (text or "").split(",") if code)
