"""What a catalogue code says by itself, and what is missing when a region has no figure set.

A code of the procurement catalogue (财库〔2022〕31号) is a letter and four pairs of digits; ``00`` pairs at the end mean
"not divided further". The same code classifies the asset card (GB/T 14885).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from app.kernel import workdays
from app.kernel.errors import N_, Conflict, Missing


class CategoryKind(StrEnum):
    """The three objects of procurement (政府采购法 2)."""

    GOODS = "goods"
    WORKS = "works"
    SERVICES = "services"


class AssetKind(StrEnum):
    """What the purchase becomes in the unit's books."""

    FIXED = "fixed"
    INTANGIBLE = "intangible"
    NONE = "none"


class What(StrEnum):
    """The limits that are set by region, kind and date, in fen."""

    MALL_CEILING = "mall_ceiling"
    DIRECT_CEILING = "direct_ceiling"
    PROCUREMENT_LIMIT = "procurement_limit"
    OPEN_TENDER_LIMIT = "open_tender_limit"
    SME_RESERVE = "sme_reserve"
    ASSET_VALUE = "asset_value"


class TermName(StrEnum):
    """The deadlines that are set by region and date."""

    PLAN_RETURN = "plan_return"
    EXPLAIN_HOLD = "explain_hold"
    APPROVE = "approve"
    HOLD_PRICE_STOCK = "hold_price_stock"
    CONFIRM = "confirm"
    DELIVER = "deliver"
    ACCEPT = "accept"
    PAYMENT_MALL = "payment_mall"
    PAYMENT_SME = "payment_sme"
    PAYMENT_SME_CAP = "payment_sme_cap"
    PUBLISH_CONTRACT = "publish_contract"
    FILE_CONTRACT = "file_contract"
    PUBLISH_RESULT = "publish_result"
    PUBLISH_CHANGE = "publish_change"
    RATE = "rate"
    REGISTER_ASSET = "register_asset"
    ALERT_RED = "alert_red"
    ALERT_ORANGE = "alert_orange"
    ALERT_YELLOW = "alert_yellow"
    VERIFY_ALERT = "verify_alert"
    RECTIFY = "rectify"
    REVIEW_SUPPLIER = "review_supplier"
    SUPPLIER_DRAFT = "supplier_draft"


LIMIT_LABELS: Final[dict[str, str]] = {
    What.MALL_CEILING: N_("网上商城限额"),
    What.DIRECT_CEILING: N_("直接订购限额"),
    What.PROCUREMENT_LIMIT: N_("采购限额标准"),
    What.OPEN_TENDER_LIMIT: N_("公开招标数额标准"),
    What.SME_RESERVE: N_("面向中小企业预留限额"),
    What.ASSET_VALUE: N_("固定资产单位价值标准"),
}

TERM_LABELS: Final[dict[str, str]] = {
    TermName.PLAN_RETURN: N_("采购计划退回补正期限"),
    TermName.EXPLAIN_HOLD: N_("挂起订单说明期限"),
    TermName.APPROVE: N_("单位审核期限"),
    TermName.HOLD_PRICE_STOCK: N_("价格与库存保留期限"),
    TermName.CONFIRM: N_("供应商确认期限"),
    TermName.DELIVER: N_("供货期限"),
    TermName.ACCEPT: N_("验收期限"),
    TermName.PAYMENT_MALL: N_("商城付款期限"),
    TermName.PAYMENT_SME: N_("中小企业付款期限"),
    TermName.PAYMENT_SME_CAP: N_("中小企业约定付款期限上限"),
    TermName.PUBLISH_CONTRACT: N_("合同公告期限"),
    TermName.FILE_CONTRACT: N_("合同备案期限"),
    TermName.PUBLISH_RESULT: N_("成交结果公告期限"),
    TermName.PUBLISH_CHANGE: N_("合同变更终止公告期限"),
    TermName.RATE: N_("评价期限"),
    TermName.REGISTER_ASSET: N_("资产登记期限"),
    TermName.ALERT_RED: N_("红色预警响应期限"),
    TermName.ALERT_ORANGE: N_("橙色预警响应期限"),
    TermName.ALERT_YELLOW: N_("黄色预警响应期限"),
    TermName.VERIFY_ALERT: N_("预警核实期限"),
    TermName.RECTIFY: N_("限期整改期限"),
    TermName.REVIEW_SUPPLIER: N_("供应商入驻审核期限"),
    TermName.SUPPLIER_DRAFT: N_("入驻申请补正、提交期限"),
}

UNIT_NAMES: Final[dict[workdays.Unit, str]] = {workdays.Unit.WORKDAYS: N_("个工作日"), workdays.Unit.DAYS: N_("个自然日")}


