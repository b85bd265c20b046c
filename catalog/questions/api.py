"""JSON ways in for questions about offers: what everybody reads, what buyers ask, what suppliers answer."""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import maybe_me, me, public, requires
from app.web.openapi import Answers, CursorPage, Model, PageQuery, Problem, spec, titled
from catalog.listings import queries as listings
from catalog.questions import queries, service
from catalog.questions.queries import Asked
from catalog.questions.rules import MOST
from catalog.questions.states import QuestionState

api = Blueprint("questions_api", __name__, url_prefix="/api/v1")
TAG = ("questions",)


class QuestionOut(Model):
    """A question and its answer, if it has one; who asked is nobody's business."""

    id: int
    listing_id: int
    listing_version: int
    product_id: int
    supplier_id: int
    title: str
    region: str
    words: str
    asked_at: datetime
    state: QuestionState
    answer: str | None
    answered_at: datetime | None


class QuestionList(Model):
    """Questions about a product, the answered ones first, twenty at most."""

    items: list[QuestionOut]


class QuestionPage(CursorPage):
    """One page of the questions that the supplier was asked."""

    items: list[QuestionOut]


class QuestionQuery(PageQuery):
    """Which of the supplier's questions."""

    state: QuestionState | None = None


class WordsIn(Model):
    """What is asked, or answered."""

    words: str = Field(min_length=1, max_length=MOST)


@api.get("/offers/<int:listing_id>/questions")
@titled(N_("关于一条报价的问答"))
@public
@spec.validate(resp=Answers(HTTP_200=QuestionList, HTTP_404=Problem), tags=TAG)
def about(listing_id: int) -> QuestionList:
    """What was asked about the product of an offer, whoever sells it."""
    session, actor = db.session(), maybe_me()
    product_id = listings.by_id(session, actor, listing_id).product_id
    return QuestionList(items=[_out(each) for each in queries.on_product(session, actor, product_id)])


@api.post("/offers/<int:listing_id>/questions")
@titled(N_("提问"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=QuestionOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def ask(listing_id: int, json: WordsIn) -> tuple[QuestionOut, int]:
    """Ask about an offer; everybody reads it."""
    with commit(db.session()) as session:
        asked = service.ask(session, me(), listing_id, words=json.words).id
    return _out(queries.by_id(db.session(), me(), asked)), 201


@api.get("/questions")
@titled(N_("本供应商收到的提问"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=QuestionPage, HTTP_422=Problem), tags=TAG)
def questions(query: QuestionQuery) -> QuestionPage:
    """What the supplier was asked, the newest first."""
    page = queries.of_supplier(db.session(), me(), state=query.state, cursor=query.cursor, limit=query.limit)
    return QuestionPage(items=[_out(each) for each in page.rows], next=page.next)


@api.put("/questions/<int:question_id>/answer")
@titled(N_("回答提问"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=QuestionOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def answer(question_id: int, json: WordsIn) -> QuestionOut:
    """Answer what the supplier was asked; everybody reads it."""
    with commit(db.session()) as session:
        service.answer(session, me(), question_id, words=json.words)
    return _out(queries.by_id(db.session(), me(), question_id))


def _out(found: Asked) -> QuestionOut:
    return QuestionOut.model_validate(found)
