"""What gathers the loop, as plain decisions: the filters of the list, and the steps of the spine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from app.kernel.errors import N_, Invalid
from app.policy import ROLE_NAMES, Role
from catalog.taxonomy.rules import TermName
from orders.budgets.states import BUCKETS, Pool
from orders.purchases.states import FINAL, PATH, STATE_NAMES, State
from orders.thread.states import STATES_OF, Group, Kind, Sort

Said = tuple[str, dict[str, Any]]
"""A sentence marked with N_ and its facts; those ending in _fen are shown in yuan."""

LONGEST_TEXT = 100


class BadFilter(Invalid):
    """A filter of the list has a value it cannot have."""

    code = "orders.bad_filter"
    message = N_("筛选条件 %(name)s 不能取值“%(value)s”")
    way_out = N_("请清除筛选后重新选择")
    name: str
    value: str


# ---------------------------------------------------------------- filters of the list


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What narrows and orders a list of orders; every one of them stands in the address."""

    state: State | Group | None = None
    q: str = ""
    since: date | None = None
    until: date | None = None
    unit: int | None = None
    supplier: int | None = None
    region: str | None = None
    control: int | None = None
    bucket: Pool | None = None
    todo: Kind | None = None
    due: bool = False
    sort: Sort = Sort.SUBMITTED
    ascending: bool = False

    @property
    def states(self) -> tuple[State, ...]:
        """The states asked for; empty for all."""
        if isinstance(self.state, Group):
            return STATES_OF[self.state]
        return (self.state,) if self.state is not None else ()

    @property
    def narrows(self) -> bool:
        """Whether anything but the order is asked for."""
        return any(getattr(self, each.name) not in (None, "", False) for each in fields(self) if each.name not in ("sort", "ascending"))


def address_of(filters: Filters, **changes: Any) -> dict[str, Any]:
    """The filters as they stand in an address, with some of them changed; what is not asked for is left out."""
    values = {each.name: getattr(filters, each.name) for each in fields(filters)} | changes
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if value in (None, "", False) or value is Sort.SUBMITTED:
            continue
        match name:
            case "ascending":
                plain["dir"] = "asc"
            case "due":
                plain["due"] = "1"
            case _:
                plain[name] = str(value)
    return plain


# ---------------------------------------------------------------- the order's money


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What of an order line went from one pool of its allotment to another."""

    control_id: int
    line_id: int
    source: Pool
    target: Pool
    amount_fen: int
    allotment: str
    economic_class: str


@dataclass(frozen=True, kw_only=True)
class Fund:
    """What of an allotment an order holds, in fen."""

    control_id: int
    allotment: str
    economic_class: str
    reserved_fen: int
    committed_fen: int
    accrued_fen: int
    paid_fen: int


def fold(moves: Sequence[Moved]) -> tuple[list[Fund], dict[int, int]]:
    """What an order's moves left in each bucket of each allotment, and what is paid of each line, in fen."""
    held: dict[tuple[int, str, str], dict[Pool, int]] = {}
    paid: dict[int, int] = {}
    for move in moves:
        figures = held.setdefault((move.control_id, move.allotment, move.economic_class), dict.fromkeys(Pool, 0))
        for pool, sign in ((move.source, -1), (move.target, 1)):
            figures[pool] += sign * move.amount_fen
            if pool is Pool.PAID:
                paid[move.line_id] = paid.get(move.line_id, 0) + sign * move.amount_fen
    funds = [
        Fund(control_id=key[0], allotment=key[1], economic_class=key[2], **{f"{pool.value}_fen": figures[pool] for pool in BUCKETS})
        for key, figures in held.items()
    ]
    return funds, paid


