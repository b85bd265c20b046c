"""Commands on questions."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.questions import queries
from catalog.questions.events import QuestionAnswered, QuestionAsked, QuestionFact, QuestionHidden
from catalog.questions.rules import QuestionClosed, QuestionReasonMissing, TooManyQuestions, words_of
from catalog.questions.states import QUESTION_NAMES, QuestionState
from catalog.questions.tables import Question
from catalog.taxonomy import queries as taxonomy

RULE = "ASK"
"""The dated parameters of questions."""


def ask(session: Session, actor: Actor, listing_id: int, *, words: str) -> Question:
    """Ask about a live offer. Raises Missing, WordsMissing, TooManyQuestions."""
    actor.must(Permission.CART_USE)
    if actor.person_id is None:
        raise Missing()
    offer = listings.by_id(session, actor, listing_id)
    text, now = words_of(words), clock.now()
    most = taxonomy.parameters(session, RULE, clock.today()).get("per_day")
    asked = queries.asked_since(session, actor.person_id, now - timedelta(days=1))
    if most is not None and asked >= most:
        raise TooManyQuestions(asked=asked, most=most)
    row = Question(
        listing_id=listing_id, listing_version=offer.version, product_id=offer.product_id, supplier_id=offer.supplier_id,
        region=actor.region, words=text, asked_by=actor.person_id, asked_at=now, state=QuestionState.OPEN,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _record(session, actor, QuestionAsked(**_facts(row, offer.title), words=text))
    return row


def answer(session: Session, actor: Actor, question_id: int, *, words: str) -> Question:
    """Answer a question that the actor's supplier was asked. Raises Missing, WordsMissing, QuestionClosed."""
    actor.must(Permission.LISTING_KEEP)
    row = _locked(session, question_id)
    if row.supplier_id != actor.organisation_id:
        raise Missing()
    text = words_of(words)
    _must_be(row, QuestionState.OPEN)
    row.state, row.answer, row.answered_by, row.answered_at = QuestionState.ANSWERED, text, actor.person_id, clock.now()
    session.flush()
    _record(session, actor, QuestionAnswered(**_facts(row, _title(session, row)), words=text))
    return row


def hide(session: Session, actor: Actor, question_id: int, *, reason: str) -> Question:
    """Take a question with its answer off the page. Raises Missing, QuestionReasonMissing, QuestionClosed."""
    actor.must(Permission.LISTING_REVIEW)
    if not reason.strip():
        raise QuestionReasonMissing()
    row = _locked(session, question_id)
    _must_be(row, QuestionState.OPEN, QuestionState.ANSWERED)
    row.state, row.hidden_reason, row.hidden_by, row.hidden_at = QuestionState.HIDDEN, reason.strip(), actor.person_id, clock.now()
    session.flush()
    _record(session, actor, QuestionHidden(**_facts(row, _title(session, row)), reason=reason.strip()))
    return row


def stream_of(question_id: int) -> str:
    """The name of a question's stream of events."""
    return f"question/{question_id}"


def _locked(session: Session, question_id: int) -> Question:
    query = select(Question).where(Question.id == question_id).with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Missing()
    return row


def _must_be(row: Question, *states: QuestionState) -> None:
    if row.state not in states:
        raise QuestionClosed(state=QUESTION_NAMES[row.state])


def _title(session: Session, row: Question) -> str:
    return listings.shown(session, [row.listing_id])[row.listing_id].title


def _facts(row: Question, title: str) -> dict[str, Any]:
    return {
        "question": row.id, "listing_id": row.listing_id, "product_id": row.product_id, "supplier_id": row.supplier_id, "title": title,
    }


def _record(session: Session, actor: Actor, fact: QuestionFact) -> None:
    outbox.record(session, actor, fact, stream=stream_of(fact.question), region=actor.region, owner_id=fact.supplier_id)
