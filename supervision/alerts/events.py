"""Facts of an alert's life; the stream is named by the alert's number. Amounts in fen."""

from dataclasses import dataclass
from typing import Any, ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class AlertFact(Fact):
    """What every event of an alert carries."""

    alert: str
    rule: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class AlertFound(AlertFact):
    """A rule fired: everything needed to run it again."""

    rule_version: str
    key: str
    unit_id: int | None
    unit_name: str
    supplier_id: int | None
    supplier_name: str
    order: str | None
    amount_fen: int | None
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    evidence: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class AlertRaised(AlertFound):
    """A finding became an alert; its clock runs."""

    type: ClassVar[str] = "alert.raised"


@dataclass(frozen=True, kw_only=True)
class AlertHit(AlertFound):
    """The rule fired again on the same subject; the hit joined the open alert."""

    type: ClassVar[str] = "alert.hit"


@dataclass(frozen=True, kw_only=True)
class AlertClaimed(AlertFact):
    """A supervisor took the alert."""

    type: ClassVar[str] = "alert.claimed"
    owner_id: int


@dataclass(frozen=True, kw_only=True)
class AlertDismissed(AlertFact):
    """The owner found that the rule was wrong here, with a code."""

    type: ClassVar[str] = "alert.dismissed"
    code: str
    note: str


@dataclass(frozen=True, kw_only=True)
class AlertClosed(AlertFact):
    """The owner verified the finding and said what was done."""

    type: ClassVar[str] = "alert.closed"
    note: str
