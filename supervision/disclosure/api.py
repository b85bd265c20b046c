"""JSON ways in to the public notices; no token is needed."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint
from pydantic import Field

from app.kernel.errors import N_
from app.web.extensions import db
from app.web.guard import public
from app.web.openapi import Answers, CursorPage, Model, PageQuery, Problem, Verbatim, spec, titled
from supervision.disclosure import queries
from supervision.disclosure.queries import Notice, Search
from supervision.disclosure.states import NoticeKind

api = Blueprint("disclosure_api", __name__, url_prefix="/api/v1/notices")
TAG = ("notices",)


class NoticeQuery(PageQuery):
    """What is looked for."""

    q: str = Field(default="", max_length=100)
    region: str | None = Field(default=None, pattern=r"^41\d{4}$")
    kind: NoticeKind | None = None
    since: date | None = None
    until: date | None = None


class NoticeOut(Model):
    """The head of a notice."""

    number: str
    kind: NoticeKind
    region: str
    title: str
    contract: str
    order: str
    unit: str
    supplier: str
    sme: bool
    amount_fen: int
    sha256: str
    published_at: datetime


class NoticeDetail(NoticeOut):
    """A notice with its whole body; `text` is the very text that the digest was made of."""

    body: dict[str, Any]
    text: Verbatim


class NoticePage(CursorPage):
    """A page of notices."""

    items: list[NoticeOut]


@api.get("")
@titled(N_("公告（公开）"))
@public
@spec.validate(resp=Answers(HTTP_200=NoticePage), tags=TAG)
def listing(query: NoticeQuery) -> NoticePage:
    """Public notices, the latest first."""
    search = Search(text=query.q, region=query.region, kind=query.kind, since=query.since, until=query.until)
    page = queries.listing(db.session(), search, cursor=query.cursor, limit=query.limit)
    return NoticePage(items=[NoticeOut(**_head(each)) for each in page.rows], next=page.next)


@api.get("/<number>")
@titled(N_("一份公告（公开）"))
@public
@spec.validate(resp=Answers(HTTP_200=NoticeDetail, HTTP_404=Problem), tags=TAG)
def one(number: str) -> NoticeDetail:
    """One notice with its body."""
    found = queries.by_number(db.session(), number)
    return NoticeDetail(**_head(found), body=queries.body_of(found), text=found.body)


def _head(notice: Notice) -> dict[str, Any]:
    return {
        "number": notice.number,
        "kind": notice.kind,
        "region": notice.region,
        "title": notice.title,
        "contract": notice.contract_number,
        "order": notice.order_number,
        "unit": notice.unit_name,
        "supplier": notice.supplier_name,
        "sme": notice.is_sme,
        "amount_fen": notice.amount_fen,
        "sha256": notice.sha256,
        "published_at": notice.published_at,
    }
