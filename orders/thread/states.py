"""Groups of states that lists are narrowed by, sort orders, and the kinds of work that wait for somebody."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import N_
from app.policy import Permission
from orders.purchases.states import FINAL, State

OPEN: tuple[State, ...] = tuple(state for state in State if state not in FINAL)
"""The states in which an order still waits for somebody, in the order of the loop."""


class Group(StrEnum):
    """Several states at once."""

    OPEN = "open"
    DONE = "done"
    ENDED = "ended"


STATES_OF: dict[Group, tuple[State, ...]] = {
    Group.OPEN: OPEN,
    Group.DONE: (State.CLOSED,),
    Group.ENDED: tuple(state for state in State if state in FINAL - {State.CLOSED}),
}

GROUP_NAMES: dict[Group, str] = {Group.OPEN: N_("办理中"), Group.DONE: N_("办结"), Group.ENDED: N_("未成")}


class Sort(StrEnum):
    """What a list of orders is ordered by."""

    SUBMITTED = "submitted"
    TOTAL = "total"
    DUE = "due"


class Kind(StrEnum):
    """A kind of work on the workbench."""

    EXPLAIN = "explain"
    CLEAR = "clear"
    APPROVE = "approve"
    CONFIRM = "confirm"
    SHIP = "ship"
    RECEIVE = "receive"
    ACCEPT = "accept"
    AGREE = "agree"
    INVOICE = "invoice"
    PAY = "pay"
    CARD = "card"
    RATE = "rate"
    PLAN = "plan"
    CHECK_PLAN = "check_plan"
    STOCK = "stock"


OF_ORDERS = frozenset(
    {
        Kind.EXPLAIN,
        Kind.CLEAR,
        Kind.APPROVE,
        Kind.CONFIRM,
        Kind.SHIP,
        Kind.RECEIVE,
        Kind.ACCEPT,
        Kind.AGREE,
        Kind.INVOICE,
        Kind.PAY,
        Kind.RATE,
    }
)
"""Kinds whose pieces are orders, so that the list of orders can show exactly them."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A kind of work: what it is called, why it must be done, who may do it, and where."""

    label: str
    hint: str
    verb: str
    icon: str
    permission: Permission
    href: str


WORKS: dict[Kind, Work] = {
    Kind.EXPLAIN: Work(label=N_("待补说明"), hint=N_("校验挂起的订单"), verb=N_("填写"), icon="message-question",
                       permission=Permission.ORDER_EXPLAIN, href="/orders?todo=explain"),
    Kind.CLEAR: Work(label=N_("待放行"), hint=N_("经办人已说明，由单位负责人决定"), verb=N_("去放行"), icon="hand-stop",
                     permission=Permission.HOLD_CLEAR, href="/approvals?show=held"),
    Kind.APPROVE: Work(label=N_("待我审批"), hint=N_("逾期自动释放额度"), verb=N_("去审批"), icon="signature",
                       permission=Permission.ORDER_APPROVE, href="/approvals"),
    Kind.CONFIRM: Work(label=N_("待确认订单"), hint=N_("确认即成约，逾期释放"), verb=N_("去确认"), icon="file-check",
                       permission=Permission.CONTRACT_CONFIRM, href="/orders?todo=confirm"),
    Kind.SHIP: Work(label=N_("待发货"), hint=N_("可分批发货"), verb=N_("去发货"), icon="package-export",
                    permission=Permission.GOODS_SHIP, href="/orders?todo=ship"),
    Kind.RECEIVE: Work(label=N_("待签收"), hint=N_("包裹已发出"), verb=N_("去签收"), icon="truck-delivery",
                       permission=Permission.GOODS_ACCEPT, href="/orders?todo=receive"),
    Kind.ACCEPT: Work(label=N_("待我验收"), hint=N_("逾期视同验收"), verb=N_("去验收"), icon="clipboard-check",
                      permission=Permission.GOODS_ACCEPT, href="/orders?todo=accept"),
    Kind.AGREE: Work(label=N_("待签署终止"), hint=N_("对方提出终止合同"), verb=N_("签署"), icon="arrows-exchange",
                     permission=Permission.CONTRACT_AGREE, href="/orders?todo=agree"),
    Kind.INVOICE: Work(label=N_("待开票"), hint=N_("已验收，按验收金额开具"), verb=N_("去开票"), icon="file-invoice",
                       permission=Permission.INVOICE_ISSUE, href="/orders?todo=invoice"),
    Kind.PAY: Work(label=N_("待支付申请"), hint=N_("票据齐全，按付款期限"), verb=N_("去申请"), icon="coin-yuan",
                   permission=Permission.PAYMENT_APPLY, href="/orders?todo=pay"),
    Kind.CARD: Work(label=N_("资产卡片待完善"), hint=N_("填写使用人与存放地点"), verb=N_("去登记"), icon="building-warehouse",
                    permission=Permission.ASSET_KEEP, href="/assets?state=draft"),
    Kind.RATE: Work(label=N_("待评价"), hint=N_("不评价不计分"), verb=N_("去评价"), icon="star",
                    permission=Permission.RATING_GIVE, href="/orders?todo=rate"),
    Kind.PLAN: Work(label=N_("计划退回补正"), hint=N_("财政部门已写明理由"), verb=N_("去补正"), icon="arrow-back-up",
                    permission=Permission.PLAN_FILE, href="/plans?state=returned"),
    Kind.CHECK_PLAN: Work(label=N_("备案计划待查"), hint=N_("退回期内的计划"), verb=N_("去查看"), icon="list-check",
                          permission=Permission.PLAN_RETURN, href="/plans/desk"),
    Kind.STOCK: Work(label=N_("在架无货"), hint=N_("补货或下架"), verb=N_("去处理"), icon="package",
                     permission=Permission.LISTING_KEEP, href="/listings/?tab=low"),
}
