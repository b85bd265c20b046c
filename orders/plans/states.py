"""States of a filed plan."""

from enum import StrEnum

from app.kernel.errors import N_


class PlanState(StrEnum):
    """Where a plan stands."""

    FILED = "filed"
    RETURNED = "returned"
    VOID = "void"
    CLOSED = "closed"


STATE_NAMES: dict[PlanState, str] = {
    PlanState.FILED: N_("已备案"),
    PlanState.RETURNED: N_("退回补正"),
    PlanState.VOID: N_("已作废"),
    PlanState.CLOSED: N_("已执行完"),
}
