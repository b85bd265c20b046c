"""Facts of reference prices."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ReferencesKept(Fact):
    """Reference prices were taken in: how many rows, from which sources, found on which days."""

    type: ClassVar[str] = "references.kept"
    rows: int
    sources: tuple[str, ...]
    first: str
    last: str
