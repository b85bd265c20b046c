"""The page of a supplier, and the decision on its standing."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, public, requires
from catalog.suppliers import queries, service
from catalog.suppliers.forms import StandingForm
from catalog.suppliers.rules import SCALE_NAMES, STANDING_NAMES
from catalog.suppliers.states import Standing

bp = Blueprint("suppliers", __name__, template_folder="templates", url_prefix="/suppliers")


@bp.get("/")
@public
def index() -> ResponseReturnValue:
    """The supplier library by name."""
    q = " ".join(request.args.get("q", "").split())[:60]
    page = queries.visible(db.session(), q=q, cursor=request.args.get("cursor"))
    return htmx.show("suppliers/index.html", page=page, q=q, scales=SCALE_NAMES, standings=STANDING_NAMES, active=Standing.ACTIVE)


@bp.get("/<int:supplier_id>")
@public
def supplier(supplier_id: int) -> ResponseReturnValue:
    """Who the supplier is, whether it may trade, and what it offers."""
    return _page(supplier_id, StandingForm())


@bp.post("/<int:supplier_id>/suspend")
@requires(Permission.SUPPLIER_SUSPEND)
def suspend(supplier_id: int) -> ResponseReturnValue:
    """Stop the supplier from trading."""
    form = StandingForm()
    if form.validate_on_submit():
        until = clock.end_of_day(form.until.data) if form.until.data else None
        with refusals_on(form), commit(db.session()) as session:
            service.suspend(session, me(), supplier_id, reason=form.reason.data, until=until)
    return _page(supplier_id, form, status=422) if form.was_refused else htmx.go(url_for("suppliers.supplier", supplier_id=supplier_id))


@bp.post("/<int:supplier_id>/lift")
@requires(Permission.SUPPLIER_SUSPEND)
def lift(supplier_id: int) -> ResponseReturnValue:
    """Let the supplier trade again."""
    form = StandingForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.lift(session, me(), supplier_id, reason=form.reason.data)
    return _page(supplier_id, form, status=422) if form.was_refused else htmx.go(url_for("suppliers.supplier", supplier_id=supplier_id))


def _page(supplier_id: int, form: StandingForm, status: int = 200) -> ResponseReturnValue:
    found = queries.by_id(db.session(), supplier_id)
    actor = maybe_me()
    return htmx.show(
        "suppliers/supplier.html",
        status=status,
        supplier=found,
        scale=gettext(SCALE_NAMES[found.scale]),
        standing=gettext(STANDING_NAMES[found.standing]),
        active=found.standing is Standing.ACTIVE,
        suspended=found.standing is Standing.SUSPENDED,
        may_suspend=actor is not None and actor.may(Permission.SUPPLIER_SUSPEND),
        form=form,
    )
