"""States of an order on its way to the supplier's own shop."""

from enum import StrEnum

from app.kernel.errors import N_


class DispatchState(StrEnum):
    """What the shop and the mall know of each other's order."""

    SENT = "sent"
    TAKEN = "taken"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


DISPATCH_NAMES: dict[DispatchState, str] = {
    DispatchState.SENT: N_("已推送，等待回答"),
    DispatchState.TAKEN: N_("对方已接单，待告知成约"),
    DispatchState.CONFIRMED: N_("对方已收到成约"),
    DispatchState.REFUSED: N_("对方拒单"),
    DispatchState.CANCELLING: N_("正在告知取消"),
    DispatchState.CANCELLED: N_("对方已取消"),
}

OPEN = frozenset({DispatchState.SENT, DispatchState.TAKEN, DispatchState.CONFIRMED})
"""The shop has, or may have, an order that the mall still stands by."""
