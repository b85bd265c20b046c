"""JSON ways in to the catalogue and the limits. Public."""

from datetime import date

from flask import Blueprint
from pydantic import Field

from app.kernel import clock, regions
from app.kernel.errors import N_
from app.web.extensions import db
from app.web.guard import public
from app.web.openapi import Answers, Model, Problem, spec, titled
from catalog.taxonomy import queries
from catalog.taxonomy.rules import CategoryKind

api = Blueprint("taxonomy_api", __name__, url_prefix="/api/v1")
TAG = ("catalogue",)


class CategoryQuery(Model):
    """Which categories: those below a code, those with these words, or the three letters."""

    parent: str | None = Field(default=None, max_length=9)
    q: str = Field(default="", max_length=60)
    region: str = Field(default=regions.PROVINCE, pattern=r"^\d{6}$", description=N_("按哪一地区的商城目录判断"))
    on: date | None = None


class CategoryOut(Model):
    """One category; `in_mall` tells whether the region's mall sells it on that day, `doc_no` by which document."""

    code: str
    name: str
    level: int
    parent_code: str | None
    leaf: bool
    kind: CategoryKind
    in_mall: bool
    doc_no: str | None


class CategoryList(Model):
    """Categories in code order; those found by words are at most 100, the best first."""

    items: list[CategoryOut]


class LimitQuery(Model):
    """Where and when."""

    region: str = Field(default=regions.PROVINCE, pattern=r"^\d{6}$")
    on: date | None = None


class LimitOut(Model):
    """A limit in fen with the document that set it."""

    what: str
    kind: CategoryKind
    amount_fen: int
    valid_from: date
    valid_to: date | None
    doc_no: str


class TermOut(Model):
    """A period in working days (wd) or calendar days (d)."""

    name: str
    days: int
    unit: str
    valid_from: date
    valid_to: date | None
    doc_no: str


class LimitsOut(Model):
    """Everything set by document that holds in a region on a day."""

    region: str
    on: date
    limits: list[LimitOut]
    terms: list[TermOut]


@api.get("/categories")
@titled(N_("品目目录"))
@public
@spec.validate(resp=Answers(HTTP_200=CategoryList, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def categories(query: CategoryQuery) -> CategoryList:
    """Categories of the procurement catalogue, with whether the mall sells them."""
    session, on = db.session(), query.on or clock.today()
    region = regions.by_code(query.region).code
    if query.q:
        rows = queries.search_categories(session, query.q, most=100)
    else:
        rows = queries.children(session, queries.category(session, query.parent).code if query.parent else None)
    items = []
    for row in rows:
        sold = queries.mall_row(session, row.code, region, on)
        items.append(
            CategoryOut(
                code=row.code, name=row.name, level=row.level, parent_code=row.parent_code, leaf=row.leaf, kind=row.kind,
                in_mall=sold is not None, doc_no=sold.doc_no if sold else None,
            )
        )
    return CategoryList(items=items)


@api.get("/limits")
@titled(N_("限额与期限"))
@public
@spec.validate(resp=Answers(HTTP_200=LimitsOut, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def limits(query: LimitQuery) -> LimitsOut:
    """The limits and periods of a region on a day."""
    session, on = db.session(), query.on or clock.today()
    region = regions.by_code(query.region).code
    return LimitsOut(
        region=region,
        on=on,
        limits=[LimitOut.model_validate(row) for row in queries.limits(session, region, on)],
        terms=[TermOut.model_validate(row) for row in queries.terms(session, region, on)],
    )
