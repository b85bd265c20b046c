"""Reads of questions. What stands on a product page is public; names of people are never part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.listings.tables import Listing
from catalog.questions.states import QuestionState
from catalog.questions.tables import Question
from catalog.suppliers.tables import Supplier


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its answer and what it is about."""

    id: int
    listing_id: int
    listing_version: int
    product_id: int
    supplier_id: int
    supplier_name: str
    title: str
    region: str
    words: str
    asked_by: int
    asked_at: datetime
    state: QuestionState
    answer: str | None
    answered_at: datetime | None
    hidden_reason: str | None


def visible_to(actor: Actor | None) -> ColumnElement[bool]:
    """What is not hidden is public; hidden ones are for who asked, the supplier that was asked, and the keepers."""
    public = Question.state != QuestionState.HIDDEN
    if actor is None:
        return public
    if actor.may(Permission.LISTING_REVIEW):
        return true()
    return or_(public, Question.asked_by == actor.person_id, _asked_of(actor))


def _asked_of(actor: Actor) -> ColumnElement[bool]:
    """The questions that this supplier answers."""
    if not (actor.is_supplier and actor.may(Permission.LISTING_KEEP)):
        return false()
    return Question.supplier_id == actor.organisation_id


def on_product(session: Session, actor: Actor | None, product_id: int, *, most: int = 20) -> list[Asked]:
    """The questions about a product, answered ones first, the newest of each first."""
    query = _whole().where(Question.product_id == product_id, visible_to(actor))
    order = (Question.state != QuestionState.ANSWERED, Question.asked_at.desc(), Question.id.desc())
    return [_asked(row) for row in session.execute(query.order_by(*order).limit(most))]


def of_supplier(
    session: Session, actor: Actor, *, state: QuestionState | None = None, cursor: str | None = None, limit: int = 30
) -> paging.Page[Asked]:
    """The questions that the actor's supplier was asked, the newest first."""
    query = _whole().where(_asked_of(actor))
    if state is not None:
        query = query.where(Question.state == state)
    found = paging.rows(session, query, (paging.Key(Question.asked_at), paging.Key(Question.id)), cursor=cursor, limit=limit)
    return paging.Page(rows=[_asked(row) for row in found.rows], next=found.next, prev=found.prev)


def counts_of_supplier(session: Session, actor: Actor) -> dict[str, int]:
    """How many questions of the actor's supplier stand where."""
    rows = session.execute(select(Question.state, func.count()).where(_asked_of(actor)).group_by(Question.state))
    return {state.value: number for state, number in rows}


def by_id(session: Session, actor: Actor | None, question_id: int) -> Asked:
    """One question as the actor may see it. Raises Missing."""
    row = session.execute(_whole().where(Question.id == question_id, visible_to(actor))).first()
    if row is None:
        raise Missing()
    return _asked(row)


def asked_since(session: Session, person_id: int, since: datetime) -> int:
    """How many questions somebody asked since a moment."""
    wanted = and_(Question.asked_by == person_id, Question.asked_at >= since)
    return session.scalar(select(func.count()).select_from(Question).where(wanted)) or 0


_COLUMNS: Sequence[Any] = (
    Question.id, Question.listing_id, Question.listing_version, Question.product_id, Question.supplier_id,
    Supplier.name.label("supplier_name"), Listing.title, Question.region, Question.words, Question.asked_by, Question.asked_at,
    Question.state, Question.answer, Question.answered_at, Question.hidden_reason,
)  # fmt: skip


def _whole() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Listing, Listing.id == Question.listing_id)
        .join(Supplier, Supplier.organisation_id == Question.supplier_id)
    )


def _asked(row: Row[Any]) -> Asked:
    return Asked(**{name: getattr(row, name) for name in Asked.__dataclass_fields__})
