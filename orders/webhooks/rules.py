"""Which events are told to whom, how a notice is signed, when it is tried again, and why a change of an endpoint is refused."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.kernel.errors import N_, Conflict, Invalid

TEST = "mall.test"
SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark that the standard puts before a secret

ORDERS: dict[str, str] = {
    "order.submitted": N_("订单提交"),
    "order.cleared": N_("挂起已解除"),
    "order.rejected": N_("审批驳回"),
    "order.approved": N_("审批通过，待供应商确认"),
    "order.confirmed": N_("供应商确认，合同成立"),
    "order.refused": N_("供应商拒单"),
    "order.withdrawn": N_("采购单位撤回"),
    "order.lapsed": N_("超时释放"),
    "order.terminated": N_("合同终止"),
    "order.shipped": N_("发货"),
    "order.delivered": N_("全部送达"),
    "order.accepted": N_("验收"),
    "order.invoiced": N_("开票"),
    "order.payment_applied": N_("申请支付"),
    "order.payment_returned": N_("支付退回"),
    "order.paid": N_("已支付"),
    "order.closed": N_("办结"),
}
GOODS: dict[str, str] = {
    "listing.created": N_("新增商品"),
    "listing.edited": N_("修改商品"),
    "listing.repriced": N_("改价"),
    "listing.restocked": N_("改库存"),
    "listing.shelved": N_("上架"),
    "listing.unshelved": N_("下架"),
    "supplier.suspended": N_("暂停交易"),
    "supplier.lifted": N_("恢复交易"),
}
NAMES: dict[str, str] = {**ORDERS, **GOODS, TEST: N_("测试")}
FOR_UNITS: tuple[str, ...] = tuple(ORDERS)
UNSEEN_BY_SUPPLIER = frozenset({"order.submitted", "order.cleared", "order.rejected"})
FOR_SUPPLIERS: tuple[str, ...] = (*(each for each in ORDERS if each not in UNSEEN_BY_SUPPLIER), *GOODS)

_BEFORE_APPROVAL = frozenset({"held", "submitted"})
_TOLD = ("order", "state", "previous", "total_fen", "unit_name", "supplier_name")
_TOLD_OF_GOODS = ("listing_id", "product_id", "title", "price_fen", "stock", "shelf", "listing_version", "previous_fen", "previous")
_TOLD_DETAILS = ("code", "shipment", "carrier", "tracking", "contract", "filing")


class TooManyEndpoints(Conflict):
    """An organisation keeps a few endpoints."""

    code = "webhook.too_many"
    message = N_("最多登记 %(most)s 个回调地址")
    way_out = N_("请停用并修改不再使用的地址，而不是新增")
    most: int


class AddressTaken(Conflict):
    """The same address twice would be told everything twice."""

    code = "webhook.address_taken"
    message = N_("回调地址 %(url)s 已登记")
    way_out = N_("请在已有的一条中修改事件种类")
    url: str


class NoTypes(Invalid):
    """An endpoint that hears nothing."""

    code = "webhook.no_types"
    message = N_("请至少选择一种事件")
    field: str | None = "types"


class UnknownType(Invalid):
    """A kind of event that this organisation is not told of."""

    code = "webhook.unknown_type"
    message = N_("没有可订阅的事件 %(type)s")
    field: str | None = "types"
    type: str


class EndpointOff(Conflict):
    """Nothing is sent to an endpoint that is switched off."""

    code = "webhook.endpoint_off"
    message = N_("回调地址已停用，没有投递")
    way_out = N_("请先启用该地址")


@dataclass(frozen=True)
class Patience:
    """When a notice is tried again and when an endpoint is given up (dated parameters of rule WH)."""

    retry_s: tuple[int, ...]
    disable_after_h: int
    overlap_h: int
    timeout_s: int
    endpoints_most: int
    rest_most_s: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Patience":
        """As the parameters of a day say."""
        return cls(
            retry_s=tuple(int(each) for each in parameters["retry_s"]),
            disable_after_h=int(parameters["disable_after_h"]),
            overlap_h=int(parameters["overlap_h"]),
            timeout_s=int(parameters["timeout_s"]),
            endpoints_most=int(parameters["endpoints_most"]),
            rest_most_s=int(parameters["rest_most_s"]),
        )

    def next_try(self, attempts: int, at: datetime) -> datetime | None:
        """When a notice that failed so many times goes out again; None when it is given up."""
        return at + timedelta(seconds=self.retry_s[attempts - 1]) if attempts <= len(self.retry_s) else None

    def rest(self, failures: int) -> timedelta:
        """For how long an endpoint that failed so many times in a row is left alone: twice as long each time."""
        return timedelta(seconds=min(2 ** min(failures, 20), self.rest_most_s))


@dataclass(frozen=True)
class Parcel:
    """A notice taken to be sent, with all that its sender needs; the secrets are still sealed, the newest first."""

    url: str
    message_id: str
    body: str
    sealed: tuple[str, ...]
    timeout_s: int


@dataclass(frozen=True)
class Outcome:
    """What came of a try; `status` is None when nothing came back."""

    status: int | None
    trouble: str | None = None
    took_ms: int = 0
    request: str = ""
    response: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the receiver said 2xx."""
        return self.status is not None and 200 <= self.status < 300


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of Standard Webhooks: one v1 part for each secret, the newest first."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.new(key_of(each), signed, hashlib.sha256).digest()).decode()}" for each in secrets)


