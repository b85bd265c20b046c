"""States of an application to enter the supplier library, and the table of its steps."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import N_
from app.policy import Permission


class State(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ADMITTED = "admitted"
    LAPSED = "lapsed"


class Action(StrEnum):
    """What moves an application on."""

    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    RETURN = "return"
    ADMIT = "admit"
    LAPSE = "lapse"


@dataclass(frozen=True)
class Step:
    """One allowed move; without a permission the clock makes it."""

    source: State
    action: Action
    target: State
    permission: Permission | None = None


STEPS: tuple[Step, ...] = (
    Step(State.DRAFT, Action.SUBMIT, State.SUBMITTED, Permission.SUPPLIER_ADMINISTER),
    Step(State.RETURNED, Action.SUBMIT, State.SUBMITTED, Permission.SUPPLIER_ADMINISTER),
    Step(State.SUBMITTED, Action.WITHDRAW, State.DRAFT, Permission.SUPPLIER_ADMINISTER),
    Step(State.SUBMITTED, Action.RETURN, State.RETURNED, Permission.SUPPLIER_REVIEW),
    Step(State.SUBMITTED, Action.ADMIT, State.ADMITTED, Permission.SUPPLIER_REVIEW),
    Step(State.DRAFT, Action.LAPSE, State.LAPSED),
    Step(State.RETURNED, Action.LAPSE, State.LAPSED),
)

OPEN = frozenset({State.DRAFT, State.RETURNED})
"""The supplier may write in it."""

STATE_NAMES: dict[State, str] = {
    State.DRAFT: N_("填写中"),
    State.SUBMITTED: N_("待审核"),
    State.RETURNED: N_("退回补正"),
    State.ADMITTED: N_("已入驻"),
    State.LAPSED: N_("逾期作废"),
}

TONES: dict[State, str] = {
    State.DRAFT: "info",
    State.SUBMITTED: "hold",
    State.RETURNED: "bad",
    State.ADMITTED: "ok",
    State.LAPSED: "dim",
}


class Part(StrEnum):
    """The steps of the form, in the order in which they are asked."""

    COMPANY = "company"
    SCOPE = "scope"
    CONTACT = "contact"
    PAPERS = "papers"
    AGREEMENT = "agreement"


PART_NAMES: dict[Part, str] = {
    Part.COMPANY: N_("企业信息"),
    Part.SCOPE: N_("经营与供货范围"),
    Part.CONTACT: N_("联系与收款"),
    Part.PAPERS: N_("资质材料"),
    Part.AGREEMENT: N_("入驻协议"),
}


def next_state(state: State, action: Action) -> State | None:
    """Where this action leads from this state; None when the table has no such step."""
    return next((step.target for step in STEPS if step.source is state and step.action is action), None)
