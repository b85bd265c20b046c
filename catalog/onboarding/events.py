"""Facts of an application to enter the library; the stream is named by its number."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ApplicationFact(Fact):
    """What every event of an application carries."""

    application: str
    organisation_id: int
    state: str
    round: int


@dataclass(frozen=True, kw_only=True)
class ApplicationBegun(ApplicationFact):
    """A firm registered itself and begins its application."""

    type: ClassVar[str] = "supplier.application_begun"
    name: str
    credit_code: str


@dataclass(frozen=True, kw_only=True)
class ApplicationSaved(ApplicationFact):
    """A part of the draft was written; `digest` binds what it said."""

    type: ClassVar[str] = "supplier.application_saved"
    part: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class AgreementAccepted(ApplicationFact):
    """Somebody of the supplier accepted a version of the agreement; `sha256` is that of its text."""

    type: ClassVar[str] = "supplier.agreement_accepted"
    agreement: str
    sha256: str
    person_id: int


@dataclass(frozen=True, kw_only=True)
class ApplicationSubmitted(ApplicationFact):
    """The application waits for review."""

    type: ClassVar[str] = "supplier.application_submitted"


@dataclass(frozen=True, kw_only=True)
class ApplicationWithdrawn(ApplicationFact):
    """The supplier took it back to write on."""

    type: ClassVar[str] = "supplier.application_withdrawn"


@dataclass(frozen=True, kw_only=True)
class ApplicationReturned(ApplicationFact):
    """It was sent back; `reasons` by part or document."""

    type: ClassVar[str] = "supplier.application_returned"
    reasons: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ApplicationAdmitted(ApplicationFact):
    """The supplier entered the library."""

    type: ClassVar[str] = "supplier.application_admitted"


@dataclass(frozen=True, kw_only=True)
class ApplicationLapsed(ApplicationFact):
    """Nothing came of it within the term; name and credit code are free again."""

    type: ClassVar[str] = "supplier.application_lapsed"
