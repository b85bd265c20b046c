"""Where a question about an offer stands."""

from enum import StrEnum
from typing import Final

from app.kernel.errors import N_


class QuestionState(StrEnum):
    """Where a question stands; a hidden one is seen by those who asked, answered and hid it."""

    OPEN = "open"
    ANSWERED = "answered"
    HIDDEN = "hidden"


QUESTION_NAMES: Final[dict[QuestionState, str]] = {
    QuestionState.OPEN: N_("待回答"),
    QuestionState.ANSWERED: N_("已回答"),
    QuestionState.HIDDEN: N_("已隐藏"),
}
