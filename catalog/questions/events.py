"""Facts of questions about offers. Who asked is known by the event's actor; the words carry no name."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class QuestionFact(Fact):
    """What every event of a question carries."""

    question: int
    listing_id: int
    product_id: int
    supplier_id: int
    title: str


@dataclass(frozen=True, kw_only=True)
class QuestionAsked(QuestionFact):
    """A buyer asked about an offer."""

    type: ClassVar[str] = "question.asked"
    words: str


@dataclass(frozen=True, kw_only=True)
class QuestionAnswered(QuestionFact):
    """The supplier answered; everybody reads it."""

    type: ClassVar[str] = "question.answered"
    words: str


@dataclass(frozen=True, kw_only=True)
class QuestionHidden(QuestionFact):
    """The catalogue keeper took it off the page."""

    type: ClassVar[str] = "question.hidden"
    reason: str
