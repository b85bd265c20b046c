"""A buyer at the till: fills the cart, sends it off as the way in does, and what must not have changed when it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Actor, Role
from catalog.listings.tables import Listing
from orders.budgets.tables import Control
from orders.carts import queries, service
from orders.carts.service import Sending
from orders.carts.tables import CartItem
from orders.purchases.rules import Gate, SubmissionRefused
from orders.purchases.tables import Attempt, Order, OrderLine
from orders.purchases.verdicts import Outcome
from tests import factories
from tests.factories import World


@dataclass
class Refused:
    """What a refused sending-off said."""

    refusal: SubmissionRefused

    @property
    def rules(self) -> set[str]:
        """The rules that stood against it."""
        return {verdict.rule for verdict in self.refusal.verdicts if verdict.outcome is Outcome.BLOCK}

    def facts(self, rule: str) -> dict[str, object]:
        """The facts of the first verdict of a rule that blocks."""
        return next(v.facts for v in self.refusal.verdicts if v.rule == rule and v.outcome is Outcome.BLOCK)


class Till:
    """One buyer of a world at work."""

    def __init__(self, session: Session, world: World) -> None:
        self.session, self.world = session, world

    @property
    def buyer(self) -> Actor:
        return self.world.actor(Role.BUYER)

    def put(self, listing: Listing, quantity: int = 1, *, plan_line_id: int | None = None, address_id: int | None = None) -> int:
        """Put a listing into the cart; returns the line's id."""
        listing_id = listing.id
        with commit(self.session):
            item = service.add(self.session, self.buyer, listing_id, quantity, plan_line_id=plan_line_id, address_id=address_id)
            return item.id

    def sending(self, key: str = "key-00000001", reason: str | None = None) -> Sending:
        """The whole cart, as checkout sends it."""
        entries = queries.entries_of(self.session, self.buyer)
        return Sending(
            wishes=tuple(entry.wish for entry in entries), key=key, reason=reason, items=tuple(entry.item_id for entry in entries)
        )

    def send(self, key: str = "key-00000001", *, sending: Sending | None = None, gates: Sequence[Gate] = ()) -> list[str] | Refused:
        """Send the cart off the way the pages do: the orders made, or the refusal that was remembered."""
        sending = sending or self.sending(key)
        try:
            with commit(self.session):
                made = service.send_off(self.session, self.buyer, sending, gates)
                return [
                    order.number for order in self.session.scalars(select(Order).where(Order.submission_id == made.id).order_by(Order.id))
                ]
        except (SubmissionRefused, *service.OVERTAKEN) as refused:
            with commit(self.session):
                return Refused(service.remember_refusal(self.session, self.buyer, refused, sending, gates))

    def order(self) -> Order:
        """Send the cart off; it must become one order."""
        made = self.send()
        assert isinstance(made, list) and len(made) == 1, made
        return self.reload(made[0])

    def reload(self, number: str) -> Order:
        """The order as the database holds it now."""
        query = select(Order).where(Order.number == number).execution_options(populate_existing=True)
        return self.session.scalars(query).one()

    def lines(self, order: Order) -> list[OrderLine]:
        """Its lines as the database holds them now."""
        query = (
            select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.line_no).execution_options(populate_existing=True)
        )
        return list(self.session.scalars(query))

    def picture(self) -> dict[str, object]:
        """Everything that a refusal must leave as it was: balances, stock, cart, orders."""
        session = self.session
        session.rollback()
        columns = (
            Control.id,
            Control.amount_fen,
            Control.reserved_fen,
            Control.committed_fen,
            Control.accrued_fen,
            Control.paid_fen,
            Control.ordered,
        )
        cart = (CartItem.id, CartItem.listing_id, CartItem.quantity, CartItem.seen_price_fen, CartItem.plan_line_id, CartItem.address_id)
        return {
            "controls": [tuple(row) for row in session.execute(select(*columns).order_by(Control.id))],
            "stock": [tuple(row) for row in session.execute(select(Listing.id, Listing.stock).order_by(Listing.id))],
            "cart": [tuple(row) for row in session.execute(select(*cart).order_by(CartItem.id))],
            "orders": factories.how_many(session, Order),
            "lines": factories.how_many(session, OrderLine),
        }

    def refused(self, *, gates: Sequence[Gate] = ()) -> Refused:
        """Send the cart off; it must be refused, with nothing changed and exactly one attempt and one event."""
        before, attempts, events = self.picture(), self.attempts(), self.refusals()
        sending = self.sending(f"key-{attempts:08d}")
        answer = self.send(sending=sending, gates=gates)
        assert isinstance(answer, Refused), answer
        again = self.send(sending=sending, gates=gates)
        assert isinstance(again, Refused) and again.refusal.attempt == answer.refusal.attempt
        assert self.picture() == before
        assert (self.attempts(), self.refusals()) == (attempts + 1, events + 1)
        return answer

    def attempts(self) -> int:
        return factories.how_many(self.session, Attempt)

    def refusals(self) -> int:
        return len(self.session.scalars(select(Event.id).where(Event.type == "submission.refused")).all())

    def events_of(self, number: str) -> list[str]:
        """The types of an order's events."""
        return list(self.session.scalars(select(Event.type).where(Event.stream == number).order_by(Event.version)))

    def figures(self, index: int = 0) -> tuple[int, int, int, int, int]:
        """Free, reserved, committed, accrued, paid of the world's plan line."""
        return factories.figures(self.session, self.world.lines[index].control_id)


def till(session: Session, **more: int) -> Till:
    """A till in a new world."""
    with commit(session):
        world = factories.world(session, **more)  # type: ignore[arg-type]
    return Till(session, world)
