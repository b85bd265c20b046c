"""Reads of ratings."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import N_
from app.policy import Actor, Permission
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.deliveries import queries as deliveries
from orders.purchases.queries import ActionLink, address
from orders.purchases.tables import Order
from orders.ratings.states import RATEABLE, Side
from orders.ratings.tables import Rating

__all__ = ["Rating"]


def ratings_of(session: Session, order: Order) -> dict[Side, Rating]:
    """What the two sides said, by side."""
    return {row.side: row for row in session.scalars(select(Rating).where(Rating.order_id == order.id))}


def side_of(actor: Actor, order: Order) -> Side | None:
    """The side the actor is on; None for those who only watch."""
    if actor.organisation_id == order.unit_id:
        return Side.UNIT
    return Side.SUPPLIER if actor.organisation_id == order.supplier_id else None


def open_until(session: Session, order: Order) -> date | None:
    """The last day for rating the order; None before anything is accepted."""
    accepted_on = deliveries.accepted_on(session, order)
    if order.state not in RATEABLE or accepted_on is None:
        return None
    return taxonomy.term(session, TermName.RATE, order.region, accepted_on).after(accepted_on).on


def averages(session: Session, supplier_ids: Collection[int]) -> dict[int, tuple[float, int]]:
    """What units gave these suppliers: average score and number of ratings; those never rated are left out."""
    rows = session.execute(
        select(Order.supplier_id, func.avg(Rating.score), func.count())
        .join(Order, Order.id == Rating.order_id)
        .where(Rating.side == Side.UNIT, Order.supplier_id.in_(set(supplier_ids)))
        .group_by(Order.supplier_id)
    )
    return {row[0]: (float(row[1]), row[2]) for row in rows}


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """Whether the actor may rate the order now."""
    side = side_of(actor, order)
    if side is None or order.state not in RATEABLE or not actor.may(Permission.RATING_GIVE):
        return []
    until = open_until(session, order)
    if until is None or until < clock.today() or side in ratings_of(session, order):
        return []
    return [ActionLink(label=N_("评价"), url=address(order.number, "rating"))]
