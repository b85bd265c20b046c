"""The catalogue administrator's page of brands: which names stand for which brand, and which brands take no new products."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import me, requires
from catalog.brands import queries, service
from catalog.brands.forms import AliasForm, BareForm

bp = Blueprint("brands", __name__, template_folder="templates", url_prefix="/catalogue/brands")


@bp.get("")
@requires(Permission.CATALOGUE_ADMINISTER)
def index() -> ResponseReturnValue:
    """Brands by name, found by any of their names."""
    return _list()


@bp.post("/<int:brand_id>/aliases")
@requires(Permission.CATALOGUE_ADMINISTER)
def alias(brand_id: int) -> ResponseReturnValue:
    """Let one more name stand for a brand; a brand of that name is joined with it."""
    form = AliasForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.join(session, me(), brand_id, form.name.data)
    return _after(form, brand_id)


@bp.post("/<int:brand_id>/free")
@requires(Permission.CATALOGUE_ADMINISTER)
def free(brand_id: int) -> ResponseReturnValue:
    """Make a name that stood for a brand a brand of its own again."""
    form = BareForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.set_free(session, me(), brand_id)
    return _after(form, brand_id)


@bp.post("/<int:brand_id>/archive")
@requires(Permission.CATALOGUE_ADMINISTER)
def archive(brand_id: int) -> ResponseReturnValue:
    """Let a brand take no new products."""
    form = BareForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.archive(session, me(), brand_id)
    return _after(form, brand_id)


@bp.post("/<int:brand_id>/restore")
@requires(Permission.CATALOGUE_ADMINISTER)
def restore(brand_id: int) -> ResponseReturnValue:
    """Let an archived brand take products again."""
    form = BareForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.restore(session, me(), brand_id)
    return _after(form, brand_id)


def _after(form: Form, brand_id: int) -> ResponseReturnValue:
    if form.was_refused:
        return _list(form, brand_id)
    return htmx.go(url_for("brands.index", q=request.form.get("q") or None))


def _list(form: Form | None = None, at: int | None = None) -> ResponseReturnValue:
    session = db.session()
    q = " ".join(request.values.get("q", "").split())[:60]
    if at is not None:
        queries.by_id(session, at)
    page = queries.page(session, q=q, cursor=request.args.get("cursor"))
    return htmx.show(
        "brands/index.html",
        page=page,
        aliases=queries.aliases_of(session, [brand.id for brand in page.rows]),
        q=q,
        form=form,
        at=at,
        here=lambda cursor: url_for("brands.index", q=q or None, cursor=cursor),
        status=422 if form is not None and form.was_refused else 200,
    )
