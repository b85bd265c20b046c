"""Publication follows the contract within seconds (实施条例 50 allows two working days)."""

import json
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.outbox import Consumer, Event, Timer
from supervision.disclosure import service


def publish(session: Session, events: Sequence[Event], _result: None) -> None:
    """Publish contracts concluded and contracts ended, each once."""
    for event in events:
        body = json.loads(event.body)
        if event.type == "order.terminated":
            service.publish_termination(session, body, at=event.at)
        elif event.region is not None:
            service.publish_contract(session, body, region=event.region, at=event.at)


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return (Consumer(name="disclosure.publish", types=("order.confirmed", "order.terminated"), inside=publish, lane="fast"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return ()
