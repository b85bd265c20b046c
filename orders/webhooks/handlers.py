"""Who hears what happened: notices are written in the transaction of the receipt and sent afterwards, endpoints side by side."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Event, Timer
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from orders.webhooks import gateway, queries, rules, service

log = logging.getLogger("mall.webhooks")
Sessions = Callable[[], Session]
SEND_EVERY_S = 1.0
AT_ONCE = 8
"""Endpoints served side by side; those of one endpoint go one after the other."""


def door_of(settings: Settings) -> Door:
    """The way out of this installation."""
    return Door(loopback=settings.outgoing_loopback)


def consumers(settings: Settings) -> tuple[Consumer, ...]:
    """The writer of notices."""

    def write(session: Session, events: Sequence[Event], _result: None) -> None:
        service.write(session, events, settings.address)

    return (Consumer(name="webhooks.notices", types=(*rules.ORDERS, *rules.GOODS), inside=write, batch=100, lane="fast"),)


def timers(settings: Settings) -> tuple[Timer, ...]:
    """The sender."""
    door, seal = door_of(settings), Seal(settings.secret_key)
    return (Timer(name="webhooks.send", every=SEND_EVERY_S, run=lambda sessions: send_due(sessions, door, seal), lane="webhooks"),)


def send_due(sessions: Sessions, door: Door, seal: Seal) -> int:
    """Try every notice that is due, endpoints side by side; returns how many tries were made."""
    with sessions() as session:
        due = queries.due(session, clock.now())
    if not due:
        return 0
    lanes: dict[int, list[int]] = {}
    for endpoint_id, delivery_id in due:
        lanes.setdefault(endpoint_id, []).append(delivery_id)
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(lanes)), thread_name_prefix="webhook") as pool:
        return sum(pool.map(lambda ids: _in_turn(sessions, door, seal, ids), lanes.values()))


def _in_turn(sessions: Sessions, door: Door, seal: Seal, delivery_ids: Sequence[int]) -> int:
    """The notices of one endpoint; after the first that is not taken the others wait for the next time."""
    tries = 0
    for delivery_id in delivery_ids:
        try:
            with sessions() as session, commit(session):
                parcel = service.take(session, delivery_id)
            if parcel is None:
                continue
            outcome = gateway.deliver(door, seal, parcel)
            with sessions() as session, commit(session):
                service.settle(session, delivery_id, outcome)
        except Exception:
            log.exception("a notice is left for the next time", extra={"delivery": delivery_id})
            return tries
        tries += 1
        if not outcome.is_taken:
            return tries
    return tries
