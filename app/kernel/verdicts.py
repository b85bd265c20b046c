"""What a check says: its outcome, the words of its rule, and how it is stored; the checks themselves belong to the chapters."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, TypeVar


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


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One check: the rule, what it found, and by which version of the rules. Chapters add the figures they judge by."""

    rule: str
    outcome: Outcome
    facts: dict[str, Any] = field(default_factory=dict)
    version: str

    def as_dict(self) -> dict[str, Any]:
        """The stored and published form: codes and figures, never translated text."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.metadata.get("stored", True)}
        return told | {"outcome": self.outcome.value}


SHOWN: Final = {"stored": False}
"""Marks a field that serves the page alone and is not stored."""

_Kind = TypeVar("_Kind", bound=Checked)
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def written(verdicts: Iterable[Checked]) -> str:
    """Checks as they are stored."""
    return _encode([verdict.as_dict() for verdict in verdicts])


def read(kind: type[_Kind], stored: str) -> tuple[_Kind, ...]:
    """Checks of a chapter as they were stored."""
    return tuple(kind(**(each | {"outcome": Outcome(each["outcome"])})) for each in json.loads(stored))


def findings(verdicts: Iterable[_Kind]) -> tuple[_Kind, ...]:
    """The checks that did not simply pass."""
    return tuple(verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS)


def that(outcome: Outcome, verdicts: Iterable[_Kind]) -> tuple[_Kind, ...]:
    """The checks with this outcome."""
    return tuple(verdict for verdict in verdicts if verdict.outcome is outcome)
