"""Pages of buying again: the unit's lists, one list, quick order by code, and the report of what became of the lines."""

from typing import Any

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.sheets import CellProblem
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, me, requires
from catalog.listings import queries as listings
from orders.carts import queries as carts
from orders.carts.forms import number as whole
from orders.reorders import forms, queries, rules, service
from orders.reorders.rules import FATE_NAMES, TONES, Match, NothingTyped
from orders.reorders.service import Done

bp = Blueprint("reorders", __name__, template_folder="templates")


# ---------------------------------------------------------------- lists


@bp.get("/reorders")
@requires(Permission.CART_USE)
def index() -> ResponseReturnValue:
    """The unit's lists."""
    return _index()


@bp.post("/reorders")
@requires(Permission.CART_USE)
def create() -> ResponseReturnValue:
    """A new list."""
    try:
        with commit(db.session()) as session:
            made = service.create(session, me(), request.form.get("name", "")).id
    except Refusal as refused:
        return _index(refused=refused)
    return htmx.go(url_for("reorders.show", list_id=made))


@bp.get("/reorders/<int:list_id>")
@requires(Permission.CART_USE)
def show(list_id: int) -> ResponseReturnValue:
    """A list, and what each of its lines would become today."""
    return _show(list_id)


@bp.post("/reorders/<int:list_id>/rename")
@requires(Permission.CART_USE)
def rename(list_id: int) -> ResponseReturnValue:
    """Another name."""
    return _after(list_id, lambda session: service.rename(session, me(), list_id, request.form.get("name", "")))


@bp.post("/reorders/<int:list_id>/discard")
@requires(Permission.CART_USE)
def discard(list_id: int) -> ResponseReturnValue:
    """Take the list away."""
    with commit(db.session()) as session:
        service.discard(session, me(), list_id)
    flash(_("清单已删除"), "ok")
    return htmx.go(url_for("reorders.index"))


@bp.post("/reorders/<int:list_id>/lines")
@requires(Permission.CART_USE)
def put(list_id: int) -> ResponseReturnValue:
    """Put products on the list by code and quantity; what cannot be used is told cell by cell."""
    pairs = forms.typed(request.form)
    try:
        matches, problems = _matched(pairs)
        with commit(db.session()) as session:
            service.put(session, me(), list_id, [(each.choices[0], each.quantity) for each in matches])
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _show(list_id, refused=refused)
    return _show(list_id, problems=problems) if problems else htmx.go(url_for("reorders.show", list_id=list_id))


@bp.post("/reorders/<int:list_id>/lines/<int:line_id>")
@requires(Permission.CART_USE)
def change(list_id: int, line_id: int) -> ResponseReturnValue:
    """How many pieces, or none of it any more."""
    pieces = whole(request.form.get("quantity")) or 0
    if "drop" in request.form:
        return _after(list_id, lambda session: service.drop(session, me(), list_id, line_id))
    return _after(list_id, lambda session: service.change(session, me(), list_id, line_id, pieces))


@bp.post("/reorders/<int:list_id>/cart")
@requires(Permission.CART_USE)
def to_cart(list_id: int) -> ResponseReturnValue:
    """Everything into the cart, with a report of what changed."""
    try:
        with commit(db.session()) as session:
            done = service.to_cart(session, me(), list_id)
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _show(list_id, refused=refused)
    return _report(done, back=url_for("reorders.show", list_id=list_id))


@bp.post("/reorders/from-order/<number>")
@requires(Permission.CART_USE)
def from_order(number: str) -> ResponseReturnValue:
    """A list of what an order ordered."""
    with commit(db.session()) as session:
        made = service.from_order(session, me(), number).id
    return htmx.go(url_for("reorders.show", list_id=made))


def _after(list_id: int, command: Any) -> ResponseReturnValue:
    try:
        with commit(db.session()) as session:
            command(session)
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _show(list_id, refused=refused)
    return htmx.go(url_for("reorders.show", list_id=list_id))


