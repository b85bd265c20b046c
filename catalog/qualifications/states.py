"""How far a document that a supplier handed in has come."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import N_
from app.policy import Permission


class PaperState(StrEnum):
    """Where a document stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    REPLACED = "replaced"


class Action(StrEnum):
    """What moves a document on."""

    ACCEPT = "accept"
    RETURN = "return"
    REPLACE = "replace"


@dataclass(frozen=True)
class Step:
    """One allowed move, and who makes it."""

    source: PaperState
    action: Action
    target: PaperState
    permission: Permission


STEPS: tuple[Step, ...] = (
    Step(PaperState.WAITING, Action.ACCEPT, PaperState.ACCEPTED, Permission.SUPPLIER_REVIEW),
    Step(PaperState.WAITING, Action.RETURN, PaperState.RETURNED, Permission.SUPPLIER_REVIEW),
    Step(PaperState.WAITING, Action.REPLACE, PaperState.REPLACED, Permission.SUPPLIER_ADMINISTER),
    Step(PaperState.RETURNED, Action.REPLACE, PaperState.REPLACED, Permission.SUPPLIER_ADMINISTER),
    Step(PaperState.ACCEPTED, Action.REPLACE, PaperState.REPLACED, Permission.SUPPLIER_REVIEW),
)
"""A renewal takes the place of an accepted document only when it is accepted itself."""

STATE_NAMES: dict[PaperState, str] = {
    PaperState.WAITING: N_("待审核"),
    PaperState.ACCEPTED: N_("审核通过"),
    PaperState.RETURNED: N_("已退回"),
    PaperState.REPLACED: N_("已换新"),
}

TONES: dict[PaperState, str] = {
    PaperState.WAITING: "hold",
    PaperState.ACCEPTED: "ok",
    PaperState.RETURNED: "bad",
    PaperState.REPLACED: "dim",
}


def next_state(state: PaperState, action: Action) -> PaperState | None:
    """Where this action leads from this state; None when the table has no such step."""
    return next((step.target for step in STEPS if step.source is state and step.action is action), None)
