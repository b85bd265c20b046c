"""The catalogue administrator's pages of products: found, put right, proved, merged; and parts that other chapters include."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import me, requires
from catalog.products import forms, queries, service
from catalog.products.forms import CorrectionForm, MergeForm, WithdrawForm
from catalog.products.rules import attributes_of, gtin_as_printed, lines_of, read_lines
from catalog.products.states import COUNTS_NAMES, COUNTS_TONES, FACT_NAMES, Counts, Origin
from catalog.products.tables import Product
from catalog.profiles import queries as profiles
from catalog.profiles.rules import judged
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("products", __name__, template_folder="templates", url_prefix="/catalogue/products")


@bp.get("")
@requires(Permission.CATALOGUE_ADMINISTER)
def index() -> ResponseReturnValue:
    """Products found by words, and those that may be one."""
    session, on = db.session(), clock.today()
    q, twins = " ".join(request.args.get("q", "").split())[:60], request.args.get("tab") == "twins"
    page = queries.page(session, q=q, twins=twins, cursor=request.args.get("cursor"))
    return htmx.show(
        "products/index.html",
        page=page,
        q=q,
        twins=twins,
        names=taxonomy.names(session, {each.category_code for each in page.rows}),
        facts=queries.facts_of(session, [each.id for each in page.rows], on),
        faults={each.id: len(judged(_profile(each), attributes_of(each.attributes))[1]) for each in page.rows},
        fact_names=FACT_NAMES,
        here=lambda cursor=None, tab="twins" if twins else None: url_for("products.index", q=q or None, tab=tab, cursor=cursor),
    )


@bp.get("/<int:product_id>")
@requires(Permission.CATALOGUE_ADMINISTER)
def definition(product_id: int) -> ResponseReturnValue:
    """One product as it is defined for all suppliers, its documents, and those that may be the same."""
    found = queries.by_id(db.session(), product_id)
    if found.id != product_id:
        return htmx.go(url_for("products.definition", product_id=found.id))
    return _page(found)


@bp.post("/<int:product_id>/correct")
@requires(Permission.CATALOGUE_ADMINISTER)
def correct(product_id: int) -> ResponseReturnValue:
    """Put a definition right."""
    session, form = db.session(), CorrectionForm()
    found = queries.by_id(session, product_id)
    if form.validate_on_submit():
        with refusals_on(form), commit(session):
            typed = read_lines(form.attributes.data or "") | forms.read_specs(_profile(found), request.form)
            service.correct(
                session, me(), product_id, title=form.title.data, unit=form.unit.data, gtin=form.gtin.data or "", attributes=typed,
                origin=Origin.IMPORTED if form.imported.data else Origin.DOMESTIC, reason=form.reason.data,
            )  # fmt: skip
        if not form.was_refused:
            return htmx.go(url_for("products.definition", product_id=product_id))
    return _page(found, correction=form)


@bp.post("/<int:product_id>/merge")
@requires(Permission.CATALOGUE_ADMINISTER)
def merge(product_id: int) -> ResponseReturnValue:
    """Let a product become another one."""
    session, form = db.session(), MergeForm()
    found = queries.by_id(session, product_id)
    if form.validate_on_submit():
        number = form.into.data.strip()
        with refusals_on(form), commit(session):
            into = service.merge(session, me(), product_id, int(number) if number.isdecimal() else 0, reason=form.reason.data).id
        if not form.was_refused:
            return htmx.go(url_for("products.definition", product_id=into))
    return _page(found, merging=form)


@bp.post("/proofs/<int:proof_id>/check")
@requires(Permission.CATALOGUE_ADMINISTER)
def check(proof_id: int) -> ResponseReturnValue:
    """Note that a document was compared with its register."""
    form = Form()
    found = queries.of_proof(db.session(), proof_id)
    if form.validate_on_submit():
        with commit(db.session()) as session:
            service.check_proof(session, me(), proof_id)
        return htmx.go(url_for("products.definition", product_id=found.id, _anchor="proofs"))
    return _page(found, withdrawal=form)


@bp.post("/proofs/<int:proof_id>/withdraw")
@requires(Permission.CATALOGUE_ADMINISTER)
def withdraw(proof_id: int) -> ResponseReturnValue:
    """Let a document count no more."""
    form = WithdrawForm()
    found = queries.of_proof(db.session(), proof_id)
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.withdraw_proof(session, me(), proof_id, reason=form.reason.data)
        if not form.was_refused:
            return htmx.go(url_for("products.definition", product_id=found.id, _anchor="proofs"))
    return _page(found, withdrawal=form)


def _profile(product: Product) -> Any:
    return profiles.of(db.session(), product.category_code, clock.today())


def _page(
    product: Product, *, correction: CorrectionForm | None = None, merging: MergeForm | None = None, withdrawal: Form | None = None
) -> ResponseReturnValue:
    session, profile, on = db.session(), _profile(product), clock.today()
    told: Mapping[str, Any] = attributes_of(product.attributes)
    asked = {each.name for each in profile.asked}
    if correction is None:
        rest = {name: value for name, value in told.items() if name not in asked}
        correction = CorrectionForm(formdata=None, data={
            "title": product.title, "unit": product.unit, "gtin": gtin_as_printed(product.gtin), "attributes": lines_of(rest),
            "imported": product.origin is Origin.IMPORTED,
        })  # fmt: skip
    typed = forms.read_specs(profile, request.form) if correction.was_refused else told
    refused = any(form is not None and form.was_refused for form in (correction, merging, withdrawal))
    return htmx.show(
        "products/definition.html",
        product=product,
        category=taxonomy.category(session, product.category_code),
        gtin=gtin_as_printed(product.gtin),
        form=correction,
        specs=forms.spec_fields(profile, typed, judge=True),
        merging=merging or MergeForm(formdata=None),
        withdrawal=withdrawal,
        proofs=queries.all_facts(session, [product.id], on),
        twins=queries.twins_of(session, product),
        withdrawn=Counts.WITHDRAWN,
        fact_names=FACT_NAMES,
        counts_names=COUNTS_NAMES,
        counts_tones=COUNTS_TONES,
        status=422 if refused else 200,
    )
