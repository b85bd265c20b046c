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
    """The offer was taken off the shelf; by a rule, the reason that the supplier reads."""

    type: ClassVar[str] = "listing.unshelved"
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListingProposed(ListingChanged):
    """A rule of the gate holds the offer, or a price of it, until the catalogue keeper has decided; the rules and the price."""

    type: ClassVar[str] = "listing.proposed"
    review: int
    rules: tuple[str, ...]
    wanted_fen: int


@dataclass(frozen=True, kw_only=True)
class ListingReviewed(ListingChanged):
    """The keeper approved or sent back, or the supplier took its proposal back."""

    type: ClassVar[str] = "listing.reviewed"
    review: int
    decision: str
    wanted_fen: int
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class ListingStopped(ListingChanged):
    """Sale was suspended or the offer frozen, with the reason that the supplier reads."""

    type: ClassVar[str] = "listing.stopped"
    reason: str


@dataclass(frozen=True, kw_only=True)
class ListingReleased(ListingChanged):
    """A suspended offer may be sold again, or a frozen one be put back on the shelf."""

    type: ClassVar[str] = "listing.released"
    reason: str


@dataclass(frozen=True, kw_only=True)
class ListingMoved(ListingChanged):
    """Its product was merged into another one; which product it was an offer of before."""

    type: ClassVar[str] = "listing.moved"
    previous_product_id: int
