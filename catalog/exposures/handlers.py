"""What the clock starts: samples are taken in, and forgotten after their days."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Consumer, Timer
from catalog.exposures import service, spool

log = logging.getLogger("mall.exposures")
FOLDER: Final = "exposures"
TAKE_IN_EVERY_S: Final = 15.0
FORGET_EVERY_S: Final = 3600.0
BATCH: Final = 200


def collector(folder: Path) -> Callable[[Callable[[], Session]], int]:
    """Takes in what waits; a file goes when its row is committed, so a kill between the two doubles nothing."""

    def collect(sessions: Callable[[], Session]) -> int:
        found = list(spool.waiting(folder, BATCH))
        samples = [sample for _, sample in found if sample is not None]
        if not found:
            return 0
        with sessions() as session, commit(session):
            taken = service.take_in(session, samples)
        for path, sample in found:
            if sample is None:
                log.warning("not a sample of a search, thrown away: %s", path.name)
            path.unlink(missing_ok=True)
        return taken

    return collect


def forget(sessions: Callable[[], Session]) -> int:
    """Delete what is over its days."""
    with sessions() as session, commit(session):
        return service.forget(session, clock.today())


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nobody follows events here."""
    return ()


def timers(settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (
        Timer("exposures.take_in", TAKE_IN_EVERY_S, collector(settings.folder(FOLDER))),
        Timer("exposures.forget", FORGET_EVERY_S, forget),
    )
