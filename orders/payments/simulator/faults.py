"""Fault switches of the simulated treasury: each one armed strikes a number of requests, or all are left to chance."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orders.payments.simulator.state import Books


class Fault(StrEnum):
    """What can go wrong; the first group strikes answers, the second webhooks, the last the treasury's decision."""

    DROP_AFTER = "charge_then_drop"
    DROP_BEFORE = "drop_before"
    ERROR_AFTER = "error_after_charge"
    LOCKED = "locked"
    BUSY = "busy"
    SLOW = "slow"
    TRUNCATED = "truncated_body"
    GARBLED = "invalid_json"
    REFUSED = "refused"
    FORGOTTEN = "key_forgotten"

    WEBHOOK_TWICE = "webhook_twice"
    WEBHOOK_REORDERED = "webhook_reordered"
    WEBHOOK_LATE = "webhook_late"
    WEBHOOK_LOST = "webhook_lost"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"
    WEBHOOK_OLD_SIGNATURE = "webhook_old_signature"
    WEBHOOK_TWO_SECRETS = "webhook_two_secrets"

    TREASURY_REFUSES = "treasury_refuses"

    @property
    def route(self) -> str:
        """Where it strikes unless told otherwise: a method and path prefix, WEBHOOK or TREASURY."""
        if self is Fault.TREASURY_REFUSES:
            return "TREASURY"
        return "WEBHOOK" if self.name.startswith("WEBHOOK") else "POST /"


ANSWERS = (
    Fault.DROP_AFTER,
    Fault.DROP_BEFORE,
    Fault.ERROR_AFTER,
    Fault.LOCKED,
    Fault.BUSY,
    Fault.TRUNCATED,
    Fault.GARBLED,
)
"""The faults after which the payment must still come out right at once."""

WEBHOOKS = tuple(fault for fault in Fault if fault.route == "WEBHOOK")


@dataclass(frozen=True)
class Strike:
    """A fault about to happen, with its options (seconds, reason …)."""

    fault: Fault
    options: Mapping[str, Any]

    def seconds(self, default: float) -> float:
        """How long, for slow answers, late webhooks and Retry-After."""
        return float(self.options.get("seconds", default))


def arm(books: Books, fault: Fault, *, count: int, route: str | None, options: Mapping[str, Any]) -> None:
    """The next `count` requests of that route are struck."""
    books.sql.execute(
        "INSERT INTO faults (name, route, remaining, options) VALUES (?, ?, ?, ?)",
        (fault.value, route or fault.route, count, json.dumps(dict(options))),
    )


def set_weather(books: Books, faults: Sequence[Fault], *, rate: float, seed: int, options: Mapping[str, Any]) -> None:
    """From now on each request or webhook is struck with this probability by one of the faults, all with the same options."""
    names = [fault.value for fault in faults]
    books.set("weather", {"faults": names, "rate": rate, "seed": seed, "tick": 0, "options": dict(options)})


def clear(books: Books) -> None:
    """Fine weather and no fault armed."""
    books.sql.execute("DELETE FROM faults")
    books.set("weather", None)


def strike(books: Books, route: str) -> Strike | None:
    """The fault that strikes this request, if one does: armed ones first, in order, then the weather."""
    for n, name, prefix, options in books.sql.execute(
        "SELECT n, name, route, options FROM faults WHERE remaining > 0 ORDER BY n"
    ).fetchall():
        if route.startswith(prefix):
            books.sql.execute("UPDATE faults SET remaining = remaining - 1 WHERE n = ?", (n,))
            return Strike(Fault(name), json.loads(options))
    return _weather(books, route)


def _weather(books: Books, route: str) -> Strike | None:
    weather = books.setting("weather")
    if not weather:
        return None
    fitting = [fault for fault in map(Fault, weather["faults"]) if route.startswith(fault.route)]
    if not fitting:
        return None
    weather["tick"] += 1
    books.set("weather", weather)
    chance = random.Random(f"{weather['seed']}:{weather['tick']}")  # noqa: S311 - a reproducible test, not a secret  # nosec B311
    return Strike(chance.choice(fitting), weather["options"]) if chance.random() < weather["rate"] else None
