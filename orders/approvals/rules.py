"""What an approval needs, and who may take an order back."""

from enum import StrEnum

from app.kernel.errors import N_, Conflict, Forbidden, Invalid


class RejectReason(StrEnum):
    """Why a line is rejected; a few words may follow."""

    NOT_NEEDED = "not_needed"
    TOO_DEAR = "too_dear"
    WRONG_BUDGET = "wrong_budget"
    COMPETE = "compete"
    OTHER = "other"


REASON_NAMES: dict[RejectReason, str] = {
    RejectReason.NOT_NEEDED: N_("确无需要"),
    RejectReason.TOO_DEAR: N_("价格偏高，另选商品"),
    RejectReason.WRONG_BUDGET: N_("资金来源不当"),
    RejectReason.COMPETE: N_("转竞价后再购"),
    RejectReason.OTHER: N_("其他"),
}


class NoReason(Invalid):
    """Whoever rejects, explains or takes back says why."""

    code = "approval.no_reason"
    message = N_("请填写理由")
    way_out = N_("理由随订单进入监督日志，写清事实即可")
    field: str | None = "reason"


class NotExplained(Conflict):
    """A hold is cleared on the buyer's explanation, never without one."""

    code = "approval.not_explained"
    message = N_("挂起项 %(rules)s 尚未说明，不能放行")
    way_out = N_("请经办人先填写说明")
    rules: str


class UnknownHold(Invalid):
    """An explanation for something that does not hold the order."""

    code = "approval.unknown_hold"
    message = N_("订单没有因 %(rule)s 挂起")
    rule: str


class NotTheBuyer(Forbidden):
    """Only who sent an order off takes it back or explains it."""

    code = "approval.not_the_buyer"
    message = N_("只有本订单的经办人可以这样做")
    way_out = N_("审批人如不同意，可以驳回")


class NotPlain(Conflict):
    """In bulk only those orders pass in which no check found anything."""

    code = "approval.not_plain"
    message = N_("订单 %(number)s 有需要逐单查看的校验结果，不能批量通过")
    way_out = N_("请打开该单逐项查看后决定")
    number: str


def given(text: str | None) -> str:
    """A reason with some words in it. Raises NoReason."""
    words = (text or "").strip()
    if not words:
        raise NoReason()
    return words
