"""The calendar of certificates, and products that follow their brand."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import sweep
from app.kernel.outbox import Consumer, Event, Timer
from app.policy import SYSTEM
from catalog.products import queries, service

EVERY_SECONDS: Final = 60.0
"""Pages judge a certificate by the day themselves; the search hears of its end within a minute or two."""


def expire(sessions: Callable[[], Session]) -> int:
    """Leave an event for every certificate whose last day has passed; how many there were."""
    with sessions() as session:
        due = queries.expired_unnoticed(session)
    return sweep.each(sessions, due, lambda session, proof: service.notice_expiry(session, SYSTEM, proof), name="products.expiry")


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who keeps products at the brand that their brand's name stands for."""

    def follow(session: Session, events: Sequence[Event], _result: None) -> None:
        for event in events:
            joined = json.loads(event.body)
            service.follow_brand(session, SYSTEM, joined["key"], joined["into"], joined["into_key"])

    return (Consumer(name="products.brands", types=("brand.joined",), inside=follow, lane="fast"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer(name="products.expiry", every=EVERY_SECONDS, run=expire),)
