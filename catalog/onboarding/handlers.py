"""What the clock starts: applications that nobody goes on with lapse, counts of attempts are forgotten."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Timer
from catalog.onboarding import queries, service

EVERY_S = 3600.0
YOUNGEST = timedelta(days=1)
"""Nothing younger is looked at; the rest is judged by the term of its region."""


def lapse(sessions: Callable[[], Session]) -> int:
    """End the open applications that are over their term; returns how many."""
    with sessions() as session:
        open_ones = queries.written_before(session, clock.now() - YOUNGEST)
    return sweep.each(sessions, open_ones, service.lapse, name="onboarding.lapse")


def forget(sessions: Callable[[], Session]) -> int:
    """Drop the counts of attempts to register that were made before today; returns how many."""
    with sessions() as session, commit(session):
        return service.forget_knocks(session, clock.local(clock.wall_now()).date())


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nobody follows events here."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("onboarding.lapse", EVERY_S, lapse), Timer("onboarding.knocks", EVERY_S, forget))
