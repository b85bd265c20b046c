"""Facts of brands."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class BrandNamed(Fact):
    """A brand was named for the first time."""

    type: ClassVar[str] = "brand.named"
    brand_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class BrandJoined(Fact):
    """A name stands for another brand from now on; products under it follow."""

    type: ClassVar[str] = "brand.joined"
    brand_id: int
    name: str
    key: str
    into_id: int
    into: str
    into_key: str


@dataclass(frozen=True, kw_only=True)
class BrandSetFree(Fact):
    """An alias is a brand of its own again; products stay where they are."""

    type: ClassVar[str] = "brand.set_free"
    brand_id: int
    name: str
    of: str


@dataclass(frozen=True, kw_only=True)
class BrandArchived(Fact):
    """A brand takes no new products."""

    type: ClassVar[str] = "brand.archived"
    brand_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class BrandRestored(Fact):
    """An archived brand takes products again."""

    type: ClassVar[str] = "brand.restored"
    brand_id: int
    name: str
