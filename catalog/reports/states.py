"""What is reported of an offer, and where the report stands."""

from enum import StrEnum
from typing import Final

from app.kernel.errors import N_


class ReportKind(StrEnum):
    """What somebody holds against an offer or a question about it."""

    PRICE = "price"
    DESCRIPTION = "description"
    LABEL = "label"
    COUNTERFEIT = "counterfeit"
    WORDS = "words"
    OTHER = "other"


REPORT_KINDS: Final[dict[ReportKind, str]] = {
    ReportKind.PRICE: N_("价格虚高或虚低"),
    ReportKind.DESCRIPTION: N_("名称、参数与实物不符"),
    ReportKind.LABEL: N_("节能、环保、国产等标注不实"),
    ReportKind.COUNTERFEIT: N_("假冒或侵权"),
    ReportKind.WORDS: N_("问答内容不当"),
    ReportKind.OTHER: N_("其他"),
}


class ReportState(StrEnum):
    """Where a report stands."""

    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


REPORT_NAMES: Final[dict[ReportState, str]] = {
    ReportState.OPEN: N_("待处理"),
    ReportState.UPHELD: N_("成立"),
    ReportState.DISMISSED: N_("不成立"),
}
