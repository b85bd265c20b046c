"""What a move of budget money is, and why one may be refused. Amounts in fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.kernel.errors import N_, Conflict, Invalid, Missing
from orders.budgets.states import WAYS, ControlKind, Pool


class OverBudget(Conflict):
    """The control has less left than is wanted (预算法 13; 政府采购法 6)."""

    code = "budget.over"
    message = N_("预算可用 %(free)s 元，需要 %(wanted)s 元，超出可用额度")
    way_out = N_("请减少数量、改用余额充足的采购计划明细，或先办理预算调剂")
    basis = N_("《中华人民共和国预算法》第十三条；《中华人民共和国政府采购法》第六条")
    control_id: int
    wanted_fen: int
    free_fen: int


class JustFreed(OverBudget):
    """The control had less left than is wanted; between that finding and the answer money came back, and it is enough now."""

    code = "budget.just_freed"
    message = N_("提交时预算可用额度或剩余数量不足；其间有资金退回，现可用 %(free)s 元，需要 %(wanted)s 元")
    way_out = N_("额度现已足够，请再提交一次")


class PoolShort(Conflict):
    """The money to be moved on is not (any more) in the pool it should come from."""

    code = "budget.pool_short"
    message = N_("预算台账的来源栏只有 %(there)s 元，不能转出 %(wanted)s 元")
    way_out = N_("请刷新页面：这笔资金可能已由他人处理")
    control_id: int
    pool: str
    wanted_fen: int
    there_fen: int


class OverQuantity(Conflict):
    """The plan line has fewer pieces left than are wanted (B04)."""

    code = "budget.over_quantity"
    message = N_("采购计划明细剩余数量 %(left)s，需要 %(wanted)s")
    way_out = N_("请减少数量，或改用数量充足的采购计划明细")
    control_id: int
    wanted: int
    left: int


class KeyReused(Conflict):
    """A key that already stands for one move was used for another."""

    code = "budget.key_reused"
    message = N_("记账键 %(key)s 已用于另一笔变动")
    key: str


class BelowUse(Conflict):
    """An allotment cannot fall below what has been used of it."""

    code = "budget.below_use"
    message = N_("指标 %(allotment)s 已使用 %(used)s 元，不能调减到 %(target)s 元")
    way_out = N_("请先撤销或终止占用该指标的订单，再调减")
    allotment: str
    used_fen: int
    target_fen: int


class LinesAboveAllotment(Conflict):
    """The procurement-budget lines of an allotment together are more than the allotment."""

    code = "budget.lines_above_allotment"
    message = N_("指标 %(allotment)s 金额 %(amount)s 元，其采购预算明细合计将达 %(lines)s 元，超出指标")
    way_out = N_("请减少明细金额，或先追加指标")
    allotment: str
    amount_fen: int
    lines_fen: int


class NumberTaken(Conflict):
    """The number or code is already in the books."""

    code = "budget.number_taken"
    message = N_("编号 %(number)s 已存在，不能重复登记")
    number: str


class UnknownAllotment(Missing):
    """No allotment of this number is there (for this actor)."""

    code = "budget.unknown_allotment"
    message = N_("没有找到指标 %(allotment)s，或您无权查看")
    allotment: str


class NothingMoved(Invalid):
    """An amount of zero moves nothing."""

    code = "budget.nothing_moved"
    message = N_("变动金额不能为零")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """One move of money between two pools of a control; `key` names it once for ever.

    `quantity` counts pieces on a plan line's control: taken from FREE they are ordered, back to FREE they are free again.
    """

    key: str
    control_id: int
    source: Pool
    target: Pool
    amount_fen: int
    stream: str
    version: int
    quantity: int = 0
    order_line_id: int | None = None

    def __post_init__(self) -> None:
        if self.amount_fen <= 0 or self.quantity < 0 or (self.source, self.target) not in WAYS:
            raise ValueError(f"no such move: {self.amount_fen} from {self.source} to {self.target}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What one order line moves in both its controls: fen in the plan line and in the allotment, pieces in the plan line."""

    order_line_id: int
    plan_control_id: int
    allotment_control_id: int
    amount_fen: int
    quantity: int