# ---------------------------------------------------------------- the spine


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event of an order's stream, as it was recorded."""

    version: int
    type: str
    at: datetime
    by_system: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the spine. Texts are marked with N_; `state` is done, now, todo or trouble."""

    title: str
    state: str
    type: str | None = None
    version: int | None = None
    who: str = ""
    at: datetime | None = None
    due_at: datetime | None = None
    due: Said | None = None
    said: tuple[Said, ...] = ()
    note: str | None = None


_TITLES: dict[str, str] = {
    "order.submitted": N_("提交"),
    "order.explained": N_("说明挂起原因"),
    "order.cleared": N_("解除挂起"),
    "order.released": N_("不予放行"),
    "order.approved": N_("审批通过"),
    "order.rejected": N_("审批驳回"),
    "order.withdrawn": N_("撤回"),
    "order.confirmed": N_("供应商确认，合同生效"),
    "order.refused": N_("供应商拒单"),
    "order.lapsed": N_("超时释放"),
    "order.terminated": N_("合同终止"),
    "order.shipped": N_("发货"),
    "order.delivered": N_("到货签收"),
    "order.accepted": N_("验收"),
    "order.invoiced": N_("开票"),
    "order.payment_applied": N_("支付申请"),
    "order.payment_returned": N_("国库退回支付申请"),
    "order.paid": N_("国库支付"),
    "order.closed": N_("办结"),
}

_DOERS: dict[str, Role] = {
    "order.submitted": Role.BUYER,
    "order.explained": Role.BUYER,
    "order.cleared": Role.APPROVER,
    "order.released": Role.APPROVER,
    "order.approved": Role.APPROVER,
    "order.rejected": Role.APPROVER,
    "order.withdrawn": Role.BUYER,
    "order.confirmed": Role.ORDER_CLERK,
    "order.refused": Role.ORDER_CLERK,
    "order.shipped": Role.ORDER_CLERK,
    "order.delivered": Role.ACCEPTOR,
    "order.accepted": Role.ACCEPTOR,
    "order.invoiced": Role.ORDER_CLERK,
    "order.payment_applied": Role.FINANCE,
}

_TROUBLE = frozenset(
    {"order.released", "order.rejected", "order.withdrawn", "order.refused", "order.lapsed", "order.terminated", "order.payment_returned"}
)
_INSIDE = frozenset({"order.submitted", "order.explained", "order.cleared", "order.released", "order.approved", "order.rejected"})
"""Steps whose reasons are the unit's own; its supplier learns that and when they were taken, not why."""

_AHEAD: dict[State, str] = {
    State.PLACED: N_("审批"),
    State.CONFIRMED: N_("供应商确认"),
    State.SHIPPED: N_("发货"),
    State.DELIVERED: N_("到货签收"),
    State.ACCEPTED: N_("验收"),
    State.INVOICED: N_("开票"),
    State.PAYING: N_("支付申请"),
    State.PAID: N_("国库支付"),
    State.CLOSED: N_("资产登记与办结"),
}

_TERMS: dict[State, tuple[TermName, str, str]] = {
    State.PLACED: (TermName.APPROVE, N_("提交后 %(n)s 个工作日内"), N_("提交后 %(n)s 日内")),
    State.CONFIRMED: (TermName.CONFIRM, N_("审批后 %(n)s 个工作日内"), N_("审批后 %(n)s 日内")),
    State.DELIVERED: (TermName.DELIVER, N_("确认后 %(n)s 个工作日内"), N_("确认后 %(n)s 日内")),
    State.ACCEPTED: (TermName.ACCEPT, N_("到货后 %(n)s 个工作日内"), N_("到货后 %(n)s 日内")),
    State.CLOSED: (TermName.REGISTER_ASSET, N_("支付后 %(n)s 个工作日内"), N_("支付后 %(n)s 日内")),
}
"""Until when a step ahead must be taken: the dated term and its words in working and in calendar days."""

_WAITS: dict[State, str] = {
    State.HELD: N_("由经办人说明、审批人放行；逾期自动释放额度"),
    State.SUBMITTED: N_("由经办人之外的审批人决定；逾期自动释放额度"),
    State.PLACED: N_("由供应商确认；逾期自动释放额度"),
    State.CONFIRMED: N_("由供应商发货"),
    State.SHIPPED: N_("分批到货，分批签收和验收"),
    State.DELIVERED: N_("由经办人之外的验收人逐项验收；逾期视同验收"),
    State.ACCEPTED: N_("由供应商按验收金额开票"),
    State.INVOICED: N_("由财务核对合同、验收、票据后申请支付"),
    State.PAYING: N_("由国库支付，以回单为准"),
    State.PAID: N_("资产卡片登记后办结"),
}

TONES: dict[State, str] = {
    State.HELD: "hold",
    State.REJECTED: "bad",
    State.REFUSED: "bad",
    State.LAPSED: "bad",
    State.TERMINATED: "bad",
    State.CANCELLED: "dim",
    State.PAID: "ok",
    State.CLOSED: "ok",
}
"""How a state is toned; the others are under way."""


def who(told: Told) -> str:
    """In what post somebody took the step, never who it was."""
    if told.type in {"order.payment_returned", "order.paid"}:
        return N_("国库")
    if told.by_system:
        return N_("系统")
    if told.type == "order.terminated":
        return N_("双方") if (told.body.get("details") or {}).get("agreed_for") else ROLE_NAMES[Role.ACCEPTOR]
    return ROLE_NAMES[_DOERS[told.type]] if told.type in _DOERS else N_("系统")


