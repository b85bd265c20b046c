"""Webhooks of the simulated treasury: signed, repeated until answered 2xx, and disturbed on demand."""

import json
from collections.abc import Callable, Sequence

from orders.payments import webhook_signature
from orders.payments.simulator.faults import Fault, Strike, strike
from orders.payments.simulator.state import Store, Thing

Post = Callable[[bytes, dict[str, str]], int]
"""Sends a body with headers to our webhook endpoint and returns the HTTP status; 0 when nobody answered."""

LEASE_S = 30.0
LONGEST_WAIT_S = 3600.0
TRIES = 40
STRANGE_SECRET = "whsec_of_somebody_else"  # noqa: S105 - for the signatures that must be refused


def deliver_due(store: Store, secrets: Sequence[str], post: Post, *, limit: int) -> int:
    """Send what is due; returns how many webhooks were accepted. No transaction is open while the receiver works."""
    accepted = 0
    for n, event, tries, struck in _claim(store, limit):
        if struck is not None and struck.fault is Fault.WEBHOOK_LOST:
            _finish(store, n)
            continue
        now = int(store.now().timestamp())
        body, headers = _signed(event, secrets, now, struck)
        status = post(body, headers)
        if struck is not None and struck.fault is Fault.WEBHOOK_TWICE:
            status = post(body, headers)
        if 200 <= status < 300:
            _finish(store, n)
            accepted += 1
        else:
            _again(store, n, tries)
    return accepted


def _claim(store: Store, limit: int) -> list[tuple[int, Thing, int, Strike | None]]:
    """Lease the due deliveries, so that two workers do not send the same one, and decide which are disturbed."""
    claimed: list[tuple[int, Thing, int, Strike | None]] = []
    reordered: list[tuple[int, Thing, int, Strike | None]] = []
    with store.open() as books:
        now = books.now.timestamp()
        rows = books.sql.execute(
            "SELECT n, event, tries FROM deliveries WHERE done = 0 AND due <= ? ORDER BY due, n LIMIT ?", (now, limit)
        ).fetchall()
        for n, event_id, tries in rows:
            struck = strike(books, "WEBHOOK") if tries == 0 else None
            if struck is not None and struck.fault is Fault.WEBHOOK_LATE:
                books.sql.execute("UPDATE deliveries SET due = ?, tries = 1 WHERE n = ?", (now + struck.seconds(60.0), n))
                continue
            books.sql.execute("UPDATE deliveries SET due = ?, tries = tries + 1 WHERE n = ?", (now + LEASE_S, n))
            event = books.one("event", event_id)
            if event is None:
                continue
            late = struck is not None and struck.fault is Fault.WEBHOOK_REORDERED
            (reordered if late else claimed).append((n, event, tries, struck))
    return claimed + reordered[::-1]


def _signed(event: Thing, secrets: Sequence[str], now: int, struck: Strike | None) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(event, ensure_ascii=False, indent=2).encode()
    fault = None if struck is None else struck.fault
    at = now - 3600 if fault is Fault.WEBHOOK_OLD_SIGNATURE else now
    if fault is Fault.WEBHOOK_BAD_SIGNATURE:
        secrets = [STRANGE_SECRET]
    elif fault is Fault.WEBHOOK_TWO_SECRETS:
        secrets = [STRANGE_SECRET, *secrets]
    return body, {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Treasury-Simulator/1.0",
        webhook_signature.HEADER: webhook_signature.sign(body, secrets, at=at),
    }


def _finish(store: Store, n: int) -> None:
    with store.open() as books:
        books.sql.execute("UPDATE deliveries SET done = 1 WHERE n = ?", (n,))


def _again(store: Store, n: int, tries: int) -> None:
    with store.open() as books:
        wait = min(2.0**tries, LONGEST_WAIT_S)
        books.sql.execute("UPDATE deliveries SET due = ?, done = ? WHERE n = ?", (books.now.timestamp() + wait, tries >= TRIES, n))
