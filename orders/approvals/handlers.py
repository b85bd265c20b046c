"""The clock of holds, approvals and confirmations: what nobody decided in time is released."""

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.outbox import Consumer, Timer
from orders.approvals import queries, service

log = logging.getLogger("mall.deadlines")

EVERY_SECONDS = 15.0
"""Time-outs take effect within a minute."""


def release_overdue(sessions: Callable[[], Session]) -> int:
    """Let every overdue order lapse, each in a transaction of its own; returns how many did."""
    with sessions() as session:
        numbers = queries.overdue_numbers(session)
    done = 0
    for number in numbers:
        with sessions() as session:
            try:
                with commit(session):
                    done += service.lapse(session, number)
            except Refusal as faster:  # somebody decided in this very moment: then there is nothing to release
                log.info("an overdue order was decided meanwhile", extra={"code": faster.code})
    return done


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("orders.deadlines", EVERY_SECONDS, release_overdue),)
