"""Reads of parcels and acceptances; who sees the order sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import N_, Missing
from app.policy import Actor, Permission
from orders.deliveries.rules import Stand
from orders.deliveries.states import AcceptanceKind
from orders.deliveries.tables import Acceptance, AcceptanceLine, Shipment, ShipmentLine
from orders.purchases import queries as purchases
from orders.purchases.queries import ActionLink, address
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine

__all__ = ["Acceptance", "AcceptanceLine", "Shipment", "ShipmentLine"]


@dataclass(frozen=True)
class Parcel:
    """A shipment with what is in it."""

    shipment: Shipment
    lines: tuple[tuple[OrderLine, int], ...]


@dataclass(frozen=True)
class Record:
    """An acceptance with its findings."""

    acceptance: Acceptance
    lines: tuple[tuple[OrderLine, AcceptanceLine], ...]

    @property
    def accepted_fen(self) -> int:
        """The value of what was accepted."""
        return sum(line.price_fen * finding.accepted for line, finding in self.lines)

    @property
    def returned_fen(self) -> int:
        """The value of what was sent back."""
        return sum(line.price_fen * finding.returned for line, finding in self.lines)


@dataclass(frozen=True)
class SignedPieces:
    """Pieces of a line that a person accepted, with their serial numbers as typed."""

    order_line_id: int
    accepted: int
    serials: str | None
    on: date


def stands_of(lines: Sequence[OrderLine]) -> list[Stand]:
    """The quantities of these lines."""
    return [
        Stand(
            line_id=line.id,
            no=line.line_no,
            ordered=line.quantity - line.rejected,
            shipped=line.shipped,
            delivered=line.delivered,
            judged=line.accepted + line.returned,
        )
        for line in lines
    ]


def parcels_of(session: Session, order: Order) -> list[Parcel]:
    """The parcels of an order with their contents, oldest first; two statements."""
    shipments = list(session.scalars(select(Shipment).where(Shipment.order_id == order.id).order_by(Shipment.id)))
    rows = session.execute(
        select(ShipmentLine.shipment_id, OrderLine, ShipmentLine.quantity)
        .join(OrderLine, OrderLine.id == ShipmentLine.order_line_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.line_no)
    ).all()
    return [Parcel(each, tuple((row[1], row.quantity) for row in rows if row.shipment_id == each.id)) for each in shipments]


def shipment(session: Session, order: Order, number: str) -> Shipment:
    """One parcel of an order. Raises Missing."""
    found = session.scalar(select(Shipment).where(Shipment.order_id == order.id, Shipment.number == number))
    if found is None:
        raise Missing()
    return found


def acceptances_of(session: Session, order: Order) -> list[Record]:
    """The acceptance records of an order with their findings, oldest first; two statements."""
    records = list(session.scalars(select(Acceptance).where(Acceptance.order_id == order.id).order_by(Acceptance.id)))
    rows = session.execute(
        select(OrderLine, AcceptanceLine)
        .join(OrderLine, OrderLine.id == AcceptanceLine.order_line_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.line_no)
    ).all()
    return [Record(each, tuple((row[0], row[1]) for row in rows if row[1].acceptance_id == each.id)) for each in records]


def acceptance(session: Session, actor: Actor, number: str) -> tuple[Record, Order]:
    """An acceptance record by its number, if the actor may see the order. Raises Missing."""
    order = session.scalar(
        select(Order).join(Acceptance, Acceptance.order_id == Order.id).where(Acceptance.number == number, purchases.visible_to(actor))
    )
    if order is None:
        raise Missing()
    return next(record for record in acceptances_of(session, order) if record.acceptance.number == number), order


def acceptors_of(session: Session, order: Order) -> frozenset[int]:
    """Everybody who signed an acceptance of the order."""
    query = select(Acceptance.actor_id).where(Acceptance.order_id == order.id, Acceptance.actor_id.is_not(None))
    return frozenset(each for each in session.scalars(query) if each is not None)


def delivered_on(session: Session, order: Order) -> date | None:
    """The day on which the last parcel arrived."""
    at = session.scalar(select(func.max(Shipment.received_at)).where(Shipment.order_id == order.id))
    return clock.local(at).date() if at else None


def accepted_on(session: Session, order: Order) -> date | None:
    """The day of the last acceptance."""
    at = session.scalar(select(func.max(Acceptance.at)).where(Acceptance.order_id == order.id))
    return clock.local(at).date() if at else None


def signed_pieces(session: Session, order: Order) -> list[SignedPieces]:
    """What people (not the clock) accepted of an order, in the order of acceptance: the ground for asset cards."""
    rows = session.execute(
        select(AcceptanceLine.order_line_id, AcceptanceLine.accepted, AcceptanceLine.serials, Acceptance.at)
        .join(Acceptance, Acceptance.id == AcceptanceLine.acceptance_id)
        .where(Acceptance.order_id == order.id, Acceptance.kind == AcceptanceKind.SIGNED, AcceptanceLine.accepted > 0)
        .order_by(AcceptanceLine.id)
    )
    return [SignedPieces(row.order_line_id, row.accepted, row.serials, clock.local(row.at).date()) for row in rows]


def overdue(session: Session, at: datetime, *, most: int = 50) -> list[str]:
    """Numbers of delivered orders whose time for acceptance has run out, longest first."""
    query = select(Order.number).where(Order.state == State.DELIVERED, Order.due_at < at).order_by(Order.due_at).limit(most)
    return list(session.scalars(query))


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the actor may do with the goods of an order now."""
    if order.state not in {State.CONFIRMED, State.SHIPPED, State.DELIVERED}:
        return []
    mine, theirs = actor.organisation_id == order.unit_id, actor.organisation_id == order.supplier_id
    ships = theirs and actor.may(Permission.GOODS_SHIP)
    receives = (mine or theirs) and actor.may(Permission.GOODS_RECEIVE)
    accepts = mine and actor.may(Permission.GOODS_ACCEPT) and actor.person_id != order.buyer_id
    if not (ships or receives or accepts):
        return []
    stands = stands_of(purchases.lines_of(session, order))
    links = []
    if ships and any(stand.to_ship for stand in stands):
        links.append(ActionLink(label=N_("发货"), url=address(order.number, "ship"), primary=True))
    if receives and any(stand.shipped > stand.delivered for stand in stands):
        links.append(ActionLink(label=N_("签收包裹") if mine else N_("报告送达"), url=address(order.number, "receive"), primary=mine))
    if accepts and any(stand.to_judge for stand in stands):
        links.append(ActionLink(label=N_("逐项验收"), url=address(order.number, "accept"), primary=not links))
    return links
