"""Pages of budget money: what a unit has, in four buckets, each figure a way to its orders."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.kernel import clock
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, me, requires
from catalog.taxonomy import queries as taxonomy
from orders.budgets import queries
from orders.budgets.states import POOL_NAMES

bp = Blueprint("budgets", __name__, template_folder="templates", url_prefix="/budgets")


@bp.get("")
@requires(Permission.BUDGET_READ)
def index() -> ResponseReturnValue:
    """The allotments of a year: the unit's own, or those of the region and below."""
    session, actor = db.session(), me()
    year = request.args.get("year", type=int) or clock.today().year
    page = queries.allotments(session, actor, year=year, cursor=request.args.get("cursor"))
    return htmx.show(
        "budgets/index.html",
        page=page,
        year=year,
        years=sorted({*queries.years(session, actor), clock.today().year}, reverse=True),
        sum=queries.strip(session, actor, year),
        own=actor.is_unit,
        elapsed=_elapsed(year),
    )


@bp.get("/lines")
@requires(Permission.BUDGET_READ)
def lines() -> ResponseReturnValue:
    """The procurement-budget lines of a year, with what of them is planned."""
    session, actor = db.session(), me()
    year = request.args.get("year", type=int) or clock.today().year
    page = queries.line_page(session, actor, year=year, cursor=request.args.get("cursor"))
    return htmx.show(
        "budgets/lines.html",
        page=page,
        year=year,
        years=sorted({*queries.years(session, actor), clock.today().year}, reverse=True),
        categories=taxonomy.names(session, {row.line.category_code for row in page.rows}),
        may_file=actor.may(Permission.PLAN_FILE),
    )


@bp.get("/<number>")
@requires(Permission.BUDGET_READ)
def show(number: str) -> ResponseReturnValue:
    """One allotment: its ruler, its procurement-budget lines, its moves."""
    session, actor = db.session(), me()
    row = queries.allotment(session, actor, number)
    lines = queries.lines(session, actor, allotment_id=row.allotment.id)
    return htmx.show(
        "budgets/show.html",
        row=row,
        lines=lines,
        categories=taxonomy.names(session, {each.line.category_code for each in lines}),
        moves=queries.moves_of(session, row.allotment.control_id),
        pool_names=POOL_NAMES,
        elapsed=_elapsed(row.allotment.year),
    )


def _elapsed(year: int) -> float | None:
    """The share of the fiscal year that is gone; nothing for other years."""
    today = clock.today()
    return today.timetuple().tm_yday / 366 if today.year == year else None


def header_strip() -> Markup | str:
    """The header's budget strip of a unit's people: one bar for the year, and what is left."""
    actor = maybe_me()
    if actor is None or not actor.is_unit or not actor.may(Permission.BUDGET_READ):
        return ""
    row = queries.strip(db.session(), actor, clock.today().year)
    return Markup(render_template("budgets/_strip.html", row=row)) if row.amount_fen else ""  # noqa: S704 - a rendered template
