"""What becomes of an order by what its shop says. Nothing here calls the shop; the handlers do, between two of these commands.

A shop's yes or no becomes a step of the order and leaves the order's own event, in the supplier's name and with the shop's reason.
How far the shop itself has been told is transport: it stands in the row with its last trouble, and leaves no event.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Refusal
from app.policy import Actor, Permission
from catalog.connections import queries as shops
from catalog.connections import service as connections
from catalog.connections.rules import Parcel
from orders.contracts import service as contracts
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Piece
from orders.dispatch import queries, rules
from orders.dispatch.rules import Answer
from orders.dispatch.states import OPEN, DispatchState
from orders.dispatch.tables import Dispatch, DispatchParcel
from orders.purchases.states import State
from orders.purchases.tables import Order

LEASE = timedelta(minutes=2)


def begin(session: Session, order: Order) -> Dispatch | None:
    """Write the tradeNO down before the shop is called; None when there is nothing (more) to be sent."""
    session.refresh(order)
    row = queries.of_order(session, order.id)
    if order.state not in queries.GOES_OUT or (row is not None and row.state is not DispatchState.SENT):
        return None
    if row is None:
        now = clock.now()
        row = Dispatch(order_id=order.id, trade_no=order.number, supplier_id=order.supplier_id, first_sent_at=now, next_at=now)
        session.add(row)
    row.attempts = (row.attempts or 0) + 1
    session.flush()
    return row


def note_trouble(session: Session, order_id: int, trouble: str) -> None:
    """Keep why a call came to nothing; it is made again."""
    row = queries.of_order(session, order_id)
    if row is not None:
        row.trouble = trouble
        row.next_at = clock.now() + shops.terms(session).pause(row.attempts)


def learn(session: Session, number: str, answer: Answer) -> None:
    """What the shop said becomes a step of the order: taken is the supplier's confirmation, a no is its refusal.

    An order that moved on meanwhile is cancelled at the shop. All of it is one transaction with the receipt of the event.
    """
    order = queries.order_of(session, number)
    row = queries.of_order(session, order.id)
    if row is None or row.state not in {DispatchState.SENT, DispatchState.CANCELLING}:
        return
    row.trouble, row.decided_at, row.next_at = None, clock.now(), clock.now()
    actor = connections.actor_of(session, order.supplier_id)
    if answer.is_taken:
        row.shop_order = answer.shop_order
        if row.state is DispatchState.SENT:
            row.state = DispatchState.TAKEN if _confirmed(session, actor, order, row) else DispatchState.CANCELLING
        return
    row.state, row.note, row.trouble = DispatchState.REFUSED, answer.note, answer.shop_code
    if (job := rules.HURRY.get(answer.shop_code)) is not None:
        connections.hurry(session, order.supplier_id, job)
    if order.state is State.PLACED:
        contracts.refuse(session, actor, order, rules.code_of(answer.shop_code), answer.note)


def _confirmed(session: Session, actor: Actor, order: Order, row: Dispatch) -> bool:
    """Conclude the contract; false when the mall's own rules, or somebody faster, stand against it."""
    if order.state is State.CONFIRMED:
        return True
    try:
        with session.begin_nested():
            contracts.confirm(session, actor, order)
    except Refusal as refused:
        row.trouble = refused.code
        return False
    return True


def give_up(session: Session, number: str) -> None:
    """The order ended in the mall: its shop must be told, if it may have heard of it."""
    row = queries.of_order(session, queries.order_of(session, number).id)
    if row is not None and row.state in OPEN:
        row.state, row.next_at, row.attempts = DispatchState.CANCELLING, clock.now(), 0


def take(session: Session, order_id: int, states: Sequence[DispatchState], lease: timedelta = LEASE) -> bool:
    """Take an order to tell or ask its shop; false when another worker has it."""
    now = clock.now()
    taken = session.execute(
        update(Dispatch)
        .where(Dispatch.order_id == order_id, Dispatch.state.in_(states), Dispatch.next_at <= now)
        .values(next_at=now + lease, attempts=Dispatch.attempts + 1)
        .returning(Dispatch.order_id),
        execution_options={"synchronize_session": False},
    ).first()
    return taken is not None


def told(session: Session, order_id: int, state: DispatchState) -> None:
    """The shop has heard of the confirmation, or of the end."""
    row = queries.of_order(session, order_id)
    if row is not None:
        row.state, row.trouble, row.attempts, row.next_at = state, None, 0, clock.now()


def ship(session: Session, order_id: int, parcels: Sequence[Parcel]) -> int:
    """Every parcel of the shop that is not yet known becomes a shipment; returns how many did.

    A parcel that does not fit the order is kept as trouble, and the others go on.
    """
    row, order = queries.of_order(session, order_id), session.get(Order, order_id, populate_existing=True)
    if row is None or order is None:
        return 0
    row.trouble, row.attempts = None, 0
    row.next_at = clock.now() + timedelta(seconds=shops.terms(session).track_every_s)
    known, by_sku, actor, sent = queries.parcels_known(session, order_id), queries.lines_by_sku(session, order), None, 0
    for parcel in parcels:
        if parcel.number in known:
            continue
        actor = actor or connections.actor_of(session, order.supplier_id)
        pieces = [Piece(by_sku[sku].id, quantity) for sku, quantity in parcel.pieces if sku in by_sku]
        try:
            with session.begin_nested():
                made = deliveries.ship(session, actor, order, pieces, carrier=parcel.carrier, tracking=parcel.tracking)
                session.add(DispatchParcel(order_id=order_id, parcel=parcel.number, shipment=made.number))
                session.flush()
        except Refusal as refused:
            row.trouble = refused.code
            continue
        sent += 1
    return sent


def again(session: Session, actor: Actor, number: str) -> None:
    """Tell or ask the shop once more now, instead of at the next time. Raises Forbidden, Missing."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    queries.by_number(session, actor, number).dispatch.next_at = clock.now()
