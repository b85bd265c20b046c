"""Facts of a listing. Prices in fen; stock in sales units."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ListingChanged(Fact):
    """What every event of a listing carries: how the offer stands afterwards."""

    listing_id: int
    supplier_id: int
    product_id: int
    title: str
    price_fen: int
    stock: int
    shelf: str
    listing_version: int


@dataclass(frozen=True, kw_only=True)
class ListingCreated(ListingChanged):
    """A supplier made an offer."""

    type: ClassVar[str] = "listing.created"


@dataclass(frozen=True, kw_only=True)
class ListingEdited(ListingChanged):
    """Title, delivery, region or warranty changed."""

    type: ClassVar[str] = "listing.edited"


@dataclass(frozen=True, kw_only=True)
class ListingRepriced(ListingChanged):
    """The price changed; what it was before."""

    type: ClassVar[str] = "listing.repriced"
    previous_fen: int


@dataclass(frozen=True, kw_only=True)
class ListingRestocked(ListingChanged):
    """The supplier changed the stock; what it was before."""

    type: ClassVar[str] = "listing.restocked"
    previous: int


@dataclass(frozen=True, kw_only=True)
class ListingShelved(ListingChanged):
    """The offer can be bought."""

    type: ClassVar[str] = "listing.shelved"


@dataclass(frozen=True, kw_only=True)
class ListingUnshelved(ListingChanged):
    """The offer was taken off the shelf."""

    type: ClassVar[str] = "listing.unshelved"


@dataclass(frozen=True, kw_only=True)
class ListingMoved(ListingChanged):
    """Its product was merged into another one; which product it was an offer of before."""

    type: ClassVar[str] = "listing.moved"
    previous_product_id: int
