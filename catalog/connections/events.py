"""Facts of a connection to a supplier's own shop."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ConnectionSet(Fact):
    """A supplier said how its shop is reached; the secret is no part of it."""

    type: ClassVar[str] = "supplier.connection_set"
    supplier_id: int
    base_url: str
    client_id: str
    regions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ConnectionSwitched(Fact):
    """The mall calls the shop from now on, or no longer."""

    type: ClassVar[str] = "supplier.connection_switched"
    supplier_id: int
    state: str
