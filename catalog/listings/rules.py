"""What an offer is to whoever buys, the gate before the shelf, and why a change is refused. Amounts in fen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.kernel import clock, regions
from app.kernel.errors import N_, Conflict, Invalid
from app.kernel.verdicts import that
from catalog.listings.verdicts import Outcome, Verdict


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
    verdicts: tuple[Verdict, ...] = ()


class GateRefused(Conflict):
    """The gate before the shelf blocks the offer; `verdicts` are all its checks."""

    code = "listing.gate"
    message = N_("不能上架：%(titles)s")
    way_out = N_("请按闸门判定逐项改正后再上架，或先存为草稿")
    titles: str
    verdicts: tuple[Verdict, ...]


class InReview(Conflict):
    """What waits for the catalogue keeper is not changed under his hands."""

    code = "listing.in_review"
    message = N_("%(title)s 正在审核，不能修改")
    way_out = N_("请等待审核结果，或先撤回送审再修改")
    title: str


class ReasonMissing(Invalid):
    """A decision against an offer states its reason; the supplier reads it."""

    code = "listing.reason_missing"
    message = N_("请写明理由，供应商会看到")
    field: str | None = "reason"


class ReviewClosed(Conflict):
    """Somebody else decided it, or the supplier took it back."""

    code = "listing.review_closed"
    message = N_("“%(title)s”的送审已办结（%(state)s）")
    way_out = N_("请刷新待审队列")
    title: str
    state: str


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


@dataclass(frozen=True, kw_only=True)
class Traded:
    """What a product was bought for lately: how many order lines and their mean price in fen, cancelled ones left out."""

    n: int
    average_fen: int


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The newest external reference price of a product: a large e-shop's own price, or the maker's."""

    price_fen: int
    source: str
    on: date


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An offer as it would stand on the shelf, with everything the gate looks at. Prices in fen."""

    supplier: str
    may_trade: bool
    until: datetime | None
    dishonest: str | None
    """The list of dishonest firms that the supplier is on."""
    lapsed: tuple[str, ...] = ()
    """Titles of the supplier's required documents that have ended."""
    category: str
    doc_no: str | None
    """The document by which the mall sells the category; None when it does not."""
    unit: str
    imported: bool
    certified: bool
    """Whether an energy-saving certificate is valid today."""
    reliable: bool
    price_fen: int | None
    others: Quartiles | None
    """The live offers of the same product by other suppliers."""
    reference: Reference | None
    traded: Traded | None
    duplicate: str | None
    """The supplier's own number of another offer of the product on the shelf."""


Parameters = Mapping[str, Mapping[str, Any]]
"""The dated parameters in force, by rule; a rule without any is not in force."""


def judge(offer: Candidate, parameters: Parameters) -> tuple[Verdict, ...]:
    """Every check of the gate, in the order people read them; the same facts and parameters always give the same verdicts."""
    found = [*_on_supplier(offer, parameters), *_on_product(offer, parameters)]
    if offer.price_fen is not None:
        found += _on_price(offer, offer.price_fen, parameters)
    return tuple(found)


def refused(verdicts: Iterable[Verdict]) -> Conflict | None:
    """The refusal that these verdicts call for, or None when nothing blocks."""
    blocks = that(Outcome.BLOCK, verdicts)
    if not blocks:
        return None
    if len(blocks) == 1 and blocks[0].rule == "R08":
        return DuplicateListing(sku=blocks[0].facts["sku"], verdicts=tuple(verdicts))
    return GateRefused(titles="、".join(verdict.words.title for verdict in blocks), verdicts=tuple(verdicts))


def is_held(verdicts: Iterable[Verdict]) -> bool:
    """Whether the offer waits for the catalogue keeper."""
    return any(verdict.outcome is Outcome.HOLD for verdict in verdicts)


LEAVING = frozenset({"K01", "K05", "P08"})
"""Rules that also take an offer off the shelf when they come to block it there. Who may not trade (K02) is hidden meanwhile and
comes back with his standing; what a price is worth (R01, R02) is judged when it is set."""


