"""Facts of the budget's life; each stream is named by the allotment's number. Amounts in fen."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class AllotmentFact(Fact):
    """What every event of an allotment carries."""

    allotment: str
    unit_id: int
    unit_name: str
    year: int
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class AllotmentOpened(AllotmentFact):
    """A money source was opened for a unit."""

    type: ClassVar[str] = "allotment.opened"
    project: str
    functional_class: str
    economic_class: str
    fund_nature: str
    source: str
    document_number: str


@dataclass(frozen=True, kw_only=True)
class AllotmentAdjusted(AllotmentFact):
    """A money source was raised or lowered; `amount_fen` is what it is now."""

    type: ClassVar[str] = "allotment.adjusted"
    delta_fen: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BudgetLineAdded(AllotmentFact):
    """A line of the procurement budget was added under an allotment; `amount_fen` is the line's."""

    type: ClassVar[str] = "budget_line.added"
    line: str
    category: str
    name: str
    quantity: int
    sme_reserved: bool
    import_allowed: bool
