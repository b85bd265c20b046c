"""What a frozen comparison is, and the two rules it serves: enough suppliers compared (P03), the lowest offer or a reason (P04).

Pure functions of plain values; every figure is a dated row of the catalogue. Amounts in fen.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import rfc8785

from app.kernel.errors import N_, Conflict, Invalid
from orders.purchases.rules import Cited, Facts, Gate, Line
from orders.purchases.verdicts import Outcome, RuleText, Verdict

Parameters = Mapping[str, Any]

TEXTS: Final[dict[str, RuleText]] = {
    "P03": RuleText(
        title=N_("商品比选不足"),
        basis=N_("网上商城规则：直接订购应比选不少于三家供应商"),
        sentence=N_(
            "第 %(line)s 行有 %(exist)s 家供应商可供同款，应比选不少于 %(needed)s 家，现比选同品目供应商 %(compared)s 家（%(cited)s）"
        ),
        way_out=N_("请冻结一份比选单并随单引用；仍不足的，提交后说明，由单位财务负责人放行"),
        passed=N_("比选家数足够"),
    ),
    "P04": RuleText(
        title=N_("未选最低价"),
        basis=N_("网上商城规则：同等条件下低价优先"),
        sentence=N_("第 %(line)s 行单价 %(price)s 元，同款最低 %(lowest)s 元，高出 %(over)s 元；理由：%(why)s %(reason)s"),
        way_out=N_("请在填单时选择理由并写明，或改选最低价；没有理由的，提交后说明，由单位财务负责人放行"),
        passed=N_("所选为最低价或在允许幅度内"),
    ),
}

REASONS: Final[dict[str, str]] = {
    "delivery": N_("送达更快"),
    "stock": N_("最低价一家库存不足"),
    "service": N_("安装、售后更合适"),
    "warranty": N_("质保更长"),
    "credit": N_("履约评价更好"),
    "sme": N_("支持中小企业"),
    "together": N_("与其他商品同一家供货，合并送货验收"),
    "other": N_("其他"),
}
"""Why a buyer may choose another than the lowest offer; each comes with words of his own."""

MOST_WORDS: Final = 200
OLD_DAYS: Final = "d"
MOST_HITS: Final = "most"


class Kind(StrEnum):
    """What was frozen."""

    SEARCH = "search"
    OFFERS = "offers"
    PRODUCTS = "products"


KIND_NAMES: Final = {Kind.SEARCH: N_("搜索结果"), Kind.OFFERS: N_("并排比选"), Kind.PRODUCTS: N_("同款报价")}


# ---------------------------------------------------------------- the sheet


def canonical(content: Mapping[str, Any]) -> str:
    """The content as the one text that its digest is taken of (RFC 8785)."""
    return rfc8785.dumps(dict(content)).decode()


def digest(text: str) -> str:
    """SHA-256 of the content, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def suppliers_by_category(hits: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[int]]:
    """Whose offers a sheet holds, by category: offers of one category can be compared."""
    found: dict[str, set[int]] = {}
    for hit in hits:
        found.setdefault(hit["category"], set()).add(hit["supplier"])
    return {category: frozenset(suppliers) for category, suppliers in found.items()}


