"""States of an order and the one table of its steps. Nothing else moves an order."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import N_, Conflict
from app.policy import Permission


class State(StrEnum):
    """Where an order stands."""

    HELD = "held"
    SUBMITTED = "submitted"
    PLACED = "placed"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    INVOICED = "invoiced"
    PAYING = "paying"
    PAID = "paid"
    CLOSED = "closed"
    REJECTED = "rejected"
    REFUSED = "refused"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"


STATE_NAMES: dict[State, str] = {
    State.HELD: N_("挂起待说明"),
    State.SUBMITTED: N_("待审批"),
    State.PLACED: N_("待供应商确认"),
    State.CONFIRMED: N_("已确认，待发货"),
    State.SHIPPED: N_("已发货"),
    State.DELIVERED: N_("待验收"),
    State.ACCEPTED: N_("已验收，待开票"),
    State.INVOICED: N_("已开票，待支付"),
    State.PAYING: N_("支付中"),
    State.PAID: N_("已支付"),
    State.CLOSED: N_("办结"),
    State.REJECTED: N_("审批驳回"),
    State.REFUSED: N_("供应商拒单"),
    State.LAPSED: N_("超时释放"),
    State.CANCELLED: N_("已撤销"),
    State.TERMINATED: N_("合同终止"),
}

FINAL = frozenset({State.CLOSED, State.REJECTED, State.REFUSED, State.LAPSED, State.CANCELLED, State.TERMINATED})
"""Nothing moves an order from here; no money of it is reserved or committed any more."""


class Action(StrEnum):
    """What moves an order."""

    SUBMIT = "submit"
    EXPLAIN = "explain"
    CLEAR = "clear"
    RELEASE = "release"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    REFUSE = "refuse"
    LAPSE = "lapse"
    TERMINATE = "terminate"
    SHIP = "ship"
    DELIVER = "deliver"
    ACCEPT = "accept"
    INVOICE = "invoice"
    APPLY = "apply"
    RETURN_APPLICATION = "return_application"
    PAY = "pay"
    CLOSE = "close"


@dataclass(frozen=True)
class Step:
    """One allowed step; `permission` is what the person behind it needs (None: only the system)."""

    source: State
    action: Action
    target: State
    permission: Permission | None


STEPS: tuple[Step, ...] = (
    Step(State.HELD, Action.EXPLAIN, State.HELD, Permission.ORDER_EXPLAIN),
    Step(State.HELD, Action.CLEAR, State.SUBMITTED, Permission.HOLD_CLEAR),
    Step(State.HELD, Action.RELEASE, State.REJECTED, Permission.HOLD_CLEAR),
    Step(State.HELD, Action.WITHDRAW, State.CANCELLED, Permission.ORDER_SUBMIT),
    Step(State.HELD, Action.LAPSE, State.LAPSED, None),
    Step(State.SUBMITTED, Action.APPROVE, State.PLACED, Permission.ORDER_APPROVE),
    Step(State.SUBMITTED, Action.REJECT, State.REJECTED, Permission.ORDER_APPROVE),
    Step(State.SUBMITTED, Action.WITHDRAW, State.CANCELLED, Permission.ORDER_SUBMIT),
    Step(State.SUBMITTED, Action.LAPSE, State.LAPSED, None),
    Step(State.PLACED, Action.CONFIRM, State.CONFIRMED, Permission.CONTRACT_CONFIRM),
    Step(State.PLACED, Action.REFUSE, State.REFUSED, Permission.CONTRACT_CONFIRM),
    Step(State.PLACED, Action.WITHDRAW, State.CANCELLED, Permission.ORDER_SUBMIT),
    Step(State.PLACED, Action.LAPSE, State.LAPSED, None),
    Step(State.CONFIRMED, Action.TERMINATE, State.TERMINATED, Permission.CONTRACT_AGREE),
    Step(State.CONFIRMED, Action.SHIP, State.SHIPPED, Permission.GOODS_SHIP),
    Step(State.SHIPPED, Action.SHIP, State.SHIPPED, Permission.GOODS_SHIP),
    Step(State.SHIPPED, Action.DELIVER, State.DELIVERED, Permission.GOODS_RECEIVE),
    Step(State.DELIVERED, Action.SHIP, State.SHIPPED, Permission.GOODS_SHIP),
    Step(State.SHIPPED, Action.ACCEPT, State.SHIPPED, Permission.GOODS_ACCEPT),
    Step(State.SHIPPED, Action.TERMINATE, State.TERMINATED, Permission.CONTRACT_AGREE),
    Step(State.DELIVERED, Action.ACCEPT, State.ACCEPTED, Permission.GOODS_ACCEPT),
    Step(State.DELIVERED, Action.TERMINATE, State.TERMINATED, Permission.GOODS_ACCEPT),
    Step(State.ACCEPTED, Action.INVOICE, State.INVOICED, Permission.INVOICE_ISSUE),
    Step(State.INVOICED, Action.INVOICE, State.INVOICED, Permission.INVOICE_ISSUE),
    Step(State.INVOICED, Action.APPLY, State.PAYING, Permission.PAYMENT_APPLY),
    Step(State.PAYING, Action.RETURN_APPLICATION, State.INVOICED, None),
    Step(State.PAYING, Action.PAY, State.PAID, None),
    Step(State.PAID, Action.CLOSE, State.CLOSED, None),
)

PATH: tuple[State, ...] = (
    State.SUBMITTED,
    State.PLACED,
    State.CONFIRMED,
    State.SHIPPED,
    State.DELIVERED,
    State.ACCEPTED,
    State.INVOICED,
    State.PAYING,
    State.PAID,
    State.CLOSED,
)
"""The plain way of an order, for the spine."""


class NotNow(Conflict):
    """The order does not stand where this step begins."""

    code = "order.not_now"
    message = N_("订单现为“%(state)s”，不能进行“%(action)s”")
    way_out = N_("请刷新页面查看订单的最新状态")
    state: str
    action: str


def next_state(state: State, action: Action) -> Step:
    """The step of this action from this state. Raises NotNow."""
    for step in STEPS:
        if step.source is state and step.action is action:
            return step
    raise NotNow(state=STATE_NAMES[state], action=ACTION_NAMES[action])


ACTION_NAMES: dict[Action, str] = {
    Action.SUBMIT: N_("提交"),
    Action.EXPLAIN: N_("说明"),
    Action.CLEAR: N_("解除挂起"),
    Action.RELEASE: N_("不予放行"),
    Action.APPROVE: N_("审批通过"),
    Action.REJECT: N_("驳回"),
    Action.WITHDRAW: N_("撤回"),
    Action.CONFIRM: N_("确认成约"),
    Action.REFUSE: N_("拒单"),
    Action.LAPSE: N_("超时释放"),
    Action.TERMINATE: N_("终止合同"),
    Action.SHIP: N_("发货"),
    Action.DELIVER: N_("签收"),
    Action.ACCEPT: N_("验收"),
    Action.INVOICE: N_("开票"),
    Action.APPLY: N_("支付申请"),
    Action.RETURN_APPLICATION: N_("退回支付申请"),
    Action.PAY: N_("支付"),
    Action.CLOSE: N_("办结"),
}
