"""Pages of a unit's addresses and invoice titles, and of the register that the operator keeps."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.organisations import queries, service
from app.accounts.organisations.forms import KIND_NAMES, AddressForm, InvoiceTitleForm, OrganisationForm
from app.accounts.organisations.rules import NewOrganisation
from app.kernel import regions
from app.kernel.db import commit
from app.policy import OrganisationKind, Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires

bp = Blueprint("organisations", __name__, template_folder="templates", url_prefix="/organisation")


@bp.get("")
@requires(Permission.UNIT_ADMINISTER)
def own() -> ResponseReturnValue:
    """The unit's own page."""
    return _own_page(AddressForm(formdata=None, region=me().region), InvoiceTitleForm(formdata=None))


@bp.post("/addresses")
@requires(Permission.UNIT_ADMINISTER)
def add_address() -> ResponseReturnValue:
    """One more delivery address."""
    form = AddressForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.add_address(session, me(), **_values(form))
            return htmx.go(url_for("organisations.own", _anchor="addresses"))
    return _own_page(form, InvoiceTitleForm(formdata=None), status=422)


@bp.post("/addresses/<int:address_id>/withdraw")
@requires(Permission.UNIT_ADMINISTER)
def withdraw_address(address_id: int) -> ResponseReturnValue:
    """An address goes out of use."""
    with commit(db.session()) as session:
        service.withdraw_address(session, me(), address_id)
    return htmx.go(url_for("organisations.own", _anchor="addresses"))


@bp.post("/invoice-titles")
@requires(Permission.UNIT_ADMINISTER)
def add_invoice_title() -> ResponseReturnValue:
    """One more invoice title."""
    form = InvoiceTitleForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.add_invoice_title(session, me(), **_values(form))
            return htmx.go(url_for("organisations.own", _anchor="titles"))
    return _own_page(AddressForm(formdata=None, region=me().region), form, status=422)


@bp.post("/invoice-titles/<int:invoice_title_id>/withdraw")
@requires(Permission.UNIT_ADMINISTER)
def withdraw_invoice_title(invoice_title_id: int) -> ResponseReturnValue:
    """An invoice title goes out of use."""
    with commit(db.session()) as session:
        service.withdraw_invoice_title(session, me(), invoice_title_id)
    return htmx.go(url_for("organisations.own", _anchor="titles"))


@bp.get("/register")
@requires(Permission.ORGANISATION_REGISTER)
def register() -> ResponseReturnValue:
    """The register of all organisations."""
    return _register_page(OrganisationForm(formdata=None))


@bp.post("/register")
@requires(Permission.ORGANISATION_REGISTER)
def add() -> ResponseReturnValue:
    """One more organisation."""
    form = OrganisationForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            row = service.register(session, me(), NewOrganisation(**_values(form) | {"kind": OrganisationKind(form.kind.data)}))
            return htmx.go(url_for("organisations.register", q=row.code))
    return _register_page(form, status=422)


def _values(form: AddressForm | InvoiceTitleForm | OrganisationForm) -> dict[str, Any]:
    return {name: value.strip() if isinstance(value, str) else value for name, value in form.data.items() if name != "csrf_token"}


def _own_page(address_form: AddressForm, title_form: InvoiceTitleForm, *, status: int = 200) -> ResponseReturnValue:
    unit = queries.by_id(db.session(), me().organisation_id or 0)
    return htmx.show(
        "organisations/own.html",
        status=status,
        unit=unit,
        kind_name=KIND_NAMES[unit.kind],
        region_name=regions.full_name(unit.region),
        parent=queries.by_id(db.session(), unit.parent_id) if unit.parent_id else None,
        children=queries.children(db.session(), unit.id),
        addresses=queries.addresses_of(db.session(), unit.id),
        titles=queries.invoice_titles_of(db.session(), unit.id),
        full_name=regions.full_name,
        address_form=address_form,
        title_form=title_form,
    )


def _register_page(form: OrganisationForm, *, status: int = 200) -> ResponseReturnValue:
    words, kind = request.args.get("q", "").strip()[:60], request.args.get("kind", "")
    chosen = OrganisationKind(kind) if kind in set(OrganisationKind) else None
    page = queries.register(db.session(), me(), words=words, kind=chosen, cursor=request.args.get("cursor"))
    return htmx.show(
        "organisations/register.html",
        status=status,
        page=page,
        form=form,
        words=words,
        kind=kind,
        kinds=[("", _("全部类别")), *((each.value, name) for each, name in KIND_NAMES.items())],
        kind_names=KIND_NAMES,
        full_name=regions.full_name,
    )