def lowest_by_product(hits: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """The lowest price of each product on a sheet, in fen."""
    found: dict[int, int] = {}
    for hit in hits:
        found[hit["product"]] = min(hit["price_fen"], found.get(hit["product"], hit["price_fen"]))
    return found


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition of a frozen search: its name (marked with N_) and its value."""

    name: str
    value: str
    marked: bool = False
    """Whether the value is a text of ours, to be translated."""


_NAMES: Final = {
    "q": N_("搜索词"), "category": N_("品目"), "brand": N_("品牌"), "supplier": N_("供应商"),
    "region": N_("供货区域"), "low": N_("最低单价（元）"),
    "high": N_("最高单价（元）"), "days": N_("承诺送达（日内）"), "energy": N_("节能产品"), "env": N_("环境标志"),
    "safe_reliable": N_("安全可靠"), "domestic_2026": N_("本国产品"), "poverty_area": N_("脱贫地区"), "sme": N_("中小企业"),
    "imported": N_("进口"), "in_stock": N_("现货"), "sort": N_("排序"),
}  # fmt: skip
_FLAGS: Final = frozenset({"energy", "env", "safe_reliable", "domestic_2026", "poverty_area", "sme", "imported", "in_stock"})
_SORTS: Final = {
    "price_up": N_("价格从低"), "price_down": N_("价格从高"), "sales": N_("成交量"), "newest": N_("最新上架"),
}  # fmt: skip


def conditions(params: Mapping[str, Any], names: Mapping[str, str]) -> list[Condition]:
    """The conditions of a search as people read them; `names` are those of codes and ids at that time."""
    found = []
    for name, value in params.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            text = str(each)
            if name == "sort":
                found.append(Condition(name=_NAMES[name], value=_SORTS.get(text, text), marked=True))
            elif name in _FLAGS:
                found.append(Condition(name=_NAMES[name], value=N_("是"), marked=True))
            elif name in _NAMES:
                found.append(Condition(name=_NAMES[name], value=names.get(text, text)))
    return found


# ---------------------------------------------------------------- the rules


def gate(figures: Callable[[str, date], Parameters], today: Callable[[datetime], date]) -> Gate:
    """P03 and P04 as checks of a submission; a rule without rows for the day is not in force."""

    def check(facts: Facts) -> Iterable[Verdict]:
        on = today(facts.at)
        compared, lowest = figures("P03", on), figures("P04", on)
        for line in facts.lines:
            if "n" in compared:
                yield enough_compared(line, facts.cited, facts.at, compared)
        for line in facts.lines:
            if "p_percent" in lowest and line.offer.lowest_fen is not None:
                yield lowest_or_reason(line, line.offer.lowest_fen, lowest)

    return check


def enough_compared(line: Line, cited: Cited | None, at: datetime, figures: Parameters) -> Verdict:
    """P03: the sheet cited holds offers of n suppliers in the line's category, or of as many as offer the product, if fewer.

    A sheet older than d days shows a market that is no more, and counts nothing.
    """
    exist = line.offer.rivals
    needed = min(int(figures["n"]), exist)
    stale = cited is not None and OLD_DAYS in figures and at - cited.frozen_at > timedelta(days=int(figures[OLD_DAYS]))
    compared = len(cited.suppliers.get(line.offer.category, ())) if cited is not None and not stale else 0
    told = N_("没有引用比选单") if cited is None else N_("所引比选单已过期") if stale else N_("按所引比选单")
    return Verdict(
        rule="P03",
        subject=f"line:{line.no}",
        outcome=Outcome.HOLD if needed > 1 and compared < needed else Outcome.PASS,
        inputs={"comparison": cited.number if cited else None, "compared": compared, "exist": exist},
        threshold={"needed": needed} | {name: figures[name] for name in ("n", OLD_DAYS) if name in figures},
        facts={"line": line.no, "exist": exist, "needed": needed, "compared": compared, "cited": told},
    )


def lowest_or_reason(line: Line, lowest_fen: int, figures: Parameters) -> Verdict:
    """P04: the price is within p per cent of the lowest for the same product, or the buyer says why; said reasons stay visible."""
    price, percent = line.offer.price_fen, int(figures["p_percent"])
    above = price * 100 > lowest_fen * (100 + percent)
    words = (line.words or "").strip()
    return Verdict(
        rule="P04",
        subject=f"line:{line.no}",
        outcome=(Outcome.WATCH if words else Outcome.HOLD) if above else Outcome.PASS,
        inputs={"price_fen": price, "why": line.why if above and words else None},
        threshold={"lowest_fen": lowest_fen, "p_percent": percent},
        facts={
            "line": line.no,
            "price_fen": price,
            "lowest_fen": lowest_fen,
            "over_fen": max(price - lowest_fen, 0),
            "why": (REASONS.get(line.why or "", REASONS["other"]) if words else N_("未写明")) if above else "",
            "reason": words if above else "",
        },
    )


# ---------------------------------------------------------------- refusals


class NothingToFreeze(Conflict):
    """There is nothing on the shelves that could be put on record."""

    code = "comparison.nothing"
    message = N_("没有可以冻结的在架商品")
    way_out = N_("请放宽搜索条件，或改选在架商品")


class BadPick(Invalid):
    """Side by side are two to four offers."""

    code = "comparison.bad_pick"
    message = N_("并排比选冻结 2 至 4 件在架商品，现为 %(count)s 件")
    way_out = N_("请在搜索结果里勾选 2 至 4 件后再冻结")
    count: int


class UnknownReason(Invalid):
    """Reasons have codes."""

    code = "comparison.unknown_reason"
    message = N_("第 %(line)s 行的理由分类“%(given)s”不在可选范围")
    way_out = N_("请从列出的理由中选择")
    field: str | None = "why"
    line: int
    given: str


class ReasonTooLong(Invalid):
    """Reasons are short."""

    code = "comparison.reason_too_long"
    message = N_("第 %(line)s 行的理由共 %(length)s 字，最多 %(most)s 字")
    way_out = N_("请缩短后再提交")
    field: str | None = "words"
    line: int
    length: int
    most: int = MOST_WORDS


def check_reasons(reasons: Sequence[tuple[str | None, str | None]]) -> None:
    """Codes that exist and words that are short, line by line. Raises UnknownReason, ReasonTooLong."""
    for no, (why, words) in enumerate(reasons, start=1):
        if why is not None and why not in REASONS:
            raise UnknownReason(line=no, given=why[:40])
        if words is not None and len(words) > MOST_WORDS:
            raise ReasonTooLong(line=no, length=len(words))
