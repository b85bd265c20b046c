"""JSON ways in to the unit's lists of what is bought again and again."""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Id, Model, Problem, spec, titled
from orders.carts.rules import MOST_LINES, MOST_PIECES
from orders.reorders import queries, service
from orders.reorders.queries import Row
from orders.reorders.rules import MOST_NAME, Fate
from orders.reorders.service import Done
from orders.reorders.tables import ReorderList

api = Blueprint("reorders_api", __name__, url_prefix="/api/v1/reorder-lists")
TAG = ("reorders",)


class ListIn(Model):
    """The name of a list, which is the only one of its unit."""

    name: str = Field(min_length=1, max_length=MOST_NAME)


class ListOut(Model):
    """A list with what it came to when its lines were put there."""

    id: int
    name: str
    created_at: datetime
    lines: int
    worth_fen: int


class ListsOut(Model):
    """The unit's lists by name."""

    items: list[ListOut]


class EntryIn(Model):
    """An offer whose product is put on the list; one that is there already gets so many pieces more."""

    listing_id: Id
    quantity: int = Field(default=1, ge=1, le=MOST_PIECES)


class EntriesIn(Model):
    """Offers to be put on a list, all or none."""

    items: list[EntryIn] = Field(min_length=1, max_length=MOST_LINES)


class QuantityIn(Model):
    """Another number of pieces."""

    quantity: int = Field(ge=1, le=MOST_PIECES)


class LineOut(Model):
    """A line with the offer that would be taken now; `fate` says what that is to the buyer."""

    id: int
    product_id: int
    title: str
    brand: str
    model: str
    unit: str
    quantity: int
    listing_id: int = Field(description=N_("加入清单时的报价"))
    price_fen: int = Field(description=N_("加入清单时的单价，单位：分"))
    offer_id: int | None = Field(description=N_("现在会采用的报价；无人在售时为 null"))
    offer_price_fen: int | None
    fate: Fate


class WholeListOut(Model):
    """A list with its lines."""

    id: int
    name: str
    created_at: datetime
    lines: list[LineOut]


class DoneOut(Model):
    """What became of a line on its way into the cart."""

    title: str
    supplier: str
    quantity: int
    then_fen: int | None
    now_fen: int | None
    fate: Fate


class ReportOut(Model):
    """What became of every line."""

    items: list[DoneOut]


@api.get("")
@titled(N_("常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=ListsOut), tags=TAG)
def lists() -> ListsOut:
    """The lists of the caller's unit."""
    found = queries.lists_of(db.session(), me())
    return ListsOut(items=[_listed(*each) for each in found])


@api.post("")
@titled(N_("新建常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=WholeListOut, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def create(json: ListIn) -> tuple[WholeListOut, int]:
    """A new, empty list."""
    with commit(db.session()) as session:
        made = service.create(session, me(), json.name).id
    return _whole(made), 201


@api.get("/<int:list_id>")
@titled(N_("一份常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=WholeListOut, HTTP_404=Problem), tags=TAG)
def show(list_id: int) -> WholeListOut:
    """A list, and what each of its lines would become today."""
    return _whole(list_id)


@api.patch("/<int:list_id>")
@titled(N_("常购清单改名"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=WholeListOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def rename(list_id: int, json: ListIn) -> WholeListOut:
    """Another name."""
    with commit(db.session()) as session:
        service.rename(session, me(), list_id, json.name)
    return _whole(list_id)


@api.delete("/<int:list_id>")
@titled(N_("删除常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def discard(list_id: int) -> tuple[str, int]:
    """Take a list away with its lines."""
    with commit(db.session()) as session:
        service.discard(session, me(), list_id)
    return "", 204


@api.post("/<int:list_id>/lines")
@titled(N_("加入常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=WholeListOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def put(list_id: int, json: EntriesIn) -> WholeListOut:
    """Put the products of offers on a list, all or none."""
    with commit(db.session()) as session:
        service.put(session, me(), list_id, [(each.listing_id, each.quantity) for each in json.items])
    return _whole(list_id)


@api.patch("/<int:list_id>/lines/<int:line_id>")
@titled(N_("修改常购数量"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=WholeListOut, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def change(list_id: int, line_id: int, json: QuantityIn) -> WholeListOut:
    """Another number of pieces."""
    with commit(db.session()) as session:
        service.change(session, me(), list_id, line_id, json.quantity)
    return _whole(list_id)


@api.delete("/<int:list_id>/lines/<int:line_id>")
@titled(N_("移出常购清单"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def drop(list_id: int, line_id: int) -> tuple[str, int]:
    """Take a line off the list."""
    with commit(db.session()) as session:
        service.drop(session, me(), list_id, line_id)
    return "", 204


@api.post("/<int:list_id>/cart")
@titled(N_("整份加入购物车"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=ReportOut, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def to_cart(list_id: int) -> ReportOut:
    """Put every line into the caller's cart as it can be had today, and tell what changed."""
    with commit(db.session()) as session:
        done = service.to_cart(session, me(), list_id)
    return ReportOut(items=[_done(each) for each in done])


def _listed(found: ReorderList, lines: int, worth_fen: int) -> ListOut:
    return ListOut(id=found.id, name=found.name, created_at=found.created_at, lines=lines, worth_fen=worth_fen)


def _whole(list_id: int) -> WholeListOut:
    session, actor = db.session(), me()
    found = queries.by_id(session, actor, list_id)
    rows = queries.rows(session, actor, queries.lines_of(session, found))
    return WholeListOut(id=found.id, name=found.name, created_at=found.created_at, lines=[_line(row) for row in rows])


def _line(row: Row) -> LineOut:
    line, offer = row.line, row.offer
    return LineOut(
        id=line.id, product_id=line.product_id, title=row.title, brand=row.brand, model=row.model, unit=row.unit, quantity=line.quantity,
        listing_id=line.listing_id, price_fen=line.price_fen, offer_id=offer.listing_id if offer else None,
        offer_price_fen=offer.price_fen if offer else None, fate=row.fate,
    )  # fmt: skip


def _done(each: Done) -> DoneOut:
    return DoneOut(
        title=each.title, supplier=each.supplier, quantity=each.quantity, then_fen=each.then_fen, now_fen=each.now_fen, fate=each.fate
    )
