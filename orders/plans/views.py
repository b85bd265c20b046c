"""Pages of plans: list, filing, receipt, and the finance department's desk."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, requires
from catalog.taxonomy import queries as taxonomy
from orders.budgets import queries as budgets
from orders.budgets.queries import LineRow
from orders.plans import queries, service
from orders.plans.forms import LineForm, LinesUnread, PlanForm, ReturnForm, line_forms
from orders.plans.rules import REASON_NAMES, Origin, PlanLineInput, PlanRefused, ReturnReason
from orders.plans.states import STATE_NAMES, PlanState
from orders.plans.tables import Plan

bp = Blueprint("plans", __name__, template_folder="templates", url_prefix="/plans")

MOST_BESIDE: Final = 3
"""Plan lines shown beside a product."""


@bp.get("")
@requires(Permission.PLAN_READ)
def index() -> ResponseReturnValue:
    """The plans of a year: the unit's own, or those of the region and below."""
    session, actor = db.session(), me()
    year = request.args.get("year", type=int) or clock.today().year
    state = _state(request.args.get("state", ""))
    return htmx.show(
        "plans/index.html",
        page=queries.plans(session, actor, year=year, state=state, cursor=request.args.get("cursor")),
        year=year,
        years=sorted({*budgets.years(session, actor), clock.today().year}, reverse=True),
        state=state,
        state_names=STATE_NAMES,
        own=actor.is_unit,
        may_file=actor.may(Permission.PLAN_FILE),
    )


@bp.get("/desk")
@requires(Permission.PLAN_RETURN)
def desk() -> ResponseReturnValue:
    """The region's filed plans that can still be sent back, newest first."""
    actor = me()
    page = queries.plans(db.session(), actor, region=actor.region, returnable=True, cursor=request.args.get("cursor"))
    return htmx.show("plans/desk.html", page=page, now=clock.now())


@bp.get("/new")
@requires(Permission.PLAN_FILE)
def new() -> ResponseReturnValue:
    """The filing form: the year's budget lines that still have something to plan."""
    return _filing_page(PlanForm(formdata=None), _open_lines(), blank=True)


@bp.post("")
@requires(Permission.PLAN_FILE)
def file() -> ResponseReturnValue:
    """File the plan; everything wrong with it comes back at once, with what was typed."""
    form, rows = PlanForm(), _open_lines()
    forms = line_forms(_ids(rows), blank=False)
    shown = [place for place, row in enumerate(rows, 1) if forms[row.line.id].is_filled]
    filled = [rows[place - 1] for place in shown]
    unread = sum(not forms[row.line.id].validate() for row in filled)
    if unread:
        form.refusals.append(LinesUnread(count=unread))
    lines = [_input(row, forms[row.line.id]) for row in filled]
    if form.validate() and not unread:
        with refusals_on(form), commit(db.session()) as session:
            plan = service.file(session, me(), title=form.title.data, lines=lines, origin=Origin.FORM)
            return htmx.go(url_for("plans.show", number=plan.number))
    _spread(form, shown=shown)
    return _filing_page(form, _open_lines(), forms=forms, status=422)


@bp.get("/<number>")
@requires(Permission.PLAN_READ)
def show(number: str) -> ResponseReturnValue:
    """One plan with its receipt, its lines in four buckets, and the way back while there is one."""
    plan = queries.by_number(db.session(), me(), number)
    return _plan_page(plan, ReturnForm(formdata=None))


@bp.post("/<number>/return")
@requires(Permission.PLAN_RETURN)
def send_back(number: str) -> ResponseReturnValue:
    """Send a plan back for correction."""
    form = ReturnForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            plan = queries.by_number(session, me(), number)
            reason = ReturnReason(form.reason.data) if form.reason.data else None
            service.send_back(session, me(), plan, reason, form.note.data or "")
            return htmx.go(url_for("plans.show", number=number))
    return _plan_page(queries.by_number(db.session(), me(), number), form, status=422)


def _state(text: str) -> PlanState | None:
    return PlanState(text) if text in set(PlanState) else None


def _open_lines() -> list[LineRow]:
    rows = budgets.lines(db.session(), me(), year=clock.today().year)
    return [row for row in rows if row.open_fen > 0 and row.open_quantity > 0]


def _ids(rows: Sequence[LineRow]) -> list[tuple[int, str, str]]:
    return [(row.line.id, row.line.name, row.line.category_code) for row in rows]


def _input(row: LineRow, form: LineForm) -> PlanLineInput:
    return PlanLineInput(
        budget_line_id=row.line.id,
        quantity=form.quantity.data or 0,
        amount_fen=form.amount.data or 0,
        name=form.name.data or "",
        category_code=form.category.data or None,
    )


def _spread(form: PlanForm, *, shown: Sequence[int]) -> None:
    """Show each refusal of the filing by itself, its line counted as the page counts."""
    spread = []
    for refusal in form.refusals:
        if not isinstance(refusal, PlanRefused):
            spread.append(refusal)
            continue
        for each in refusal.refusals:
            each.line = shown[each.line - 1] if each.line else 0
            spread.append(each)
    form.refusals = spread


def _filing_page(
    form: PlanForm, rows: Sequence[LineRow], *, forms: dict[int, LineForm] | None = None, blank: bool = False, status: int = 200
) -> ResponseReturnValue:
    return htmx.show(
        "plans/new.html",
        status=status,
        form=form,
        rows=rows,
        forms_by_line=(forms or {}) | line_forms((each for each in _ids(rows) if each[0] not in (forms or {})), blank=blank),
        categories=taxonomy.names(db.session(), {row.line.category_code for row in rows}),
        year=clock.today().year,
    )


def _plan_page(plan: Plan, form: ReturnForm, *, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), me()
    ordered = plan.id in queries.ordered_ids(session, [plan.id])
    in_time = plan.state is PlanState.FILED and clock.now() <= plan.returnable_until
    return htmx.show(
        "plans/show.html",
        status=status,
        plan=plan,
        unit=budgets.owner(session, plan.unit_id),
        lines=queries.lines_of(session, plan),
        state_name=gettext(STATE_NAMES[plan.state]),
        reasons=REASON_NAMES,
        ordered=ordered,
        in_time=in_time,
        may_return=actor.may(Permission.PLAN_RETURN) and plan.region == actor.region and in_time and not ordered,
        may_order=actor.may(Permission.CART_USE),
        form=form,
    )


def lines_under(allotment_id: int) -> Markup | str:
    """For the page of an allotment: the plan lines that draw on it, in four buckets."""
    actor = me()
    rows = queries.lines_under(db.session(), actor, allotment_id) if actor.may(Permission.PLAN_READ) else []
    return Markup(render_template("plans/_lines_under.html", rows=rows)) if rows else ""  # noqa: S704 - a rendered template


def for_product(category_code: str, **_context: Any) -> Markup:
    """For the page of a product: the buyer's filed plan lines that an order of this category may draw on, closest first."""
    actor = maybe_me()
    if actor is None or not actor.is_unit or not actor.may(Permission.CART_USE):
        return Markup()
    rows = queries.lines_open_for(db.session(), actor, category_code)[:MOST_BESIDE]
    return Markup(render_template("plans/_for_product.html", rows=rows))  # noqa: S704 - a rendered template
