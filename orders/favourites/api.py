"""JSON ways in to what one keeps an eye on: stars, prices and stock waited for, saved searches. One's own alone."""

from datetime import datetime
from typing import cast

from flask import Blueprint, current_app
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_, Missing
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Fen, Id, Model, Problem, spec, titled
from catalog.search.port import SearchEngine
from orders.favourites import forms, queries, service
from orders.favourites.queries import Starred, Waiting
from orders.favourites.tables import Awaited, SavedSearch

api = Blueprint("favourites_api", __name__, url_prefix="/api/v1/favourites")
TAG = ("favourites",)


class StarOut(Model):
    """A product with a star, and its lowest offer that the caller's region can buy now."""

    product_id: int
    title: str
    brand: str
    model: str
    offers: int
    listing_id: int | None
    price_fen: int | None


class StarsOut(Model):
    """The caller's stars, the latest first."""

    items: list[StarOut]


class WishIn(Model):
    """What is waited for: a price not above this, or pieces in stock when it is left out."""

    product_id: Id
    below_fen: Fen | None = None


class WishOut(Model):
    """A wish; once it came true it says when, by which offer, and at what price."""

    id: int
    product_id: int
    title: str
    below_fen: int | None
    told_at: datetime | None
    listing_id: int | None
    price_fen: int | None


class WishesOut(Model):
    """The caller's wishes, the latest first."""

    items: list[WishOut]


class SearchIn(Model):
    """A search to be kept."""

    search: str = Field(max_length=4_000, description=N_("搜索页地址中 ? 之后的部分，例如 q=打印机&sort=price_up"))


class SearchOut(Model):
    """A kept search, and what is new among its first hits since it was looked at last."""

    id: int
    words: str
    search: str
    fresh: int
    cheaper: int
    looked_at: datetime


class SearchesOut(Model):
    """The caller's kept searches, the latest first."""

    items: list[SearchOut]


@api.get("/stars")
@titled(N_("收藏的商品"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=StarsOut), tags=TAG)
def stars() -> StarsOut:
    """Products with the caller's star."""
    return StarsOut(items=[_star(each) for each in queries.starred(db.session(), me())])


@api.put("/stars/<int:product_id>")
@titled(N_("收藏"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def star(product_id: int) -> tuple[str, int]:
    """Put a star on a product; doing it twice does it once."""
    with commit(db.session()) as session:
        service.star(session, me(), product_id)
    return "", 204


@api.delete("/stars/<int:product_id>")
@titled(N_("取消收藏"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def unstar(product_id: int) -> tuple[str, int]:
    """Take the star off a product."""
    with commit(db.session()) as session:
        if not service.unstar(session, me(), product_id):
            raise Missing()
    return "", 204


@api.get("/awaited")
@titled(N_("到价与到货提醒"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=WishesOut), tags=TAG)
def awaited() -> WishesOut:
    """What the caller waits for, and what came true."""
    return WishesOut(items=[_wish(each) for each in queries.waiting(db.session(), me())])


@api.post("/awaited")
@titled(N_("设置提醒"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=WishOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def wait_for(json: WishIn) -> tuple[WishOut, int]:
    """Wait for a price or for stock; the same wish is kept once."""
    with commit(db.session()) as session:
        made = service.wait_for(session, me(), json.product_id, json.below_fen).id
    return _wish(next(each for each in queries.waiting(db.session(), me()) if each.row.id == made)), 201


@api.delete("/awaited/<int:row_id>")
@titled(N_("取消提醒"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def drop_awaited(row_id: int) -> tuple[str, int]:
    """Wait no longer, or put a message away."""
    with commit(db.session()) as session:
        service.drop(session, me(), Awaited, row_id)
    return "", 204


@api.get("/searches")
@titled(N_("保存的搜索"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=SearchesOut), tags=TAG)
def searches() -> SearchesOut:
    """Searches that the caller keeps, with what is new in them."""
    return SearchesOut(items=[_search(each) for each in queries.searches(db.session(), me())])


@api.post("/searches")
@titled(N_("保存搜索"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_201=SearchOut, HTTP_409=Problem, HTTP_422=Problem, HTTP_503=Problem), tags=TAG)
def save_search(json: SearchIn) -> tuple[SearchOut, int]:
    """Keep a search; kept again, it begins anew."""
    kept = forms.kept(db.session(), json.search)
    with commit(db.session()) as session:
        made = service.save_search(session, me(), _engine(), words=kept.words, question=kept.question, request=kept.request)
        return _search(made), 201


@api.post("/searches/<int:search_id>/look")
@titled(N_("查看保存的搜索"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers(HTTP_200=SearchOut, HTTP_404=Problem, HTTP_503=Problem), tags=TAG)
def look(search_id: int) -> SearchOut:
    """What the search finds now is no news any more."""
    with commit(db.session()) as session:
        return _search(service.look(session, me(), _engine(), search_id))


@api.delete("/searches/<int:row_id>")
@titled(N_("删除保存的搜索"))
@requires(Permission.CART_USE)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def drop_search(row_id: int) -> tuple[str, int]:
    """Forget a search."""
    with commit(db.session()) as session:
        service.drop(session, me(), SavedSearch, row_id)
    return "", 204


def _engine() -> SearchEngine:
    return cast(SearchEngine, current_app.extensions["mall.search"])


def _star(each: Starred) -> StarOut:
    product, lowest = each.product, each.lowest
    return StarOut(
        product_id=product.id, title=product.title, brand=product.brand, model=product.model, offers=each.offers,
        listing_id=lowest.listing_id if lowest else None, price_fen=lowest.price_fen if lowest else None,
    )  # fmt: skip


def _wish(each: Waiting) -> WishOut:
    row = each.row
    return WishOut(
        id=row.id, product_id=row.product_id, title=each.product.title, below_fen=row.below_fen, told_at=row.told_at,
        listing_id=row.listing_id, price_fen=row.price_fen,
    )  # fmt: skip


def _search(kept: SavedSearch) -> SearchOut:
    return SearchOut(
        id=kept.id, words=kept.words, search=kept.question, fresh=kept.fresh, cheaper=kept.cheaper, looked_at=kept.looked_at
    )
