"""Facts of a frozen comparison."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ComparisonFrozen(Fact):
    """What a search showed, or how some offers stood, was put on record; the digest is that of the whole content."""

    type: ClassVar[str] = "comparison.frozen"
    comparison: str
    unit_id: int
    unit_name: str
    kind: str
    hits: int
    total: int
    suppliers: int
    sha256: str
