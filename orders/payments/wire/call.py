"""One call to the gateway: the same key on every try, what may be tried again, and a breaker in front.

Three ends are told apart. The gateway said no (GatewayRefused). Nothing can have happened there (GatewayUnavailable).
Something may have happened (Ambiguous): the caller looks it up.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
import stamina

from app.kernel.errors import N_, Conflict, Refusal, Unavailable
from orders.payments.wire import form

API_VERSION = "2026-10-28.endive"
LONGEST_KEY = 255
Answer = TypeVar("Answer")


class GatewayUnavailable(Unavailable):
    """The gateway cannot be reached, and this call did nothing there; `reason` is a stable word."""

    code = "payment.gateway_unavailable"
    message = N_("支付通道暂时无法连接（%(reason)s），本次没有发出付款。订单和付款申请不受影响，系统会自动重试")
    reason: str


class UnknownOutcome(Unavailable):
    """The call may have been carried out; the same key must be used again until the outcome is known."""

    code = "payment.outcome_unknown"
    message = N_("付款请求已发出，支付通道尚未给出结果（%(reason)s）。请勿重新申请，系统会用同一请求号继续核对：%(key)s")
    key: str
    reason: str


class GatewayRefused(Refusal):
    """The gateway understood and said no (declined, wrong amount, wrong state …)."""

    code = "payment.refused_by_gateway"
    message = N_("支付通道退回了这笔请求：%(provider_message)s（%(provider_code)s）。请核对收款账户、金额和付款状态后再办理")
    provider_code: str
    provider_message: str
    payment_id: str | None


class StillBlocked(GatewayRefused):
    """The gateway refused the capture and would not let the authorised money go either: it must be asked again."""

    code = "payment.still_blocked"


class KeyReused(Conflict):
    """The same idempotency key was used for another intent: a mistake of ours, never of the user."""

    code = "payment.key_reused"
    message = N_("请求号 %(key)s 已用于另一笔付款，本次没有付款。请联系系统管理员")
    key: str


class NotAdmitted(Unavailable):
    """The gateway does not know our key, or our key may not do this: a mistake of the installation, never of a payment."""

    code = "payment.not_admitted"
    message = N_("支付通道不接受本平台的密钥（%(status_code)d），本次没有付款。请系统管理员核对支付通道密钥，系统会自动重试")
    status_code: int


class Ambiguous(Exception):
    """The gateway may or may not have carried the request out."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


