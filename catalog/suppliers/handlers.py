"""What the clock starts in the library: decisions begin and end on their day, forgotten files go."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep, uploads
from app.kernel.outbox import Consumer, Timer
from catalog.suppliers import queries, service

EVERY_S = 60.0
TIDY_EVERY_S = 3600.0

Sessions = Callable[[], Session]


def keep_time(sessions: Sessions) -> int:
    """Begin and end the decisions whose moment has come; returns how many."""
    with sessions() as session:
        due = queries.due_decisions(session, clock.now())
    return sweep.each(sessions, due, service.keep_time, name="suppliers.standing")


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nobody follows events here."""
    return ()


def timers(settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    folder = settings.folder(uploads.FOLDER)
    return (
        Timer("suppliers.standing", EVERY_S, keep_time),
        Timer("uploads.sweep", TIDY_EVERY_S, lambda sessions: uploads.sweep(sessions, folder)),
    )
