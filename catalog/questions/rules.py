"""Why a question or its answer is refused."""

from typing import Final

from app.kernel.errors import N_, Conflict, Invalid

MOST: Final = 500
"""Characters of a question or an answer."""


class WordsMissing(Invalid):
    """A question asks something, an answer says something, in so many characters at most."""

    code = "question.words_missing"
    message = N_("请写明内容，最多 %(most)s 字")
    field: str | None = "words"
    most: int = MOST


class TooManyQuestions(Conflict):
    """So many questions of one person a day; the figure is a dated parameter."""

    code = "question.too_many"
    message = N_("您今天已提问 %(asked)s 次，达到每日上限 %(most)s 次")
    way_out = N_("请等待供应商回答，或明天再问")
    asked: int
    most: int


class QuestionClosed(Conflict):
    """It was answered or hidden meanwhile."""

    code = "question.closed"
    message = N_("这个问题现为“%(state)s”，不能再这样处理")
    way_out = N_("请刷新页面查看最新状态")
    state: str


class QuestionReasonMissing(Invalid):
    """Whoever hides a question says why."""

    code = "question.reason_missing"
    message = N_("请写明隐藏的理由，提问人和供应商会看到")
    field: str | None = "reason"


def words_of(text: str) -> str:
    """What was written, in one piece. Raises WordsMissing."""
    words = "\n".join(" ".join(line.split()) for line in text.strip().splitlines()).strip()
    if not words or len(words) > MOST:
        raise WordsMissing(most=MOST)
    return words
