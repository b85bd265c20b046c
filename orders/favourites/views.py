"""The page of what one keeps an eye on, its buttons on a product's page, and its messages on the workbench."""

from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.money import parse_yuan
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, me, requires
from catalog.products import queries as products
from catalog.search import forms as searching
from catalog.search import queries as search
from catalog.search.port import SearchEngine
from catalog.taxonomy.rules import UnknownCategory
from orders.carts.forms import number, own_address
from orders.favourites import queries, service
from orders.favourites.rules import BadBound
from orders.favourites.tables import Awaited, Favourite, SavedSearch

bp = Blueprint("favourites", __name__, url_prefix="/favourites", template_folder="templates")

MOST_LETTERS = 2_000


def engine() -> SearchEngine:
    """The search engine of this application."""
    return cast(SearchEngine, current_app.extensions["mall.search"])


@bp.get("")
@requires(Permission.CART_USE)
def index() -> ResponseReturnValue:
    """Favourites, awaited prices and stock, saved searches."""
    return _index()


@bp.post("/stars")
@requires(Permission.CART_USE)
def star() -> ResponseReturnValue:
    """Put a star on a product, or take it off; htmx gets the other star for the place of the one that was clicked."""
    gone = number(request.form.get("drop"))
    product_id = gone or number(request.form.get("product")) or 0
    with commit(db.session()) as session:
        if gone:
            changed = service.unstar(session, me(), gone)
        else:
            changed = service.star(session, me(), product_id)
    if htmx.asked():
        title = products.by_id(db.session(), product_id).title
        return htmx.show("favourites/_star.html", product_id=product_id, title=title, starred=not gone)
    if gone:
        flash(_("已取消收藏"), "ok")
    else:
        flash(_("已收藏") if changed else _("已在收藏中"), "ok" if changed else "info")
    return htmx.go(own_address(request.form.get("next")) or f"/products/{product_id}")


@bp.post("/awaited")
@requires(Permission.CART_USE)
def wait_for() -> ResponseReturnValue:
    """Wait for a price, or for pieces in stock."""
    product_id, typed = number(request.form.get("product")) or 0, request.form.get("below", "").strip()
    try:
        below = None if "stock" in request.form else _bound(typed)
        with commit(db.session()) as session:
            service.wait_for(session, me(), product_id, below)
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _index(refused=refused, product=product_id, below=typed)
    flash(_("降到此价时提醒一次") if below else _("到货时提醒一次"), "ok")
    return htmx.go(f"/products/{product_id}")


def _bound(typed: str) -> int:
    if not typed:
        raise BadBound()
    return parse_yuan(typed)


@bp.post("/searches")
@requires(Permission.CART_USE)
def save_search() -> ResponseReturnValue:
    """Keep a search."""
    asked = searching.read(MultiDict(parse_qsl(request.form.get("search", "")[:MOST_LETTERS], errors="replace"))).but(table=False)
    session = db.session()
    try:
        codes = tuple(code for each in asked.categories for code in search.searchable(session, each))
    except UnknownCategory:
        asked, codes = asked.but(categories=()), ()
    question, words = urlencode(asked.params(), doseq=True), asked.q or "、".join(asked.categories) or "*"
    with commit(session):
        service.save_search(session, me(), engine(), words=words, question=question, request=asked.but(categories=codes).request())
    flash(_("搜索已保存，有新商品或降价时在工作台提示"), "ok")
    return htmx.go(url_for("favourites.index"))


@bp.post("/searches/<int:search_id>/look")
@requires(Permission.CART_USE)
def look(search_id: int) -> ResponseReturnValue:
    """Open a saved search; what it finds now is no news any more."""
    with commit(db.session()) as session:
        question = service.look(session, me(), engine(), search_id).question
    return htmx.go(f"{url_for('search.results')}?{question}")


@bp.post("/stars/<int:row_id>/drop")
@requires(Permission.CART_USE)
def drop_star(row_id: int) -> ResponseReturnValue:
    """Take a star away."""
    return _drop(Favourite, row_id)


@bp.post("/awaited/<int:row_id>/drop")
@requires(Permission.CART_USE)
def drop_awaited(row_id: int) -> ResponseReturnValue:
    """Wait no longer, or put a message away."""
    return _drop(Awaited, row_id)


@bp.post("/searches/<int:row_id>/drop")
@requires(Permission.CART_USE)
def drop_search(row_id: int) -> ResponseReturnValue:
    """Forget a search."""
    return _drop(SavedSearch, row_id)


def _drop(table: type[Any], row_id: int) -> ResponseReturnValue:
    with commit(db.session()) as session:
        service.drop(session, me(), table, row_id)
    return htmx.go(url_for("favourites.index"))


def _index(*, refused: Refusal | None = None, product: int = 0, below: str = "") -> Response:
    session, actor = db.session(), me()
    return htmx.show(
        "favourites/index.html",
        stars=queries.starred(session, actor),
        told=queries.waiting(session, actor, told=True),
        waiting=queries.waiting(session, actor, told=False),
        searches=queries.searches(session, actor),
        refused=refused,
        product=product,
        below=below,
        status=422 if refused else 200,
    )


def product_aside(*, product_id: int, **_context: Any) -> Markup:
    """Star and reminders on a product's page; they ask the database nothing."""
    actor = maybe_me()
    if actor is None or not actor.may(Permission.CART_USE):
        return Markup()
    return Markup(render_template("favourites/_product.html", product_id=product_id))  # noqa: S704 - our own template  # nosec B704


def messages(**_context: Any) -> Markup:
    """What came true, and searches with news, for the workbench."""
    actor = maybe_me()
    if actor is None or not actor.may(Permission.CART_USE):
        return Markup()
    session = db.session()
    told, searches = queries.waiting(session, actor, told=True), queries.searches(session, actor, with_news=True)
    return Markup(render_template("favourites/_messages.html", told=told, searches=searches))  # noqa: S704 - our own template  # nosec B704
