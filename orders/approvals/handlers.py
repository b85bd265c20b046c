"""The clock of holds, approvals and confirmations: what nobody decided in time is released."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import sweep
from app.kernel.outbox import Consumer, Timer
from orders.approvals import queries, service
from orders.purchases.rules import TooLate
from orders.purchases.states import NotNow

EVERY_SECONDS = 15.0
"""Time-outs take effect within a minute."""


def release_overdue(sessions: Callable[[], Session]) -> int:
    """Let every overdue order lapse; returns how many did."""
    with sessions() as session:
        numbers = queries.overdue_numbers(session)
    return sweep.each(sessions, numbers, service.lapse, name="orders.deadlines", meanwhile=(NotNow, TooLate))


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("orders.deadlines", EVERY_SECONDS, release_overdue),)
