"""What kinds of values an attribute takes."""

from enum import StrEnum
from typing import Final

from app.kernel.errors import N_


class AttributeKind(StrEnum):
    """How the value of an attribute is written and judged."""

    LIST = "list"
    NUMBER = "number"
    RANGE = "range"
    TEXT = "text"
    YES_NO = "yes_no"


KIND_NAMES: Final[dict[AttributeKind, str]] = {
    AttributeKind.LIST: N_("选项"), AttributeKind.NUMBER: N_("数值"), AttributeKind.RANGE: N_("区间"),
    AttributeKind.TEXT: N_("文字"), AttributeKind.YES_NO: N_("是否"),
}  # fmt: skip
