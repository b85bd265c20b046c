"""Where a listing stands, the one table of its steps, and where a review stands. Nothing else moves a listing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel.errors import N_, Conflict
from app.policy import Permission


class Shelf(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    REVIEW = "review"
    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"
    SUSPENDED = "suspended"
    FROZEN = "frozen"


SHELF_NAMES: Final[dict[Shelf, str]] = {
    Shelf.DRAFT: N_("草稿"),
    Shelf.REVIEW: N_("待审核"),
    Shelf.ON_SHELF: N_("在架"),
    Shelf.OFF_SHELF: N_("已下架"),
    Shelf.SUSPENDED: N_("暂停销售"),
    Shelf.FROZEN: N_("已冻结"),
}


class Action(StrEnum):
    """What moves a listing."""

    SHELVE = "shelve"
    PROPOSE = "propose"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    WITHDRAW = "withdraw"
    TAKE_OFF = "take_off"
    SUSPEND = "suspend"
    LIFT = "lift"
    FREEZE = "freeze"
    THAW = "thaw"


ACTION_NAMES: Final[dict[Action, str]] = {
    Action.SHELVE: N_("上架"),
    Action.PROPOSE: N_("送审"),
    Action.APPROVE: N_("审核通过"),
    Action.SEND_BACK: N_("退回修改"),
    Action.WITHDRAW: N_("撤回送审"),
    Action.TAKE_OFF: N_("下架"),
    Action.SUSPEND: N_("暂停销售"),
    Action.LIFT: N_("恢复销售"),
    Action.FREEZE: N_("冻结"),
    Action.THAW: N_("解除冻结"),
}


@dataclass(frozen=True)
class Step:
    """One allowed step and the permission that the person behind it needs."""

    source: Shelf
    action: Action
    target: Shelf
    permission: Permission


_KEEP, _REVIEW, _FREEZE = Permission.LISTING_KEEP, Permission.LISTING_REVIEW, Permission.LISTING_FREEZE

STEPS: Final[tuple[Step, ...]] = (
    Step(Shelf.DRAFT, Action.SHELVE, Shelf.ON_SHELF, _KEEP),
    Step(Shelf.DRAFT, Action.PROPOSE, Shelf.REVIEW, _KEEP),
    Step(Shelf.OFF_SHELF, Action.SHELVE, Shelf.ON_SHELF, _KEEP),
    Step(Shelf.OFF_SHELF, Action.PROPOSE, Shelf.REVIEW, _KEEP),
    Step(Shelf.SUSPENDED, Action.PROPOSE, Shelf.REVIEW, _KEEP),
    Step(Shelf.REVIEW, Action.APPROVE, Shelf.ON_SHELF, _REVIEW),
    Step(Shelf.REVIEW, Action.SEND_BACK, Shelf.DRAFT, _REVIEW),
    Step(Shelf.REVIEW, Action.WITHDRAW, Shelf.DRAFT, _KEEP),
    Step(Shelf.ON_SHELF, Action.TAKE_OFF, Shelf.OFF_SHELF, _KEEP),
    Step(Shelf.ON_SHELF, Action.SUSPEND, Shelf.SUSPENDED, _REVIEW),
    Step(Shelf.SUSPENDED, Action.LIFT, Shelf.ON_SHELF, _REVIEW),
    *(Step(source, Action.FREEZE, Shelf.FROZEN, _FREEZE) for source in Shelf if source is not Shelf.FROZEN),
    Step(Shelf.FROZEN, Action.THAW, Shelf.OFF_SHELF, _FREEZE),
)
"""The quick lane is SHELVE: every check of the gate passed. PROPOSE is the slow one: a rule holds the offer until the
catalogue keeper has looked at it. What was suspended always takes the slow lane; what was frozen comes back off the shelf."""


STEP_TO: Final = {Shelf.ON_SHELF: Action.SHELVE, Shelf.REVIEW: Action.PROPOSE, Shelf.OFF_SHELF: Action.TAKE_OFF}
"""What a supplier's table may do with a listing, by where it is to stand."""


class ReviewState(StrEnum):
    """Where a review of an offer stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


REVIEW_NAMES: Final[dict[ReviewState, str]] = {
    ReviewState.WAITING: N_("待审核"),
    ReviewState.APPROVED: N_("审核通过"),
    ReviewState.RETURNED: N_("退回修改"),
    ReviewState.WITHDRAWN: N_("已撤回"),
}


class ShelfNotNow(Conflict):
    """The listing does not stand where this step begins."""

    code = "listing.not_now"
    message = N_("%(title)s 现为“%(state)s”，不能进行“%(action)s”")
    way_out = N_("请刷新页面查看商品的最新状态")
    title: str
    state: str
    action: str


def next_step(shelf: Shelf, action: Action, title: str) -> Step:
    """The step of this action from this shelf. Raises ShelfNotNow."""
    for step in STEPS:
        if step.source is shelf and step.action is action:
            return step
    raise ShelfNotNow(title=title, state=SHELF_NAMES[shelf], action=ACTION_NAMES[action])
