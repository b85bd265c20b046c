"""What a check says, and how a rule is called, founded and worded; the checks themselves belong to the chapters."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a check said."""

    PASS = "pass"  # noqa: S105 - a verdict
    WATCH = "watch"
    HOLD = "hold"
    BLOCK = "block"


@dataclass(frozen=True, kw_only=True)
class RuleText:
    """What a rule is called, where it comes from, and what it says when it does not pass."""

    title: str
    basis: str
    sentence: str
    way_out: str
    passed: str = ""
    """The title when nothing was found."""
