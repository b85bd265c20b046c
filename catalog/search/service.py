"""Bringing the index up to date with the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app.kernel import clock
from catalog.listings import queries as listings
from catalog.search import queries
from catalog.search.fallback import FallbackEngine
from catalog.search.port import SearchDocument, SearchEngine

BATCH: Final = 100
"""Documents that go into one commit of the index."""


def refresh(session: Session, engine: SearchEngine, listing_ids: Sequence[int]) -> None:
    """Bring these listings' documents up to date with the database; those that cannot be bought leave the index."""
    for start in range(0, len(listing_ids), BATCH):
        part = listing_ids[start : start + BATCH]
        found = list(queries.documents(session, part))
        there = {each.pk for each in found}
        if gone := [listing_id for listing_id in part if listing_id not in there]:
            engine.wait(engine.delete(gone))
        if found:
            engine.wait(engine.upsert(found))


def rebuild(session: Session, engine: SearchEngine, documents: Iterable[SearchDocument]) -> int:
    """Make the index anew and swap it in, then replay what changed while it was made; returns how many documents it held."""
    began = clock.now()
    engine.apply_settings()
    count = engine.rebuild(documents)
    session.rollback()  # what the long read saw is old by now
    refresh(session, engine, sorted(queries.changed_since(session, began)))
    return count


@dataclass(frozen=True)
class Drift:
    """How one index differs from the database."""

    engine: str
    missing: frozenset[int]
    """Listings that can be bought and are not in the index."""
    extra: frozenset[int]
    """Listings that are in the index and cannot be bought."""

    @property
    def ids(self) -> list[int]:
        return sorted(self.missing | self.extra)


def drift(session: Session, engine: SearchEngine) -> list[Drift]:
    """Every index of the engine held against the database, id by id; an engine and its spare drift apart each in its own way."""
    there = frozenset(listings.live_ids(session))
    found = []
    for each in engine.parts if isinstance(engine, FallbackEngine) else (engine,):
        held = frozenset(each.ids())
        found.append(Drift(each.stats().engine, there - held, held - there))
    return found


def repair(session: Session, engine: SearchEngine) -> list[Drift]:
    """Write what is missing and delete what is too much; returns what was found."""
    found = drift(session, engine)
    for each, part in zip(found, engine.parts if isinstance(engine, FallbackEngine) else (engine,), strict=True):
        refresh(session, part, each.ids)
    return found
