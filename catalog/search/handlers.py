"""The indexer: follows listings, standings, proofs and synonyms, and keeps the index alike; the nightly look for what drifted."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.outbox import Consumer, Event, Timer
from catalog.search import queries, service
from catalog.search.port import SearchEngine, SearchUnavailable
from catalog.vocabulary import queries as vocabulary

log = logging.getLogger("mall.search")
NIGHT: Final = range(2, 5)
"""Hours of the local night in which the index is held against the database."""
LOOK_EVERY_S: Final = 600.0


def indexer(engine: SearchEngine) -> Consumer:
    """The consumer to be joined to the outbox."""

    def write(session: Session, events: Sequence[Event]) -> None:
        service.refresh(session, engine, list(queries.touched(session, events)))
        if any(event.type.startswith("synonym.") for event in events):
            engine.teach(vocabulary.groups(session))

    return Consumer(
        name="search.indexer",
        types=(*queries.INDEXED, "synonym."),
        outside=write,
        batch=service.BATCH,
        lane="fast",
        longest_pause_s=60,
    )


def nightly(engine: SearchEngine) -> Timer:
    """Once a night: ids of the index and of the database compared, and mended."""
    done: set[date] = set()

    def run(sessions: Callable[[], Session]) -> int:
        now = clock.local(clock.now())
        if now.hour not in NIGHT or now.date() in done:
            return 0
        with sessions() as session:
            try:
                found = service.repair(session, engine)
            except SearchUnavailable as refused:
                log.warning("the index could not be held against the database: %s", refused.reason)
                return 0
        done.clear()
        done.add(now.date())
        mended = sum(len(each.ids) for each in found)
        if mended:
            log.warning("the index had drifted from the database: %s", ", ".join(f"{each.engine} {len(each.ids)}" for each in found))
        return mended

    return Timer(name="search.repair", every=LOOK_EVERY_S, run=run)
