"""Reads of dispatches: the supplier sees those of its own orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import paging, regions
from app.kernel.errors import Missing
from app.policy import Actor
from catalog.connections import queries as connections
from catalog.connections.rules import Pushed, PushedLine
from catalog.connections.states import Payment
from orders.dispatch.states import DispatchState
from orders.dispatch.tables import Dispatch, DispatchParcel
from orders.purchases import queries as purchases
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine

__all__ = ["Dispatch"]

GOES_OUT = frozenset({State.PLACED, State.CONFIRMED})
"""Where an order stands that its shop should know of: approved, or confirmed by hand before the shop answered."""

STILL_SENT = frozenset({State.CONFIRMED, State.SHIPPED, State.DELIVERED})
"""Where an order stands that parcels may still come for."""


@dataclass(frozen=True)
class Row:
    """A dispatch with its order."""

    dispatch: Dispatch
    order: Order


def of_order(session: Session, order_id: int) -> Dispatch | None:
    """The dispatch of an order as it stands now, if it went to a shop."""
    return session.get(Dispatch, order_id, populate_existing=True)


def own(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = 30) -> paging.Page[Row]:
    """One page of the actor's supplier's dispatches, the latest first."""
    query = (
        select(Dispatch, Order, Dispatch.order_id)
        .join(Order, Order.id == Dispatch.order_id)
        .where(Dispatch.supplier_id == actor.organisation_id, purchases.visible_to(actor))
    )
    found = paging.rows(session, query, (paging.Key(Dispatch.order_id),), cursor=cursor, limit=limit)
    return paging.Page(rows=[Row(row[0], row[1]) for row in found.rows], next=found.next, prev=found.prev)


def by_number(session: Session, actor: Actor, number: str) -> Row:
    """The dispatch of an order that the actor's supplier has. Raises Missing."""
    order = purchases.by_number(session, actor, number)
    found = of_order(session, order.id) if order.supplier_id == actor.organisation_id else None
    if found is None:
        raise Missing()
    return Row(found, order)


def order_of(session: Session, number: str) -> Order:
    """The order with this number, as it stands now."""
    return session.scalars(select(Order).where(Order.number == number).execution_options(populate_existing=True)).one()


def pushed(session: Session, order: Order) -> Pushed | None:
    """The order as its shop is told; None when the supplier has no shop that is called, or a line is not from it."""
    if connections.active(session, order.supplier_id) is None:
        return None
    lines = [line for line in purchases.lines_of(session, order) if line.quantity > line.rejected]
    skus = connections.skus_of(session, order.supplier_id, [line.listing_id for line in lines])
    if not lines or any(line.listing_id not in skus for line in lines):
        return None
    return Pushed(
        trade_no=order.number,
        lines=tuple(
            PushedLine(sku=skus[line.listing_id], quantity=line.quantity - line.rejected, price_fen=line.price_fen) for line in lines
        ),
        payment=Payment.ACCOUNT_PERIOD,
        region=_region(session, order, lines[0].place),
        place="; ".join(dict.fromkeys(line.place for line in lines)),
        invoice_title=order.invoice_title,
        invoice_tax_number=order.invoice_tax_number,
        unit=organisations.by_id(session, order.unit_id).name,
    )


def _region(session: Session, order: Order, place: str) -> str:
    """The region of the place as printed on the order: that of the unit's address there, else the unit's own."""
    for address in organisations.addresses_of(session, order.unit_id):
        if place.startswith(regions.full_name(address.region)) and address.street in place:
            return address.region
    return order.region


def due(session: Session, states: Sequence[DispatchState], at: datetime, *, most: int = 100) -> list[int]:
    """Ids of the orders whose shop is to be told or asked now."""
    query = select(Dispatch.order_id).join(Order, Order.id == Dispatch.order_id)
    query = query.where(Dispatch.state.in_(states), Dispatch.next_at <= at)
    query = query.where(or_(Dispatch.state != DispatchState.CONFIRMED, Order.state.in_(STILL_SENT)))
    return list(session.scalars(query.order_by(Dispatch.next_at).limit(most)))


def lines_by_sku(session: Session, order: Order) -> dict[str, OrderLine]:
    """The lines of an order by the shop's numbers of their goods."""
    lines = purchases.lines_of(session, order)
    skus = connections.skus_of(session, order.supplier_id, [line.listing_id for line in lines])
    return {skus[line.listing_id]: line for line in lines if line.listing_id in skus}


def parcels_known(session: Session, order_id: int) -> set[str]:
    """The shop's parcels that are shipments already."""
    return set(session.scalars(select(DispatchParcel.parcel).where(DispatchParcel.order_id == order_id)))
