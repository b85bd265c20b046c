"""When an order may be rated. Silence is not counted, and never "good" by default."""

from app.kernel.errors import N_, Conflict, Invalid


class BadScore(Invalid):
    """One to five."""

    code = "rating.bad_score"
    message = N_("请选择 1 到 5 分")
    field: str | None = "score"


class WordsMissing(Invalid):
    """A low score is explained."""

    code = "rating.words_missing"
    message = N_("3 分以下请写明原因，对方和监管部门都会看到")
    field: str | None = "words"


class NotYetRateable(Conflict):
    """Nothing has been accepted."""

    code = "rating.not_yet"
    message = N_("订单验收后才能评价")


class RatingClosed(Conflict):
    """The term for ratings has run out."""

    code = "rating.closed"
    message = N_("评价期限已过（截止 %(until)s）；未评价不计分")
    until: str


class AlreadyRated(Conflict):
    """One rating for each side."""

    code = "rating.already_given"
    message = N_("本方已评价，不能重复评价")


def check(score: int, words: str) -> None:
    """Score and words together. Raises BadScore, WordsMissing."""
    if not 1 <= score <= 5:
        raise BadScore()
    if score < 3 and not words.strip():
        raise WordsMissing()
