"""The treasury's payment gateway, spoken to in the Stripe API: authorise, capture, cancel, refund, look up, events.

A treasury payment (国库集中支付) is a PaymentIntent with manual capture: authorised when the application is sent, captured
when the treasury passes it. Amounts are fen, Stripe's minor unit of CNY. The caller stores the idempotency key before
the call and uses the same key for the same intent for ever. When the outcome of a call is unknown the client asks
again with the same key, then looks the payment up by its metadata, and only then raises UnknownOutcome.

An answer never means "paid": that is learned from a webhook or from a payment looked up afterwards.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar

import httpx

from app.config import Settings
from app.kernel import clock
from orders.payments import webhook_signature
from orders.payments.simulator.app import Simulator
from orders.payments.wire.answers import (
    Event,
    Payment,
    Refund,
    Status,
    Unreadable,
    event_of,
    payment_of,
    refund_of,
)
from orders.payments.wire.call import Ambiguous, Breaker, Caller, GatewayRefused, GatewayUnavailable, UnknownOutcome

CURRENCY = "cny"
KEY_NAME, APPLICATION_NAME = "request_key", "application"
KEY_LIFE = timedelta(hours=20)
"""The provider may forget an idempotency key after 24 hours; an older one is looked up before it is sent again."""
PAGE = 100
Thing = TypeVar("Thing")


class PaymentGateway(Protocol):
    """What the payment service needs of a gateway; every method may raise the refusals of `wire.call`."""

    def authorise(
        self,
        *,
        key: str,
        application: str,
        amount_fen: int,
        payment_method: str,
        destination: str | None = None,
        metadata: Mapping[str, str] | None = None,
        first_sent_at: datetime | None = None,
    ) -> Payment: ...

    def capture(self, payment_id: str, *, key: str, amount_fen: int | None = None) -> Payment: ...

    def cancel(self, payment_id: str, *, key: str) -> Payment: ...

    def refund(
        self,
        payment_id: str,
        *,
        key: str,
        amount_fen: int,
        reverse_transfer: bool = False,
        metadata: Mapping[str, str] | None = None,
        first_sent_at: datetime | None = None,
    ) -> Refund: ...

    def get(self, payment_id: str) -> Payment: ...

    def refunds(self, payment_id: str) -> list[Refund]: ...

    def find(self, metadata: Mapping[str, str], *, since: datetime | None = None) -> list[Payment]: ...

    def events(self, since: datetime) -> Iterator[Event]: ...

    def parse_event(self, body: bytes, signature: str) -> Event: ...

    def ask(self) -> None: ...

    def statement(self, since: datetime) -> Iterator[Payment]: ...


class StripeGateway:
    """`PaymentGateway` over HTTP; `transport` may be an `httpx.WSGITransport` around the simulator."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        webhook_secrets: Sequence[str],
        *,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        wait_initial_s: float = 0.2,
        wait_max_s: float = 5.0,
        timeout_s: float = 10.0,
        breaker: Breaker | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.webhook_secrets = tuple(webhook_secrets)
        self.now = now
        self._call = Caller(
            base_url,
            api_key,
            transport=transport,
            attempts=attempts,
            wait_initial_s=wait_initial_s,
            wait_max_s=wait_max_s,
            timeout_s=timeout_s,
            breaker=breaker or Breaker(),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._call.close()

    def authorise(
        self,
        *,
        key: str,
        application: str,
        amount_fen: int,
        payment_method: str,
        destination: str | None = None,
        metadata: Mapping[str, str] | None = None,
        first_sent_at: datetime | None = None,
    ) -> Payment:
        """Send a payment application (fen) for the treasury to pass; the money stays uncaptured.

        `destination` is the supplier's account; without it the money stays on the platform account (公务卡). When the
        key was first used long ago (`first_sent_at`) the payment is looked up before anything is sent again. Raises
        GatewayRefused, GatewayUnavailable, NotAdmitted, UnknownOutcome, KeyReused.
        """
        marks = {**(metadata or {}), APPLICATION_NAME: application, KEY_NAME: key}
        params: dict[str, Any] = {
            "amount": amount_fen,
            "currency": CURRENCY,
            "capture_method": "manual",
            "confirm": True,
            "payment_method": payment_method,
            "payment_method_types": ["card"],
            "metadata": marks,
        }
        if destination is not None:
            params["transfer_data"] = {"destination": destination}
        sought = {KEY_NAME: key, APPLICATION_NAME: application}
        if self._outlived(first_sent_at) and (known := self.find(sought, since=first_sent_at)):
            return _accepted(known[0])
        try:
            return self._call.post("/v1/payment_intents", params, key=key, read=payment_of)
        except Ambiguous as unknown:
            found = self._found(unknown, lambda: self.find(sought, since=self.now() - KEY_LIFE))
            return _accepted(found[0])

    def capture(self, payment_id: str, *, key: str, amount_fen: int | None = None) -> Payment:
        """Take the authorised money (fen; all of it when silent). Already captured at that amount counts as done."""
        params = {} if amount_fen is None else {"amount_to_capture": amount_fen}
        path = f"/v1/payment_intents/{payment_id}/capture"
        return self._settle(payment_id, path, params, key, lambda payment: _captured(payment, amount_fen))

    def cancel(self, payment_id: str, *, key: str) -> Payment:
        """Let an authorised payment go; already cancelled counts as done."""
        path = f"/v1/payment_intents/{payment_id}/cancel"
        return self._settle(payment_id, path, {}, key, lambda payment: payment.status is Status.CANCELED)

    def refund(
        self,
        payment_id: str,
        *,
        key: str,
        amount_fen: int,
        reverse_transfer: bool = False,
        metadata: Mapping[str, str] | None = None,
        first_sent_at: datetime | None = None,
    ) -> Refund:
        """Send captured money (fen) back; `reverse_transfer` takes it from the supplier's account."""
        params: dict[str, Any] = {
            "payment_intent": payment_id,
            "amount": amount_fen,
            "metadata": {**(metadata or {}), KEY_NAME: key},
        }
        if reverse_transfer:
            params["reverse_transfer"] = True

        def made() -> list[Refund]:
            return [refund for refund in self.refunds(payment_id) if refund.metadata.get(KEY_NAME) == key]

        if self._outlived(first_sent_at) and (known := made()):
            return known[0]
        try:
            return self._call.post("/v1/refunds", params, key=key, read=refund_of)
        except Ambiguous as unknown:
            return self._found(unknown, made)[0]

    def get(self, payment_id: str) -> Payment:
        """The payment as the gateway knows it now, with what was refunded."""
        return self._call.get(f"/v1/payment_intents/{payment_id}", {"expand": ["latest_charge"]}, read=payment_of)

    def refunds(self, payment_id: str) -> list[Refund]:
        """Every refund of a payment, newest first."""
        return [refund_of(item) for item in self._pages("/v1/refunds", {"payment_intent": payment_id})]

    def find(self, metadata: Mapping[str, str], *, since: datetime | None = None) -> list[Payment]:
        """Payments that carry all of this metadata: by search, then, because search lags, by the list back to `since`.

        `since` is one day back when not given. An empty answer proves absence only for payments made after `since`.
        """
        wanted = dict(metadata)

        def matching(items: Iterator[dict[str, Any]]) -> list[Payment]:
            payments = (payment_of(item) for item in items)
            return [payment for payment in payments if wanted.items() <= payment.metadata.items()]

        if hits := matching(self._searched(wanted)):
            return hits
        earliest = (since or self.now() - timedelta(days=1)) - timedelta(minutes=5)
        return matching(self._back_to(earliest, "/v1/payment_intents"))

    def events(self, since: datetime) -> Iterator[Event]:
        """Events made since then, newest first: how a lost webhook is caught up."""
        for item in self._back_to(since, "/v1/events"):
            yield event_of(item)

    def ask(self) -> None:
        """One harmless question, to learn whether the gateway answers. Raises GatewayUnavailable, NotAdmitted, GatewayRefused."""
        self._call.get("/v1/events", {"limit": 1}, read=_list)

    def statement(self, since: datetime) -> Iterator[Payment]:
        """Every payment made since then, with what was captured and sent back, newest first."""
        for item in self._back_to(since, "/v1/payment_intents", {"expand": ["data.latest_charge"]}):
            yield payment_of(item)

    def parse_event(self, body: bytes, signature: str) -> Event:
        """The event of a webhook, after its signature was checked. Raises BadSignature, Unreadable."""
        now = int(self.now().timestamp())
        webhook_signature.verify(body, signature, self.webhook_secrets, now=now)
        try:
            return event_of(json.loads(body))
        except ValueError as broken:
            raise Unreadable() from broken

    def _settle(self, payment_id: str, path: str, params: Mapping[str, Any], key: str, done: Callable[[Payment], bool]) -> Payment:
        """Change a payment we know; whatever the answer was, a payment found as wished is a success."""
        try:
            return self._call.post(path, params, key=key, read=payment_of)
        except Ambiguous as unknown:
            payments = self._found(unknown, lambda: [p for p in [self.get(payment_id)] if done(p)])
            return payments[0]
        except GatewayRefused as refused:
            if refused.provider_code == "payment_intent_unexpected_state" and done(payment := self.get(payment_id)):
                return payment
            raise

    def _found(self, unknown: Ambiguous, look_up: Callable[[], list[Thing]]) -> list[Thing]:
        """What a look-up says about an unknown outcome; nothing found stays unknown."""
        try:
            if found := look_up():
                return found
        except GatewayUnavailable as silent:
            raise UnknownOutcome(key=unknown.key, reason=silent.reason) from silent
        raise UnknownOutcome(key=unknown.key, reason=unknown.reason)

    def _outlived(self, first_sent_at: datetime | None) -> bool:
        return first_sent_at is not None and self.now() - first_sent_at > KEY_LIFE

    def _searched(self, metadata: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        query = " AND ".join(f"metadata['{_quoted(name)}']:'{_quoted(value)}'" for name, value in metadata.items())
        params: dict[str, Any] = {"query": query, "limit": PAGE, "expand": ["data.latest_charge"]}
        try:
            page = self._call.get("/v1/payment_intents/search", params, read=_list)
        except GatewayRefused:  # not offered in every region and by every provider; the list below is
            return
        yield from page["data"]

    def _back_to(self, earliest: datetime, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        for item in self._pages(path, params or {}):
            if datetime.fromtimestamp(int(item["created"]), UTC) < earliest:
                return
            yield item

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self._call.get(path, {**params, **after, "limit": PAGE}, read=_list)
            yield from page["data"]
            if not page["data"] or not page.get("has_more") or after == {"starting_after": page["data"][-1]["id"]}:
                return
            after = {"starting_after": page["data"][-1]["id"]}


def _accepted(payment: Payment) -> Payment:
    """A payment found by look-up, unless it was declined: then the same refusal as from the first answer."""
    if payment.status is Status.REQUIRES_PAYMENT_METHOD and payment.failure is not None:
        raise GatewayRefused(provider_code=payment.failure, provider_message="declined", payment_id=payment.id)
    return payment


def _captured(payment: Payment, amount_fen: int | None) -> bool:
    return payment.status is Status.SUCCEEDED and amount_fen in (None, payment.captured_fen)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _list(body: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(body.get("data"), list):
        raise ValueError("not a list")
    return body


@cache
def simulator_for(settings: Settings) -> Simulator | None:
    """The simulated treasury of an installation that has no real one; its state is a file that every process shares."""
    if settings.payment_url:
        return None
    return Simulator(settings.folder("treasury") / "treasury.db", webhook_secrets=settings.payment_webhook_secrets)


@cache
def gateway_for(settings: Settings) -> StripeGateway:
    """The gateway of an installation: the address that is set, or the simulated treasury in process.

    Its patience stays below the lease of an event, so that a slow gateway is not asked by two workers at once. Its own breaker
    spares one process its time-outs and rests for less than the line that all processes share (`queries.line`).
    """
    simulated = simulator_for(settings)
    return StripeGateway(
        settings.payment_url or "http://treasury.invalid",
        settings.payment_key,
        settings.payment_webhook_secrets,
        transport=httpx.WSGITransport(app=simulated) if simulated else None,
        attempts=3,
        wait_max_s=2.0,
        timeout_s=6.0,
        breaker=Breaker(rest_s=5.0, ticks=lambda: clock.now().timestamp()),
    )
