"""What an offer is to whoever buys, and why stock is refused. Amounts in fen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.kernel import regions
from app.kernel.errors import N_, Conflict, Invalid


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A listing as it stands now, with its product and its supplier."""

    listing_id: int
    version: int
    price_fen: int
    stock: int
    on_shelf: bool
    areas: str
    delivery_days: int
    product_id: int
    category: str
    category_name: str
    title: str
    brand: str
    model: str
    unit: str
    supplier_id: int
    supplier_name: str
    may_trade: bool
    standing_until: datetime | None
    tax_rate: int
    in_mall: bool
    allowed_classes: tuple[str, ...]
    lowest_fen: int | None = None
    """The lowest price asked for the same product now, of those in stock and delivered to the region; None when nobody looked."""
    rivals: int = 0
    """How many suppliers ask a price for it in that way, this one among them."""

    def serves(self, region: str) -> bool:
        """Whether the supplier delivers to this region."""
        return any(regions.within(region, area) for area in self.areas.split(","))


class OutOfStock(Conflict):
    """Another buyer took the last pieces between the check and the update."""

    code = "listing.out_of_stock"
    message = N_("刚刚有商品库存不足或已下架")
    way_out = N_("请刷新购物车，减少数量或改选其他供应商的同款商品")


class ChangedMeanwhile(Conflict):
    """Somebody else changed the listing since it was read."""

    code = "listing.changed_meanwhile"
    message = N_("%(title)s 在您打开之后已被他人修改，本次修改没有保存")
    way_out = N_("请刷新页面，核对最新的价格和状态后再改")
    title: str


class ListingFrozen(Conflict):
    """A frozen listing waits for a decision of those who supervise it."""

    code = "listing.frozen"
    message = N_("%(title)s 已被冻结，不能改价或上下架")
    way_out = N_("请联系集中采购机构处理后再修改")
    title: str


class DuplicateListing(Conflict):
    """One supplier offers one product once (rule R08)."""

    code = "listing.duplicate"
    message = N_("您已上架同品牌同型号的商品（货号 %(sku)s），不能重复铺货")
    way_out = N_("请修改已上架的那一条，或先将其下架")
    basis = N_("R08 重复铺货")
    sku: str


class SkuTaken(Invalid):
    """The supplier uses this number for another listing."""

    code = "listing.sku_taken"
    message = N_("货号 %(sku)s 已用于您的另一条商品")
    field: str | None = "sku"
    sku: str


class ProductNotSaid(Invalid):
    """An offer names a product, or defines one."""

    code = "listing.product_not_said"
    message = N_("请给出 product（产品定义），或同时给出 product_id 与 title")
    field: str | None = "product"


class BadPrice(Invalid):
    """A price is at least one fen and below a hundred million yuan."""

    code = "listing.bad_price"
    message = N_("价格须大于零且小于 1 亿元")
    field: str | None = "price_fen"


class BadStock(Invalid):
    """Stock is a whole number from nothing to ten million."""

    code = "listing.bad_stock"
    message = N_("库存须为 0 到 10,000,000 之间的整数")
    field: str | None = "stock"


class StockSold(Conflict):
    """More was sold meanwhile than the new stock allows for."""

    code = "listing.stock_sold"
    message = N_("改库存期间又有订单占用，现有库存 %(stock)s，按您的改动将不足零")
    way_out = N_("请刷新页面，按最新库存重新填写")
    stock: int


class UnknownArea(Invalid):
    """A listing serves regions of the province."""

    code = "listing.unknown_area"
    message = N_("供货区域 %(area)s 不是河南省的行政区划代码")
    field: str | None = "regions"
    area: str


MOST_FEN = 10_000_000_000
MOST_STOCK = 10_000_000


def check_price(price_fen: int) -> None:
    """Raises BadPrice."""
    if not 0 < price_fen < MOST_FEN:
        raise BadPrice()


def check_stock(stock: int) -> None:
    """Raises BadStock."""
    if not 0 <= stock <= MOST_STOCK:
        raise BadStock()


