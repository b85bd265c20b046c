"""JSON ways in: read asset cards, complete one."""

from datetime import date, datetime

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Model, PageQuery, Problem, spec, titled
from orders.assets import queries, service
from orders.assets.states import CardState

api = Blueprint("assets_api", __name__, url_prefix="/api/v1/assets")
TAG = ("assets",)


class CardQuery(PageQuery):
    """Which cards."""

    state: CardState | None = None
    q: str = Field(default="", max_length=60, description=N_("编号、名称、型号、序列号或分类代码"))


class CardOut(Model):
    """An asset card; its value in fen."""

    number: str
    class_code: str
    name: str
    brand: str
    model: str
    serial: str | None
    quantity: int
    value_fen: Fen
    state: CardState
    keeper: str | None
    place: str | None
    voucher: str | None
    acquired_on: date
    registered_at: datetime | None


class CardPage(CursorPage):
    """A page of cards."""

    items: list[CardOut]


class StoreIn(Model):
    """Who keeps the asset, and where."""

    keeper: str = Field(min_length=1, max_length=40)
    place: str = Field(min_length=1, max_length=80)
    serial: str = Field(default="", max_length=80)


@api.get("")
@titled(N_("资产卡片"))
@requires(Permission.ASSET_READ)
@spec.validate(resp=Answers(HTTP_200=CardPage), tags=TAG)
def index(query: CardQuery) -> CardPage:
    """The cards the caller may see, the latest first."""
    page = queries.cards(db.session(), me(), state=query.state, words=query.q, cursor=query.cursor, limit=query.limit)
    return CardPage(items=[CardOut.model_validate(row) for row in page.rows], next=page.next)


@api.get("/<number>")
@titled(N_("一张资产卡片"))
@requires(Permission.ASSET_READ)
@spec.validate(resp=Answers(HTTP_200=CardOut, HTTP_404=Problem), tags=TAG)
def show(number: str) -> CardOut:
    """One card."""
    return CardOut.model_validate(queries.by_number(db.session(), me(), number)[0])


@api.post("/<number>/store")
@titled(N_("完善卡片并入库"))
@requires(Permission.ASSET_KEEP)
@spec.validate(resp=Answers(HTTP_200=CardOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def store(number: str, json: StoreIn) -> CardOut:
    """Say who keeps the asset and where, and take it into store."""
    with commit(db.session()) as session:
        card, order = queries.by_number(session, me(), number)
        service.store(session, me(), card, order, keeper=json.keeper, place=json.place, serial=json.serial)
        return CardOut.model_validate(card)
