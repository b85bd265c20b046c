"""The indexer: follows listings and suppliers' standings and keeps the index alike."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.kernel.outbox import Consumer, Event
from catalog.listings import queries as listings
from catalog.search import queries
from catalog.search.port import SearchEngine

BATCH: Final = 100
"""Documents that go into one commit of the index."""


def indexer(engine: SearchEngine) -> Consumer:
    """The consumer to be joined to the outbox."""

    def write(session: Session, events: Sequence[Event]) -> None:
        wanted: dict[int, None] = {}
        for event in events:
            body = json.loads(event.body)
            if event.type.startswith("listing."):
                wanted[body["listing_id"]] = None
            else:
                wanted.update(dict.fromkeys(listings.of_supplier(session, body["supplier_id"])))
        refresh(session, engine, list(wanted))

    return Consumer(
        name="search.indexer",
        types=("listing.", "supplier.suspended", "supplier.lifted"),
        outside=write,
        batch=BATCH,
        lane="fast",
    )


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