def moves(draws: Sequence[Draw], source: Pool, target: Pool, *, stream: str, version: int) -> list[MoveRequest]:
    """The moves of some order lines between two pools, two for each line, with keys made from the event they belong to."""
    requests: list[MoveRequest] = []
    for draw in draws:
        for control_id, quantity in ((draw.plan_control_id, draw.quantity), (draw.allotment_control_id, 0)):
            requests.append(
                MoveRequest(
                    key=f"{stream}:{version}:{draw.order_line_id}:{control_id}:{target.value}",
                    control_id=control_id,
                    source=source,
                    target=target,
                    amount_fen=draw.amount_fen,
                    quantity=quantity,
                    order_line_id=draw.order_line_id,
                    stream=stream,
                    version=version,
                )
            )
    return requests


@dataclass(slots=True)
class Change:
    """What the moves of one command change in one control: fen by pool, pieces ordered, pieces allowed."""

    fen: dict[Pool, int]
    ordered: int = 0
    allowed: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether everything cancels out."""
        return not (any(self.fen.values()) or self.ordered or self.allowed)


def net(requests: Sequence[MoveRequest]) -> dict[int, Change]:
    """What the moves change in each control, in control id order."""
    changes: dict[int, Change] = {}
    for request in requests:
        change = changes.setdefault(request.control_id, Change({}))
        change.fen[request.source] = change.fen.get(request.source, 0) - request.amount_fen
        change.fen[request.target] = change.fen.get(request.target, 0) + request.amount_fen
        if request.source is Pool.OUTSIDE:
            change.allowed += request.quantity
        elif request.target is Pool.OUTSIDE:
            change.allowed -= request.quantity
        elif request.source is Pool.FREE:
            change.ordered += request.quantity
        elif request.target is Pool.FREE:
            change.ordered -= request.quantity
    return {control_id: changes[control_id] for control_id in sorted(changes)}


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A control to be opened: whose, for which year, how much (fen, and pieces on a plan line), by which event.

    `key` names its first move.
    """

    kind: ControlKind
    unit_id: int
    year: int
    amount_fen: int
    stream: str
    version: int
    key: str
    quantity: int | None = None


@dataclass(frozen=True, kw_only=True)
class AllotmentInput:
    """An allotment as the books of the finance department have it; amount in fen."""

    number: str
    unit_id: int
    unit_name: str
    region: str
    year: int
    project_code: str
    project_name: str
    project_kind: str
    functional_class: str
    economic_class: str
    fund_nature: str
    source: str
    document_number: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class LineInput:
    """A line of the procurement budget under an allotment; amount in fen."""

    allotment: str
    code: str
    category_code: str
    name: str
    quantity: int
    amount_fen: int
    sme_reserved: bool = True
    import_allowed: bool = False


@dataclass(frozen=True)
class Planned:
    """How much of one budget line a plan takes (or gives back, negative); fen and pieces."""

    budget_line_id: int
    amount_fen: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant of the books that does not hold: which, where, what it should be and what it is."""

    invariant: int
    subject: str
    expected: str
    found: str


INVARIANTS: Final[Mapping[int, str]] = {
    1: N_("任何额度不得超支"),
    2: N_("四栏余额等于变动之和"),
    3: N_("四栏余额等于按订单状态汇总之和"),
    4: N_("每笔冻结只了结一次"),
    5: N_("每单累计：已付 ≤ 应付 ≤ 承诺 ≤ 冻结"),
    6: N_("每笔变动、每次状态变化都有事件"),
    7: N_("同一键只有一笔变动、一次提交，每家供应商一张订单"),
    8: N_("退款不超过已付"),
    9: N_("指标不低于已使用额"),
    10: N_("单位、地区、全省逐级相加一致"),
    11: N_("付款皆有验收，验收皆有备案合同"),
    12: N_("逾期的冻结在一分钟内释放"),
}
"""Numbers and names of the books' invariants."""
