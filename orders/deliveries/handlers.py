"""What the clock does with deliveries: goods that nobody judged in time are taken as accepted."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep
from app.kernel.outbox import Consumer, Timer
from app.policy import SYSTEM
from orders.deliveries import queries, service
from orders.purchases import queries as purchases
from orders.purchases.rules import TooLate
from orders.purchases.states import NotNow

EVERY_S = 30.0


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Nothing here follows events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """The clock of acceptance."""
    return (Timer(name="deliveries.deemed", every=EVERY_S, run=deem_overdue, lane="deadlines"),)


def deem_overdue(sessions: Callable[[], Session]) -> int:
    """Take as accepted what nobody judged in time; returns how many orders."""
    with sessions() as session:
        numbers = queries.overdue(session, clock.now())
    return sweep.each(sessions, numbers, _deem, name="deliveries.deemed", meanwhile=(NotNow, TooLate))


def _deem(session: Session, number: str) -> bool:
    order = purchases.by_number(session, SYSTEM, number)
    if order.due_at is None or order.due_at >= clock.now():
        return False
    service.deem_accepted(session, SYSTEM, order)
    return True
