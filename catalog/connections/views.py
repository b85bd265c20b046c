"""The page of a supplier's own shop: how it is reached, when it was asked, and which goods met a refusal."""

from flask import Blueprint, current_app, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.config import Settings
from app.kernel.db import commit
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.connections import queries, service
from catalog.connections.forms import ConnectionForm
from catalog.connections.rules import TROUBLES
from catalog.connections.states import CONNECTION_NAMES, JOB_NAMES, ConnectionState

bp = Blueprint("connections", __name__, template_folder="templates", url_prefix="/connection")


@bp.get("")
@requires(Permission.SUPPLIER_ADMINISTER)
def index() -> ResponseReturnValue:
    """The connection with its goods."""
    row = queries.own(db.session(), me())
    given = {"url": row.base_url, "client_id": row.client_id, "regions": row.regions.split(",")} if row else {"regions": [me().region]}
    return _page(ConnectionForm(formdata=None, data=given))


@bp.post("")
@requires(Permission.SUPPLIER_ADMINISTER)
def connect() -> ResponseReturnValue:
    """Say how the own shop is reached."""
    form = ConnectionForm()
    if form.validate():
        settings: Settings = current_app.config["SETTINGS"]
        with refusals_on(form):
            with commit(db.session()) as session:
                service.connect(
                    session, me(), Door(loopback=settings.outgoing_loopback), Seal(settings.secret_key), base_url=form.url.data,
                    client_id=form.client_id.data, secret=form.secret.data or "", regions=form.regions.data,
                )  # fmt: skip
            flash(_("已保存，几秒内开始同步商品池"), "ok")
            return htmx.go(url_for("connections.index"))
    return _page(form, status=422)


@bp.post("/on")
@requires(Permission.SUPPLIER_ADMINISTER)
def switch_on() -> ResponseReturnValue:
    """Call the shop again."""
    return _switch(on=True)


@bp.post("/off")
@requires(Permission.SUPPLIER_ADMINISTER)
def switch_off() -> ResponseReturnValue:
    """Call the shop no longer."""
    return _switch(on=False)


@bp.post("/ask")
@requires(Permission.SUPPLIER_ADMINISTER)
def ask() -> ResponseReturnValue:
    """Ask the shop for everything now."""
    with commit(db.session()) as session:
        service.ask_now(session, me())
    flash(_("已安排立即同步，几秒后刷新可看到结果"), "ok")
    return htmx.go(url_for("connections.index"))


def _switch(*, on: bool) -> ResponseReturnValue:
    with commit(db.session()) as session:
        service.switch(session, me(), on=on)
    flash(_("已启用") if on else _("已停用，在架商品保持现状"), "ok")
    return htmx.go(url_for("connections.index"))


def _page(form: ConnectionForm, *, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), me()
    row = queries.own(session, actor)
    jobs = [(JOB_NAMES[job], getattr(row, f"{job.value}_done_at"), getattr(row, f"{job.value}_due_at")) for job in JOB_NAMES] if row else []
    troubled = request.args.get("show") == "troubled"
    return htmx.show(
        "connections/index.html", status=status, form=form, connection=row, jobs=jobs, troubles=TROUBLES, names=CONNECTION_NAMES,
        is_active=row is not None and row.state is ConnectionState.ACTIVE, counts=queries.counts(session, actor), troubled=troubled,
        page=queries.goods(session, actor, troubled=troubled, cursor=request.args.get("cursor")),
    )  # fmt: skip
