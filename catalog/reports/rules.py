"""Why a report, or the answer to it, is refused."""

from typing import Final

from app.kernel.errors import N_, Conflict, Invalid

MOST: Final = 500
"""Characters of a report or its answer."""


class ReportWordsMissing(Invalid):
    """A report says what is wrong, an answer says what was found."""

    code = "report.words_missing"
    message = N_("请写明情况，最多 %(most)s 字")
    field: str | None = "words"
    most: int = MOST


class AlreadyReported(Conflict):
    """One open report of one person about one thing."""

    code = "report.already_open"
    message = N_("您已举报过，编号 %(number)s，正在处理")
    way_out = N_("处理结果会显示在“我的举报”")
    number: int


class TooManyReports(Conflict):
    """So many reports of one person a day; the figure is a dated parameter."""

    code = "report.too_many"
    message = N_("您今天已举报 %(made)s 次，达到每日上限 %(most)s 次")
    way_out = N_("请明天再试；紧急情况请直接联系集中采购机构")
    made: int
    most: int


class ReportClosed(Conflict):
    """Somebody else decided it meanwhile."""

    code = "report.closed"
    message = N_("举报 %(number)s 已办结（%(state)s）")
    way_out = N_("请刷新举报队列")
    number: int
    state: str


def words_of(text: str) -> str:
    """What was written. Raises ReportWordsMissing."""
    words = text.strip()
    if not words or len(words) > MOST:
        raise ReportWordsMissing(most=MOST)
    return words