class _Again(Exception):
    """A try that may be repeated with the same key; `maybe_done` when it may have been carried out."""

    def __init__(self, reason: str, *, maybe_done: bool, wait_s: float | None = None, last: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_done = maybe_done
        self.wait_s = wait_s
        self.last = last


class Breaker:
    """After `limit` failures in a row no call leaves for `rest_s` seconds; then one probe decides."""

    def __init__(self, *, limit: int = 5, rest_s: float = 30.0, ticks: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.rest_s = rest_s
        self._ticks = ticks
        self._failures = 0
        self._closed_again_at = 0.0
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """Calls are being held back."""
        return self._failures >= self.limit and self._ticks() < self._closed_again_at

    def enter(self) -> None:
        """Ask to call. Raises GatewayUnavailable while the breaker is open."""
        with self._lock:
            if self._failures < self.limit:
                return
            if self._ticks() < self._closed_again_at:
                raise GatewayUnavailable(reason="breaker_open")
            self._closed_again_at = self._ticks() + self.rest_s  # this caller is the probe, the others wait

    def failed(self) -> None:
        """Count a call that got no usable answer."""
        with self._lock:
            self._failures += 1
            self._closed_again_at = self._ticks() + self.rest_s

    def answered(self) -> None:
        """The gateway is there, whatever it said."""
        with self._lock:
            self._failures = 0


class Caller:
    """Sends one request to the end: retries with the same key, reads the answer, sorts the failures."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None,
        attempts: int,
        wait_initial_s: float,
        wait_max_s: float,
        timeout_s: float,
        breaker: Breaker,
    ) -> None:
        self.attempts = attempts
        self.wait_initial_s = wait_initial_s
        self.wait_max_s = wait_max_s
        self.breaker = breaker
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}", "Stripe-Version": API_VERSION},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 3.0)),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def post(self, path: str, params: Mapping[str, Any], *, key: str, read: Callable[[dict[str, Any]], Answer]) -> Answer:
        """Change something, at most once per key. Raises Ambiguous and the refusals of this module."""
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValueError(f"an idempotency key has 1 to {LONGEST_KEY} characters")
        headers = {"Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded"}
        content = form.encode(params).encode()

        def request() -> httpx.Request:
            return self._client.build_request("POST", path, content=content, headers=headers)

        return self._to_the_end(request, key, read)

    def get(self, path: str, params: Mapping[str, Any], *, read: Callable[[dict[str, Any]], Answer]) -> Answer:
        """Read something. Raises GatewayUnavailable, GatewayRefused."""

        def request() -> httpx.Request:
            return self._client.build_request("GET", path, params=httpx.QueryParams(form.encode(params)))

        try:
            return self._to_the_end(request, "", read)
        except Ambiguous as unread:  # nothing changes by reading
            raise GatewayUnavailable(reason=unread.reason) from unread

    def _to_the_end(self, request: Callable[[], httpx.Request], key: str, read: Callable[[dict[str, Any]], Answer]) -> Answer:
        self.breaker.enter()
        maybe_done = False
        try:
            for attempt in stamina.retry_context(
                on=self._wait,
                attempts=self.attempts,
                timeout=None,
                wait_initial=self.wait_initial_s,
                wait_max=self.wait_max_s,
                wait_jitter=self.wait_initial_s,
            ):
                with attempt:
                    try:
                        answer = self._once(request(), key, read)
                    except _Again as again:
                        maybe_done = maybe_done or again.maybe_done
                        raise
        except _Again as given_up:
            self.breaker.failed()
            if maybe_done:
                raise Ambiguous(key, given_up.reason) from given_up
            raise GatewayUnavailable(reason=given_up.reason) from given_up
        except Refusal:
            self.breaker.answered()
            raise
        self.breaker.answered()
        return answer

    def _wait(self, error: Exception) -> bool | float:
        if not isinstance(error, _Again) or error.last:
            return False
        return True if error.wait_s is None else min(error.wait_s, self.wait_max_s)

    def _once(self, request: httpx.Request, key: str, read: Callable[[dict[str, Any]], Answer]) -> Answer:
        try:
            response = self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as unreached:
            raise _Again("unreachable", maybe_done=False) from unreached
        except httpx.TimeoutException as late:
            raise _Again("timeout", maybe_done=True) from late
        except (httpx.HTTPError, ConnectionError) as broken:  # in process a cut connection is the bare OS error
            raise _Again("connection_lost", maybe_done=True) from broken
        try:
            body = json.loads(response.content)
            if not isinstance(body, dict):
                raise ValueError("not an object")
            if response.is_success:
                return read(body)
        except ValueError as garbled:
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise _Again("busy", maybe_done=False, wait_s=_retry_after(response)) from garbled
            raise _Again("unreadable_answer", maybe_done=True) from garbled
        raise _failure(response, body, key)


def _failure(response: httpx.Response, body: Mapping[str, Any], key: str) -> Exception:
    """Sort an answer that is not a success."""
    told = body.get("error")
    error: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    status, code = response.status_code, str(error.get("code") or error.get("type") or response.status_code)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return _Again("busy", maybe_done=False, wait_s=_retry_after(response))
    if status == httpx.codes.CONFLICT:
        return _Again("locked", maybe_done=code != "lock_timeout", wait_s=_retry_after(response))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        # a stored failure is replayed for ever: asking again tells nothing, looking up does
        replayed = response.headers.get("Idempotent-Replayed") == "true"
        final = replayed or response.headers.get("Stripe-Should-Retry") == "false"
        return _Again("gateway_error", maybe_done=True, wait_s=_retry_after(response), last=final)
    if error.get("type") == "idempotency_error":
        return KeyReused(key=key)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return NotAdmitted(status_code=status)
    payment = error.get("payment_intent")
    return GatewayRefused(
        provider_code=str(error.get("decline_code") or code),
        provider_message=str(error.get("message") or response.reason_phrase),
        payment_id=payment.get("id") if isinstance(payment, Mapping) else None,
    )


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
