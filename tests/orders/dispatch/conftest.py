"""An approved order for goods of a supplier whose own shop the mall calls."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from catalog.connections.states import Job
from orders.dispatch import handlers
from orders.dispatch.tables import Dispatch
from orders.purchases.tables import Order
from tests import factories
from tests.catalog.connections.desk import LINE, Desk
from tests.factories import World
from tests.orders import steps
from tests.supplier_shop import Item, opened


class Counter(Desk):
    """Sells what the shop offers."""

    def approved(self, quantity: int = 2, *, sku: str = "P-1") -> Order:
        """An order of the shop's good, approved by the unit."""
        return steps.approved(self.session, self.world, {self.listing(sku): quantity})

    def send(self, times: int = 1) -> int:
        """Let the consumer bring what is due to the shop; a failed event is taken up again without its pause."""
        done = 0
        for _ in range(times):
            self.rest_is_over()
            done += steps.run_once(self.session, handlers.sender(LINE))
        return done

    def rest_is_over(self) -> None:
        """Let every pause end."""
        from app.kernel import clock
        from app.kernel.outbox import EventLease

        self.session.rollback()
        with commit(self.session):
            for lease in self.session.scalars(select(EventLease)):
                lease.until = clock.now()
            for row in self.session.scalars(select(Dispatch)):
                row.next_at = clock.now()
            self.connection_row().rest_until = None

    def connection_row(self):
        from catalog.connections.tables import Connection

        return self.session.get_one(Connection, self.world.supplier.organisation_id, populate_existing=True)

    def tell(self) -> int:
        """What the clock tells shops."""
        self.rest_is_over()
        steps.run(self.session, handlers.ender())
        return handlers.tell(self.sessions, LINE)

    def track(self) -> int:
        """What the clock asks shops."""
        self.rest_is_over()
        return handlers.track(self.sessions, LINE)

    def dispatch(self, order: Order) -> Dispatch | None:
        self.session.rollback()
        return self.session.get(Dispatch, order.id, populate_existing=True)

    def order(self, order: Order) -> Order:
        self.session.rollback()
        return steps.fresh(self.session, order)

    def types(self, order: Order) -> list[str]:
        """The order's events."""
        self.session.rollback()
        return list(self.session.scalars(select(Event.type).where(Event.stream == order.number).order_by(Event.version)))


@pytest.fixture
def counter(session: Session, world: World) -> Iterator[Counter]:
    with opened() as shop:
        shop.add(Item("P-1", "1299.00"), Item("P-2", "899.50", model="P2206W"))
        made = Counter(session, world, shop)
        made.connect()
        made.certify()
        made.follow(Job.POOL)
        with commit(session):
            clerk = world.actor(Role.ORDER_CLERK)
            assert clerk.organisation_id == world.supplier.organisation_id
        yield made


@pytest.fixture
def figures(counter: Counter):
    """Free, reserved, committed … of the printers' plan line."""
    return lambda: factories.figures(counter.session, counter.world.lines[0].control_id)
