"""Facts of an order's life. Amounts in fen."""

from dataclasses import dataclass
from typing import Any, ClassVar

from app.kernel.events import Fact
from orders.purchases.states import Action


@dataclass(frozen=True, kw_only=True)
class SubmissionRefused(Fact):
    """A cart was sent off and refused; nothing moved."""

    type: ClassVar[str] = "submission.refused"
    attempt: str
    unit_id: int
    unit_name: str
    buyer_id: int
    total_fen: int
    supplier_ids: tuple[int, ...]
    supplier_names: tuple[str, ...]
    categories: tuple[str, ...]
    verdicts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class OrderMoved(Fact):
    """What every event of an order carries, so that those who watch need not look anything up."""

    order: str
    unit_id: int
    unit_name: str
    supplier_id: int
    supplier_name: str
    total_fen: int
    categories: tuple[str, ...]
    state: str
    previous: str | None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderSubmitted(OrderMoved):
    """An order came out of a submission; money is reserved."""

    type: ClassVar[str] = "order.submitted"
    submission: str
    buyer_id: int
    lines: tuple[dict[str, Any], ...]
    verdicts: tuple[dict[str, Any], ...]
    comparison: dict[str, str] | None = None
    """Number and digest of the frozen comparison that the submission cites."""


@dataclass(frozen=True, kw_only=True)
class OrderStepped(OrderMoved):
    """An order took a step of the table; each action has a fact of its own."""

    action: str
    lines: tuple[dict[str, Any], ...] = ()
    details: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class OrderExplained(OrderStepped):
    """The buyer explained why the order should not be held; it stays held until somebody else clears it."""

    type: ClassVar[str] = "order.explained"


@dataclass(frozen=True, kw_only=True)
class OrderCleared(OrderStepped):
    """The unit's finance head cleared the hold; the order goes to approval."""

    type: ClassVar[str] = "order.cleared"


@dataclass(frozen=True, kw_only=True)
class OrderReleased(OrderStepped):
    """The finance head did not clear the hold; money is released."""

    type: ClassVar[str] = "order.released"


@dataclass(frozen=True, kw_only=True)
class OrderApproved(OrderStepped):
    """Another person approved; the supplier's clock starts."""

    type: ClassVar[str] = "order.approved"


@dataclass(frozen=True, kw_only=True)
class OrderRejected(OrderStepped):
    """The approver rejected every line; money is released."""

    type: ClassVar[str] = "order.rejected"


@dataclass(frozen=True, kw_only=True)
class OrderWithdrawn(OrderStepped):
    """The buyer withdrew before the contract; money is released."""

    type: ClassVar[str] = "order.withdrawn"


@dataclass(frozen=True, kw_only=True)
class OrderConfirmed(OrderStepped):
    """The supplier confirmed: the contract is concluded, money is committed."""

    type: ClassVar[str] = "order.confirmed"


@dataclass(frozen=True, kw_only=True)
class OrderRefused(OrderStepped):
    """The supplier refused with a code; money is released."""

    type: ClassVar[str] = "order.refused"


@dataclass(frozen=True, kw_only=True)
class OrderLapsed(OrderStepped):
    """A deadline ran out; money is released."""

    type: ClassVar[str] = "order.lapsed"


@dataclass(frozen=True, kw_only=True)
class OrderTerminated(OrderStepped):
    """Contract ended by agreement or by sending all back; money is released."""

    type: ClassVar[str] = "order.terminated"


@dataclass(frozen=True, kw_only=True)
class OrderShipped(OrderStepped):
    """A parcel is on its way."""

    type: ClassVar[str] = "order.shipped"


@dataclass(frozen=True, kw_only=True)
class OrderDelivered(OrderStepped):
    """Everything sent has arrived."""

    type: ClassVar[str] = "order.delivered"


@dataclass(frozen=True, kw_only=True)
class OrderAccepted(OrderStepped):
    """Goods were accepted (signed, or deemed when time ran out); money is accrued."""

    type: ClassVar[str] = "order.accepted"


@dataclass(frozen=True, kw_only=True)
class OrderInvoiced(OrderStepped):
    """The accepted goods are invoiced."""

    type: ClassVar[str] = "order.invoiced"


@dataclass(frozen=True, kw_only=True)
class OrderPaymentApplied(OrderStepped):
    """The finance officer asked the treasury to pay."""

    type: ClassVar[str] = "order.payment_applied"


@dataclass(frozen=True, kw_only=True)
class OrderPaymentReturned(OrderStepped):
    """The treasury returned the application with a reason."""

    type: ClassVar[str] = "order.payment_returned"


@dataclass(frozen=True, kw_only=True)
class OrderPaid(OrderStepped):
    """The treasury's receipt came; money is paid."""

    type: ClassVar[str] = "order.paid"


@dataclass(frozen=True, kw_only=True)
class OrderClosed(OrderStepped):
    """All lines paid or returned, cards registered."""

    type: ClassVar[str] = "order.closed"


FACT_OF: dict[Action, type[OrderStepped]] = {
    Action.EXPLAIN: OrderExplained,
    Action.CLEAR: OrderCleared,
    Action.RELEASE: OrderReleased,
    Action.APPROVE: OrderApproved,
    Action.REJECT: OrderRejected,
    Action.WITHDRAW: OrderWithdrawn,
    Action.CONFIRM: OrderConfirmed,
    Action.REFUSE: OrderRefused,
    Action.LAPSE: OrderLapsed,
    Action.TERMINATE: OrderTerminated,
    Action.SHIP: OrderShipped,
    Action.DELIVER: OrderDelivered,
    Action.ACCEPT: OrderAccepted,
    Action.INVOICE: OrderInvoiced,
    Action.APPLY: OrderPaymentApplied,
    Action.RETURN_APPLICATION: OrderPaymentReturned,
    Action.PAY: OrderPaid,
    Action.CLOSE: OrderClosed,
}
