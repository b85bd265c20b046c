"""Pages of the cart and the checkout, and the cart and the budget in the head of every page."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from flask import Blueprint, Response, current_app, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ScalarSelect

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.policy import Permission
from app.web import htmx
from app.web.errors import sentence, way_out
from app.web.extensions import db
from app.web.guard import maybe_me, me, requires
from orders.carts import forms, queries, service
from orders.carts.queries import Header, Look, Row
from orders.comparisons import queries as comparisons
from orders.comparisons.rules import REASONS
from orders.plans import queries as plans
from orders.purchases import queries as purchases
from orders.purchases.rules import Gate, SubmissionRefused
from orders.purchases.verdicts import RULESET, Outcome, Verdict
from orders.purchases.views import Way, worded, worded_all

bp = Blueprint("carts", __name__, template_folder="templates")


def gates() -> Sequence[Gate]:
    """The rules that the supervision plugged in."""
    return cast(Sequence[Gate], current_app.extensions.get("mall.gates", ()))


# ---------------------------------------------------------------- the cart


@bp.get("/cart")
@requires(Permission.CART_USE)
def cart() -> ResponseReturnValue:
    """The cart with money, limits and every verdict as they stand now."""
    return _cart_page()


@bp.post("/cart/items")
@requires(Permission.CART_USE)
def add() -> ResponseReturnValue:
    """Put a listing into the cart; goes back to where the buyer was."""
    fields = request.form
    with commit(db.session()) as session:
        service.add(
            session,
            me(),
            forms.number(fields.get("listing_id")) or 0,
            forms.number(fields.get("quantity", "1")) or 0,
            plan_line_id=forms.number(fields.get("plan")),
        )
    if htmx.asked():
        return htmx.show("carts/_header_cart.html", header=_header(), added=True)
    flash(_("已加入购物车"), "ok")
    return htmx.go(forms.own_address(fields.get("next")) or url_for("carts.cart"))


@bp.post("/cart/items/<int:item_id>")
@requires(Permission.CART_USE)
def change(item_id: int) -> ResponseReturnValue:
    """Quantity, plan line, place or choice of a line."""
    line = forms.line_change(request.form)
    return _after(
        lambda session: service.change(
            session,
            me(),
            item_id,
            quantity=line.quantity,
            plan_line_id=line.plan_line_id,
            address_id=line.address_id,
            chosen=line.chosen,
        )
    )


@bp.post("/cart/items/<int:item_id>/split")
@requires(Permission.CART_USE)
def split(item_id: int) -> ResponseReturnValue:
    """Take pieces into a line of their own, for another plan line or place."""
    pieces = forms.number(request.form.get("pieces"))
    return _after(lambda session: service.split(session, me(), item_id, pieces))


@bp.post("/cart/items/<int:item_id>/remove")
@requires(Permission.CART_USE)
def remove(item_id: int) -> ResponseReturnValue:
    """Take a line out."""
    return _after(lambda session: service.remove(session, me(), item_id))


@bp.post("/cart/items/<int:item_id>/price")
@requires(Permission.CART_USE)
def accept_price(item_id: int) -> ResponseReturnValue:
    """Take the price of now as seen, for one line."""
    return _after(lambda session: service.accept_prices(session, me(), [item_id]))


@bp.post("/cart/prices")
@requires(Permission.CART_USE)
def accept_prices() -> ResponseReturnValue:
    """Take the prices of now as seen, for all lines."""
    return _after(lambda session: service.accept_prices(session, me()))


@bp.post("/cart/choice")
@requires(Permission.CART_USE)
def choose() -> ResponseReturnValue:
    """Choose all lines or none."""
    with_all = request.form.get("all") == "1"

    def chosen(session: Any) -> None:
        service.choose(session, me(), [item.id for item in queries.items_of(session, me())] if with_all else [])

    return _after(chosen)


@bp.post("/cart/clear")
@requires(Permission.CART_USE)
def clear() -> ResponseReturnValue:
    """Empty the cart."""
    return _after(lambda session: service.clear(session, me()))


@bp.post("/cart/from-order/<number>")
@requires(Permission.CART_USE)
def rebuild(number: str) -> ResponseReturnValue:
    """Bring back what an order did not bring."""
    with commit(db.session()) as session:
        count = service.rebuild(session, me(), purchases.by_number(session, me(), number))
    flash(_("已将 %(n)s 行放回购物车，价格为现价", n=count), "ok")
    return htmx.go(url_for("carts.cart"))


@bp.post("/cart/comparison")
@requires(Permission.CART_USE)
def freeze() -> ResponseReturnValue:
    """Freeze what is offered of the products chosen, so that the order can cite it."""
    return _after(lambda session: service.freeze_comparison(session, me()))


@bp.get("/cart/items/<int:item_id>/plan")
@requires(Permission.CART_USE)
def plan(item_id: int) -> ResponseReturnValue:
    """Filing on the spot, prefilled from the line."""
    return _plan_page(item_id)


@bp.post("/cart/items/<int:item_id>/plan")
@requires(Permission.CART_USE)
def file_plan(item_id: int) -> ResponseReturnValue:
    """File a plan for the line; the receipt number comes at once."""
    fields = request.form
    try:
        with commit(db.session()) as session:
            filed = service.file_plan(
                session,
                me(),
                item_id,
                amount_fen=forms.fen(fields.get("amount")),
                quantity=forms.number(fields.get("pieces")),
                budget_line_id=forms.number(fields.get("budget_line")),
                name=fields.get("name", "").strip()[:100] or None,
            )
            number = filed.number
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _plan_page(item_id, refused=refused, status=422)
    flash(_("计划已备案，回执号 %(number)s，本行已改用该计划", number=number), "ok")
    return htmx.go(url_for("carts.cart", _anchor=f"line-{item_id}"))


def _plan_page(item_id: int, *, refused: Refusal | None = None, status: int = 200) -> Response:
    session, actor = db.session(), me()
    entry = queries.entry(queries.item(session, actor, item_id))
    row = queries.look(session, actor, [replace(entry, chosen=True)], gates=gates()).rows[0]
    return htmx.show(
        "carts/plan.html",
        status=status,
        row=row,
        candidates=plans.candidates(session, actor, row.offer.category, row.amount_fen, row.wish.quantity),
        refused=refused,
        reasons=[(sentence(each), way_out(each)) for each in _reasons(refused)],
        typed=request.form,
    )


def _reasons(refused: Refusal | None) -> Sequence[Refusal]:
    """What a refused filing says, each reason by itself."""
    if refused is None:
        return ()
    return cast(Sequence[Refusal], getattr(refused, "refusals", None) or [refused])


def _after(command: Any) -> ResponseReturnValue:
    """Run one command on the cart and show the cart; a refusal is shown above it."""
    try:
        with commit(db.session()) as session:
            command(session)
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _cart_page(refused=refused, status=422)
    return _cart_page() if htmx.asked() else htmx.go(url_for("carts.cart"))


def _cart_page(*, refused: Refusal | None = None, status: int = 200) -> Response:
    session, actor = db.session(), me()
    entries = queries.entries_of(session, actor)
    sheets = comparisons.recent(session, actor) if entries else []
    seen = queries.look(session, actor, entries, gates=gates(), sheets=sheets)
    return htmx.show(
        "carts/cart.html",
        part="carts/_cart.html",
        status=status,
        look=seen,
        verdicts=_verdicts(seen),
        choices=queries.choices(session, actor) if seen.rows else None,
        against=_against,
        refused=refused,
        read_at=clock.now(),
    )


def _verdicts(seen: Look) -> list[Any]:
    return worded_all(seen.assessment.verdicts, lambda verdict: _ways(seen, verdict)) if seen.assessment else []


def _against(row: Row) -> list[Any]:
    """What stands against one line, in words."""
    return [worded(verdict) for verdict in row.verdicts]


def _ways(seen: Look, verdict: Verdict) -> list[Way]:
    """Where a verdict can be solved."""
    if verdict.rule == "P12":
        return [(_("人员与岗位"), "/people")]
    row = next((row for row in seen.chosen if verdict in row.verdicts), None)
    if row is None:
        return []
    line = f"{url_for('carts.cart')}#line-{row.item_id}"
    ways: list[Way] = [(_("到该行处理"), line)] if row.item_id else []
    if verdict.rule == "P03":
        return [(_("附比选单"), "#comparison")]
    if verdict.rule == "P04":
        ways.append((_("看最低价"), f"/products/{row.offer.product_id}"))
    if verdict.rule in {"B01", "B02", "B03", "B04"} and row.item_id:
        ways.append((_("就地备案"), url_for("carts.plan", item_id=row.item_id)))
    if verdict.rule in {"SHELF", "STOCK", "K02"}:
        ways.append((_("换供应商"), f"/products/{row.offer.product_id}"))
    return ways


# ---------------------------------------------------------------- the checkout


@bp.get("/checkout")
@requires(Permission.ORDER_SUBMIT)
def checkout() -> ResponseReturnValue:
    """The chosen lines, ready to be sent off."""
    entries = tuple(entry for entry in queries.entries_of(db.session(), me()) if entry.chosen)
    form = forms.Checkout(
        key="", entries=entries, address_id=None, invoice_title_id=None, reason="", comparison=None,
        places=tuple(e.wish.address_id for e in entries)
    )
    return _checkout_page(form)


@bp.post("/checkout/review")
@requires(Permission.ORDER_SUBMIT)
def review() -> ResponseReturnValue:
    """Judge the form again as it stands, without sending it off; on the way a comparison may be frozen for it."""
    form = forms.checkout(request.form)
    if "freeze" not in request.form:
        return _checkout_page(form)
    try:
        with commit(db.session()) as session:
            number = service.freeze_comparison(session, me()).number
    except Refusal as refused:
        return _checkout_page(form, refused=refused, status=422)
    return _checkout_page(replace(form, comparison=number))


@bp.post("/checkout")
@requires(Permission.ORDER_SUBMIT)
def send_off() -> ResponseReturnValue:
    """Send the lines off: one order per supplier, or every verdict that stands against them."""
    form = forms.checkout(request.form)
    try:
        with commit(db.session()) as session:
            number = service.send_off(session, me(), form.sending, gates()).number
    except (SubmissionRefused, *service.OVERTAKEN) as refused:
        with commit(db.session()) as session:
            refusal = service.remember_refusal(session, me(), refused, form.sending, gates())
        return _checkout_page(form, refused=refusal, status=422)
    except Refusal as refused:
        if refused.status in {403, 404}:
            raise
        return _checkout_page(form, refused=refused, status=422)
    return htmx.go(f"{request.script_root}/orders/submissions/{number}")


def _checkout_page(form: forms.Checkout, *, refused: Refusal | None = None, status: int = 200) -> Response:
    session, actor = db.session(), me()
    offered = queries.choices(session, actor)
    address_id = form.address_id or next((each.id for each in offered.addresses), None)
    sheets = comparisons.recent(session, actor)
    seen = queries.look(
        session,
        actor,
        form.entries,
        invoice_title_id=form.invoice_title_id,
        gates=gates(),
        sheets=sheets,
        cite=form.comparison,
    )
    places = dict(zip((row.no for row in seen.rows), form.places, strict=False))
    return htmx.show(
        "carts/checkout.html",
        part="carts/_checkout.html",
        status=status,
        form=form,
        key=secrets.token_urlsafe(18),
        look=seen,
        verdicts=_verdicts(seen),
        holds=any(v.outcome is Outcome.HOLD for v in seen.assessment.verdicts) if seen.assessment else False,
        uncompared=[v.facts for v in seen.assessment.verdicts if v.rule == "P03" and v.outcome is Outcome.HOLD] if seen.assessment else [],
        blocks=len(seen.assessment.blocks) if seen.assessment else 0,
        choices=offered,
        address_id=address_id,
        places={no: place for no, place in places.items() if place != address_id},
        refused=refused,
        sheets=sheets,
        reasons=REASONS,
        ruleset=RULESET,
        read_at=clock.now(),
    )


# ---------------------------------------------------------------- in the head of every page


def header_cart(**_context: Any) -> Markup:
    """The cart button with its count and sum, for who may fill a cart."""
    actor = maybe_me()
    if actor is None or not actor.may(Permission.CART_USE):
        return Markup()
    return Markup(render_template("carts/_header_cart.html", header=_header()))  # noqa: S704 - our own template


def header_budget(**_context: Any) -> Markup:
    """The money of the unit's year in one small ruler."""
    actor = maybe_me()
    if actor is None or not actor.is_unit or not actor.may(Permission.BUDGET_READ):
        return Markup()
    return Markup(render_template("carts/_header_budget.html", money=_header().money))  # noqa: S704 - our own template


def head(waiting: ScalarSelect[int]) -> int:
    """Read cart, money and a count brought along with one statement; returns the count, the slots show the others."""
    g.carts_header = queries.header(db.session(), me(), waiting)
    return cast(Header, g.carts_header).waiting


def _header() -> Header:
    """Both with one statement per request."""
    if "carts_header" not in g:
        g.carts_header = queries.header(db.session(), me())
    return cast(Header, g.carts_header)
