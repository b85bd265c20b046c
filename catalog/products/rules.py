"""The shape of a product's attributes, what a document proves of it and until when, and why a definition is refused."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from app.kernel.errors import N_, Conflict, Invalid
from catalog.products.states import EXPIRING, Counts, FactKind

Attribute = str | int | float | bool
MOST_ATTRIBUTES: Final = 60
_MOST_PIECES: Final = 10**9
FOR_EVER: Final = "9999-12-31"
"""The last day of a document that names none, where days are compared as text."""


class NotLeaf(Invalid):
    """Products belong to the narrowest category."""

    code = "product.not_leaf"
    message = N_("%(category)s %(name)s 下还有更细的品目，请选到最末级")
    field: str | None = "category_code"
    category: str
    name: str


class BadAttributes(Invalid):
    """Attributes are names with plain values."""

    code = "product.bad_attributes"
    message = N_("规格参数“%(attribute)s”应为文字、数字或是否，名称不超过 40 字、内容不超过 200 字，总数不超过 60 项")
    field: str | None = "attributes"
    attribute: str


def stored(attributes: Mapping[str, object]) -> str:
    """Attributes as JSON text, in the order given. Raises BadAttributes for anything but text, numbers and yes or no."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise BadAttributes(attribute=str(len(attributes)))
    for name, value in attributes.items():
        plain = isinstance(value, str | int | float | bool)
        if not plain or not 0 < len(name) <= 40 or (isinstance(value, str) and len(value) > 200):
            raise BadAttributes(attribute=name[:40])
    return json.dumps(dict(attributes), ensure_ascii=False, separators=(",", ":"))


def attributes_of(text: str) -> dict[str, Attribute]:
    """Attributes by name, in the order in which they were given."""
    read: dict[str, Attribute] = json.loads(text)
    return read


def read_lines(text: str) -> dict[str, Attribute]:
    """Attributes typed one a line as `name：value`; whole numbers become numbers, 是 and 否 yes and no. Raises BadAttributes."""
    found: dict[str, Attribute] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.replace("：", ":", 1).partition(":")
        if not colon or not name.strip() or not value.strip():
            raise BadAttributes(attribute=line.strip()[:40])
        found[name.strip()] = _typed(value.strip())
    return found


def lines_of(attributes: Mapping[str, Attribute]) -> str:
    """The same the other way round, for the editor."""
    return "\n".join(f"{name}：{words(value)}" for name, value in attributes.items())


@dataclass(frozen=True)
class Pieces:
    """What one unit of sale holds: so many of these."""

    n: int
    of: str

    def each_of(self, price_fen: int) -> Decimal:
        """What one of them costs when the unit costs so much, in yuan to four places."""
        return (Decimal(price_fen) / 100 / self.n).quantize(Decimal("0.0001"))


def pieces(unit: str, attributes: Mapping[str, Attribute]) -> Pieces | None:
    """What a unit of sale holds as the attributes tell it, down to the smallest: 每包张数 500 of a 包, 24瓶/箱 of a 箱; None: not told."""
    n, of = 1, unit
    while (found := _held(of, attributes)) is not None and n * found.n <= _MOST_PIECES:
        n, of = n * found.n, found.of
    return Pieces(n, of) if n > 1 else None


def _held(unit: str, attributes: Mapping[str, Attribute]) -> Pieces | None:
    for name, value in attributes.items():
        told = re.fullmatch(rf"每{re.escape(unit)}(\D{{1,3}})数", name)
        if told and told[1] != unit and (n := _whole(value)):
            return Pieces(n, told[1])
        packed = re.fullmatch(rf"(\d{{1,6}})\s*([^\d\s/]{{1,3}})\s*/\s*{re.escape(unit)}", str(value).strip()) if name == "包装" else None
        if packed and packed[2] != unit and (n := int(packed[1])):
            return Pieces(n, packed[2])
    return None


def _whole(value: Attribute) -> int:
    """A number of pieces as suppliers write it; 0 for what is none."""
    digits = str(value).strip().removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 7 else 0


def words(value: Attribute) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{value:g}" if isinstance(value, float) else str(value)


def summary(attributes: Mapping[str, Attribute], most: int = 4) -> str:
    """The first few values in one line, for cards and lists; yes or no is told by its name."""
    parts = [name if value is True else words(value) for name, value in attributes.items() if value is not False]
    return " · ".join(parts[:most])


# ---------------------------------------------------------------- the trade item number


