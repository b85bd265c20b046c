"""The alert queue: what fired, why, and one owner who answers in time."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app.kernel import clock, regions
from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Actor, Permission
from app.web import htmx
from app.web.errors import shown
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import maybe_me, me, requires
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TERM_LABELS, UNIT_NAMES, What
from supervision.alerts import queries, service
from supervision.alerts.forms import CloseForm, DismissForm
from supervision.alerts.queries import SHOW_NAMES, Alert, Show
from supervision.alerts.rules import TEXTS
from supervision.alerts.states import ALERT_STATE_NAMES, DISMISS_NAMES, OPEN, SEVERITY_NAMES, AlertState, DismissCode, Severity

bp = Blueprint("alerts", __name__, url_prefix="/watch/alerts", template_folder="templates")

TONES = {Severity.RED: "bad", Severity.ORANGE: "hold", Severity.YELLOW: "warn", Severity.BLUE: "info"}
PARAMETER_NAMES = {
    "d": N_("窗口（日）"), "n": N_("下限（单）"), "L": N_("品目级次"), "p_percent": N_("贴近幅度（%）"), "limit_fen": N_("限额（元）"),
    "t_percent": N_("占比上限（%）"), "m": N_("占比起算（单）"), "interest_per_myriad": N_("日利率（万分之）"), "term": N_("期限"),
    "term_sme": N_("中小企业期限"), "cap_sme": N_("中小企业上限"), "auto_accept": N_("到期视同验收"),
}  # fmt: skip
LIMITS = {What.MALL_CEILING.value: N_("商城限额"), What.DIRECT_CEILING.value: N_("直接订购限额")}


@bp.get("")
@requires(Permission.ALERT_READ)
def queue() -> ResponseReturnValue:
    """The queue with the first alert opened beside it."""
    return _page(None)


@bp.get("/<number>")
@requires(Permission.ALERT_READ)
def show(number: str) -> ResponseReturnValue:
    """The queue with one alert opened beside it: rule, inputs, threshold, evidence."""
    return _page(queries.by_number(db.session(), me(), number))


@bp.post("/next")
@requires(Permission.ALERT_HANDLE)
def claim_next() -> ResponseReturnValue:
    """Claim the most urgent alert that nobody owns."""
    with commit(db.session()) as session:
        number = service.claim_next(session, me()).number
    return htmx.go(url_for("alerts.show", number=number, show=Show.MINE.value))


@bp.post("/<number>/claim")
@requires(Permission.ALERT_HANDLE)
def claim(number: str) -> ResponseReturnValue:
    """Become the owner of an alert."""
    with commit(db.session()) as session:
        service.claim(session, me(), queries.by_number(session, me(), number))
    return htmx.go(url_for("alerts.show", number=number, show=_part().value))


@bp.post("/<number>/dismiss")
@requires(Permission.ALERT_HANDLE)
def dismiss(number: str) -> ResponseReturnValue:
    """Say with a code why the finding is none."""
    form = DismissForm()

    def command(session: Session, alert: Alert) -> None:
        service.dismiss(session, me(), alert, form.code.data or "", form.note.data or "")

    return _decide(number, form, command, dismissing=form)


@bp.post("/<number>/close")
@requires(Permission.ALERT_HANDLE)
def close(number: str) -> ResponseReturnValue:
    """Say what was verified and done."""
    form = CloseForm()
    return _decide(number, form, lambda session, alert: service.close(session, me(), alert, form.note.data or ""), closing=form)


def _decide(number: str, form: Form, command: Callable[[Session, Alert], None], **forms: Form) -> ResponseReturnValue:
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            command(session, queries.by_number(session, me(), number))
            return htmx.go(url_for("alerts.show", number=number, show=Show.DONE.value))
    return _page(queries.by_number(db.session(), me(), number), status=422, **forms)


def _part() -> Show:
    given = request.args.get("show", "")
    return Show(given) if given in set(Show) else Show.OPEN


def _page(alert: Alert | None, *, status: int = 200, dismissing: Form | None = None, closing: Form | None = None) -> ResponseReturnValue:
    session, actor, part = db.session(), me(), _part()
    rule, region = request.args.get("rule", ""), _region(actor)
    severity = request.args.get("severity", "")
    page = queries.listing(
        session,
        actor,
        part,
        rule=rule or None,
        region=region,
        severity=Severity(severity) if severity in set(Severity) else None,
        cursor=request.args.get("cursor"),
    )
    opened = alert or (page.rows[0].alert if page.rows else None)
    keep = {name: value for name, value in (("show", part.value), ("rule", rule), ("region", region), ("severity", severity)) if value}
    return htmx.show(
        "alerts/queue.html",
        status=status,
        page=page,
        showing=part,
        counts=queries.counts(session, actor),
        show_names=SHOW_NAMES,
        keep=keep,
        rule=rule,
        region=region,
        severity=severity,
        rules=TEXTS,
        severities=SEVERITY_NAMES,
        state_names=ALERT_STATE_NAMES,
        tones=TONES,
        actor=actor,
        regions_shown=[actor.region, *(each.code for each in regions.children(actor.region))],
        name_of=_region_name,
        may_handle=actor.may(Permission.ALERT_HANDLE),
        detail=_detail(opened, actor) if opened else None,
        dismissing=dismissing or DismissForm(formdata=None),
        closing=closing or CloseForm(formdata=None),
    )


def _region(actor: Actor) -> str | None:
    given = request.args.get("region", "")
    return given if given and regions.within(given, actor.region) else None


def _region_name(code: str) -> str:
    found = regions.by_code(code)
    return _("省本级") if found.level is regions.Level.PROVINCE else found.name


def _detail(alert: Alert, actor: Actor) -> dict[str, Any]:
    session = db.session()
    (row,) = queries.rows_of(session, [alert])
    evidence, total = queries.evidence_of(alert), 0
    sellers = suppliers.names(session, {each["supplier_id"] for each in evidence if each.get("supplier_id")})
    orders = []
    for each in sorted(evidence, key=lambda one: one["at"]):
        total += each["amount_fen"]
        orders.append({**each, "supplier": sellers.get(each.get("supplier_id") or 0, ""), "total_fen": total, "day": each["at"][:10]})
    parameters = queries.parameters_of(alert)
    own, mine = actor.region == alert.region, alert.owner_id is not None and alert.owner_id == actor.person_id
    may = actor.may(Permission.ALERT_HANDLE)
    return {
        "row": row,
        "alert": alert,
        "text": TEXTS.get(alert.rule),
        "sentence": sentence(alert),
        "orders": orders,
        "limit_fen": parameters.get("limit_fen"),
        "parameters": _worded(parameters, alert),
        "may_claim": may and own and alert.state is AlertState.NEW,
        "may_decide": may and own and mine and alert.state in OPEN,
        "elsewhere": may and not own and alert.state in OPEN,
        "code": _(DISMISS_NAMES[DismissCode(alert.close_code)]) if alert.close_code else "",
        "waiting": clock.now() - alert.raised_at,
    }


def sentence(alert: Alert) -> str:
    """What the rule found, in the reader's language."""
    text, facts = TEXTS.get(alert.rule), shown(queries.inputs_of(alert))
    if text is None:
        return ""
    if "category" in facts:
        code = str(facts["category"])
        facts["category"] = taxonomy.names(db.session(), [code.ljust(9, "0")]).get(code.ljust(9, "0"), code)
    return str(_(text.sentence, **facts))