def key_of(secret: str) -> bytes:
    """The bytes behind a printed secret."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as broken:
        raise ValueError("a webhook secret is base64 behind whsec_") from broken


def chosen(types: Sequence[str], allowed: Sequence[str]) -> str:
    """The kinds of events as stored. Raises NoTypes, UnknownType."""
    if not types:
        raise NoTypes()
    for each in types:
        if each not in allowed:
            raise UnknownType(type=each[:60])
    return " ".join(each for each in allowed if each in set(types))


def receivers(type_: str, body: Mapping[str, Any]) -> tuple[int, ...]:
    """The organisations that may be told of an event: the unit, and the supplier once the order has reached it."""
    if type_ in GOODS:
        return (int(body["supplier_id"]),)
    told = [int(body["unit_id"])]
    reached = type_ == "order.approved" or (type_ not in UNSEEN_BY_SUPPLIER and body.get("previous") not in {None, *_BEFORE_APPROVAL})
    return (*told, int(body["supplier_id"])) if reached else tuple(told)


def data_of(type_: str, body: Mapping[str, Any], version: int, address: str) -> dict[str, Any]:
    """What a notice tells: little, so that whoever holds it learns the rest only with a token of his own."""
    if type_ in GOODS:
        told = {name: body[name] for name in (*_TOLD_OF_GOODS, "reason") if name in body}
        return {**told, "url": f"{address}/api/v1/listings/{body['listing_id']}"} if "listing_id" in body else told
    details = body.get("details") or {}
    return {
        **{name: body.get(name) for name in _TOLD},
        **{name: details[name] for name in _TOLD_DETAILS if name in details},
        "version": version,
        "note": body.get("note") if type_ in {"order.refused", "order.terminated", "order.payment_returned"} else None,
        "url": f"{address}/api/v1/orders/{body['order']}",
    }


def envelope(*, message_id: str, type_: str, subject: str, at: datetime, source: str, data: Mapping[str, Any]) -> str:
    """The body of a notice: a CloudEvents 1.0 event in JSON. It is stored and sent as these very bytes for ever."""
    return json.dumps(
        {
            "specversion": "1.0", "id": message_id, "source": source, "type": type_, "subject": subject,
            "time": at.isoformat().replace("+00:00", "Z"), "datacontenttype": "application/json", "data": data,
        },
        ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
