"""The checks of a submission: pure functions of plain values, judged before it is split.

All that fail come back together. Budget, plan, catalogue, limits and duties are law and cannot be switched off; rules
of the supervision may be added through the gate port.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kernel.errors import N_, Conflict, Invalid
from catalog.listings.rules import Offer
from catalog.taxonomy.rules import covers
from orders.purchases.states import Action
from orders.purchases.verdicts import Outcome, Verdict


@dataclass(frozen=True, kw_only=True)
class Funding:
    """A plan line with both its controls as they stand now."""

    plan_line_id: int
    plan_number: str
    line_no: int
    filed: bool
    year: int
    category: str
    remaining_quantity: int
    plan_control_id: int
    plan_free_fen: int
    allotment_id: int
    allotment_number: str
    allotment_control_id: int
    allotment_free_fen: int
    economic_class: str

    @property
    def label(self) -> str:
        """How people name the plan line."""
        return f"{self.plan_number} · {self.line_no}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One wished line with what was found for it; None where nothing was found or visible."""

    no: int
    quantity: int
    seen_price_fen: int
    offer: Offer
    funding: Funding | None
    place: str
    why: str | None = None
    """Why not the lowest offer: a code of the chapter of comparisons."""
    words: str | None = None
    """The same in the buyer's words."""

    @property
    def amount_fen(self) -> int:
        """Price now × quantity."""
        return self.offer.price_fen * self.quantity

    @property
    def level3(self) -> str:
        """The level-3 category: letter and three pairs of digits."""
        return self.offer.category[:7]


@dataclass(frozen=True, kw_only=True)
class Past:
    """One earlier order of the unit in a level-3 category, inside the widest window a gate asks for."""

    number: str
    supplier_id: int
    level3: str
    amount_fen: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Cited:
    """The frozen comparison that a submission cites: its digest, how old it is, and whose offers it holds by category."""

    number: str
    sha256: str
    frozen_at: datetime
    suppliers: Mapping[str, frozenset[int]]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything the checks look at."""

    unit_id: int
    region: str
    year: int
    at: datetime
    lines: tuple[Line, ...]
    other_approvers: int
    other_acceptors: int
    mall_ceiling_fen: dict[str, int]
    direct_ceiling_fen: dict[str, int]
    past: tuple[Past, ...] = ()
    cited: Cited | None = None


Gate = Callable[[Facts], Iterable[Verdict]]
"""A rule of the supervision, plugged in by the roof: facts in, verdicts out; it reads nothing itself."""


def judge(facts: Facts, gates: Sequence[Gate] = ()) -> tuple[Verdict, ...]:
    """Every verdict on a submission, in the order people read them."""
    verdicts: list[Verdict] = []
    for check in (on_plans, on_money, on_quantities, on_classes, on_catalogue, on_limits, on_offers, on_duties, *gates):
        verdicts.extend(check(facts))
    return tuple(verdicts)


def _verdict(rule: str, subject: str, fails: bool, outcome: Outcome = Outcome.BLOCK, **rest: Any) -> Verdict:
    return Verdict(rule=rule, subject=subject, outcome=outcome if fails else Outcome.PASS, **rest)


def on_plans(facts: Facts) -> Iterable[Verdict]:
    """B01 a filed plan line of this year for every line; B03 its category is the line's or above it."""
    for line in facts.lines:
        funding = line.funding
        found = "none" if funding is None else "filed" if funding.filed else "returned"
        ok = funding is not None and funding.filed and funding.year == facts.year
        yield _verdict(
            "B01",
            f"line:{line.no}",
            not ok,
            inputs={"plan": funding.label if funding else None, "state": found, "year": funding.year if funding else None},
            threshold={"state": "filed", "year": facts.year},
            facts={"line": line.no, "found": funding.label if funding else N_("未选择")},
        )
        if funding is not None:
            yield _verdict(
                "B03",
                f"line:{line.no}",
                not covers(funding.category, line.offer.category),
                inputs={"category": line.offer.category},
                threshold={"planned": funding.category},
                facts={"line": line.no, "category": line.offer.category, "planned": funding.category},
            )


