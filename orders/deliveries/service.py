"""Sending goods in parcels, receiving them, and accepting them line by line; money follows what was accepted or sent back."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.kernel import clock, numbers
from app.kernel.errors import N_
from app.policy import Actor
from catalog.listings import service as shelf
from orders.budgets.states import Pool
from orders.contracts.rules import side_of, supplier_side, unit_side
from orders.deliveries import queries, rules
from orders.deliveries.rules import Judgement, Piece
from orders.deliveries.states import AcceptanceKind
from orders.deliveries.tables import Acceptance, AcceptanceLine, Shipment, ShipmentLine
from orders.purchases import queries as purchases
from orders.purchases import rules as purchase_rules
from orders.purchases import service as purchase
from orders.purchases.states import Action, State, next_state
from orders.purchases.tables import Order, OrderLine

DEEMED_REMARK = N_("验收期限届满未提出异议，视同验收")


def ship(
    session: Session, actor: Actor, order: Order, pieces: Sequence[Piece], *, carrier: str, tracking: str, seen: int | None = None
) -> Shipment:
    """Send a parcel with part or all of what is not yet sent; `seen` is the order's version that the sender looked at.

    Raises NotNow, Forbidden, Missing, NothingToShip, TooManyShipped, UnknownLine, TooLate.
    """
    supplier_side(actor, order.supplier_id)
    purchase_rules.not_moved_on(order.number, order.version, seen)
    next_state(order.state, Action.SHIP)
    lines = {line.id: line for line in purchases.lines_of(session, order)}
    sent = rules.check_parcel(queries.stands_of(list(lines.values())), pieces)
    number = numbers.new("FH", at=clock.today())
    purchase.move(
        session,
        actor,
        order,
        Action.SHIP,
        lines=[{"no": lines[line_id].line_no, "quantity": quantity} for line_id, quantity in sent.items()],
        details={"shipment": number, "carrier": carrier, "tracking": tracking},
    )
    parcel = Shipment(
        order_id=order.id, number=number, carrier=carrier, tracking=tracking, shipped_by=actor.person_id or 0, shipped_at=clock.now()
    )
    session.add(parcel)
    session.flush()
    for line_id, quantity in sent.items():
        session.add(ShipmentLine(shipment_id=parcel.id, order_line_id=line_id, quantity=quantity))
        lines[line_id].shipped += quantity
    session.flush()
    return parcel


def receive(session: Session, actor: Actor, order: Order, number: str) -> Shipment:
    """Say that a parcel has arrived; when everything sent has arrived the time for acceptance starts.

    The unit signs for it, or the supplier reports it: a unit that never signs cannot keep the clock from starting. Who
    said it stands in the event.

    Raises NotNow, Forbidden, Missing, AlreadyReceived, TooLate.
    """
    side = side_of(actor, order.unit_id, order.supplier_id)
    parcels = queries.parcels_of(session, order)
    parcel = next((each for each in parcels if each.shipment.number == number), None)
    if parcel is None:
        queries.shipment(session, order, number)  # raises Missing
        raise AssertionError("a parcel was found that is not of the order")
    if parcel.shipment.received_at is not None:
        raise rules.AlreadyReceived(shipment=number)
    everything = all(each.shipment.received_at is not None or each is parcel for each in parcels)
    purchase.move(
        session,
        actor,
        order,
        Action.DELIVER,
        target=State.DELIVERED if everything else State.SHIPPED,
        lines=[{"no": line.line_no, "quantity": quantity} for line, quantity in parcel.lines],
        details={
            "shipment": number,
            "everything_arrived": everything,
            "said_by": "unit" if side == order.unit_id else "supplier",
        },
    )
    parcel.shipment.received_by, parcel.shipment.received_at = actor.person_id, clock.now()
    for line, quantity in parcel.lines:
        line.delivered += quantity
    session.flush()
    return parcel.shipment


def accept(
    session: Session, actor: Actor, order: Order, judgements: Sequence[Judgement], *, remarks: str = "", seen: int | None = None
) -> Acceptance:
    """Accept what arrived line by line, or send it back (实施条例 45); the buyer cannot.

    `seen` is the order's version that the acceptor looked at: the same form sent twice is one acceptance.

    Accepted pieces are owed for, pieces sent back are released to plan, allotment and shelf. The order is accepted when
    every ordered piece is judged, and ends when all was sent back. Raises NotNow, Forbidden, SamePerson, Missing,
    NothingJudged, TooManyJudged, ReturnReasonMissing, ItemNotMet, SerialsDiffer, TooLate.
    """
    unit_side(actor, order.unit_id)
    purchase_rules.not_moved_on(order.number, order.version, seen)
    next_state(order.state, Action.ACCEPT)
    purchase_rules.separate_duties(Action.ACCEPT, actor.person_id, order.buyer_id, order.approver_id, order.acceptor_id)
    lines = purchases.lines_of(session, order)
    said = rules.check_judgements(queries.stands_of(lines), judgements)
    return _record(session, actor, order, lines, said, AcceptanceKind.SIGNED, remarks.strip() or None)


def deem_accepted(session: Session, actor: Actor, order: Order) -> Acceptance:
    """Take what arrived as accepted because the time ran out (视同验收): money is owed, no asset is registered.

    Raises NotNow, SystemOnly, NothingJudged.
    """
    purchase_rules.only_system(actor.is_system)
    next_state(order.state, Action.ACCEPT)
    lines = purchases.lines_of(session, order)
    stands = queries.stands_of(lines)
    said = rules.check_judgements(stands, [Judgement(line_id=stand.line_id, accepted=stand.to_judge) for stand in stands])
    return _record(session, actor, order, lines, said, AcceptanceKind.DEEMED, DEEMED_REMARK)


def _record(
    session: Session,
    actor: Actor,
    order: Order,
    lines: Sequence[OrderLine],
    said: Sequence[Judgement],
    kind: AcceptanceKind,
    remarks: str | None,
) -> Acceptance:
    """Write the findings, move the order, and let the money follow."""
    by_id = {line.id: line for line in lines}
    accepted = [(by_id[each.line_id], each.accepted) for each in said if each.accepted]
    returned = [(by_id[each.line_id], each.returned) for each in said if each.returned]
    judged = sum(each.pieces for each in said)
    waiting = sum(line.quantity - line.rejected - line.accepted - line.returned for line in lines) - judged
    arrived = sum(line.delivered - line.accepted - line.returned for line in lines) - judged
    kept = bool(accepted) or any(line.accepted for line in lines)
    number = numbers.new("YS", at=clock.today())
    purchase.move(
        session,
        actor,
        order,
        Action.ACCEPT if waiting or kept else Action.TERMINATE,
        target=(order.state if arrived else State.SHIPPED) if waiting else None,
        note=remarks,
        lines=[
            {
                "no": by_id[each.line_id].line_no,
                "accepted": each.accepted,
                "returned": each.returned,
                "technical_ok": each.technical_ok,
                "service_ok": each.service_ok,
                "safety_ok": each.safety_ok,
                "reason": each.reason.strip() or None,
            }
            for each in said
        ],
        details={
            "acceptance": number,
            "kind": kind.value,
            "accepted_fen": sum(line.price_fen * pieces for line, pieces in accepted),
            "returned_fen": sum(line.price_fen * pieces for line, pieces in returned),
            "complete": not waiting,
        },
    )
    record = Acceptance(order_id=order.id, number=number, kind=kind, remarks=remarks, actor_id=actor.person_id, at=clock.now())
    session.add(record)
    session.flush()
    for each in said:
        line = by_id[each.line_id]
        line.accepted += each.accepted
        line.returned += each.returned
        session.add(
            AcceptanceLine(
                acceptance_id=record.id,
                order_line_id=each.line_id,
                accepted=each.accepted,
                returned=each.returned,
                technical_ok=each.technical_ok,
                service_ok=each.service_ok,
                safety_ok=each.safety_ok,
                serials=" ".join(rules.serials_of(each.serials)) or None,
                reason=each.reason.strip() or None,
            )
        )
    session.flush()
    shelf.settle(session, sold=_by_listing(accepted), returned=_by_listing(returned))
    purchase.shift(session, actor, order, (accepted, Pool.COMMITTED, Pool.ACCRUED), (returned, Pool.COMMITTED, Pool.FREE))
    return record


def _by_listing(pieces: Sequence[tuple[OrderLine, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for line, quantity in pieces:
        sums[line.listing_id] = sums.get(line.listing_id, 0) + quantity
    return sums
