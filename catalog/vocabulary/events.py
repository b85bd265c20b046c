"""Facts about words: what was taught to the search, and what was decided about questions that found nothing."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class SynonymAdded(Fact):
    """These words mean the same from now on."""

    type: ClassVar[str] = "synonym.added"
    synonym_id: int
    words: tuple[str, ...]
    question: str | None


@dataclass(frozen=True, kw_only=True)
class SynonymRemoved(Fact):
    """These words do not mean the same any more."""

    type: ClassVar[str] = "synonym.removed"
    synonym_id: int
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MissDismissed(Fact):
    """Nothing is to be done about the question."""

    type: ClassVar[str] = "miss.dismissed"
    miss_id: int
    question: str
    readers: int


@dataclass(frozen=True, kw_only=True)
class GoodsMissing(Fact):
    """The question is a good one: nobody offers such goods."""

    type: ClassVar[str] = "miss.goods_missing"
    miss_id: int
    question: str
    readers: int
