"""Reference prices: everybody reads them, the catalogue keeper takes in tables of them."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.kernel import clock, sheets
from app.kernel.db import commit
from app.kernel.sheets import CellProblem, SheetRefused
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, public, requires
from catalog.references import queries, service
from catalog.references.forms import TableForm
from catalog.references.rules import COLUMNS
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("references", __name__, template_folder="templates", url_prefix="/references")

MOST_PROBLEMS = 100
"""Problems shown at once; the rest is counted."""


@bp.get("/")
@public
def index() -> ResponseReturnValue:
    """The reference prices, the newest first."""
    return _page(TableForm(formdata=None))


@bp.post("/")
@requires(Permission.CATALOGUE_ADMINISTER)
def take_in() -> ResponseReturnValue:
    """Take in a table: all of it, or nothing with every cell that cannot be used."""
    form = TableForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            done = service.import_table(session, me(), sheets.table_of(form.file.data.read()))
        if not form.was_refused:
            flash(gettext("已导入 %(n)s 行参考价", n=done.added), "ok")
            return htmx.go(url_for("references.index"))
    return _page(form)


def _page(form: TableForm) -> ResponseReturnValue:
    session, actor = db.session(), maybe_me()
    q = " ".join(request.args.get("q", "").split())[:60]
    found = next((refusal for refusal in form.refusals if isinstance(refusal, SheetRefused)), None)
    problems: tuple[CellProblem, ...] = found.problems if found else ()
    return htmx.show(
        "references/index.html",
        page=queries.latest(session, q=q, cursor=request.args.get("cursor")),
        q=q,
        days=taxonomy.parameters(session, "R01", clock.today()).get("d"),
        may_keep=actor is not None and actor.may(Permission.CATALOGUE_ADMINISTER),
        columns=[gettext(column.heading) for column in COLUMNS],
        form=form,
        problems=problems[:MOST_PROBLEMS],
        more=max(len(problems) - MOST_PROBLEMS, 0),
        status=422 if form.was_refused else 200,
    )
