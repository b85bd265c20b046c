"""The shape of a supplier's shop as the mall calls it, what its answers mean, and why a connection is refused. Amounts in fen."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.kernel import money, regions
from app.kernel.errors import N_, Conflict, Invalid, Refusal, Unavailable
from app.policy import Actor, OrganisationKind, Role
from catalog.connections.states import Payment
from catalog.products.rules import Attribute
from catalog.products.states import Origin

BATCH = 50
"""SKUs asked for at once, as shops of this kind allow."""
_SKU = re.compile(r"[\x21-\x7e]{1,40}")


TROUBLES: dict[str, str] = {
    "product.not_leaf": N_("品目不是最末级"),
    "taxonomy.unknown_category": N_("品目编码不在目录内"),
    "product.bad_attributes": N_("规格参数不合要求"),
    "listing.duplicate": N_("同品牌同型号已上架"),
    "listing.sku_taken": N_("货号已用于另一条商品"),
    "listing.bad_price": N_("价格须大于零且小于 1 亿元"),
    "listing.bad_stock": N_("库存不合要求"),
    "listing.frozen": N_("商品已被冻结"),
    "listing.gate": N_("闸门没有放行，请到商品页看判定"),
    "listing.in_review": N_("正在等待审核"),
    "connection.sent_back": N_("已被退回或暂停销售，请改正后自行送审"),
    "unreachable": N_("无法连接"),
    "timeout": N_("回答超时"),
    "connection_lost": N_("连接中断"),
    "unreadable_answer": N_("回答的格式不对"),
    "answer_too_large": N_("回答过大"),
    "name_unknown": N_("域名无法解析"),
    "outgoing.address_closed": N_("地址属于内网或保留地址"),
    "connection.not_admitted": N_("接口账号或密钥不被接受"),
    "sealed.broken": N_("密钥须重新填写"),
}
"""What a kept word for trouble says; others are shown as they are."""


OF_PRICE = frozenset({"listing.gate", "listing.in_review", "listing.bad_price", "connection.sent_back"})
"""What a price may meet while its listing stays on the shelf; the next look at prices takes it away."""


class SentBack(Conflict):
    """The catalogue keeper sent the offer or its price back, or suspended it; the same is not asked for again by itself."""

    code = "connection.sent_back"
    message = N_("%(title)s 已被退回或暂停销售")
    way_out = N_("请在商品页查看理由，改正后自行送审")
    title: str


class ShopAway(Unavailable):
    """The shop cannot be reached or does not answer sensibly; `is_sent` says whether the request may have been carried out."""

    code = "connection.shop_away"
    message = N_("供应商的商城系统暂时没有给出可用的回答（%(reason)s），系统会自动重试")
    reason: str
    is_sent: bool


class ShopRefused(Refusal):
    """The shop understood and said no; its code and words are its own."""

    code = "connection.shop_refused"
    message = N_("供应商的商城系统没有接受：%(shop_message)s（%(shop_code)s）")
    shop_code: str
    shop_message: str
    told: Any = None


class NotAdmitted(ShopRefused):
    """The shop does not know our credentials."""

    code = "connection.not_admitted"
    message = N_("供应商的商城系统不接受登记的接口账号：%(shop_message)s（%(shop_code)s）")
    way_out = N_("请核对接口账号和密钥")


class NoConnection(Conflict):
    """The supplier has no shop that the mall calls."""

    code = "connection.none"
    message = N_("没有启用的商城系统连接")
    way_out = N_("请先登记接口地址、账号和密钥并启用")


class SecretMissing(Invalid):
    """A new connection, or one to another address, needs its secret."""

    code = "connection.secret_missing"
    message = N_("请填写接口密钥；更换接口地址时须重新填写")
    field: str | None = "secret"


@dataclass(frozen=True)
class Terms:
    """How often a shop is asked, and how patiently (dated parameters of rule CN)."""

    pool_every_s: int
    price_every_s: int
    stock_every_s: int
    track_every_s: int
    timeout_s: int
    failures: int
    rest_s: int
    token_margin_s: int
    pool_most: int
    pause_most_s: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Terms":
        """As the parameters of a day say."""
        return cls(**{name: int(parameters[name]) for name in cls.__dataclass_fields__})

    def rest(self, failures: int) -> timedelta | None:
        """For how long a shop that failed so many times in a row is left alone; None: it is asked at the usual time."""
        return timedelta(seconds=self.rest_s) if failures >= self.failures else None

    def pause(self, attempts: int) -> timedelta:
        """How long a call about an order that came to nothing waits before it is made again: twice as long each time."""
        return timedelta(seconds=min(2 ** min(attempts, 20), self.pause_most_s))


@dataclass(frozen=True)
class Access:
    """How one shop is reached; the secret is open here."""

    base_url: str
    client_id: str
    secret: str = field(repr=False)
    timeout_s: int
    token: str | None = field(default=None, repr=False)
    token_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Good:
    """What a shop says of one of its goods."""

    sku: str
    title: str
    category_code: str
    brand: str
    model: str
    unit: str
    attributes: Mapping[str, Attribute]
    origin: Origin
    energy_saving: bool
    environment: bool
    delivery_days: int
    warranty_months: int


@dataclass(frozen=True, kw_only=True)
class PushedLine:
    """A line of an order as a shop is told."""

    sku: str
    quantity: int
    price_fen: int


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """An order as a shop is told; `trade_no` is the same for ever."""

    trade_no: str
    lines: tuple[PushedLine, ...]
    payment: Payment
    region: str
    place: str
    invoice_title: str
    invoice_tax_number: str
    unit: str

    @property
    def total_fen(self) -> int:
        """Sum of all lines."""
        return sum(line.price_fen * line.quantity for line in self.lines)


@dataclass(frozen=True)
class Parcel:
    """A parcel that the shop has sent: pieces by SKU."""

    number: str
    carrier: str
    tracking: str
    pieces: tuple[tuple[str, int], ...]


def link_actor(supplier_id: int, name: str, region: str, person_id: int) -> Actor:
    """In whose name the shop's word is entered: the supplier, by the administrator who connected it."""
    return Actor(
        person_id=person_id, name=name, organisation_id=supplier_id, organisation_kind=OrganisationKind.SUPPLIER, organisation_name=name,
        region=region, roles=frozenset({Role.LISTER, Role.ORDER_CLERK}),
    )  # fmt: skip


