"""Facts of reports. Who reported is known by the event's actor; nothing here names a person."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ListingReported(Fact):
    """Somebody reported an offer, or a question about it."""

    type: ClassVar[str] = "report.made"
    report: int
    listing_id: int
    question_id: int | None
    supplier_id: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class ReportDecided(Fact):
    """The catalogue keeper upheld or dismissed a report, with an answer that the reporter reads."""

    type: ClassVar[str] = "report.decided"
    report: int
    listing_id: int
    supplier_id: int
    decision: str
    answer: str
