"""What a supplier is, whether it may trade, and how far a decision on that has come."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import N_
from app.policy import Permission


class Scale(StrEnum):
    """Size class of an enterprise; micro, small and medium ones are SMEs (中小企业划型)."""

    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Standing(StrEnum):
    """Whether a supplier may trade now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    BANNED = "banned"
    REMOVED = "removed"


class DecisionKind(StrEnum):
    """What a decision does to a supplier's trade."""

    SUSPENSION = "suspension"
    BAN = "ban"


class DecisionState(StrEnum):
    """Where a decision stands."""

    ORDERED = "ordered"
    IN_FORCE = "in_force"
    LAPSED = "lapsed"
    LIFTED = "lifted"


class DecisionAction(StrEnum):
    """What moves a decision on."""

    BEGIN = "begin"
    LAPSE = "lapse"
    LIFT = "lift"


@dataclass(frozen=True)
class Step:
    """One allowed move; without a permission the clock makes it."""

    source: DecisionState
    action: DecisionAction
    target: DecisionState
    permission: Permission | None = None


STEPS: tuple[Step, ...] = (
    Step(DecisionState.ORDERED, DecisionAction.BEGIN, DecisionState.IN_FORCE),
    Step(DecisionState.ORDERED, DecisionAction.LIFT, DecisionState.LIFTED, Permission.SUPPLIER_SUSPEND),
    Step(DecisionState.IN_FORCE, DecisionAction.LAPSE, DecisionState.LAPSED),
    Step(DecisionState.IN_FORCE, DecisionAction.LIFT, DecisionState.LIFTED, Permission.SUPPLIER_SUSPEND),
)

DECISION_KIND_NAMES: dict[DecisionKind, str] = {
    DecisionKind.SUSPENSION: N_("暂停交易"),
    DecisionKind.BAN: N_("禁止参加政府采购"),
}

DECISION_STATE_NAMES: dict[DecisionState, str] = {
    DecisionState.ORDERED: N_("未到生效日"),
    DecisionState.IN_FORCE: N_("执行中"),
    DecisionState.LAPSED: N_("到期解除"),
    DecisionState.LIFTED: N_("提前解除"),
}


def next_state(state: DecisionState, action: DecisionAction) -> DecisionState | None:
    """Where this action leads from this state; None when the table has no such step."""
    return next((step.target for step in STEPS if step.source is state and step.action is action), None)
