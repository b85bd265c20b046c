"""The supplier library, the page of a supplier, decisions on its standing, and what a supplier keeps of its own entry."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.accounts.organisations import queries as organisations
from app.kernel import clock, regions
from app.kernel.db import commit
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import maybe_me, me, public, requires
from catalog.suppliers import queries, service
from catalog.suppliers.forms import AreasForm, LiftForm, StandingForm, address_of, area_choices, filters_of, region_choices
from catalog.suppliers.rules import SCALE_NAMES, STANDING_NAMES, Decree
from catalog.suppliers.states import DECISION_KIND_NAMES, DECISION_STATE_NAMES, DecisionKind, DecisionState, Scale, Standing
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("suppliers", __name__, template_folder="templates", url_prefix="/suppliers")

FILTERED_STANDINGS = (Standing.ACTIVE, Standing.SUSPENDED, Standing.BANNED)


@bp.get("/")
@public
def index() -> ResponseReturnValue:
    """The supplier library by name: where it delivers, how large, for what, and whether it may trade."""
    session, filters = db.session(), filters_of(request.args)
    page = queries.visible(session, filters, cursor=request.args.get("cursor"))
    codes = queries.classes_in_use(session)
    classes = taxonomy.names(session, [code.ljust(9, "0") for code in codes])
    return htmx.show(
        "suppliers/index.html",
        page=page,
        filters=filters,
        address=address_of(filters),
        regions_offered=region_choices(),
        classes_offered=[(code, classes.get(code.ljust(9, "0"), code)) for code in codes],
        scales=SCALE_NAMES,
        standings=STANDING_NAMES,
        standings_offered=FILTERED_STANDINGS,
        scale_order=list(Scale),
        active=Standing.ACTIVE,
        barred={
            supplier_id: [regions.by_code(code).name for code in codes]
            for supplier_id, codes in queries.barred_regions(session, [row.organisation_id for row in page.rows]).items()
        },
        at=regions.full_name(filters.region) if filters.region else "",
    )


@bp.get("/<int:supplier_id>")
@public
def supplier(supplier_id: int) -> ResponseReturnValue:
    """Who the supplier is, whether it may trade, and what it offers."""
    return _page(supplier_id, StandingForm(formdata=None), LiftForm(formdata=None))


@bp.post("/<int:supplier_id>/suspend")
@requires(Permission.SUPPLIER_SUSPEND)
def suspend(supplier_id: int) -> ResponseReturnValue:
    """Stop the supplier from trading: in the own region, or everywhere."""
    form = StandingForm()
    if form.validate_on_submit():
        decree = Decree(
            kind=DecisionKind(form.kind.data) if form.kind.data in set(DecisionKind) else DecisionKind.SUSPENSION,
            reason=form.reason.data or "",
            basis=form.basis.data or "",
            document_no=form.document_no.data or "",
            starts_at=clock.start_of_day(form.begins.data) if form.begins.data else None,
            ends_at=clock.end_of_day(form.until.data) if form.until.data else None,
        )
        with refusals_on(form), commit(db.session()) as session:
            service.decide(session, me(), supplier_id, decree)
    if form.was_refused:
        return _page(supplier_id, form, LiftForm(formdata=None), status=422)
    return htmx.go(url_for("suppliers.supplier", supplier_id=supplier_id))


@bp.post("/<int:supplier_id>/lift")
@requires(Permission.SUPPLIER_SUSPEND)
def lift(supplier_id: int) -> ResponseReturnValue:
    """End a decision before its last day."""
    form = LiftForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.lift(session, me(), supplier_id, reason=form.reason.data or "", decision_id=form.decision_id)
    if form.was_refused:
        return _page(supplier_id, StandingForm(formdata=None), form, status=422)
    return htmx.go(url_for("suppliers.supplier", supplier_id=supplier_id))


@bp.get("/own")
@requires(Permission.SUPPLIER_ADMINISTER)
def own() -> ResponseReturnValue:
    """What a supplier keeps of its own entry; one that has not entered yet goes on with its application."""
    if not queries.has_entered(db.session(), me().organisation_id):
        return redirect(url_for("onboarding.overview"), 303)
    return _own_page(AreasForm(formdata=None))


@bp.post("/own/areas")
@requires(Permission.SUPPLIER_ADMINISTER)
def set_areas() -> ResponseReturnValue:
    """Deliver to these regions from now on."""
    form = AreasForm()
    if form.validate_on_submit():
        with refusals_on(form), commit(db.session()) as session:
            service.set_areas(session, me(), form.areas.data or [])
            flash(gettext("供货区域已更新。"), "ok")
            return htmx.go(url_for("suppliers.own"))
    return _own_page(form, status=422)


def _own_page(form: AreasForm, *, status: int = 200) -> ResponseReturnValue:
    session, supplier_id = db.session(), me().organisation_id or 0
    found = queries.by_id(session, supplier_id)
    held = set(form.areas.data or ()) if form.was_refused else set(queries.areas(session, supplier_id))
    offered = area_choices()
    offered += [(code, regions.full_name(code)) for code in sorted(held - {code for code, _ in offered}) if code in regions.REGIONS]
    return htmx.show(
        "suppliers/own.html",
        status=status,
        supplier=found,
        form=form,
        offered=offered,
        held=held,
        scale=gettext(SCALE_NAMES[found.scale]),
        kind=gettext(found.kind),
        standing=gettext(STANDING_NAMES[found.standing]),
        active=found.standing is Standing.ACTIVE,
    )


def _page(supplier_id: int, form: StandingForm, lift_form: LiftForm, status: int = 200) -> ResponseReturnValue:
    session, actor = db.session(), maybe_me()
    found = queries.by_id(session, supplier_id)
    decided = queries.decisions(session, supplier_id)
    listed = queries.dishonest(session, organisations.by_id(session, supplier_id).credit_code, clock.today())
    codes = [code.ljust(9, "0") for code in queries.classes(session, supplier_id)]
    return htmx.show(
        "suppliers/supplier.html",
        ended=gettext,  # a term that ran out is told in the reader's language, a person's own words stay as they are, per cent signs too
        status=status,
        supplier=found,
        scale=gettext(SCALE_NAMES[found.scale]),
        kind=gettext(found.kind),
        standing=gettext(STANDING_NAMES[found.standing]),
        active=found.standing is Standing.ACTIVE,
        decided=decided,
        in_part=[each for each in decided if each.region and each.state is DecisionState.IN_FORCE],
        kinds=DECISION_KIND_NAMES,
        states=DECISION_STATE_NAMES,
        is_open={DecisionState.ORDERED, DecisionState.IN_FORCE},
        where=_where,
        liftable={each.id for each in queries.standing_decisions(session, supplier_id) if queries.may_lift(actor, each)},
        areas=[_where(code) for code in queries.areas(session, supplier_id)],
        classes=list(taxonomy.names(session, codes).values()),
        listed=listed,
        may_suspend=actor is not None and actor.may(Permission.SUPPLIER_SUSPEND),
        may_ban=actor is not None and actor.may(Permission.SUPPLIER_BAN),
        reach=_where(actor.region if actor is not None else None),
        form=form,
        lift_form=lift_form,
    )


def _where(region: str | None) -> str:
    if region is None or region == regions.PROVINCE:
        return str(gettext("全省"))
    return regions.full_name(region).removeprefix(regions.by_code(regions.PROVINCE).name)
