"""Asset cards follow acceptances and payments; orders without open cards close when paid."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.outbox import Consumer, Event, Timer
from orders.assets import service


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who drafts and registers cards."""

    def follow(session: Session, events: Sequence[Event], _result: None) -> None:
        for number in dict.fromkeys(event.stream for event in events):
            service.follow(session, number)

    return (Consumer(name="assets.cards", types=("order.accepted", "order.paid"), inside=follow, lane="fast"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """Cards wait for no clock; late ones are found by the supervision."""
    return ()