class BadGtin(Invalid):
    """A trade item number has 8, 12, 13 or 14 figures, the last of which follows from the others (GB 12904, GS1)."""

    code = "product.bad_gtin"
    message = N_("商品条码 %(gtin)s 不对：应为 8、12、13 或 14 位数字，末位是校验码")
    way_out = N_("请照包装上的条码核对，没有条码的商品此项留空")
    field: str | None = "gtin"
    gtin: str


class WrongCheckDigit(Invalid):
    """The last figure does not follow from the others: one of them is mistyped."""

    code = "product.wrong_check_digit"
    message = N_("商品条码 %(gtin)s 的校验码不对：按前面的数字，末位应为 %(digit)s")
    way_out = N_("请照包装上的条码核对，没有条码的商品此项留空")
    field: str | None = "gtin"
    gtin: str
    digit: int


class GtinOfAnother(Conflict):
    """One trade item number, one product."""

    code = "product.gtin_of_another"
    message = N_("商品条码 %(gtin)s 已属于 %(brand)s %(model)s，与您填写的品牌不同")
    way_out = N_("确为同一商品的，请照已有产品填写品牌和型号；条码抄错的，请改正")
    field: str | None = "gtin"
    gtin: str
    brand: str
    model: str


def gtin14(text: str) -> str | None:
    """A trade item number as fourteen figures; None for nothing. Raises BadGtin, WrongCheckDigit."""
    figures = "".join(text.split()).replace("-", "")
    if not figures:
        return None
    if len(figures) not in {8, 12, 13, 14} or not (figures.isascii() and figures.isdigit()):
        raise BadGtin(gtin=text.strip()[:20])
    whole = figures.zfill(14)
    digit = -sum(int(figure) * (3 if place % 2 == 0 else 1) for place, figure in enumerate(whole[:-1])) % 10
    if digit != int(whole[-1]):
        raise WrongCheckDigit(gtin=figures, digit=digit)
    return whole


def gtin_as_printed(whole: str | None) -> str:
    """A trade item number as the package shows it: thirteen figures, or eight; empty for none."""
    if not whole:
        return ""
    if whole.startswith("000000"):
        return whole[6:]
    return whole.removeprefix("0")


# ---------------------------------------------------------------- what policy says, and by which document


class MergeRefused(Invalid):
    """Two products are merged that are really one."""

    field: str | None = "into"


class MergeUnknown(MergeRefused):
    """The product it should become is not there, or is this one."""

    code = "product.merge_unknown"
    message = N_("并入的产品编号 %(into)s 不存在，或就是本产品")
    way_out = N_("产品编号在产品页的网址里，也列在“同品牌同型号”一栏")
    into: str


class MergeUnits(MergeRefused):
    """Offers of one product are counted in one unit, or their prices could not be compared."""

    code = "product.merge_units"
    message = N_("本产品按“%(own)s”销售，并入的产品按“%(other)s”销售，价格不能并列")
    way_out = N_("请先更正其中一个的销售单位，并通知供应商改价")
    own: str
    other: str


class ReasonMissing(Invalid):
    """Whoever changes what all suppliers share says why."""

    code = "product.reason_missing"
    message = N_("请写明理由，供应商和监管部门会看到")
    field: str | None = "reason"


class GtinTaken(Conflict):
    """One trade item number, one product."""

    code = "product.gtin_taken"
    message = N_("商品条码 %(gtin)s 已属于 %(brand)s %(model)s")
    way_out = N_("两者确为同一商品的，请合并；条码抄错的，请改正")
    field: str | None = "gtin"
    gtin: str
    brand: str
    model: str


class FactIncomplete(Invalid):
    """A certificate is named whole or not at all."""

    code = "product.fact_incomplete"
    message = N_("%(what)s须同时填写编号、发证机构和有效期截止日，现缺%(lacks)s")
    way_out = N_("请照证书填写；没有证书的不要填")
    field: str | None = "facts"
    what: str
    lacks: str


class FactNotNow(Invalid):
    """A certificate is recorded while it holds."""

    code = "product.fact_not_now"
    message = N_("%(what)s的有效期为 %(begins)s 至 %(ends)s，今天 %(today)s 不在其中，不能登记")
    way_out = N_("请换用现行有效的证书；未生效的在生效之后登记")
    field: str | None = "facts"
    what: str
    begins: str
    ends: str
    today: date


class FactPeriod(Invalid):
    """The first day of a certificate is not after its last."""

    code = "product.fact_period"
    message = N_("%(what)s的起始日 %(begins)s 晚于截止日 %(ends)s")
    field: str | None = "facts"
    what: str
    begins: date
    ends: date


