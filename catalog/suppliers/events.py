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
class SupplierSuspended(Fact):
    """A supplier may not trade for a time; its listings leave the search."""

    type: ClassVar[str] = "supplier.suspended"
    supplier_id: int
    name: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class SupplierLifted(Fact):
    """A suspended supplier may trade again."""

    type: ClassVar[str] = "supplier.lifted"
    supplier_id: int
    name: str
    reason: str
