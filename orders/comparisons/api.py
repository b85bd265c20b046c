"""JSON ways in: freezing offers or a search, and reading what was frozen."""

from datetime import datetime
from typing import cast

from flask import Blueprint, current_app
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Id, Model, PageQuery, Problem, Verbatim, spec, titled
from catalog.search.forms import of_address
from catalog.search.port import SearchEngine
from orders.comparisons import forms, queries, service
from orders.comparisons.queries import Comparison

api = Blueprint("comparisons_api", __name__, url_prefix="/api/v1/comparisons")
TAG = ("comparisons",)


class Picked(Model):
    """The offers to be put on record."""

    listing_ids: list[Id] = Field(min_length=2, max_length=4)


class Searched(Model):
    """The search whose hits are to be put on record."""

    search: str = Field(max_length=4_000, description=N_("搜索页地址中 ? 之后的部分，例如 q=打印机&sort=price_up"))


class ComparisonRow(Model):
    """A frozen comparison in a list."""

    number: str
    kind: str
    words: str
    hits: int
    total: int
    suppliers: int
    sha256: str
    at: datetime


class ComparisonPage(CursorPage):
    """A page of frozen comparisons, the latest first."""

    items: list[ComparisonRow]


class DigestOut(Model):
    """What a copy of a comparison's content is checked against; the journal holds the same digest."""

    number: str
    sha256: str
    canonical: str = Field(description=N_("算摘要之前内容的排法"))
    bytes: int
    at: datetime


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
        return _out(service.freeze_offers(session, me(), json.listing_ids)), 201


@api.post("/searches")
@titled(N_("冻结搜索结果"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=ComparisonOut, HTTP_409=Problem, HTTP_422=Problem, HTTP_503=Problem), tags=TAG)
def freeze_search(json: Searched) -> tuple[ComparisonOut, int]:
    """Put a search on record with every hit that it finds now."""
    hits = forms.found(db.session(), me(), cast(SearchEngine, current_app.extensions["mall.search"]), of_address(json.search))
    with commit(db.session()) as session:
        return _out(service.freeze(session, me(), hits)), 201


@api.get("")
@titled(N_("比选单列表"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ComparisonPage, HTTP_422=Problem), tags=TAG)
def index(query: PageQuery) -> ComparisonPage:
    """The sheets that the caller may see, the latest first."""
    page = queries.page(db.session(), me(), cursor=query.cursor, limit=query.limit)
    return ComparisonPage(items=[ComparisonRow.model_validate(row) for row in page.rows], next=page.next)


@api.get("/<number>")
@titled(N_("比选单"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ComparisonOut, HTTP_404=Problem), tags=TAG)
def show(number: str) -> ComparisonOut:
    """One sheet, word for word."""
    return _out(queries.by_number(db.session(), me(), number))


@api.get("/<number>/digest")
@titled(N_("比选单摘要"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=DigestOut, HTTP_404=Problem), tags=TAG)
def digest(number: str) -> DigestOut:
    """The digest alone, for whoever holds a copy."""
    sheet = queries.by_number(db.session(), me(), number)
    return DigestOut(number=sheet.number, sha256=sheet.sha256, canonical="RFC 8785", bytes=len(sheet.content.encode()), at=sheet.at)


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