class UnknownCategory(Missing):
    """The catalogue has no such code."""

    code = "taxonomy.unknown_category"
    message = N_("政府采购品目分类目录中没有编码 %(category)s，请从目录中选择品目")
    basis = N_("财库〔2022〕31号")
    category: str


class NoLimit(Conflict):
    """No figure is set for this limit in this region on this day."""

    code = "taxonomy.no_limit"
    message = N_("%(region)s 在 %(on)s 没有设定%(label)s，请联系本级财政部门维护限额标准后再办理")
    what: str
    label: str
    region: str
    on: date


class NoTerm(Conflict):
    """No period is set for this deadline in this region on this day."""

    code = "taxonomy.no_term"
    message = N_("%(region)s 在 %(on)s 没有设定%(label)s，请联系本级财政部门维护办理期限后再办理")
    name: str
    label: str
    region: str
    on: date


class CategoryRow(NamedTuple):
    """One category of the procurement catalogue; immutable once issued."""

    code: str
    name: str
    level: int
    parent_code: str | None
    leaf: bool
    kind: CategoryKind


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """A limit as it stands for a region and kind on a day, in fen, with the document that set it."""

    id: int
    what: str
    kind: CategoryKind
    region_level: str | None
    region_code: str | None
    amount_fen: int
    valid_from: date
    valid_to: date | None
    doc_no: str


@dataclass(frozen=True, kw_only=True)
class TermRow:
    """A period as it stands for a region on a day, with the document that set it."""

    id: int
    name: str
    days: int
    unit: workdays.Unit
    region_level: str | None
    region_code: str | None
    valid_from: date
    valid_to: date | None
    doc_no: str

    def after(self, start: date) -> workdays.Deadline:
        """The last day of the period that starts after ``start``."""
        return workdays.after(start, self.days, self.unit)


@dataclass(frozen=True, kw_only=True)
class MallRow:
    """A category that the mall sells in a region (the whole province when none is named)."""

    id: int
    category_code: str
    region_code: str | None
    valid_from: date
    valid_to: date | None
    doc_no: str
    supplement: bool


_KINDS: Final = {"A": CategoryKind.GOODS, "B": CategoryKind.WORKS, "C": CategoryKind.SERVICES}
_FIXED_GROUPS: Final = ("A01", "A02", "A03", "A04", "A05", "A06")
_SUPPLIES: Final = ("A0504",)


def stem(code: str) -> str:
    """The part of the code that is divided: A05010000 -> A0501."""
    while len(code) > 1 and code.endswith("00"):
        code = code[:-2]
    return code


def covers(ancestor: str, code: str) -> bool:
    """Whether ``code`` is the ancestor or a category under it."""
    return code.startswith(stem(ancestor))


def at_level(code: str, level: int) -> str:
    """The code cut to its first ``level`` pairs of digits; level 0 is the letter."""
    return code[0] if level == 0 else code[: 1 + 2 * level].ljust(9, "0")


def level3(code: str) -> str:
    """The level-3 category: what the ceilings of P01 and P02 add up by."""
    return at_level(code, 3)


def kind_of(code: str) -> CategoryKind:
    """Goods, works or services, by the letter. Raises UnknownCategory."""
    if code[:1] not in _KINDS:
        raise UnknownCategory(category=code)
    return _KINDS[code[:1]]


def asset_kind(code: str) -> AssetKind:
    """What a purchase of the category becomes, before its value is looked at.

    Office supplies (A0504: paper, toner) and materials (A07) never make a card; A08 makes an intangible asset.
    """
    if code.startswith("A08"):
        return AssetKind.INTANGIBLE
    if code.startswith(_FIXED_GROUPS) and not code.startswith(_SUPPLIES):
        return AssetKind.FIXED
    return AssetKind.NONE


def is_fixed_asset(code: str) -> bool:
    """Whether goods of the category are fixed assets when their value reaches the limit (`What.ASSET_VALUE`)."""
    return asset_kind(code) is AssetKind.FIXED


def needs_card(code: str, unit_price_fen: int, least_fen: int) -> bool:
    """Whether one unit bought at this price gets an asset card; ``least_fen`` is the asset-value limit (财政部令第108号)."""
    kind = asset_kind(code)
    return kind is AssetKind.INTANGIBLE or (kind is AssetKind.FIXED and unit_price_fen >= least_fen)


def in_force(valid_from: date, valid_to: date | None, on: date) -> bool:
    """Whether a dated row holds on a day; both ends belong to it."""
    return valid_from <= on and (valid_to is None or on <= valid_to)
