"""A supplier's documents: handing them in, reading them, reviewing renewals, and the warning before they end."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx, uploads
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, requires
from catalog.qualifications import queries, service
from catalog.qualifications.forms import PaperForm, ReturnForm
from catalog.qualifications.rules import Wanted
from catalog.qualifications.states import STATE_NAMES, TONES
from catalog.suppliers import queries as suppliers

bp = Blueprint("qualifications", __name__, template_folder="templates", url_prefix="/qualifications")


@bp.get("")
@requires(Permission.SUPPLIER_ADMINISTER)
def own() -> ResponseReturnValue:
    """The documents of a supplier in the library, with those that end soon first. Raises Missing before it has entered."""
    return _own_page(None)


@bp.post("")
@requires(Permission.SUPPLIER_ADMINISTER)
def renew() -> ResponseReturnValue:
    """Hand in a document anew; the accepted one holds until the new one is accepted."""
    form = PaperForm()
    if take(form, lambda session: queries.wanted_of_supplier(session, me().organisation_id or 0, clock.today())):
        flash(gettext("材料已提交，等待审核。"), "ok")
        return htmx.go(url_for("qualifications.own"))
    return _own_page(form, status=422)


@bp.get("/<int:qualification_id>/file")
@requires(Permission.SUPPLIER_ADMINISTER, Permission.SUPPLIER_REVIEW)
def file(qualification_id: int) -> ResponseReturnValue:
    """The file of a document, for the supplier itself and for those who review it."""
    return uploads.sent(queries.by_id(db.session(), me(), qualification_id).upload)


@bp.get("/review")
@requires(Permission.SUPPLIER_REVIEW)
def review() -> ResponseReturnValue:
    """Renewals that wait, oldest first."""
    return _review_page(None, ReturnForm(formdata=None))


@bp.post("/<int:qualification_id>/accept")
@requires(Permission.SUPPLIER_REVIEW)
def accept(qualification_id: int) -> ResponseReturnValue:
    """A document is good."""
    with commit(db.session()) as session:
        service.accept(session, me(), qualification_id)
    return htmx.go(url_for("qualifications.review"))


@bp.post("/<int:qualification_id>/return")
@requires(Permission.SUPPLIER_REVIEW)
def send_back(qualification_id: int) -> ResponseReturnValue:
    """A document must be handed in again."""
    form = ReturnForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.send_back(session, me(), qualification_id, form.reason.data or "")
            return htmx.go(url_for("qualifications.review"))
    queries.by_id(db.session(), me(), qualification_id)
    return _review_page(qualification_id, form, status=422)


def take(form: PaperForm, wanted: Callable[[Session], tuple[Wanted, ...]], *, at_once: bool = True) -> bool:
    """Hand in what stands in the form; false when it was refused, with the reasons on the form.

    `wanted` says, in the same transaction, which documents may be handed in.
    """
    if not form.validate():
        return False
    with refusals_on(form):
        content, name = uploads.read(form.file.data, queries.bounds(db.session()))
        folder = uploads.folder()
        with commit(db.session()) as session:
            service.hand_in(
                session,
                me(),
                folder,
                wanted(session),
                requirement=form.requirement.data or "",
                paper=form.paper(),
                content=content,
                file_name=name,
                at_once=at_once,
            )
    return not form.was_refused


def shown(organisation_id: int, wanted: Sequence[Wanted], refused: PaperForm | None) -> dict[str, Any]:
    """What `_papers.html` needs: each required document with what was handed in and a form of its own."""
    session = db.session()
    handed_in, bounds = queries.current(session, organisation_id), queries.bounds(session)
    papers = []
    for each in wanted:
        is_refused = refused is not None and refused.requirement.data == each.code
        form = refused if is_refused and refused is not None else PaperForm(formdata=None, requirement=each.code)
        papers.append((each, handed_in.get(each.code, []), form.placed(each.code)))
    return {
        "papers": papers,
        "paper_names": STATE_NAMES,
        "paper_tones": TONES,
        "most_mb": f"{bounds.most_bytes / 1e6:g}",
        "most_pixels": bounds.most_pixels // 10_000,
        "refused": refused,
    }


def public_papers(supplier_id: int) -> str | Markup:
    """For the supplier's page: which documents were found good, and until when they hold; never the files."""
    rows = queries.accepted(db.session(), supplier_id)
    if not rows:
        return ""
    return Markup(render_template("qualifications/_public.html", rows=rows, today=clock.today()))  # noqa: S704 - a rendered template


def own_papers() -> str | Markup:
    """For the page of the own entry."""
    wanted = queries.wanted_of_supplier(db.session(), me().organisation_id or 0, clock.today())
    context = shown(me().organisation_id or 0, wanted, None)
    return Markup(render_template("qualifications/_list.html", **context))  # noqa: S704 - a rendered template


def todo() -> str | Markup:
    """For the workbench: own documents that end soon (rule K05), and renewals that wait for review."""
    actor = maybe_me()
    if actor is None:
        return ""
    session = db.session()
    if actor.may(Permission.SUPPLIER_ADMINISTER) and suppliers.has_entered(session, actor.organisation_id):
        rows = queries.ending(session, actor.organisation_id or 0)
        if rows:
            context = {"rows": rows, "today": clock.today(), "days": queries.warning_days(session)}
            return Markup(render_template("qualifications/_ending.html", **context))  # noqa: S704 - a rendered template
    if actor.may(Permission.SUPPLIER_REVIEW):
        count = len(queries.waiting(session, actor))
        if count:
            return Markup(render_template("qualifications/_waiting.html", count=count))  # noqa: S704 - a rendered template
    return ""


def _own_page(refused: PaperForm | None, *, status: int = 200) -> ResponseReturnValue:
    organisation_id = me().organisation_id or 0
    wanted = queries.wanted_of_supplier(db.session(), organisation_id, clock.today())
    return htmx.show("qualifications/own.html", status=status, **shown(organisation_id, wanted, refused))


def _review_page(opened: int | None, form: ReturnForm, *, status: int = 200) -> ResponseReturnValue:
    rows = queries.waiting(db.session(), me())
    return htmx.show("qualifications/review.html", status=status, rows=rows, opened=opened, form=form, today=clock.today())