def on_money(facts: Facts) -> Iterable[Verdict]:
    """B02 for each control: what this submission takes from it against what is free, to the fen."""
    wanted: dict[tuple[str, str, int], int] = defaultdict(int)
    free: dict[tuple[str, str, int], int] = {}
    for line in facts.lines:
        if line.funding is None:
            continue
        for key, left in (
            (("plan", line.funding.label, line.funding.plan_control_id), line.funding.plan_free_fen),
            (("allotment", line.funding.allotment_number, line.funding.allotment_control_id), line.funding.allotment_free_fen),
        ):
            wanted[key] += line.amount_fen
            free[key] = left
    for key, amount in wanted.items():
        kind, label, _ = key
        yield _verdict(
            "B02",
            f"{kind}:{label}",
            amount > free[key],
            inputs={"wanted_fen": amount},
            threshold={"free_fen": free[key]},
            facts={
                "control": label,
                "free_fen": free[key],
                "wanted_fen": amount,
                "over_fen": max(amount - free[key], 0),
            },
        )


def on_quantities(facts: Facts) -> Iterable[Verdict]:
    """B04 for each plan line: pieces wanted against pieces left."""
    wanted: dict[int, int] = defaultdict(int)
    funding_of: dict[int, Funding] = {}
    for line in facts.lines:
        if line.funding is not None:
            wanted[line.funding.plan_line_id] += line.quantity
            funding_of[line.funding.plan_line_id] = line.funding
    for plan_line_id, quantity in wanted.items():
        funding = funding_of[plan_line_id]
        yield _verdict(
            "B04",
            f"plan:{funding.label}",
            quantity > funding.remaining_quantity,
            inputs={"wanted": quantity},
            threshold={"remaining": funding.remaining_quantity},
            facts={"control": funding.label, "free": funding.remaining_quantity, "wanted": quantity},
        )


def on_classes(facts: Facts) -> Iterable[Verdict]:
    """B11 the allotment's economic class fits the category; otherwise the order is held for an explanation."""
    for line in facts.lines:
        allowed = line.offer.allowed_classes
        if line.funding is None or not allowed:
            continue
        yield _verdict(
            "B11",
            f"line:{line.no}",
            line.funding.economic_class not in allowed,
            Outcome.HOLD,
            inputs={"category": line.offer.category, "economic_class": line.funding.economic_class},
            threshold={"allowed": list(allowed)},
            facts={
                "line": line.no,
                "category": line.offer.category,
                "allowed": "、".join(allowed),
                "economic_class": line.funding.economic_class,
            },
        )


def on_catalogue(facts: Facts) -> Iterable[Verdict]:
    """P09 the category is in the mall catalogue of the unit's region today."""
    for line in facts.lines:
        yield _verdict(
            "P09",
            f"line:{line.no}",
            not line.offer.in_mall,
            inputs={"category": line.offer.category},
            threshold={"catalogue": "mall"},
            facts={"line": line.no, "category": f"{line.offer.category} {line.offer.category_name}"},
        )


def on_limits(facts: Facts) -> Iterable[Verdict]:
    """P01, P02 per supplier and level-3 category over the whole submission, whatever budget or address a line has."""
    groups: dict[tuple[int, str], list[Line]] = defaultdict(list)
    for line in facts.lines:
        groups[line.offer.supplier_id, line.level3].append(line)
    for (supplier_id, level3), lines in groups.items():
        total = sum(line.amount_fen for line in lines)
        kind = level3[0]
        for rule, limit in (("P01", facts.mall_ceiling_fen[kind]), ("P02", facts.direct_ceiling_fen[kind])):
            yield _verdict(
                rule,
                f"supplier:{supplier_id}/{level3}",
                total >= limit,
                inputs={"total_fen": total, "lines": [line.no for line in lines]},
                threshold={"limit_fen": limit},
                facts={
                    "supplier": lines[0].offer.supplier_name,
                    "category": f"{level3} {lines[0].offer.category_name}",
                    "total_fen": total,
                    "limit_fen": limit,
                },
            )


