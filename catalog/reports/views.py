"""Reporting an offer, one's own reports with their answers, and the keeper's queue."""

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.listings import queries as listings
from catalog.questions import queries as questions
from catalog.reports import queries, service
from catalog.reports.forms import DecisionForm, ReportForm
from catalog.reports.states import REPORT_KINDS, REPORT_NAMES, ReportKind, ReportState

bp = Blueprint("reports", __name__, template_folder="templates", url_prefix="/reports")

TONES = {ReportState.OPEN: "warn", ReportState.UPHELD: "bad", ReportState.DISMISSED: "dim"}


def of_listing(listing_id: int) -> str:
    """The reports about a listing, for the slot of the keeper's page."""
    found = queries.of_listing(db.session(), me(), listing_id)
    return render_template("reports/_of_listing.html", reports=found, kinds=REPORT_KINDS, names=REPORT_NAMES, tones=TONES)


@bp.route("/new/<int:listing_id>", methods=["GET", "POST"])
@requires(Permission.ACCOUNT_USE)
def new(listing_id: int) -> ResponseReturnValue:
    """Report an offer, or a question about it."""
    session, actor = db.session(), me()
    offer = listings.by_id(session, actor, listing_id)
    asked = request.args.get("question", "")
    question = questions.by_id(session, actor, int(asked)) if asked.isdecimal() and len(asked) < 18 else None
    form = ReportForm()
    if request.method == "GET" and question:
        form.kind.data = ReportKind.WORDS.value
    if form.validate_on_submit():
        with refusals_on(form), commit(session):
            service.report(
                session, actor, listing_id, kind=ReportKind(form.kind.data), words=form.words.data,
                question_id=question.id if question else None,
            )  # fmt: skip
        if not form.was_refused:
            flash(gettext("已举报，处理结果会显示在这里"), "ok")
            return htmx.go(url_for("reports.own"))
    return htmx.show("reports/new.html", offer=offer, question=question, form=form, status=422 if form.was_refused else 200)


@bp.get("/own")
@requires(Permission.ACCOUNT_USE)
def own() -> ResponseReturnValue:
    """What the reader reported, with the answers."""
    page = queries.page(db.session(), me(), own=True, cursor=request.args.get("cursor"))
    return htmx.show("reports/own.html", page=page, kinds=REPORT_KINDS, names=REPORT_NAMES, tones=TONES)


@bp.get("/")
@requires(Permission.LISTING_REVIEW)
def index() -> ResponseReturnValue:
    """The keeper's queue of reports."""
    return _queue()


@bp.post("/<int:report_id>/uphold")
@requires(Permission.LISTING_REVIEW)
def uphold(report_id: int) -> ResponseReturnValue:
    """The report is right."""
    return _decide(report_id, upheld=True)


@bp.post("/<int:report_id>/dismiss")
@requires(Permission.LISTING_REVIEW)
def dismiss(report_id: int) -> ResponseReturnValue:
    """The report is not right."""
    return _decide(report_id, upheld=False)


def _decide(report_id: int, *, upheld: bool) -> ResponseReturnValue:
    form = DecisionForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.decide(session, me(), report_id, upheld=upheld, answer=form.words.data)
    if form.was_refused:
        return _queue(report_id, form)
    flash(gettext("已答复举报 %(n)s", n=report_id), "ok")
    return htmx.go(url_for("reports.index"))


def _queue(report_id: int | None = None, form: DecisionForm | None = None) -> ResponseReturnValue:
    session, actor = db.session(), me()
    tab = request.args.get("tab", ReportState.OPEN.value)
    state = ReportState(tab) if tab in set(ReportState) else ReportState.OPEN
    page = queries.page(session, actor, state=state, cursor=request.args.get("cursor"))
    asked = request.args.get("report", "")
    wanted = report_id or (int(asked) if asked.isdecimal() and len(asked) < 18 else None)
    shown = queries.by_id(session, actor, wanted) if wanted else page.rows[0] if page.rows else None
    counts = queries.counts(session, actor)
    return htmx.show(
        "reports/index.html",
        page=page,
        shown=shown,
        tab=state.value,
        tabs=[
            (gettext(name), url_for("reports.index", tab=each.value), each is state, counts.get(each.value, 0))
            for each, name in REPORT_NAMES.items()
        ],
        form=form or DecisionForm(formdata=None),
        kinds=REPORT_KINDS,
        names=REPORT_NAMES,
        tones=TONES,
        status=422 if form else 200,
    )
