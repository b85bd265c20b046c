"""JSON ways in: delivery addresses and invoice titles of the caller's own unit."""

from flask import Blueprint
from pydantic import Field

from app.accounts.organisations import queries, service
from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Model, Problem, spec, titled

api = Blueprint("organisations_api", __name__, url_prefix="/api/v1")
TAG = ("organisations",)


class AddressIn(Model):
    """A delivery address to be added."""

    label: str = Field(min_length=1, max_length=40)
    region: str = Field(pattern=r"^\d{6}$")
    street: str = Field(min_length=1, max_length=120)
    contact: str = Field(min_length=1, max_length=40)
    phone: str = Field(min_length=7, max_length=20)
    is_default: bool = False


class AddressOut(AddressIn):
    """A delivery address."""

    id: int


class AddressList(Model):
    """All addresses in use."""

    items: list[AddressOut]


class InvoiceTitleIn(Model):
    """An invoice title to be added."""

    title: str = Field(min_length=1, max_length=100)
    tax_number: str = Field(min_length=15, max_length=20)
    is_default: bool = False


class InvoiceTitleOut(InvoiceTitleIn):
    """An invoice title."""

    id: int


class InvoiceTitleList(Model):
    """All invoice titles in use."""

    items: list[InvoiceTitleOut]


@api.get("/addresses")
@titled(N_("本单位收货地址"))
@requires(Permission.CART_USE, Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers(HTTP_200=AddressList), tags=TAG)
def addresses() -> AddressList:
    """Addresses in use, the default first."""
    return AddressList(items=[_address(row) for row in queries.addresses_of(db.session(), me().organisation_id or 0)])


@api.post("/addresses")
@titled(N_("添加收货地址"))
@requires(Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers(HTTP_201=AddressOut, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def add_address(json: AddressIn) -> tuple[AddressOut, int]:
    """Add an address."""
    with commit(db.session()) as session:
        row = service.add_address(session, me(), **json.model_dump())
    return _address(row), 201


@api.delete("/addresses/<int:address_id>")
@titled(N_("停用收货地址"))
@requires(Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def withdraw_address(address_id: int) -> tuple[str, int]:
    """Take an address out of use."""
    with commit(db.session()) as session:
        service.withdraw_address(session, me(), address_id)
    return "", 204


@api.get("/invoice-titles")
@titled(N_("本单位发票抬头"))
@requires(Permission.CART_USE, Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers(HTTP_200=InvoiceTitleList), tags=TAG)
def invoice_titles() -> InvoiceTitleList:
    """Titles in use, the default first."""
    return InvoiceTitleList(items=[_title(row) for row in queries.invoice_titles_of(db.session(), me().organisation_id or 0)])


@api.post("/invoice-titles")
@titled(N_("添加发票抬头"))
@requires(Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers(HTTP_201=InvoiceTitleOut, HTTP_422=Problem), tags=TAG)
def add_invoice_title(json: InvoiceTitleIn) -> tuple[InvoiceTitleOut, int]:
    """Add a title."""
    with commit(db.session()) as session:
        row = service.add_invoice_title(session, me(), **json.model_dump())
    return _title(row), 201


@api.delete("/invoice-titles/<int:invoice_title_id>")
@titled(N_("停用发票抬头"))
@requires(Permission.UNIT_ADMINISTER)
@spec.validate(resp=Answers("HTTP_204", HTTP_404=Problem), tags=TAG)
def withdraw_invoice_title(invoice_title_id: int) -> tuple[str, int]:
    """Take a title out of use."""
    with commit(db.session()) as session:
        service.withdraw_invoice_title(session, me(), invoice_title_id)
    return "", 204


def _address(row: queries.Address) -> AddressOut:
    return AddressOut.model_validate(row)


def _title(row: queries.InvoiceTitle) -> InvoiceTitleOut:
    return InvoiceTitleOut.model_validate(row)