# ---------------------------------------------------------------- what goes over the wire


def signature(secret: str, method: str, path: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over method, path, seconds and the body's digest, in hex: proves sender, target, time and content."""
    signed = "\n".join((method, path, str(timestamp), hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def order_body(order: Pushed) -> dict[str, Any]:
    """An order as createOrder takes it; prices in yuan with two decimals, the region split as addresses are."""
    codes = [region.code for region in regions.path(order.region)]
    return {
        "tradeNO": order.trade_no,
        "lines": [{"skuId": line.sku, "num": line.quantity, "price": yuan(line.price_fen)} for line in order.lines],
        "total": yuan(order.total_fen),
        "payment": int(order.payment.value),
        "invoice": {"type": "vat_digital", "title": order.invoice_title, "taxNumber": order.invoice_tax_number},
        "address": {
            "province": codes[0], "city": codes[1] if len(codes) > 1 else "", "county": codes[2] if len(codes) > 2 else "",
            "detail": order.place, "unit": order.unit,
        },
    }  # fmt: skip


def yuan(fen: int) -> str:
    """Fen as a plain decimal."""
    return money.yuan(fen).replace(",", "")


def city_and_county(region: str) -> dict[str, str]:
    """A region as stock is asked for. Raises UnknownRegion."""
    codes = [each.code for each in regions.path(region)]
    return {"city": codes[1] if len(codes) > 1 else "", "county": codes[2] if len(codes) > 2 else ""}


class Unreadable(ValueError):
    """An answer of the wrong shape."""


def skus_of(value: Any) -> list[str]:
    """SKU numbers of the pool; those that no listing can have are left out."""
    return [each for each in _list(value) if isinstance(each, str) and _SKU.fullmatch(each)]


def by_sku(value: Any) -> dict[str, Any]:
    """An answer with one entry for each SKU."""
    if not isinstance(value, dict):
        raise Unreadable("one entry for each SKU")
    return value


def fen_of(value: Any) -> int:
    """A price as shops write it, a decimal in quotation marks. Raises Unreadable."""
    if not isinstance(value, str):
        raise Unreadable("a price is a decimal in quotation marks")
    try:
        return money.parse_yuan(value)
    except Refusal as bad:
        raise Unreadable(str(bad)) from bad


def pieces_of(value: Any) -> int:
    """A stock as shops write it, never less than nothing nor more than a listing may hold. Raises Unreadable."""
    number = value.get("num") if isinstance(value, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Unreadable("num is a whole number")
    return max(0, min(number, 10_000_000)) if value.get("state", "in_stock") == "in_stock" else 0


def good_of(value: Any) -> Good:
    """One good of detail. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable("a good is an object")
    try:
        return Good(
            sku=_text(value, "skuId", 40), title=_text(value, "name", 120), category_code=_text(value, "category", 9),
            brand=_text(value, "brand", 60), model=_text(value, "model", 80), unit=_text(value, "unit", 8),
            attributes=_attributes(value.get("attributes")), origin=Origin(value.get("origin", "domestic")),
            energy_saving=value.get("energySaving") is True, environment=value.get("environment") is True,
            delivery_days=_whole(value.get("deliveryDays", 5), 1, 365), warranty_months=_whole(value.get("warrantyMonths", 12), 0, 240),
        )  # fmt: skip
    except (KeyError, ValueError) as bad:
        raise Unreadable(str(bad)) from bad


def parcels_of(value: Any) -> list[Parcel]:
    """The parcels of a tracked order. Raises Unreadable."""
    found = []
    for each in _list(value.get("parcels") if isinstance(value, dict) else None):
        if not isinstance(each, dict):
            raise Unreadable("a parcel is an object")
        pieces = [(str(line["skuId"]), _whole(line["num"], 1, 10**9)) for line in _list(each.get("lines")) if isinstance(line, dict)]
        found.append(Parcel(_text(each, "parcelNO", 40), _text(each, "carrier", 40), _text(each, "tracking", 60), tuple(pieces)))
    return found


def in_batches(skus: Sequence[str]) -> Iterable[Sequence[str]]:
    """The SKUs by as many as a shop is asked for at once."""
    for start in range(0, len(skus), BATCH):
        yield skus[start : start + BATCH]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("a list was expected")
    return value


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text.strip() or len(text.strip()) > most or not text.strip().isprintable():
        raise Unreadable(f"{name} is a text of 1 to {most} characters")
    return text.strip()


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Unreadable(f"a whole number of {least} to {most} was expected")
    return value


def _attributes(value: Any) -> dict[str, Attribute]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str | int | float | bool) for each in value.values()):
        raise Unreadable("attributes are names with plain values")
    return value
