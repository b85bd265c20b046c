"""JSON ways in: freezing offers, and reading what was frozen."""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Id, Model, Problem, Verbatim, spec, titled
from orders.comparisons import queries, service
from orders.comparisons.queries import Comparison

api = Blueprint("comparisons_api", __name__, url_prefix="/api/v1/comparisons")
TAG = ("comparisons",)


class Picked(Model):
    """The offers to be put on record."""

    listing_ids: list[Id] = Field(min_length=2, max_length=4)


class ComparisonOut(Model):
    """A frozen comparison; the digest is that of `content`, which is canonical JSON (RFC 8785)."""

    number: str
    kind: str
    words: str
    hits: int
    total: int
    suppliers: int
    sha256: str
    at: datetime
    content: Verbatim


@api.post("")
@titled(N_("冻结比选单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=ComparisonOut, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def freeze(json: Picked) -> tuple[ComparisonOut, int]:
    """Put two to four offers on record as they stand now."""
    with commit(db.session()) as session:
        made = _out(service.freeze_offers(session, me(), json.listing_ids))
    return made, 201


@api.get("/<number>")
@titled(N_("比选单"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ComparisonOut, HTTP_404=Problem), tags=TAG)
def show(number: str) -> ComparisonOut:
    """One sheet, word for word."""
    return _out(queries.by_number(db.session(), me(), number))


def _out(sheet: Comparison) -> ComparisonOut:
    return ComparisonOut(
        number=sheet.number,
        kind=sheet.kind,
        words=sheet.words,
        hits=sheet.hits,
        total=sheet.total,
        suppliers=sheet.suppliers,
        sha256=sheet.sha256,
        at=sheet.at,
        content=sheet.content,
    )
