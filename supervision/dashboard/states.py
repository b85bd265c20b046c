"""What a line of the stream is about, how risky it is, and how both are called."""

from enum import StrEnum

from app.kernel.errors import N_
from orders.purchases.states import STATE_NAMES


class Risk(StrEnum):
    """What the rules say, in the order of weight."""

    PASS = "pass"  # noqa: S105 - a verdict
    WATCH = "watch"
    HOLD = "hold"
    BLOCK = "block"


RISK_NAMES: dict[Risk, str] = {
    Risk.PASS: N_("通过"),
    Risk.WATCH: N_("预警"),
    Risk.HOLD: N_("挂起"),
    Risk.BLOCK: N_("阻断"),
}


class Kind(StrEnum):
    """Groups of events that a figure of the board leads to."""

    SUBMITTED = "submitted"
    REFUSED = "refused"
    HELD = "held"
    CONFIRMED = "confirmed"
    PAID = "paid"
    ALERT = "alert"
    PLAN = "plan"
    ORDER = "order"


KIND_NAMES: dict[Kind, str] = {
    Kind.SUBMITTED: N_("提交的订单"),
    Kind.REFUSED: N_("被阻断的提交"),
    Kind.HELD: N_("挂起的订单"),
    Kind.CONFIRMED: N_("成立的合同"),
    Kind.PAID: N_("已支付的订单"),
    Kind.ALERT: N_("触发的预警"),
    Kind.PLAN: N_("计划备案"),
    Kind.ORDER: N_("订单的每一步"),
}

REFUSED_ATTEMPT = "refused_attempt"
"""The state shown for a cart that was sent off and refused."""

LINE_STATES: dict[str, str] = {
    **{state.value: name for state, name in STATE_NAMES.items()},
    REFUSED_ATTEMPT: N_("已阻断"),
    "plan.filed": N_("计划备案"),
    "plan.returned": N_("计划退回"),
    "alert.raised": N_("预警触发"),
    "alert.hit": N_("预警追加"),
    "alert.claimed": N_("预警领取"),
    "alert.dismissed": N_("预警不成立"),
    "alert.closed": N_("预警办结"),
}
"""Where an order stands after the event; for other matters, what happened."""

EVENT_NAMES: dict[str, str] = {
    "submission.refused": N_("提交被阻断"),
    "order.submitted": N_("提交，冻结计划与指标"),
    "order.explained": N_("经办人说明"),
    "order.cleared": N_("财务负责人放行"),
    "order.released": N_("不予放行，释放资金"),
    "order.approved": N_("审批通过"),
    "order.rejected": N_("审批驳回，释放资金"),
    "order.withdrawn": N_("撤回，释放资金"),
    "order.confirmed": N_("确认成约，转为承诺"),
    "order.refused": N_("供应商拒单，释放资金"),
    "order.lapsed": N_("到期释放"),
    "order.terminated": N_("合同终止"),
    "order.shipped": N_("供应商发货"),
    "order.delivered": N_("到货签收"),
    "order.accepted": N_("验收，转为应付"),
    "order.invoiced": N_("供应商开票"),
    "order.payment_applied": N_("支付申请"),
    "order.payment_returned": N_("支付申请被退回"),
    "order.paid": N_("已支付"),
    "order.closed": N_("办结"),
    "plan.filed": N_("计划备案"),
    "plan.returned": N_("计划退回"),
    "alert.raised": N_("预警触发"),
    "alert.hit": N_("预警追加"),
    "alert.claimed": N_("预警领取"),
    "alert.dismissed": N_("预警不成立"),
    "alert.closed": N_("预警办结"),
}

MODE_NAMES = {"direct": N_("直购"), "": ""}
