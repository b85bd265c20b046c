"""The page 接口与回调: where an organisation is told of what happens, and the log of every notice."""

from typing import Any

from flask import Blueprint, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from app.config import Settings
from app.kernel.db import commit
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, requires
from orders.webhooks import queries, rules, service
from orders.webhooks.forms import EndpointForm
from orders.webhooks.states import DELIVERY_NAMES, ENDPOINT_NAMES, DeliveryState, EndpointState

bp = Blueprint("webhooks", __name__, template_folder="templates", url_prefix="/webhooks")

KEEPERS = (Permission.SUPPLIER_ADMINISTER, Permission.UNIT_ADMINISTER)
TONES = {
    EndpointState.ACTIVE: "ok", EndpointState.OFF: "dim", EndpointState.GIVEN_UP: "bad",
    DeliveryState.DELIVERED: "ok", DeliveryState.WAITING: "info", DeliveryState.GIVEN_UP: "bad",
}  # fmt: skip
WORDS: dict[str, Any] = {"endpoint_names": ENDPOINT_NAMES, "delivery_names": DELIVERY_NAMES, "type_names": rules.NAMES, "tones": TONES}


@bp.get("")
@requires(*KEEPERS)
def index() -> ResponseReturnValue:
    """The organisation's endpoints."""
    return _index(_form(formdata=None, types=list(service.allowed_for(me()))))


@bp.post("")
@requires(*KEEPERS)
def add() -> ResponseReturnValue:
    """Take another endpoint up; its secret is on the answer and nowhere else."""
    form = _form()
    if form.validate():
        with refusals_on(form):
            with commit(db.session()) as session:
                made, secret = service.add(session, me(), _door(), _seal(), url=form.url.data, types=form.types.data)
                endpoint_id = made.id
            return _secret(endpoint_id, secret, status=201)
    return _index(form, status=422)


@bp.get("/<int:endpoint_id>")
@requires(*KEEPERS)
def endpoint(endpoint_id: int) -> ResponseReturnValue:
    """One endpoint with the log of its notices."""
    found = queries.by_id(db.session(), me(), endpoint_id)
    return _endpoint(endpoint_id, _form(formdata=None, url=found.url, types=found.types.split()))


@bp.post("/<int:endpoint_id>")
@requires(*KEEPERS)
def change(endpoint_id: int) -> ResponseReturnValue:
    """Another address or other kinds of events."""
    queries.by_id(db.session(), me(), endpoint_id)
    form = _form()
    if form.validate():
        with refusals_on(form):
            with commit(db.session()) as session:
                found = queries.by_id(session, me(), endpoint_id)
                service.change(session, me(), found, _door(), url=form.url.data, types=form.types.data)
            flash(_("已保存"), "ok")
            return htmx.go(url_for("webhooks.endpoint", endpoint_id=endpoint_id))
    return _endpoint(endpoint_id, form, status=422)


@bp.post("/<int:endpoint_id>/rotate")
@requires(*KEEPERS)
def rotate(endpoint_id: int) -> ResponseReturnValue:
    """Another secret; the one before signs along for some hours."""
    with commit(db.session()) as session:
        secret = service.rotate(session, me(), queries.by_id(session, me(), endpoint_id), _seal())
    return _secret(endpoint_id, secret)


@bp.post("/<int:endpoint_id>/on")
@requires(*KEEPERS)
def switch_on(endpoint_id: int) -> ResponseReturnValue:
    """Send again."""
    return _switch(endpoint_id, on=True)


@bp.post("/<int:endpoint_id>/off")
@requires(*KEEPERS)
def switch_off(endpoint_id: int) -> ResponseReturnValue:
    """Send nothing more."""
    return _switch(endpoint_id, on=False)


@bp.post("/<int:endpoint_id>/test")
@requires(*KEEPERS)
def test(endpoint_id: int) -> ResponseReturnValue:
    """Send a notice that tells nothing."""
    with commit(db.session()) as session:
        made = service.test(session, me(), queries.by_id(session, me(), endpoint_id), _settings().address)
        delivery_id = made.id
    flash(_("测试事件已排入投递，几秒后刷新可看到结果"), "ok")
    return htmx.go(url_for("webhooks.delivery", delivery_id=delivery_id))


@bp.get("/deliveries/<int:delivery_id>")
@requires(*KEEPERS)
def delivery(delivery_id: int) -> ResponseReturnValue:
    """One notice: its body, and every try with request and answer."""
    session = db.session()
    row, of = queries.delivery(session, me(), delivery_id)
    return htmx.show("webhooks/delivery.html", delivery=row, endpoint=of, attempts=queries.attempts(session, delivery_id), **WORDS)


@bp.post("/deliveries/<int:delivery_id>/resend")
@requires(*KEEPERS)
def resend(delivery_id: int) -> ResponseReturnValue:
    """Try a notice once more."""
    with commit(db.session()) as session:
        row, of = queries.delivery(session, me(), delivery_id)
        service.resend(session, me(), row, of)
    flash(_("已重新排入投递"), "ok")
    return htmx.go(url_for("webhooks.delivery", delivery_id=delivery_id))


def given_up() -> Markup | str:
    """For the workbench: endpoints that the mall has switched off."""
    actor = maybe_me()
    if actor is None or not any(actor.may(each) for each in KEEPERS) or not (number := queries.given_up(db.session(), actor)):
        return ""
    return Markup(render_template("webhooks/_given_up.html", number=number))  # noqa: S704 - a rendered template


def _switch(endpoint_id: int, *, on: bool) -> ResponseReturnValue:
    with commit(db.session()) as session:
        service.switch(session, me(), queries.by_id(session, me(), endpoint_id), on=on)
    flash(_("已启用") if on else _("已停用，停用期间的事件不再补发"), "ok")
    return htmx.go(url_for("webhooks.endpoint", endpoint_id=endpoint_id))


def _index(form: EndpointForm, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    rows = queries.visible(session, me())
    return htmx.show(
        "webhooks/index.html", status=status, endpoints=rows, counts=queries.counts(session, [row.id for row in rows]), form=form,
        most=queries.patience(session).endpoints_most, **WORDS,
    )  # fmt: skip


def _endpoint(endpoint_id: int, form: EndpointForm, *, status: int = 200) -> ResponseReturnValue:
    session = db.session()
    found = queries.by_id(session, me(), endpoint_id)
    wanted = request.args.get("state", "")
    state = DeliveryState(wanted) if wanted in set(DeliveryState) else None
    return htmx.show(
        "webhooks/endpoint.html", status=status, endpoint=found, form=form, state=state, patience=queries.patience(session),
        page=queries.deliveries(session, found, state=state, cursor=request.args.get("cursor")),
        counts=queries.counts(session, [found.id]).get(found.id, {}), **WORDS,
    )  # fmt: skip


def _secret(endpoint_id: int, secret: str, *, status: int = 200) -> ResponseReturnValue:
    found = queries.by_id(db.session(), me(), endpoint_id)
    response = htmx.show("webhooks/secret.html", status=status, endpoint=found, secret=secret)
    response.headers["Cache-Control"] = "no-store"
    return response


def _form(**given: Any) -> EndpointForm:
    form = EndpointForm(**given)
    form.offer(service.allowed_for(me()))
    return form


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def _door() -> Door:
    return Door(loopback=_settings().outgoing_loopback)


def _seal() -> Seal:
    return Seal(_settings().secret_key)