def _index(*, refused: Refusal | None = None) -> Response:
    lists = queries.lists_of(db.session(), me())
    return htmx.show("reorders/index.html", lists=lists, refused=refused, name=request.form.get("name", ""), status=422 if refused else 200)


def _show(list_id: int, *, refused: Refusal | None = None, problems: list[CellProblem] | None = None) -> Response:
    session, actor = db.session(), me()
    found = queries.by_id(session, actor, list_id)
    return htmx.show(
        "reorders/show.html",
        list=found,
        rows=queries.rows(session, actor, queries.lines_of(session, found)),
        fates=FATE_NAMES,
        tones=TONES,
        refused=refused,
        problems=problems or [],
        typed=request.form,
        status=422 if refused or problems else 200,
    )


# ---------------------------------------------------------------- quick order


@bp.get("/quick-order")
@requires(Permission.CART_USE)
def quick() -> ResponseReturnValue:
    """Rows for codes and quantities, a place to paste, and a place for a file."""
    return _quick()


@bp.post("/quick-order")
@requires(Permission.CART_USE)
def check() -> ResponseReturnValue:
    """What the lines mean: the lowest offer of each, with a problem for every cell that means nothing."""
    file = request.files.get("file")
    pairs = forms.typed(request.form)
    try:
        if file is not None and file.filename:
            rows, problems = forms.read_file(file)
            pairs = [(row["code"], str(row["quantity"])) for row in rows]
        elif pairs:
            rows, problems = forms.read_pairs(pairs)
        else:
            raise NothingTyped()
        matches, unmatched = _match(db.session(), rows)
    except Refusal as refused:
        return _quick(refused=refused, pairs=pairs)
    return _quick(pairs=pairs, matches=matches, problems=[*problems, *unmatched])


@bp.post("/quick-order/cart")
@requires(Permission.CART_USE)
def quick_to_cart() -> ResponseReturnValue:
    """The matched lines into the cart."""
    try:
        with commit(db.session()) as session:
            done = service.picked_to_cart(session, me(), forms.picked(request.form))
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _quick(refused=refused)
    return _report(done, back=url_for("reorders.quick"))


def _matched(pairs: list[tuple[str, str]]) -> tuple[list[Match], list[CellProblem]]:
    if not pairs:
        raise NothingTyped()
    rows, problems = forms.read_pairs(pairs)
    matches, unmatched = _match(db.session(), rows)
    return matches, [*problems, *unmatched]


def _match(session: Session, rows: Any) -> tuple[list[Match], list[CellProblem]]:
    found = queries.by_codes(session, me(), {row["code"] for row in rows})
    by_code = {code: [(each.product_id, queries.choice(each)) for each in offers] for code, offers in found.items()}
    return rules.matched(rows, by_code)


def _quick(
    *,
    pairs: list[tuple[str, str]] | None = None,
    matches: list[Match] | None = None,
    problems: list[CellProblem] | None = None,
    refused: Refusal | None = None,
) -> Response:
    ids = [each for match in matches or [] for each in match.choices]
    return htmx.show(
        "reorders/quick.html",
        pairs=pairs or [],
        matches=matches or [],
        problems=sorted(problems or [], key=lambda each: (each.line, each.column)),
        offers=listings.shown(db.session(), ids),
        refused=refused,
        status=422 if refused or problems else 200,
    )


def _report(done: list[Done], *, back: str) -> Response:
    added = sum(each.fate not in {rules.Fate.GONE, rules.Fate.FULL} for each in done)
    return htmx.show("reorders/report.html", done=done, added=added, fates=FATE_NAMES, tones=TONES, back=back)


# ---------------------------------------------------------------- on the page of an order


def order_more(*, order: Any) -> Markup:
    """Buying the same again, for the buyers of the order's unit."""
    actor = maybe_me()
    if actor is None or not service.keep_order(order, actor):
        return Markup()
    again = carts.actions(db.session(), actor, order)
    return Markup(render_template("reorders/_order.html", number=order.number, again=again))  # noqa: S704 - our own template  # nosec B704