def past_step(told: Told, *, inside: bool) -> Step:
    """An event as a step of the spine; `inside` says whether the reader may see the unit's own reasons."""
    body, title = told.body, _TITLES.get(told.type, told.type)
    returned = sum(int(line.get("returned") or 0) for line in body.get("lines") or ())
    held = told.type == "order.submitted" and body.get("state") == State.HELD
    if told.type == "order.accepted":
        title = N_("逾期视同验收") if told.by_system else (title if body.get("state") == State.ACCEPTED else N_("部分验收"))
    trouble = told.type in _TROUBLE or bool(returned) or held
    open_to_reader = inside or told.type not in _INSIDE
    return Step(
        title=title,
        state="trouble" if trouble else "done",
        type=told.type,
        version=told.version,
        who=who(told),
        at=told.at,
        said=tuple(_said(told)) if open_to_reader else (),
        note=body.get("note") if open_to_reader else None,
    )


def _said(told: Told) -> list[Said]:
    body = told.body
    lines, details = body.get("lines") or (), body.get("details") or {}
    pieces = sum(int(line.get("quantity") or 0) for line in lines)
    money = {"total_fen": body.get("total_fen")}
    match told.type:
        case "order.submitted":
            said: list[Said] = [(N_("%(n)s 行，冻结 %(total)s 元"), {"n": len(lines), **money})]
            rules = sorted({str(each["rule"]) for each in body.get("verdicts") or () if each.get("outcome") == "hold"})
            return [*said, (N_("挂起：%(rules)s"), {"rules": "、".join(rules)})] if body.get("state") == State.HELD and rules else said
        case "order.approved":
            rejected = sum(line.get("decision") == "rejected" for line in lines)
            return [(N_("驳回 %(n)s 行，其余 %(total)s 元"), {"n": rejected, **money})] if rejected else []
        case "order.confirmed":
            return [(N_("冻结转承诺 %(total)s 元"), money)]
        case "order.shipped" if details.get("carrier"):
            sent_by = {"carrier": details["carrier"], "tracking": details.get("tracking", "")}
            return [(N_("%(n)s 件，%(carrier)s %(tracking)s"), {"n": pieces, **sent_by})]
        case "order.shipped" | "order.delivered":
            return [(N_("共 %(n)s 件"), {"n": pieces})]
        case "order.accepted" if lines:
            accepted = sum(int(line.get("accepted") or 0) for line in lines)
            returned = sum(int(line.get("returned") or 0) for line in lines)
            return [(N_("合格 %(accepted)s 件，退回 %(returned)s 件"), {"accepted": accepted, "returned": returned})]
        case "order.rejected" | "order.withdrawn" | "order.refused" | "order.lapsed" | "order.released":
            return [(N_("额度已释放"), {})]
        case "order.invoiced" if details.get("number"):
            return [(N_("发票 %(number)s，%(amount)s 元"), {"number": details["number"], "amount_fen": details.get("amount_fen")})]
        case "order.payment_applied" if details.get("application"):
            return [(N_("申请 %(number)s，%(amount)s 元"), {"number": details["application"], "amount_fen": details.get("amount_fen")})]
        case "order.paid" if details.get("receipt"):
            paid = {"receipt": details["receipt"], "amount_fen": details.get("amount_fen")}
            return [(N_("回单 %(receipt)s，应付转已付 %(amount)s 元"), paid)]
    return []


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Pieces of an order that are not sent yet, on their way, or not judged yet."""

    to_ship: int
    to_receive: int
    to_judge: int

    @property
    def said(self) -> tuple[Said, ...]:
        """Who has to do what with how many."""
        each = (
            (N_("供应商待发 %(n)s 件"), self.to_ship),
            (N_("在途待签收 %(n)s 件"), self.to_receive),
            (N_("已到待验收 %(n)s 件"), self.to_judge),
        )
        return tuple((sentence, {"n": n}) for sentence, n in each if n)


def steps_ahead(
    state: State, *, due_at: datetime | None, pieces: Pieces, terms: Mapping[str, tuple[int, bool]], pay_by: date | None
) -> list[Step]:
    """What an order waits for now and what comes after, each with its deadline; nothing when it has ended.

    `terms`: by name, the days and whether they are working days.
    """
    if state in FINAL:
        return []
    under_way = pieces.said if state in {State.CONFIRMED, State.SHIPPED, State.DELIVERED} else ()
    now = Step(title=STATE_NAMES[state], state="now", due_at=due_at, said=((_WAITS[state], {}), *under_way))
    at = PATH.index(state) if state in PATH else -1  # a held order stands before the path: the approval is still to come
    coming = [Step(title=_AHEAD[each], state="todo", due=_due(each, terms, pay_by)) for each in PATH[at + 2 :] if each in _AHEAD]
    return [now, *coming]


def _due(state: State, terms: Mapping[str, tuple[int, bool]], pay_by: date | None) -> Said | None:
    if state is State.PAID:
        return (N_("应于 %(day)s 前"), {"day": pay_by.isoformat()}) if pay_by else None
    if state not in _TERMS or _TERMS[state][0] not in terms:
        return None
    name, in_workdays, in_days = _TERMS[state]
    days, working = terms[name]
    return (in_workdays if working else in_days, {"n": days})