def leaving(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Of these checks those for which an offer cannot stay on the shelf."""
    return tuple(verdict for verdict in that(Outcome.BLOCK, verdicts) if verdict.rule in LEAVING)


def on_record(verdicts: Iterable[Verdict]) -> str:
    """What these checks found, in the language of the record."""
    return "；".join(verdict.sentence % verdict.facts for verdict in verdicts)


PRICE_RULES = frozenset({"R01", "R02", "R03"})


def eased(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The same checks where a price goes down: what is still too high is remarked, and no longer held or blocked."""
    return tuple(
        replace(verdict, outcome=Outcome.WATCH)
        if verdict.rule in PRICE_RULES and verdict.outcome in {Outcome.HOLD, Outcome.BLOCK}
        else verdict
        for verdict in verdicts
    )


def _verdict(parameters: Parameters, rule: str, fails: bool, *, judged: bool = True, words_of: str = "", **facts: Any) -> Iterator[Verdict]:
    """One verdict with the outcome that the dated parameters give the rule; none when the rule is not in force."""
    if rule in parameters:
        stage = parameters[rule].get("listing_stage", parameters[rule].get("stage", Outcome.WATCH))
        yield Verdict(rule=rule, outcome=Outcome(stage) if fails else Outcome.PASS, facts=facts, judged=judged, words_of=words_of)


def _on_supplier(offer: Candidate, parameters: Parameters) -> Iterator[Verdict]:
    """K01 no dishonest supplier, K02 none that may not trade, K05 none without a licence it must have."""
    yield from _verdict(parameters, "K01", offer.dishonest is not None, supplier=offer.supplier, listed=offer.dishonest)
    until = clock.local(offer.until).date().isoformat() if offer.until else N_("另行通知")
    yield from _verdict(parameters, "K02", not offer.may_trade, supplier=offer.supplier, until=until)
    yield from _verdict(parameters, "K05", bool(offer.lapsed), supplier=offer.supplier, papers="、".join(offer.lapsed))


def _on_product(offer: Candidate, parameters: Parameters) -> Iterator[Verdict]:
    """P09 in the mall catalogue, P07 imports, P08 energy, P13 safe and reliable, R08 offered once."""
    code = offer.category
    yield from _verdict(parameters, "P09", offer.doc_no is None, category=code, doc_no=offer.doc_no or "")
    yield from _verdict(parameters, "P07", offer.imported)
    yield from _verdict(parameters, "P08", _listed("P08", code, parameters) and not offer.certified, category=code)
    yield from _verdict(parameters, "P13", _listed("P13", code, parameters) and not offer.reliable, category=code)
    yield from _verdict(parameters, "R08", offer.duplicate is not None, sku=offer.duplicate)


def _listed(rule: str, code: str, parameters: Parameters) -> bool:
    """Whether the dated list of a rule holds the category or one above it."""
    return rule in parameters and any(code.startswith(prefix) for prefix in parameters[rule].get("categories", ()))


def _on_price(offer: Candidate, price_fen: int, parameters: Parameters) -> Iterator[Verdict]:
    """R01 against the reference price, R02 against other offers, R03 against concluded prices, R07 bait and odd units."""
    reference = offer.reference
    if "R01" in parameters:
        days = parameters["R01"]["d"]
        if reference is None:
            yield from _verdict(parameters, "R01", False, judged=False, days=days)
        else:
            bound = _above(reference.price_fen, parameters["R01"]["p_percent"])
            facts: dict[str, Any] = {"price_fen": price_fen, "reference_fen": reference.price_fen, "bound_fen": bound}
            yield from _verdict(
                parameters, "R01", price_fen > bound, **facts, source=reference.source, on=reference.on.isoformat(), days=days
            )
    if "R02" in parameters:
        yield place_of_price(price_fen, offer.others, parameters)
    if "R03" in parameters:
        yield from _on_traded(price_fen, offer.traded, parameters)
    yield from _on_bait(offer, price_fen, parameters)


def place_of_price(price_fen: int, others: Quartiles | None, parameters: Parameters) -> Verdict:
    """R02: a price far above the median of the live offers of the same product, when there are enough of them."""
    least, n = parameters["R02"]["n"], others.n if others else 0
    if others is None or n < least:
        return next(_verdict(parameters, "R02", False, judged=False, n=n, least=least))
    bound = _above(others.median, parameters["R02"]["p_percent"])
    return next(_verdict(parameters, "R02", price_fen > bound, price_fen=price_fen, median_fen=others.median, bound_fen=bound, n=n))


def _on_traded(price_fen: int, traded: Traded | None, parameters: Parameters) -> Iterator[Verdict]:
    given, n = parameters["R03"], traded.n if traded else 0
    days, least = given["d"], given["n"]
    if traded is None or n < least:
        return _verdict(parameters, "R03", False, judged=False, n=n, least=least, days=days)
    bound = _above(traded.average_fen, given["p_percent"])
    facts: dict[str, Any] = {"price_fen": price_fen, "average_fen": traded.average_fen, "bound_fen": bound}
    return _verdict(parameters, "R03", price_fen > bound, **facts, n=n, days=days)


def _on_bait(offer: Candidate, price_fen: int, parameters: Parameters) -> Iterator[Verdict]:
    given = parameters.get("R07", {})
    prefix = max((name for name in given if name[:1] in "ABC" and offer.category.startswith(name)), key=len, default="")
    if prefix and offer.unit not in given[prefix]:
        yield from _verdict(parameters, "R07", True, words_of="R07.unit", unit=offer.unit, units="、".join(given[prefix]))
        return
    reference = offer.reference
    bound = reference.price_fen * (100 - given["p_percent"]) // 100 if reference and given else 0
    facts: dict[str, Any] = {"price_fen": price_fen, "reference_fen": reference.price_fen if reference else None, "bound_fen": bound}
    yield from _verdict(parameters, "R07", price_fen < bound, **facts, unit=offer.unit)


def _above(fen: int, percent: int) -> int:
    """So many percent above an amount, rounded down."""
    return fen * (100 + percent) // 100
