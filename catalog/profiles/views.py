"""The catalogue administrator's pages of profiles: what the products of a category are described by, and since when."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from catalog.profiles import queries, service
from catalog.profiles.forms import ArchiveForm, AttributeForm
from catalog.profiles.rules import Attribute
from catalog.profiles.states import KIND_NAMES
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("profiles", __name__, template_folder="templates", url_prefix="/catalogue/profiles")


@bp.get("")
@requires(Permission.CATALOGUE_ADMINISTER)
def index() -> ResponseReturnValue:
    """Categories with attributes of their own; others are found by name or code."""
    session, on = db.session(), clock.today()
    q = " ".join(request.args.get("q", "").split())[:60]
    written = set(queries.categories(session))
    codes = [row.code for row in taxonomy.search_categories(session, q, most=60)] if q else sorted(written)
    rows = [(taxonomy.category(session, code), queries.own(session, code, on), queries.of(session, code, on)) for code in codes]
    return htmx.show("profiles/index.html", q=q, rows=rows, written=len(written))


@bp.get("/<code>")
@requires(Permission.CATALOGUE_ADMINISTER)
def profile(code: str) -> ResponseReturnValue:
    """The attributes of a category, those inherited too, its versions, and the form for one more or for one to be changed."""
    taxonomy.category(db.session(), code)
    editing = next((each for each in service.latest(db.session(), code) if each.name == request.args.get("edit")), None)
    return _page(code, _form_of(editing), editing=editing.name if editing else "")


@bp.post("/<code>/attributes")
@requires(Permission.CATALOGUE_ADMINISTER)
def keep(code: str) -> ResponseReturnValue:
    """Ask for an attribute, or for one in another way, from a day on."""
    taxonomy.category(db.session(), code)
    form, old = AttributeForm(), request.form.get("instead_of", "")[:40]
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.keep(session, me(), code, form.attribute(), instead_of=old, valid_from=form.valid_from.data, note=form.note.data)
        if not form.was_refused:
            return htmx.go(url_for("profiles.profile", code=code))
    return _page(code, form, editing=old)


@bp.post("/<code>/archive")
@requires(Permission.CATALOGUE_ADMINISTER)
def archive(code: str) -> ResponseReturnValue:
    """Ask for an attribute no more, or again, from a day on."""
    taxonomy.category(db.session(), code)
    form = ArchiveForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.archive(
                session, me(), code, form.name.data, archived=form.archived.data, valid_from=form.valid_from.data, note=form.note.data
            )
        if not form.was_refused:
            return htmx.go(url_for("profiles.profile", code=code))
    return _page(code, _form_of(None), archiving=form)


def _form_of(attribute: Attribute | None) -> AttributeForm:
    if attribute is None:
        return AttributeForm(formdata=None)
    told = {name: getattr(attribute, name) for name in ("name", "unit", "low", "high", "pattern", "required")}
    return AttributeForm(formdata=None, data={**told, "kind": attribute.kind.value, "options": "\n".join(attribute.options)})


def _page(code: str, form: AttributeForm, *, editing: str = "", archiving: ArchiveForm | None = None) -> ResponseReturnValue:
    session, on = db.session(), clock.today()
    refused = form.was_refused or (archiving is not None and archiving.was_refused)
    whole = queries.of(session, code, on)
    return htmx.show(
        "profiles/profile.html",
        category=taxonomy.category(session, code),
        above=taxonomy.ancestors(session, code)[:-1],
        own=service.latest(session, code),
        inherited=[each for each in whole.attributes if each.of != code],
        names=taxonomy.names(session, {each.of for each in whole.attributes}),
        history=sorted((version for version, _ in queries.history(session, code)), key=lambda version: -version.number),
        today=on,
        form=form,
        archiving=archiving,
        editing=editing,
        kinds=KIND_NAMES,
        status=422 if refused else 200,
    )