def on_offers(facts: Facts) -> Iterable[Verdict]:
    """Shelf, area, price seen, stock and the supplier's standing, as they are at this moment."""
    wanted: dict[int, int] = defaultdict(int)
    for line in facts.lines:
        wanted[line.offer.listing_id] += line.quantity
    for line in facts.lines:
        offer, subject = line.offer, f"line:{line.no}"
        served = offer.on_shelf and offer.serves(facts.region)
        yield _verdict("SHELF", subject, not served, inputs={"on_shelf": offer.on_shelf, "areas": offer.areas}, facts={"line": line.no})
        yield _verdict(
            "PRICE",
            subject,
            line.seen_price_fen != offer.price_fen,
            inputs={"seen_fen": line.seen_price_fen},
            threshold={"now_fen": offer.price_fen},
            facts={"line": line.no, "seen_fen": line.seen_price_fen, "now_fen": offer.price_fen},
        )
        yield _verdict(
            "STOCK",
            subject,
            wanted[offer.listing_id] > offer.stock,
            inputs={"wanted": wanted[offer.listing_id]},
            threshold={"stock": offer.stock},
            facts={"line": line.no, "stock": offer.stock, "wanted": wanted[offer.listing_id]},
        )
    for supplier_id, offer in {line.offer.supplier_id: line.offer for line in facts.lines}.items():
        until = offer.standing_until.date().isoformat() if offer.standing_until else "—"
        yield _verdict(
            "K02",
            f"supplier:{supplier_id}",
            not offer.may_trade,
            inputs={"may_trade": offer.may_trade},
            threshold={"standing": "active"},
            facts={"supplier": offer.supplier_name, "until": until},
        )


def on_duties(facts: Facts) -> Iterable[Verdict]:
    """P12 somebody other than the buyer can approve, and somebody other than the buyer can accept."""
    missing = [name for name, count in ((N_("审批人"), facts.other_approvers), (N_("验收人"), facts.other_acceptors)) if count == 0]
    yield _verdict(
        "P12",
        "unit",
        bool(missing),
        inputs={"other_approvers": facts.other_approvers, "other_acceptors": facts.other_acceptors},
        threshold={"at_least": 1},
        facts={"missing": "、".join(missing)},
    )


class SubmissionRefused(Conflict):
    """At least one check blocks: every failing verdict comes with it, and nothing has moved."""

    code = "submission.refused"
    message = N_("提交未被接受：%(count)s 项检查未通过")
    way_out = N_("购物车原样保留，请按每项提示处理后再次提交")
    status = 422
    count: int
    verdicts: tuple[Verdict, ...]
    attempt: str | None = None


class EmptySubmission(Invalid):
    """Nothing was chosen."""

    code = "submission.empty"
    message = N_("没有选择任何商品，请先在购物车中勾选要提交的行")


class KeyReused(Conflict):
    """The idempotency key was used for another content."""

    code = "submission.key_reused"
    message = N_("同一个 Idempotency-Key 已用于另一份内容，请为新的提交换一个键")


class TooLate(Conflict):
    """Another step came first."""

    code = "order.changed"
    message = N_("订单 %(number)s 刚被他人处理，请刷新后查看")
    number: str


def not_moved_on(number: str, version: int, seen: int | None) -> None:
    """Refuse a command given on an older view of the order, a second click among them. Raises TooLate."""
    if seen is not None and seen != version:
        raise TooLate(number=number)


class SamePerson(Conflict):
    """Incompatible duties (rule P12)."""

    code = "order.same_person"
    message = N_("%(duty)s不能由同一人办理：您已是本订单的%(other)s")
    way_out = N_("请由本单位其他人员办理")
    basis = N_("不相容岗位分离（P12）")
    duty: str
    other: str


class SystemOnly(Conflict):
    """A step that only the system takes: time-outs, receipts of the treasury."""

    code = "order.system_only"
    message = N_("这一步由系统按时限或国库回执自动完成，不能手工办理")


_APART: dict[Action, tuple[str, tuple[tuple[int, str], ...]]] = {
    Action.APPROVE: (N_("审批"), ((0, N_("经办人")),)),
    Action.REJECT: (N_("审批"), ((0, N_("经办人")),)),
    Action.CLEAR: (N_("放行"), ((0, N_("经办人")),)),
    Action.RELEASE: (N_("放行"), ((0, N_("经办人")),)),
    Action.ACCEPT: (N_("验收"), ((0, N_("经办人")),)),
    Action.APPLY: (N_("支付申请"), ((2, N_("验收人")),)),
}


def separate_duties(action: Action, person: int | None, buyer: int, approver: int | None, acceptor: int | None) -> None:
    """Buyer ≠ approver, buyer ≠ acceptor, acceptor ≠ payment applicant on one order (P12). Raises SamePerson."""
    duty, others = _APART.get(action, ("", ()))
    for index, other in others:
        if person is not None and person == (buyer, approver, acceptor)[index]:
            raise SamePerson(duty=duty, other=other)


def only_system(is_system: bool) -> None:
    """Keep people off the steps of the system. Raises SystemOnly."""
    if not is_system:
        raise SystemOnly()
