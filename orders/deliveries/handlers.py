"""What the clock does with deliveries: goods that nobody judged in time are taken as accepted."""

import logging
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.outbox import Consumer, Timer
from app.policy import SYSTEM
from orders.deliveries import queries, service
from orders.purchases.tables import Order

log = logging.getLogger("mall.deliveries")
EVERY_S = 30.0


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nothing here follows events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """The clock of acceptance."""
    return (Timer(name="deliveries.deemed", every=EVERY_S, run=deem_overdue, lane="deadlines"),)


def deem_overdue(sessions: Callable[[], Session]) -> int:
    """Take as accepted what nobody judged in time, each order in a transaction of its own; returns how many."""
    done = 0
    with sessions() as session:
        for number in queries.overdue(session, clock.now()):
            try:
                with commit(session):
                    order = session.scalar(
                        select(Order).where(Order.number == number).execution_options(populate_existing=True)
                    )
                    if order is not None and order.due_at is not None and order.due_at < clock.now():
                        service.deem_accepted(session, SYSTEM, order)
                        done += 1
            except Refusal as refused:  # somebody was faster
                log.info("not deemed accepted", extra={"order": number, "code": refused.code})
    return done
