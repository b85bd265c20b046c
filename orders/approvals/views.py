"""Pages of the approver's inbox and of the buyer's own steps on an order: explain, withdraw."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import Missing, Refusal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import me, requires
from orders.approvals import queries, service
from orders.approvals.queries import Show
from orders.approvals.rules import REASON_NAMES, RejectReason
from orders.purchases import queries as purchases
from orders.purchases.states import STATE_NAMES, State
from orders.purchases.tables import Order
from orders.purchases.verdicts import RULES
from orders.purchases.views import worded_all

bp = Blueprint("approvals", __name__, template_folder="templates")

Command = Callable[[Session, Order], object]


@bp.get("/approvals")
@requires(Permission.ORDER_APPROVE)
def inbox() -> ResponseReturnValue:
    """What waits for a decision, and the order that is being looked at."""
    return _inbox_page()


@bp.post("/approvals/bulk")
@requires(Permission.ORDER_APPROVE)
def bulk() -> ResponseReturnValue:
    """Approve the ticked plain orders together."""
    numbers = request.form.getlist("order")
    try:
        with commit(db.session()) as session:
            done = service.approve_plain(session, me(), numbers)
    except Refusal as refused:
        return _inbox_page(refused=refused, status=422)
    flash(_("已通过 %(n)s 单", n=len(done)), "ok") if done else flash(_("没有勾选订单"), "info")
    return htmx.go(url_for("approvals.inbox"))


@bp.post("/orders/<number>/approve")
@requires(Permission.ORDER_APPROVE)
def approve(number: str) -> ResponseReturnValue:
    """Approve line by line."""
    fields = request.form
    ids = [name.removeprefix("line-") for name, value in fields.items() if name.startswith("line-") and value == "reject"]
    rejected = {int(each): _reason(fields.get(f"why-{each}"), fields.get(f"words-{each}")) for each in ids if each.isdecimal()}
    note = fields.get("note", "").strip() or None
    return _decide(number, lambda session, order: service.approve(session, me(), order, rejected, note=note))


@bp.post("/orders/<number>/reject")
@requires(Permission.ORDER_APPROVE)
def reject(number: str) -> ResponseReturnValue:
    """Reject the whole order."""
    note = request.form.get("note", "")
    return _decide(number, lambda session, order: service.reject(session, me(), order, note))


@bp.post("/orders/<number>/clear")
@requires(Permission.HOLD_CLEAR)
def clear(number: str) -> ResponseReturnValue:
    """Clear what holds the order."""
    note = request.form.get("note", "").strip() or None
    return _decide(number, lambda session, order: service.clear(session, me(), order, note), show=Show.HELD)


@bp.post("/orders/<number>/release")
@requires(Permission.HOLD_CLEAR)
def release(number: str) -> ResponseReturnValue:
    """Do not clear what holds the order: it ends."""
    note = request.form.get("note", "")
    return _decide(number, lambda session, order: service.release(session, me(), order, note), show=Show.HELD)


@bp.get("/orders/<number>/explain")
@requires(Permission.ORDER_EXPLAIN)
def explaining(number: str) -> ResponseReturnValue:
    """The page to explain what holds an order."""
    return _own_step("approvals/explain.html", number)


@bp.post("/orders/<number>/explain")
@requires(Permission.ORDER_EXPLAIN)
def explain(number: str) -> ResponseReturnValue:
    """The buyer's explanation, rule by rule."""
    words = {name.removeprefix("rule-"): text for name, text in request.form.items() if name.startswith("rule-")}
    return _take(number, "approvals/explain.html", lambda session, order: service.explain(session, me(), order, words))


@bp.get("/orders/<number>/withdraw")
@requires(Permission.ORDER_SUBMIT)
def withdrawing(number: str) -> ResponseReturnValue:
    """The page to take an order back."""
    return _own_step("approvals/withdraw.html", number)


@bp.post("/orders/<number>/withdraw")
@requires(Permission.ORDER_SUBMIT)
def withdraw(number: str) -> ResponseReturnValue:
    """The buyer takes an order back."""
    reason = request.form.get("reason")
    return _take(number, "approvals/withdraw.html", lambda session, order: service.withdraw(session, me(), order, reason))


def _reason(kind: str | None, words: str | None) -> str:
    """The reason of a rejected line: what was picked, in the language of the record, and the words that follow."""
    picked = REASON_NAMES[RejectReason(kind)] if kind in set(RejectReason) and kind != RejectReason.OTHER else ""
    return "：".join(part for part in (picked, (words or "").strip()[:200]) if part)


def _decide(number: str, command: Command, *, show: Show = Show.TODO) -> ResponseReturnValue:
    """Run one decision and go on to the next order; a refusal is shown on the same sheet."""
    try:
        with commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            command(session, order)
            state = order.state
    except Refusal as refused:
        if refused.status == 404:
            raise
        return _inbox_page(number=number, show=show, refused=refused, status=refused.status)
    flash(_("订单 %(number)s：%(state)s", number=number, state=_(STATE_NAMES[state])), "ok")
    return htmx.go(url_for("approvals.inbox", show=show.value) if show is not Show.TODO else url_for("approvals.inbox"))


def _take(number: str, template: str, command: Command) -> ResponseReturnValue:
    """Run one step of the buyer's and show the order."""
    try:
        with commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            command(session, order)
            state = order.state
    except Refusal as refused:
        if refused.status == 404:
            raise
        return _own_step(template, number, refused=refused, status=refused.status)
    flash(_("订单 %(number)s：%(state)s", number=number, state=_(STATE_NAMES[state])), "ok")
    return htmx.go(f"{request.script_root}/orders/{number}")


def _own_step(template: str, number: str, *, refused: Refusal | None = None, status: int = 200) -> Response:
    session, actor = db.session(), me()
    order = purchases.by_number(session, actor, number)
    found = queries.sheet(session, actor, order)
    return htmx.show(
        template,
        status=status,
        sheet=found,
        verdicts=[item for item in worded_all(found.verdicts) if item.outcome != "pass"],
        rules=RULES,
        refused=refused,
        typed=request.form,
        state_name=_(STATE_NAMES[order.state]),
    )


def _inbox_page(*, number: str | None = None, show: Show | None = None, refused: Refusal | None = None, status: int = 200) -> Response:
    session, actor = db.session(), me()
    asked = request.args.get("show", "")
    part = show or (Show(asked) if asked in set(Show) else Show.TODO)
    page = queries.inbox(session, actor, part, cursor=request.args.get("cursor"))
    wanted = number or request.args.get("order") or next((row.order.number for row in page.rows), None)
    context: dict[str, Any] = {"sheet": None, "verdicts": []}
    if wanted:
        order = purchases.by_number(session, actor, wanted)
        if order.unit_id != actor.organisation_id:
            raise Missing()
        found = queries.sheet(session, actor, order)
        context = {"sheet": found, "verdicts": worded_all(found.verdicts)}
    return htmx.show(
        "approvals/inbox.html",
        status=status,
        page=page,
        show=part,
        counts=queries.counts(session, actor),
        current=wanted,
        refused=refused,
        typed=request.form,
        reasons=[(reason.value, _(name)) for reason, name in REASON_NAMES.items()],
        state_names=STATE_NAMES,
        rules=RULES,
        may_decide=bool(
            context["sheet"]
            and context["sheet"].order.buyer_id != actor.person_id
            and context["sheet"].order.state in {State.SUBMITTED, State.HELD}
        ),
        **context,
    )
