"""What a plan must satisfy to be filed, and until when it may be sent back. Filing is no approval. Amounts in fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from app.kernel.errors import N_, Conflict, Invalid, Refusal
from app.kernel.money import yuan
from orders.plans.states import STATE_NAMES, PlanState


@dataclass(frozen=True, kw_only=True)
class PlanLineInput:
    """A line as it is handed in; without a category the budget line's own is meant."""

    budget_line_id: int
    quantity: int
    amount_fen: int
    name: str
    category_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """The budget line behind a plan line, as the rules need it; money and pieces are what no plan has taken yet."""

    budget_line_id: int
    code: str
    year: int
    category_code: str
    open_fen: int
    open_quantity: int


class Origin(StrEnum):
    """Where a plan was filed from."""

    FORM = "form"
    CART = "cart"
    API = "api"
    SHEET = "sheet"


class ReturnReason(StrEnum):
    """Why the finance department sends a plan back (退回补正)."""

    INCOMPLETE = "incomplete"
    WRONG_CATEGORY = "wrong_category"
    WRONG_BUDGET = "wrong_budget"
    WRONG_METHOD = "wrong_method"
    AT_UNITS_REQUEST = "at_units_request"


REASON_NAMES: dict[ReturnReason, str] = {
    ReturnReason.INCOMPLETE: N_("内容不完整"),
    ReturnReason.WRONG_CATEGORY: N_("品目填报有误"),
    ReturnReason.WRONG_BUDGET: N_("资金来源有误"),
    ReturnReason.WRONG_METHOD: N_("采购方式或组织形式有误"),
    ReturnReason.AT_UNITS_REQUEST: N_("单位申请撤回"),
}


# ---------------------------------------------------------------- refusals of a filing, all given at once


class LineRefusal(Invalid):
    """One thing wrong with one line; `line` counts from 1, 0 means the plan as a whole."""

    rule: ClassVar[str] = ""
    line: int = 0


class NoTitle(LineRefusal):
    """A plan without a title cannot be found again."""

    code = "plan.no_title"
    message = N_("请填写计划名称")


class NoLines(LineRefusal):
    """A plan says what is to be bought."""

    code = "plan.no_lines"
    message = N_("计划至少要有一行明细")


class LineIncomplete(LineRefusal):
    """Name, quantity and amount must be given."""

    code = "plan.line_incomplete"
    message = N_("第 %(line)s 行：名称、数量、金额都要填写，且数量和金额大于零")


class NoBudgetLine(LineRefusal):
    """There is no such budget line in this unit (B01)."""

    code = "plan.no_budget_line"
    message = N_("第 %(line)s 行：所选采购预算明细不存在或不属于本单位")
    way_out = N_("请从本单位的采购预算明细中选择；没有预算不得采购")
    basis = N_("《中华人民共和国政府采购法》第六条、第三十三条")
    rule = "B01"


class OtherYear(LineRefusal):
    """The budget line is of another fiscal year (B01)."""

    code = "plan.other_year"
    message = N_("第 %(line)s 行：预算明细 %(budget_line)s 是 %(year)s 年度的，不能用于 %(this_year)s 年度的计划")
    way_out = N_("请选择本年度的采购预算明细")
    rule = "B01"
    budget_line: str
    year: str
    this_year: str


class MoneyShort(LineRefusal):
    """The lines on one budget line together want more than is open on it (B02)."""

    code = "plan.money_short"
    message = N_("第 %(line)s 行：预算明细 %(budget_line)s 尚未安排计划的金额为 %(open)s 元，本计划需要 %(wanted)s 元")
    way_out = N_("请减少金额，或选择余额充足的预算明细")
    basis = N_("《中华人民共和国政府采购法》第六条")
    rule = "B02"
    budget_line: str
    open_fen: int
    wanted_fen: int


class QuantityShort(LineRefusal):
    """The lines on one budget line together want more pieces than are open on it (B04)."""

    code = "plan.quantity_short"
    message = N_("第 %(line)s 行：预算明细 %(budget_line)s 尚未安排计划的数量为 %(open_quantity)s，本计划需要 %(wanted_quantity)s")
    way_out = N_("请减少数量，或选择数量充足的预算明细")
    rule = "B04"
    budget_line: str
    open_quantity: int
    wanted_quantity: int


class CategoryOutside(LineRefusal):
    """The category is neither the budget line's nor below it (B03)."""

    code = "plan.category_outside"
    message = N_("第 %(line)s 行：品目 %(category)s 不在预算明细 %(budget_line)s 的品目 %(budgeted)s 之内")
    way_out = N_("请选择品目相符的预算明细，或先调整采购预算")
    rule = "B03"
    budget_line: str
    category: str
    budgeted: str


class NotInMall(LineRefusal):
    """The mall of the region does not sell the category (P09)."""

    code = "plan.not_in_mall"
    message = N_("第 %(line)s 行：品目 %(category)s 不在本地网上商城目录内，不能按网上商城方式备案")
    way_out = N_("请改走项目采购程序")
    rule = "P09"
    category: str


class UnknownCode(LineRefusal):
    """The procurement catalogue has no such category."""

    code = "plan.unknown_category"
    message = N_("第 %(line)s 行：政府采购品目分类目录中没有编码 %(category)s")
    rule = "B03"
    category: str


class PlanRefused(Invalid):
    """The plan cannot be filed; `refusals` says everything that is wrong with it, at once."""

    code = "plan.refused"
    message = N_("采购计划未能备案，需要更正")
    way_out = N_("请按提示逐项更正后重新提交；填写的内容已保留")

    def __init__(self, refusals: Sequence[LineRefusal]) -> None:
        super().__init__()
        self.refusals = tuple(refusals)
        self.verdicts = tuple(_Verdict(refusal) for refusal in refusals)


