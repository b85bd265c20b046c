"""The early-warning rules: pure functions of plain values. Every figure in them is a dated row of the catalogue.

S02 also stands as a gate before a submission: it holds the orders until they are explained. Amounts in fen.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from app.kernel import clock
from app.kernel.errors import N_, Conflict, Forbidden, Invalid
from orders.purchases.rules import Facts, Gate, Past
from orders.purchases.verdicts import Outcome, RuleText, Verdict

Parameters = Mapping[str, Any]

TEXTS: dict[str, RuleText] = {
    "K05": RuleText(
        title=N_("资质到期"),
        basis=N_("平台预警口径：执照、授权、证书须在有效期内"),
        sentence=N_("%(title)s（%(number)s）有效期至 %(valid_to)s，按 %(days)s 日提前提醒"),
        way_out=N_("请督促供应商换新；到期未换新的，可以暂停其相应品类的交易"),
    ),
    "S02": RuleText(
        title=N_("拆分订单规避限额"),
        basis=N_("平台预警口径；实施条例第28条的法定口径另行判定"),
        sentence=N_(
            "%(days)s 日内本单位 %(category)s 类共 %(count)s 单，每单低于限额，合计 %(sum)s 元，达到商城限额 %(limit)s 元"
        ),
        way_out=N_("提交后请说明理由，由单位财务负责人放行；或合并需求，转入项目采购"),
        passed=N_("未见拆分订单"),
    ),
    "S04": RuleText(
        title=N_("贴近限额"),
        basis=N_("平台预警口径"),
        sentence=N_("%(days)s 日内有 %(count)s 单的金额距限额 %(limit)s 元不足 %(percent)s%%"),
        way_out=N_("请核对各单的需求是否独立、价格是否合理"),
    ),
    "T01": RuleText(
        title=N_("供应商确认超时"),
        basis=N_("网上商城规则：供应商确认期限"),
        sentence=N_("供应商应于 %(due)s 前确认订单，到期没有确认"),
        way_out=N_("到期未确认的订单自动释放，采购单位可改选其他供应商"),
    ),
    "T02": RuleText(
        title=N_("供货逾期"),
        basis=N_("河南省政府采购网上商城规则第十八条"),
        sentence=N_("应于 %(due)s 前送达，触发时已逾期 %(late)s 日"),
        way_out=N_("请督促供应商供货；双方可协商终止未发货的部分"),
    ),
    "T03": RuleText(
        title=N_("验收逾期"),
        basis=N_("河南省政府采购网上商城规则第十八条"),
        sentence=N_("应于 %(due)s 前验收，到期没有验收；视同验收只起算付款期限"),
        way_out=N_("请督促采购单位补办验收记录"),
    ),
    "T04": RuleText(
        title=N_("支付逾期"),
        basis=N_("保障中小企业款项支付条例第九、十、十七条；网上商城规则"),
        sentence=N_("应于 %(due)s 前支付 %(owed)s 元，触发时已逾期 %(late)s 日，按日利率计逾期利息 %(interest)s 元"),
        way_out=N_("请督促采购单位支付并支付逾期利息"),
    ),
    "X02": RuleText(
        title=N_("无故取消订单"),
        basis=N_("平台预警口径"),
        sentence=N_("%(days)s 日内审批通过后撤回或终止 %(count)s 单，达到 %(least)s 单"),
        way_out=N_("请核对每一单取消的理由"),
    ),
    "X03": RuleText(
        title=N_("供应商拒单"),
        basis=N_("平台预警口径：已提交的订单不得无故放弃"),
        sentence=N_("%(days)s 日内送达的 %(reached)s 单中拒绝或逾期未确认 %(count)s 单，占 %(percent)s%%"),
        way_out=N_("请核对拒单原因，必要时暂停其交易"),
    ),
}
"""What each rule is called, where it comes from, and what it says; `wsgi.py` adds them to the texts of the orders' own rules."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule found: its subject, what it looked at, and the orders that prove it.

    `once`: the same key is never raised again (a deadline of one order); otherwise later hits join the open alert.
    """

    rule: str
    key: str
    region: str
    unit_id: int | None = None
    supplier_id: int | None = None
    order: str | None = None
    amount_fen: int | None = None
    inputs: Mapping[str, Any]
    parameters: Parameters
    evidence: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    once: bool = False


# ---------------------------------------------------------------- S02 splitting


@dataclass(frozen=True)
class Window:
    """Orders of one unit and category that count together."""

    category: str
    orders: tuple[Past, ...]

    @property
    def sum_fen(self) -> int:
        """What they add up to."""
        return sum(order.amount_fen for order in self.orders)


def prefix(code: str, level: int) -> str:
    """The category at a level: the letter and so many pairs of digits."""
    return code[: 1 + 2 * level]


def split_orders(window: Window, *, limit_fen: int, least: int) -> bool:
    """Several orders, each below the limit, only together at or above it (rule S02)."""
    small = [order for order in window.orders if order.amount_fen < limit_fen]
    return len(small) == len(window.orders) >= least and window.sum_fen >= limit_fen


def gate(parameters: Callable[[date], Parameters]) -> Gate:
    """Rule S02 before a submission: one verdict per category, a hold where the submission completes a split.

    `parameters` gives the rule's figures of a day (d days, n orders, level L); an empty answer switches the rule off.
    """

    def judge(facts: Facts) -> Iterable[Verdict]:
        figures = parameters(clock.local(facts.at).date())
        if not {"d", "n", "L"} <= figures.keys():
            return
        since = facts.at - timedelta(days=figures["d"])
        wanted: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for line in facts.lines:
            wanted[prefix(line.level3, figures["L"])][line.offer.supplier_id] += line.amount_fen
        for category, by_supplier in wanted.items():
            limit = facts.mall_ceiling_fen[category[0]]
            earlier = _by_order(facts.past, category, since, limit)
            new = tuple(
                Past(number="", supplier_id=supplier, level3=category, amount_fen=amount, at=facts.at)
                for supplier, amount in by_supplier.items()
            )
            yield _verdict(Window(category, (*earlier, *new)), limit_fen=limit, figures=figures)

    return judge


def _by_order(past: Sequence[Past], category: str, since: datetime, limit_fen: int) -> tuple[Past, ...]:
    """Earlier orders of the category inside the window, one entry each; those at or above the limit do not count."""
    sums: dict[str, Past] = {}
    for each in past:
        if each.at >= since and each.level3.startswith(category):
            known = sums.get(each.number)
            amount = each.amount_fen + (known.amount_fen if known else 0)
            sums[each.number] = Past(
                number=each.number, supplier_id=each.supplier_id, level3=category, amount_fen=amount, at=each.at
            )
    return tuple(each for each in sums.values() if each.amount_fen < limit_fen)


def together(past: Sequence[Past], category: str, *, this: str, since: datetime, limit_fen: int, figures: Parameters) -> Verdict:
    """Rule S02 on orders that stand already: `this` is the number of the one looked at, `past` holds it and the others.

    Two submissions at the same moment do not see each other, so both may pass the gate; afterwards both are seen.
    """
    orders = _by_order(past, category, since, limit_fen)
    found = any(each.number == this for each in orders)
    window = tuple(replace(each, number="") if each.number == this else each for each in orders) if found else ()
    return _verdict(Window(category, window), limit_fen=limit_fen, figures=figures)


def _verdict(window: Window, *, limit_fen: int, figures: Parameters) -> Verdict:
    holds = split_orders(window, limit_fen=limit_fen, least=figures["n"])
    return Verdict(
        rule="S02",
        subject=f"category:{window.category}",
        outcome=Outcome.HOLD if holds else Outcome.PASS,
        inputs={
            "category": window.category,
            "count": len(window.orders),
            "sum_fen": window.sum_fen,
            # What passes is decided by its sum: a unit's thousandth order need not repeat the nine hundred before it.
            "orders": [evidence(order) for order in window.orders if order.number] if holds else [],
        },
        threshold={"limit_fen": limit_fen, "d": figures["d"], "n": figures["n"], "L": figures["L"]},
        facts={
            "days": figures["d"],
            "category": window.category,
            "count": len(window.orders),
            "sum_fen": window.sum_fen,
            "limit_fen": limit_fen,
        },
        text=TEXTS["S02"],
    )


def evidence(order: Past) -> dict[str, Any]:
    """An order as an alert keeps it."""
    return {
        "number": order.number,
        "at": order.at.isoformat(timespec="seconds"),
        "amount_fen": order.amount_fen,
        "supplier_id": order.supplier_id,
    }


def split_found(verdict: Mapping[str, Any], *, region: str, unit_id: int, this: Mapping[str, Any], year: int) -> Finding:
    """The alert of a recorded S02 verdict; `this` is the order (or attempt) that completed the split."""
    inputs, threshold = verdict["inputs"], verdict["threshold"]
    return Finding(
        rule="S02",
        key=f"S02:{unit_id}:{inputs['category']}:{year}",
        region=region,
        unit_id=unit_id,
        order=this["number"],
        amount_fen=inputs["sum_fen"],
        inputs=dict(verdict["facts"]),
        parameters=dict(threshold),
        evidence=tuple(sorted((*inputs["orders"], this), key=lambda each: each["at"])),
    )


# ---------------------------------------------------------------- S04 just under a limit


def near_limit(
    orders: Sequence[Past], *, limit_fen: int, name: str, figures: Parameters, region: str, unit_id: int, year: int
) -> Finding | None:
    """Several orders of a unit at or above limit × (1 − p) and below it, inside d days (rule S04); `name` tells the limit."""
    near = [each for each in orders if limit_fen * (100 - figures["p_percent"]) <= each.amount_fen * 100 < limit_fen * 100]
    if len(near) < figures["n"]:
        return None
    return Finding(
        rule="S04",
        key=f"S04:{unit_id}:{name}:{year}",
        region=region,
        unit_id=unit_id,
        order=near[-1].number,
        amount_fen=sum(each.amount_fen for each in near),
        inputs={"days": figures["d"], "count": len(near), "limit_fen": limit_fen, "percent": figures["p_percent"], "what": name},
        parameters={"d": figures["d"], "n": figures["n"], "p_percent": figures["p_percent"], "limit_fen": limit_fen},
        evidence=tuple(evidence(each) for each in near),
    )


# ---------------------------------------------------------------- T01–T04 deadlines


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """An order whose deadline is over."""

    number: str
    region: str
    unit_id: int
    supplier_id: int
    amount_fen: int
    due: date
    at: datetime


def late_days(due: date, today: date) -> int:
    """Calendar days past the last day."""
    return max((today - due).days, 0)


def interest_fen(owed_fen: int, days: int, per_myriad: int) -> int:
    """Interest on late payment in fen, `per_myriad` ten-thousandths a day (保障中小企业款项支付条例 17), rounded half up."""
    return (owed_fen * days * per_myriad + 5_000) // 10_000


def late(rule: str, order: Overdue, *, today: date, figures: Parameters) -> Finding:
    """The alert of a missed deadline: once per order and due day. T01 and T02 stand against the supplier, T03 and T04 the unit."""
    days = late_days(order.due, today)
    inputs: dict[str, Any] = {"due": order.due.isoformat(), "late": days}
    if rule == "T04":
        inputs |= {"owed_fen": order.amount_fen, "interest_fen": interest_fen(order.amount_fen, days, figures["interest_per_myriad"])}
    return Finding(
        rule=rule,
        key=f"{rule}:{order.number}:{order.due.isoformat()}",
        region=order.region,
        unit_id=order.unit_id,
        supplier_id=order.supplier_id,
        order=order.number,
        amount_fen=order.amount_fen,
        inputs=inputs,
        parameters=dict(figures),
        evidence=(
            {
                "number": order.number,
                "at": order.at.isoformat(timespec="seconds"),
                "amount_fen": order.amount_fen,
                "supplier_id": order.supplier_id,
            },
        ),
        once=True,
    )


# ---------------------------------------------------------------- X02, X03 giving up


def cancelled_without_cause(orders: Sequence[Past], *, figures: Parameters, region: str, unit_id: int, year: int) -> Finding | None:
    """At least n orders withdrawn after approval, or ended after the contract, inside d days (rule X02)."""
    if len(orders) < figures["n"]:
        return None
    return Finding(
        rule="X02",
        key=f"X02:{unit_id}:{year}",
        region=region,
        unit_id=unit_id,
        order=orders[-1].number,
        amount_fen=sum(each.amount_fen for each in orders),
        inputs={"days": figures["d"], "count": len(orders), "least": figures["n"]},
        parameters={"d": figures["d"], "n": figures["n"]},
        evidence=tuple(evidence(each) for each in orders),
    )


def refuses_orders(
    orders: Sequence[Past], reached: int, *, figures: Parameters, region: str, supplier_id: int, year: int
) -> Finding | None:
    """At least n orders refused or left to lapse inside d days, or a share of t of at least m that reached it (rule X03)."""
    count = len(orders)
    too_many = count >= figures["n"]
    too_large = "m" in figures and reached >= figures["m"] and count * 100 >= figures["t_percent"] * reached > 0
    if not orders or not (too_many or too_large):
        return None
    return Finding(
        rule="X03",
        key=f"X03:{supplier_id}:{year}",
        region=region,
        supplier_id=supplier_id,
        order=orders[-1].number,
        amount_fen=sum(each.amount_fen for each in orders),
        inputs={"days": figures["d"], "count": count, "reached": reached, "percent": round(count * 100 / reached) if reached else 100},
        parameters={name: figures[name] for name in ("d", "n", "t_percent", "m") if name in figures},
        evidence=tuple(evidence(each) for each in orders),
    )


# ---------------------------------------------------------------- refusals


class OtherRegion(Forbidden):
    """Acting is for the region's own supervisors; a superior may see."""

    code = "alert.other_region"
    message = N_("这条预警属于%(region)s，由当地财政部门处置；上级可以查看，不能代办")
    region: str


