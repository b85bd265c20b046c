"""The page of orders that went to the supplier's own shop."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import me, requires
from catalog.connections.rules import TROUBLES
from orders.dispatch import queries, rules, service
from orders.dispatch.states import DISPATCH_NAMES, OPEN, DispatchState
from orders.purchases.states import STATE_NAMES

bp = Blueprint("dispatch", __name__, template_folder="templates", url_prefix="/dispatches")

TONES = {
    DispatchState.SENT: "info", DispatchState.TAKEN: "ok", DispatchState.CONFIRMED: "ok", DispatchState.REFUSED: "bad",
    DispatchState.CANCELLING: "warn", DispatchState.CANCELLED: "dim",
}  # fmt: skip


@bp.get("")
@requires(Permission.SUPPLIER_ADMINISTER)
def index() -> ResponseReturnValue:
    """The supplier's orders at its own shop, the latest first."""
    page = queries.own(db.session(), me(), cursor=request.args.get("cursor"))
    return htmx.show(
        "dispatch/index.html", page=page, names=DISPATCH_NAMES, tones=TONES, state_names=STATE_NAMES, reasons={**TROUBLES, **rules.NAMES},
        open=OPEN | {DispatchState.CANCELLING},
    )  # fmt: skip


@bp.post("/<number>/again")
@requires(Permission.SUPPLIER_ADMINISTER)
def again(number: str) -> ResponseReturnValue:
    """Tell or ask the shop now instead of at the next time."""
    with commit(db.session()) as session:
        service.again(session, me(), number)
    flash(_("已安排立即重试"), "ok")
    return htmx.go(url_for("dispatch.index"))