@dataclass(frozen=True)
class _Verdict:
    """One refusal as a program reads it."""

    refusal: LineRefusal

    def as_dict(self) -> dict[str, Any]:
        """Code, rule, line, facts and the sentence."""
        facts = {name: value for name, value in self.refusal.facts.items() if value is not None and name != "line"}
        return {
            "code": self.refusal.code,
            "rule": self.refusal.rule or None,
            "line": self.refusal.line,
            "facts": facts,
            "title": self.refusal.message % in_words(self.refusal.facts),
            "way_out": self.refusal.way_out,
        }


def in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts for a sentence: fen also under the short name, in yuan."""
    words = dict(facts)
    for name, value in facts.items():
        if name.endswith("_fen") and value is not None:
            words[name.removesuffix("_fen")] = yuan(value)
    return words


def check(
    *,
    title: str,
    lines: Sequence[PlanLineInput],
    sources: Mapping[int, Source],
    year: int,
    covered: Mapping[int, bool],
    sold: Mapping[int, bool],
    known: Mapping[int, bool],
) -> list[LineRefusal]:
    """Everything wrong with a plan; `sources` by budget-line id, the others by line index (from 0).

    `known`: the catalogue has the line's category; `covered`: it lies in the budget line's; `sold`: the mall sells it.
    """
    wrong: list[LineRefusal] = []
    if not title.strip():
        wrong.append(NoTitle())
    if not lines:
        wrong.append(NoLines())
    first: dict[int, int] = {}
    money: dict[int, int] = {}
    pieces: dict[int, int] = {}
    for index, line in enumerate(lines):
        number = index + 1
        if not line.name.strip() or line.quantity <= 0 or line.amount_fen <= 0:
            wrong.append(LineIncomplete(line=number))
        source = sources.get(line.budget_line_id)
        if source is None:
            wrong.append(NoBudgetLine(line=number))
            continue
        category = line.category_code or source.category_code
        if source.year != year:
            wrong.append(OtherYear(line=number, budget_line=source.code, year=str(source.year), this_year=str(year)))
        if not known[index]:
            wrong.append(UnknownCode(line=number, category=category))
        elif not covered[index]:
            wrong.append(CategoryOutside(line=number, budget_line=source.code, category=category, budgeted=source.category_code))
        elif not sold[index]:
            wrong.append(NotInMall(line=number, category=category))
        first.setdefault(source.budget_line_id, number)
        money[source.budget_line_id] = money.get(source.budget_line_id, 0) + max(line.amount_fen, 0)
        pieces[source.budget_line_id] = pieces.get(source.budget_line_id, 0) + max(line.quantity, 0)
    for budget_line_id, number in first.items():
        source = sources[budget_line_id]
        if (wanted_fen := money[budget_line_id]) > source.open_fen:
            wrong.append(MoneyShort(line=number, budget_line=source.code, open_fen=source.open_fen, wanted_fen=wanted_fen))
        if (wanted := pieces[budget_line_id]) > source.open_quantity:
            wrong.append(
                QuantityShort(line=number, budget_line=source.code, open_quantity=source.open_quantity, wanted_quantity=wanted)
            )
    return wrong


# ---------------------------------------------------------------- sending back


class PlanInUse(Conflict):
    """An order has been placed on the plan: from then on only a case can be opened."""

    code = "plan.in_use"
    message = N_("采购计划 %(plan)s 已有订单，不能退回")
    way_out = N_("发现问题请转监管岗立案处理")
    plan: str


class ReturnTooLate(Conflict):
    """The period for sending a plan back is over."""

    code = "plan.return_too_late"
    message = N_("采购计划 %(plan)s 的退回期限已于 %(until)s 届满")
    way_out = N_("发现问题请转监管岗立案处理")
    plan: str
    until: str


class NotFiled(Conflict):
    """The plan is not (any more) a filed one."""

    code = "plan.not_filed"
    message = N_("采购计划 %(plan)s 现为“%(state)s”，不能办理这项操作")
    plan: str
    state: str


class OtherRegion(Conflict):
    """A superior may urge, but only the region's own finance department acts."""

    code = "plan.other_region"
    message = N_("采购计划 %(plan)s 由 %(region)s 财政部门管理，上级只能督办，不能代为退回")
    plan: str
    region: str


class NoReason(Invalid):
    """Sending back needs one of the reason codes, and words that help the unit to correct the plan."""

    code = "plan.no_reason"
    message = N_("请选择退回原因并写明需要补正的内容")


class NothingFits(Conflict):
    """No budget line of the unit can carry this plan line."""

    code = "plan.nothing_fits"
    message = N_("本单位没有品目相符、余额充足的采购预算明细：品目 %(category)s，金额 %(wanted)s 元，数量 %(quantity)s")
    way_out = N_("请减少数量，或请财务先办理采购预算调整")
    basis = N_("《中华人民共和国政府采购法》第六条、第三十三条")
    category: str
    wanted_fen: int
    quantity: int


def check_return(*, number: str, state: PlanState, until: datetime, until_text: str, now: datetime, ordered: bool) -> Refusal | None:
    """Why the plan may not be sent back, or None; the first order weighs more than the date."""
    if state is not PlanState.FILED:
        return NotFiled(plan=number, state=STATE_NAMES[state])
    if ordered:
        return PlanInUse(plan=number)
    if now > until:
        return ReturnTooLate(plan=number, until=until_text)
    return None
