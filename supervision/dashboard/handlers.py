"""Follows the log into the stream and the figures."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Timer
from supervision.dashboard import queries, service
from supervision.journal import queries as journal

EVERY_S = 0.3
TURNS = 20
"""Batches in one turn, so that a backlog keeps nothing else of the lane waiting."""


def follow(sessions: Callable[[], Session]) -> int:
    """Take over what the log has and the stream has not; returns how many leaves. Nothing is locked while there is none."""
    done = 0
    for _ in range(TURNS):
        with sessions() as session:
            if journal.size(session) - 1 <= queries.head(session):
                return done
            with commit(session):
                taken = service.catch_up(session)
        if not taken:
            return done
        done += taken
    return done


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("dashboard.stream", EVERY_S, follow, lane="fast"),)
