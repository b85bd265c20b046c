"""What the gateway answers, read into values: payments, refunds, events. A ValueError means it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from app.kernel.errors import N_, Refusal


class Unreadable(Refusal):
    """A signed notice that is not an event we can read."""

    code = "payment.unreadable_notice"
    message = N_("支付通知的内容无法识别，通知未被接受。请支付通道核对后重新发送")
    status: ClassVar[int] = 400


class Status(StrEnum):
    """Where a payment stands at the gateway."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"

    @property
    def rank(self) -> int:
        """Grows along a payment's life, so that a late or repeated notice never moves it back."""
        return _RANKS[self]

    @property
    def final(self) -> bool:
        """Nothing but a refund can follow."""
        return self in (Status.CANCELED, Status.SUCCEEDED)


_RANKS = {
    Status.REQUIRES_PAYMENT_METHOD: 0,
    Status.REQUIRES_CONFIRMATION: 1,
    Status.REQUIRES_ACTION: 2,
    Status.PROCESSING: 3,
    Status.REQUIRES_CAPTURE: 4,
    Status.CANCELED: 5,
    Status.SUCCEEDED: 6,
}


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One payment (PaymentIntent); amounts in fen. `receipt` is the charge, the treasury's receipt number."""

    id: str
    status: Status
    amount_fen: int
    captured_fen: int
    refunded_fen: int
    currency: str
    destination: str | None
    receipt: str | None
    metadata: Mapping[str, str]
    created_at: datetime
    failure: str | None = None

    @property
    def application(self) -> str | None:
        """The number of our payment application."""
        return self.metadata.get("application")


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money sent back, in fen; `status` is the gateway's word (succeeded, pending, failed, canceled)."""

    id: str
    payment_id: str | None
    amount_fen: int
    currency: str
    status: str
    metadata: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """A notice from the gateway. The same id may come twice, and notices may come out of order."""

    id: str
    type: str
    created_at: datetime
    payment_id: str | None
    payment: Payment | None
    refund: Refund | None


def payment_of(body: Mapping[str, Any]) -> Payment:
    """Read a PaymentIntent."""
    _expect(body, "payment_intent")
    status = Status(_text(body, "status"))
    amount_fen = _whole(body, "amount")
    charge = body.get("latest_charge")
    details = charge if isinstance(charge, Mapping) else {}
    received = body.get("amount_received")
    if received is None:  # not every compatible provider tells it
        received = amount_fen if status is Status.SUCCEEDED else 0
    transfer = body.get("transfer_data")
    failure = body.get("last_payment_error")
    return Payment(
        id=_text(body, "id"),
        status=status,
        amount_fen=amount_fen,
        captured_fen=int(received),
        refunded_fen=int(details.get("amount_refunded") or 0),
        currency=_text(body, "currency"),
        destination=_id_of(transfer.get("destination")) if isinstance(transfer, Mapping) else None,
        receipt=_id_of(charge),
        metadata=_metadata(body),
        created_at=_moment(body),
        failure=str(failure.get("code")) if isinstance(failure, Mapping) else None,
    )


def refund_of(body: Mapping[str, Any]) -> Refund:
    """Read a Refund."""
    _expect(body, "refund")
    return Refund(
        id=_text(body, "id"),
        payment_id=_id_of(body.get("payment_intent")),
        amount_fen=_whole(body, "amount"),
        currency=_text(body, "currency"),
        status=str(body.get("status")),
        metadata=_metadata(body),
        created_at=_moment(body),
    )


def event_of(body: Mapping[str, Any]) -> Event:
    """Read an Event with the object it tells of, where it is one of ours."""
    _expect(body, "event")
    held = body.get("data")
    told = held.get("object") if isinstance(held, Mapping) else None
    if not isinstance(told, Mapping):
        raise ValueError("event without object")
    kind = told.get("object")
    payment = payment_of(told) if kind == "payment_intent" else None
    return Event(
        id=_text(body, "id"),
        type=_text(body, "type"),
        created_at=_moment(body),
        payment_id=payment.id if payment else _id_of(told.get("payment_intent")),
        payment=payment,
        refund=refund_of(told) if kind == "refund" else None,
    )


def _expect(body: Any, kind: str) -> None:
    if not isinstance(body, Mapping) or body.get("object") != kind:
        raise ValueError(f"not a {kind}")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {name}")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"no {name}")
    return value


def _moment(body: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(_whole(body, "created"), UTC)
    except (OverflowError, OSError) as far_off:
        raise ValueError("no created") from far_off


def _metadata(body: Mapping[str, Any]) -> dict[str, str]:
    found = body.get("metadata")
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}


def _id_of(value: Any) -> str | None:
    """The id of something given as an id or expanded."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else None
