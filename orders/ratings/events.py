"""Facts of ratings."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class RatingGiven(Fact):
    """One side rated the other after an order."""

    type: ClassVar[str] = "rating.given"
    order: str
    side: str
    unit_id: int
    supplier_id: int
    score: int
    words: str | None