def areas(codes: Sequence[str]) -> str:
    """The regions served as stored: the widest only, in code order; none means the whole province. Raises UnknownArea."""
    for code in codes:
        if code not in regions.REGIONS:
            raise UnknownArea(area=code)
    widest = [code for code in codes if not any(other != code and regions.within(code, other) for other in codes)]
    return ",".join(sorted(set(widest))) or regions.PROVINCE


@dataclass(frozen=True, kw_only=True)
class Quartiles:
    """How the live offers of a product (or a category) are spread, in fen; n is how many there are."""

    n: int
    min: int
    q1: int
    median: int
    q3: int
    max: int


def quartiles_of(prices: Iterable[int]) -> Quartiles | None:
    """The quartiles of some prices by nearest rank, the median of an even number halfway, rounded down; None for no price."""
    row = sorted(prices)
    n = len(row)
    if not n:
        return None
    median = (row[(n + 1) // 2 - 1] + row[n // 2]) // 2
    return Quartiles(n=n, min=row[0], q1=row[(n + 3) // 4 - 1], median=median, q3=row[(3 * n + 3) // 4 - 1], max=row[-1])


class Outcome(StrEnum):
    """What a check of the gate says, in the words that verdict lines use."""

    PASS = "pass"  # noqa: S105 - an outcome
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the gate: rule, outcome, and the sentence with its facts (fen stay integers)."""

    rule: str
    outcome: Outcome
    title: str
    sentence: str
    facts: Mapping[str, object]
    basis: str = ""


ABOVE_MEDIAN_PERCENT = 20
"""Offers this far above the median of live offers are stopped by central organs' malls; here they are warned of."""


def gate(
    *, in_mall: bool, doc_no: str, category: str, may_trade: bool, duplicate_sku: str | None, price_fen: int | None, stats: Quartiles | None
) -> tuple[Check, ...]:
    """What an offer meets before and on the shelf: supplier's standing, mall catalogue, repeated offers, place of the price."""
    checks = [
        _check("K01", Outcome.PASS, N_("供应商可以交易"), N_("供应商库状态正常"))
        if may_trade
        else _check("K01", Outcome.BLOCK, N_("供应商不能交易"), N_("供应商已被暂停或清退，商品不会被搜到")),
        _check("P09", Outcome.PASS, N_("在商城目录内"), N_("品目 %(category)s 可在商城采购"), basis=doc_no, category=category)
        if in_mall
        else _check("P09", Outcome.WARN, N_("不在商城目录内"), N_("品目 %(category)s 不在商城目录，采购单位不能下单"), category=category),
        _check("R08", Outcome.PASS, N_("没有重复铺货"), N_("同品牌同型号只此一条在架"))
        if duplicate_sku is None
        else _check("R08", Outcome.BLOCK, N_("重复铺货"), N_("货号 %(sku)s 已上架同品牌同型号"), sku=duplicate_sku),
    ]
    if price_fen is not None:
        checks.append(place_of_price(price_fen, stats))
    return tuple(checks)


def place_of_price(price_fen: int, stats: Quartiles | None) -> Check:
    """Where a price stands among the live offers of the same product (rule R02)."""
    if stats is None or stats.n < 3:
        words = N_("同款在架报价 %(n)s 个，不足 3 个，不评位次")
        return _check("R02", Outcome.PASS, N_("价格位次"), words, n=stats.n if stats else 0)
    bound = stats.median * (100 + ABOVE_MEDIAN_PERCENT) // 100
    facts: dict[str, Any] = {"n": stats.n, "price_fen": price_fen, "median_fen": stats.median, "bound_fen": bound}
    if price_fen > bound:
        words = N_("%(price)s 元高于在架中位价 %(median)s 元的 1.2 倍（%(bound)s 元，n=%(n)s），采购单位会看到提示")
        return _check("R02", Outcome.WARN, N_("价格明显偏高"), words, **facts)
    words = N_("%(price)s 元，在架中位价 %(median)s 元，提示线 %(bound)s 元，n=%(n)s")
    return _check("R02", Outcome.PASS, N_("价格位次正常"), words, **facts)


def _check(rule: str, outcome: Outcome, title: str, sentence: str, *, basis: str = "", **facts: object) -> Check:
    return Check(rule=rule, outcome=outcome, title=title, sentence=sentence, basis=basis, facts=facts)
