"""Facts of the documents that suppliers hand in; they stand in the supplier's stream."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class PaperFact(Fact):
    """What every event of a document carries; `sha256` binds its file."""

    organisation_id: int
    qualification: int
    requirement: str
    number: str
    valid_from: date
    valid_to: date | None
    sha256: str


@dataclass(frozen=True, kw_only=True)
class PaperHandedIn(PaperFact):
    """A document waits for review."""

    type: ClassVar[str] = "supplier.paper_handed_in"
    issuer: str


@dataclass(frozen=True, kw_only=True)
class PaperAccepted(PaperFact):
    """A document was found good."""

    type: ClassVar[str] = "supplier.paper_accepted"


@dataclass(frozen=True, kw_only=True)
class PaperReturned(PaperFact):
    """A document must be handed in again."""

    type: ClassVar[str] = "supplier.paper_returned"
    reason: str
