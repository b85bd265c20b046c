"""What happens to organisations. The stream is `organisation/<id>`."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class OrganisationRegistered(Fact):
    """An organisation entered the register."""

    type: ClassVar[str] = "organisation.registered"
    organisation_id: int
    kind: str
    code: str
    name: str
    region: str
    parent_id: int | None


@dataclass(frozen=True, kw_only=True)
class OrganisationStruckOff(Fact):
    """An organisation left the register; its code may be registered anew."""

    type: ClassVar[str] = "organisation.struck_off"
    organisation_id: int
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AddressAdded(Fact):
    """A unit may have goods delivered to one more place."""

    type: ClassVar[str] = "organisation.address_added"
    address_id: int
    region: str
    street: str


@dataclass(frozen=True, kw_only=True)
class AddressWithdrawn(Fact):
    """No new order goes to this place."""

    type: ClassVar[str] = "organisation.address_withdrawn"
    address_id: int


@dataclass(frozen=True, kw_only=True)
class InvoiceTitleAdded(Fact):
    """A title and tax number that invoices to the unit may carry."""

    type: ClassVar[str] = "organisation.invoice_title_added"
    invoice_title_id: int
    title: str
    tax_number: str


@dataclass(frozen=True, kw_only=True)
class InvoiceTitleWithdrawn(Fact):
    """No new order asks for this title."""

    type: ClassVar[str] = "organisation.invoice_title_withdrawn"
    invoice_title_id: int