class Taken(Conflict):
    """An alert has one owner."""

    code = "alert.taken"
    message = N_("这条预警已由%(owner)s领取")
    way_out = N_("请领取下一条，或与承办人联系")
    owner: str


class NotOwner(Conflict):
    """Only the owner decides."""

    code = "alert.not_owner"
    message = N_("只有承办人可以作出结论，请先领取")


class AlreadyHandled(Conflict):
    """A conclusion stands."""

    code = "alert.handled"
    message = N_("这条预警已有结论，不能再次处置")


class NothingToClaim(Conflict):
    """Every open alert of the region has its owner."""

    code = "alert.nothing_to_claim"
    message = N_("本地区没有未领取的预警")


class UnknownDismissCode(Invalid):
    """A dismissal is founded on one of the codes."""

    code = "alert.unknown_dismiss_code"
    message = N_("请选择不成立的原因")
    field: str | None = "code"


class ConclusionMissing(Invalid):
    """Closing says what was found and done."""

    code = "alert.conclusion_missing"
    message = N_("请写明核实情况和处理结果")
    field: str | None = "note"


# ---------------------------------------------------------------- K05 qualifications


def licence_ends(
    qualification: int, *, title: str, number: str, valid_to: date, supplier_id: int, region: str, figures: Parameters
) -> Finding:
    """A licence, authorisation or certificate of a supplier ends soon or has ended (rule K05); once for each document."""
    return Finding(
        rule="K05",
        key=f"K05:{qualification}",
        region=region,
        supplier_id=supplier_id,
        inputs={"title": title, "number": number, "valid_to": valid_to.isoformat(), "days": figures["d"]},
        parameters=figures,
        once=True,
    )
