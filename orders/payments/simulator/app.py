"""A treasury that speaks the Stripe API, as a plain WSGI application.

It runs in process (`httpx.WSGITransport(app=Simulator(path))`) or on a socket (`werkzeug.serving`). After a delay the
treasury itself passes what was authorised (or refuses it, by a fault switch), as 国库集中支付 does; `capture` does the
same at once. Marked as a demonstration: no money moves.
"""

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from app.kernel import clock
from orders.payments.simulator import delivery, faults, intents, routes
from orders.payments.simulator.faults import Fault, Strike
from orders.payments.simulator.state import Books, Store, Thing
from orders.payments.simulator.wire import ApiError, Params, nested

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LONGEST_KEY = 255


class Simulator:
    """The simulated treasury over one state file.

    `treasury_delay_s` is how long the treasury thinks before it passes an authorised payment; None leaves that to
    `capture`, `pass_payment` and `refuse_payment`. Webhooks are signed with every one of `webhook_secrets`.
    """

    def __init__(
        self,
        path: Path,
        *,
        webhook_secrets: Sequence[str],
        treasury_delay_s: float | None = 2.0,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = Store(path, now)
        self.webhook_secrets = tuple(webhook_secrets)
        self.treasury_delay_s = treasury_delay_s
        self.sleep = sleep

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request, or break the connection off (ConnectionResetError) when a fault says so."""
        try:
            return self._respond(Request(environ))(environ, start_response)
        except ConnectionResetError:
            if (line := environ.get("werkzeug.socket")) is not None:
                line.shutdown(socket.SHUT_RDWR)
            raise

    def _respond(self, request: Request) -> Response:
        number = f"req_{secrets.token_hex(7)}"
        try:
            _authorised(request)
            struck = self._strike(request)
            if struck is not None:
                _before(struck)
            status, body, replayed = self._answer(request, number, struck)
        except ApiError as error:
            status, body, replayed, struck = error.status, json.dumps(error.body), False, None
            if error.status in (409, 429):
                wait = error.body["error"].pop("wait", 1)
                response = _response(request, number, status, json.dumps(error.body))
                response.headers["Retry-After"] = str(wait)
                return response
        response = _response(request, number, status, body)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        if struck is not None:
            self._after(struck, response)
        return response

    # --- the treasury's own side -------------------------------------------------------------------------------

    def deliver_due(self, post: delivery.Post, *, limit: int = 100) -> int:
        """Let the treasury decide what waited long enough, then send the webhooks that are due; how many got through."""
        self.settle_due()
        return delivery.deliver_due(self.store, self.webhook_secrets, post, limit=limit)

    def settle_due(self) -> int:
        """Pass (or, by the fault switch, refuse) every payment that waited for `treasury_delay_s`; how many."""
        if self.treasury_delay_s is None:
            return 0
        with self.store.open() as books:
            waiting = books.in_state("payment_intent", "requires_capture", int(books.second - self.treasury_delay_s))
            for intent in waiting:
                struck = faults.strike(books, "TREASURY")
                if struck is None:
                    intents.take(books, intent, intent["amount_capturable"])
                else:
                    _refuse(books, intent, str(struck.options.get("reason", "treasury_refused")))
            return len(waiting)

    def waiting(self) -> list[Thing]:
        """Payments the treasury has not decided on, oldest first."""
        with self.store.open() as books:
            return books.in_state("payment_intent", "requires_capture", books.second)

    def pass_payment(self, payment_id: str) -> Thing:
        """The treasury passes a payment now."""
        with self.store.open() as books:
            return intents.capture(books, payment_id, {})

    def refuse_payment(self, payment_id: str, reason: str = "treasury_refused") -> Thing:
        """The treasury sends a payment application back."""
        with self.store.open() as books:
            return _refuse(books, intents.known(books, payment_id), reason)

    def totals(self) -> dict[str | None, int]:
        """Fen captured less refunded by destination account (None: the platform's own), for reconciliation."""
        with self.store.open() as books:
            rows = books.sql.execute(
                "SELECT json_extract(body, '$.transfer_data.destination'),"
                " SUM(json_extract(body, '$.amount_captured') - json_extract(body, '$.amount_refunded'))"
                " FROM things WHERE kind = 'charge' GROUP BY 1"
            )
            return dict(rows.fetchall())

    def remember(self, payments: Iterable[intents.Past]) -> int:
        """Enter payments that were taken before these books were opened; how many."""
        with self.store.open() as books:
            return intents.remember(books, payments)

    # --- fault switches ----------------------------------------------------------------------------------------

    def arm(self, fault: Fault, *, count: int = 1, route: str | None = None, **options: Any) -> None:
        """Strike the next `count` requests (`route`: method and path prefix) or webhooks with a fault."""
        with self.store.open() as books:
            faults.arm(books, fault, count=count, route=route, options=options)

    def weather(self, struck_by: Sequence[Fault], *, rate: float, seed: int = 1, **options: Any) -> None:
        """Strike at random, reproducibly, with this probability; the options (seconds …) hold for every fault."""
        with self.store.open() as books:
            faults.set_weather(books, struck_by, rate=rate, seed=seed, options=options)

    def fine_weather(self) -> None:
        """No fault is armed any more."""
        with self.store.open() as books:
            faults.clear(books)

    # --- one request -------------------------------------------------------------------------------------------

    def _strike(self, request: Request) -> Strike | None:
        with self.store.open() as books:
            return faults.strike(books, f"{request.method} {request.path}")

    def _answer(self, request: Request, number: str, struck: Strike | None) -> tuple[int, str, bool]:
        """Do what is asked and keep the answer, in one transaction; or replay the answer kept under the key."""
        pairs = (request.args if request.method == "GET" else request.form).items(multi=True)
        params = nested(pairs)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is not None and not 0 < len(key) <= LONGEST_KEY:
            raise ApiError(400, f"Idempotency keys can have up to {LONGEST_KEY} characters.", kept=False)
        asked = json.dumps(params, sort_keys=True)
        with self.store.open() as books:
            if key is not None and struck is not None and struck.fault is Fault.FORGOTTEN:
                books.sql.execute("DELETE FROM answers WHERE key = ?", (key,))
            if key is not None and (kept := _kept(books, key, request.path, asked)) is not None:
                return *kept, True
            status, body, keep = _carried_out(books, request, params, struck)
            text = json.dumps(body, ensure_ascii=False, indent=2)
            if key is not None and keep:
                books.sql.execute(
                    "INSERT INTO answers (key, path, fingerprint, status, body, request) VALUES (?, ?, ?, ?, ?, ?)",
                    (key, request.path, asked, status, text, number),
                )
            return status, text, False

    def _after(self, struck: Strike, response: Response) -> None:
        match struck.fault:
            case Fault.DROP_AFTER:
                raise ConnectionResetError("the simulated gateway dropped the connection after the charge")
            case Fault.SLOW:
                self.sleep(struck.seconds(15.0))
            case Fault.TRUNCATED:
                whole = response.get_data()
                response.set_data(whole[: len(whole) // 2])
                response.headers["Content-Length"] = str(len(whole))
            case Fault.GARBLED:
                response.set_data(b"<html>502 Bad Gateway</html>")


def _authorised(request: Request) -> None:
    given = request.authorization
    key = None if given is None else (given.token if given.type == "bearer" else given.username)
    if not key or not key.startswith(("sk_", "rk_")):
        raise ApiError(401, "You did not provide an API key.", kept=False)


def _before(struck: Strike) -> None:
    match struck.fault:
        case Fault.DROP_BEFORE:
            raise ConnectionResetError("the simulated gateway dropped the connection")
        case Fault.LOCKED:
            raise ApiError(
                409,
                "There is currently another in-progress request using this Idempotent Key.",
                type="idempotency_error",
                code="idempotency_key_in_use",
                wait=int(struck.seconds(1)),
            )
        case Fault.BUSY:
            raise ApiError(429, "Request rate limit exceeded.", code="rate_limit", wait=int(struck.seconds(1)))


def _kept(books: Books, key: str, path: str, asked: str) -> tuple[int, str] | None:
    row = books.sql.execute("SELECT path, fingerprint, status, body FROM answers WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row[0] != path:
        told = f"same endpoint they were first used for ('{path}' vs '{row[0]}')"
    elif row[1] != asked:
        told = "same parameters they were first used with"
    else:
        return int(row[2]), str(row[3])
    message = (
        f"Keys for idempotent requests can only be used with the {told}."
        f" Try using a key other than '{key}' if you meant to execute a different request."
    )
    raise ApiError(400, message, type="idempotency_error", kept=False)


def _carried_out(books: Books, request: Request, params: Params, struck: Strike | None) -> tuple[int, Thing, bool]:
    """Status, body, and whether the answer is kept. An error the API kept has its effects kept too."""
    fault = None if struck is None else struck.fault
    try:
        if fault is Fault.REFUSED:
            raise ApiError(402, "Your card was declined.", type="card_error", code="card_declined")
        body = routes.answer(books, request.method, request.path, params)
    except ApiError as error:
        if not error.kept:
            raise  # nothing began: whatever was prepared is undone
        return error.status, error.body, True
    if fault is Fault.ERROR_AFTER:
        return 500, {"error": {"type": "api_error", "message": "An unknown error occurred."}}, True
    return 200, body, True


def _refuse(books: Books, intent: Thing, reason: str) -> Thing:
    failure = {"type": "invalid_request_error", "code": reason, "message": "The treasury refused the application."}
    return intents.drop(books, intent, "abandoned", failure)


def _response(request: Request, number: str, status: int, body: str) -> Response:
    headers = {"Request-Id": number, "Stripe-Version": request.headers.get("Stripe-Version", "2026-10-28.endive")}
    if key := request.headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = key.replace("\r", "").replace("\n", "")
    return Response(body, status=status, headers=headers, mimetype="application/json")
