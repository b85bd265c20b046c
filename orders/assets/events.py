"""Facts of an asset card. Values in fen."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class CardChanged(Fact):
    """What every event of a card carries."""

    card: str
    order: str
    unit_id: int
    class_code: str
    name: str
    quantity: int
    value_fen: int
    voucher: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardDrafted(CardChanged):
    """Accepted goods of a category that needs a card."""

    type: ClassVar[str] = "asset.drafted"


@dataclass(frozen=True, kw_only=True)
class CardStored(CardChanged):
    """The asset manager said who keeps it and where, and took it into store."""

    type: ClassVar[str] = "asset.stored"


@dataclass(frozen=True, kw_only=True)
class CardRegistered(CardChanged):
    """The goods are paid: the card stands in the books with its voucher."""

    type: ClassVar[str] = "asset.registered"
