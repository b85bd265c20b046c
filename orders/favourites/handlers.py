"""Those who wait are told when an offer changes; saved searches are looked through by the clock."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep
from app.kernel.outbox import Consumer, Event, Timer
from catalog.search.gateway import engine_for
from catalog.search.port import SearchUnavailable
from orders.favourites import queries, service

LOOK_EVERY_S = 10.0
"""How often it is asked which searches are due; when one is due stands in a dated row."""


def tell(session: Session, events: Sequence[Event], _result: None) -> None:
    """Offers became cheaper, got pieces or came on the shelf."""
    changed: dict[int, datetime] = {}
    for event in events:
        changed.setdefault(json.loads(event.body)["listing_id"], event.at)
    service.tell(session, changed)


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    types = ("listing.created", "listing.repriced", "listing.restocked", "listing.shelved")
    return (Consumer(name="favourites.awaited", types=types, inside=tell, batch=200),)


def timers(settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    engine = engine_for(settings)

    def look_through(sessions: Callable[[], Session]) -> int:
        with sessions() as session:
            wanted = queries.due(session, clock.now())
        return sweep.each(
            sessions,
            wanted,
            lambda session, search_id: service.refresh(session, engine, search_id),
            name="favourites.searches",
            meanwhile=(SearchUnavailable,),
        )

    return (Timer("favourites.searches", LOOK_EVERY_S, look_through),)
