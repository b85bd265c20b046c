"""Facts of a supplier's standing in the library."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class SupplierEntered(Fact):
    """A supplier has entered the library and may list goods."""

    type: ClassVar[str] = "supplier.entered"
    supplier_id: int
    name: str
    kind: str
    scale: str


@dataclass(frozen=True, kw_only=True)
class StandingOrdered(Fact):
    """A decision that will stop a supplier's trade from a later day on."""

    type: ClassVar[str] = "supplier.standing_ordered"
    supplier_id: int
    name: str
    decision: int
    kind: str
    region: str | None
    document_no: str
    basis: str
    reason: str
    begins: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class SupplierSuspended(Fact):
    """A supplier may not trade for a time, in one region or everywhere; its listings leave the search when it is everywhere."""

    type: ClassVar[str] = "supplier.suspended"
    supplier_id: int
    name: str
    reason: str
    until: datetime | None
    decision: int | None = None
    kind: str = "suspension"
    region: str | None = None
    document_no: str = ""
    basis: str = ""


@dataclass(frozen=True, kw_only=True)
class SupplierLifted(Fact):
    """A decision is over, by its last day or by another decision: the supplier may trade again where no other one stands."""

    type: ClassVar[str] = "supplier.lifted"
    supplier_id: int
    name: str
    reason: str
    decision: int | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class AreasChanged(Fact):
    """A supplier delivers to other regions than before."""

    type: ClassVar[str] = "supplier.areas_changed"
    supplier_id: int
    areas: tuple[str, ...]
    before: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DishonestImported(Fact):
    """A list of dishonest firms was taken over."""

    type: ClassVar[str] = "supplier.dishonest_imported"
    list_names: tuple[str, ...]
    added: int
    changed: int
