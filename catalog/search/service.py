"""Bringing the index up to date with the database."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from catalog.search import queries
from catalog.search.port import SearchEngine

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