class FactReasonMissing(Invalid):
    """Whoever withdraws a document says why."""

    code = "product.fact_reason_missing"
    message = N_("请写明撤销的理由，供应商会看到")
    field: str | None = "reason"


@dataclass(frozen=True, kw_only=True)
class FactInput:
    """A document that a product is what it is said to be; days are dates, the last one included."""

    kind: FactKind
    number: str = ""
    issuer: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyFact:
    """What policy says of a product by one document, judged on one day."""

    id: int
    product_id: int
    kind: FactKind
    number: str
    issuer: str
    valid_from: date | None
    valid_to: date | None
    checked: bool
    counts: Counts
    withdrawn_reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether it counts on the day it was judged for."""
        return self.counts is Counts.YES


def counting(number: str, valid_from: date | None, valid_to: date | None, *, withdrawn: bool, on: date) -> Counts:
    """Whether a document counts on a day; both ends belong to its period."""
    if withdrawn:
        return Counts.WITHDRAWN
    if not number:
        return Counts.UNPROVEN
    if valid_to is not None and on > valid_to:
        return Counts.EXPIRED
    return Counts.NOT_YET if valid_from is not None and on < valid_from else Counts.YES


def best(facts: Iterable[PolicyFact]) -> dict[FactKind, PolicyFact]:
    """Of each kind the document that counts and lasts longest, else the one that comes nearest to it."""
    order = (Counts.YES, Counts.NOT_YET, Counts.EXPIRED, Counts.UNPROVEN, Counts.WITHDRAWN)
    found: dict[FactKind, PolicyFact] = {}
    for fact in sorted(facts, key=lambda each: (order.index(each.counts), -(each.valid_to or date.max).toordinal(), -each.id)):
        found.setdefault(fact.kind, fact)
    return {kind: found[kind] for kind in FactKind if kind in found}


def check_fact(fact: FactInput, what: str, today: date) -> FactInput:
    """A document as it is recorded. Raises FactIncomplete, FactPeriod, FactNotNow; one without number and issuer is a mere claim."""
    number, issuer = " ".join(fact.number.split())[:60], " ".join(fact.issuer.split())[:80]
    begins, ends = fact.valid_from, fact.valid_to
    if not (number or issuer or begins or ends):
        return FactInput(kind=fact.kind)
    lacking = [
        name
        for name, there in ((N_("编号"), number), (N_("发证机构"), issuer), (N_("截止日"), ends or fact.kind not in EXPIRING))
        if not there
    ]
    if lacking:
        raise FactIncomplete(what=what, lacks="、".join(lacking))
    if begins and ends and begins > ends:
        raise FactPeriod(what=what, begins=begins, ends=ends)
    if (begins and begins > today) or (ends and ends < today):
        raise FactNotNow(what=what, begins=str(begins or "—"), ends=str(ends or "—"), today=today)
    return FactInput(kind=fact.kind, number=number, issuer=issuer, valid_from=begins, valid_to=ends)


def proven_text(facts: Iterable[PolicyFact]) -> str:
    """The documents that count or did, the longest-lasting of each kind, as products keep them beside their definition."""
    kept: dict[str, tuple[str, str, str, bool]] = {}
    for fact in facts:
        if fact.counts in {Counts.YES, Counts.EXPIRED}:
            told = (fact.valid_to.isoformat() if fact.valid_to else FOR_EVER, fact.number, fact.issuer, fact.checked)
            kept[fact.kind.value] = max(kept.get(fact.kind.value, told), told)
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=4096)
def proven_on(text: str, on: date) -> frozenset[FactKind]:
    """The facts of a product that count on a day, read from what the product keeps."""
    if text == "{}":
        return frozenset()
    day = on.isoformat()
    return frozenset(FactKind(kind) for kind, (ends, *_) in json.loads(text).items() if day <= ends)


def documents(text: str, product_id: int, on: date) -> dict[FactKind, PolicyFact]:
    """The documents that a product keeps beside its definition, judged on a day."""
    kept = json.loads(text)
    return {
        kind: PolicyFact(
            id=0, product_id=product_id, kind=kind, number=number, issuer=issuer, valid_from=None,
            valid_to=None if ends == FOR_EVER else date.fromisoformat(ends), checked=checked,
            counts=Counts.YES if on.isoformat() <= ends else Counts.EXPIRED,
        )
        for kind in FactKind
        if kind in kept
        for ends, number, issuer, checked in [kept[kind]]
    }  # fmt: skip


def _typed(value: str) -> Attribute:
    if value in {"是", "否"}:
        return value == "是"
    if value.isascii() and value.isdigit() and len(value) < 16 and (value == "0" or value[0] != "0"):
        return int(value)
    return value
