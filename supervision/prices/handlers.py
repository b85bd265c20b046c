"""What the clock starts: once a day the open months of the price index are worked out again."""

from collections.abc import Callable
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Timer
from supervision.prices import service

LOOK_EVERY_S: Final = 900.0


def daily() -> Callable[[Callable[[], Session]], int]:
    """Works once on each local day, soon after midnight or when the worker starts."""
    done: set[date] = set()

    def run(sessions: Callable[[], Session]) -> int:
        on = clock.today()
        if on in done:
            return 0
        with sessions() as session, commit(session):
            written = service.bring_up_to_date(session, on)
        done.clear()
        done.add(on)
        return written

    return run


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nobody follows events here."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("prices.index", LOOK_EVERY_S, daily()),)
