"""JSON ways in: rate the other side of an order, read what was said."""

from datetime import date, datetime

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Model, Problem, spec, titled
from orders.purchases import queries as purchases
from orders.purchases.tables import Order
from orders.ratings import queries, service
from orders.ratings.states import Side

api = Blueprint("ratings_api", __name__, url_prefix="/api/v1/orders/<number>/ratings")
TAG = ("ratings",)


class RatingIn(Model):
    """One to five; less than three is explained."""

    score: int = Field(ge=1, le=5)
    words: str = Field(default="", max_length=400)


class RatingOut(Model):
    """What one side said."""

    side: Side
    score: int
    words: str | None
    at: datetime


class RatingList(Model):
    """What both sides said, and the last day for saying it."""

    items: list[RatingOut]
    open_until: date | None


@api.get("")
@titled(N_("订单的评价"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=RatingList, HTTP_404=Problem), tags=TAG)
def index(number: str) -> RatingList:
    """What both sides said."""
    return _list(purchases.by_number(db.session(), me(), number))


@api.post("")
@titled(N_("评价对方"))
@requires(Permission.RATING_GIVE)
@spec.validate(resp=Answers(HTTP_201=RatingList, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def rate(number: str, json: RatingIn) -> tuple[RatingList, int]:
    """Rate the other side, once, within the term."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.rate(session, me(), order, score=json.score, words=json.words)
        return _list(order), 201


def _list(order: Order) -> RatingList:
    said = queries.ratings_of(db.session(), order)
    return RatingList(
        items=[RatingOut.model_validate(said[side]) for side in Side if side in said],
        open_until=queries.open_until(db.session(), order),
    )