def _worded(parameters: dict[str, Any], alert: Alert) -> list[tuple[str, str]]:
    """The figures of the rule in words, periods as they stood when it fired; how it is staged and coloured is said elsewhere."""
    found = []
    for name, value in shown(parameters).items():
        if name not in PARAMETER_NAMES:
            continue
        if name == "limit_fen":
            value = shown(parameters)["limit"]
        elif isinstance(value, bool):
            value = _("是") if value else _("否")
        elif value in TERM_LABELS:
            period = taxonomy.term(db.session(), str(value), alert.region, clock.local(alert.raised_at).date())
            value = f"{period.days} {_(UNIT_NAMES[period.unit])}"
        found.append((_(PARAMETER_NAMES[name]), str(value)))
    return found


def badge() -> Markup | str:
    """How many alerts wait for the reader: for the menu's entry and the bar."""
    actor = maybe_me()
    if actor is None or not actor.may(Permission.ALERT_READ):
        return ""
    count = queries.waiting(db.session(), actor)
    return Markup('<span class="pill">{}<span class="vh">{}</span></span>').format(count, escape(_("条待处置"))) if count else ""


def todo() -> Markup | str:
    """For the workbench of a supervisor: alerts to claim, own ones, and those that are late."""
    actor = maybe_me()
    if actor is None or not actor.may(Permission.ALERT_READ):
        return ""
    return Markup(render_template("alerts/_todo.html", counts=queries.counts(db.session(), actor), show_names=SHOW_NAMES))  # noqa: S704 - a rendered template
