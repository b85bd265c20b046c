"""What is published so far."""

from enum import StrEnum

from app.kernel.errors import N_


class NoticeKind(StrEnum):
    """Types of notices."""

    CONTRACT = "contract"
    TERMINATION = "termination"


KIND_NAMES: dict[NoticeKind, str] = {
    NoticeKind.CONTRACT: N_("合同公告"),
    NoticeKind.TERMINATION: N_("合同终止公告"),
}

MODE_NAMES: dict[str, str] = {"direct": N_("网上商城直接订购")}
