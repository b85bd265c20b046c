"""Takes an order along the loop, each step in its own transaction through the product's services, as the right person.

order = steps.accepted(session, world, {world.laser: 5})
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Consumer, step
from app.kernel.worker import Worker
from app.policy import Role
from catalog.listings.tables import Listing
from orders.budgets.states import Pool
from orders.contracts import service as contracts
from orders.deliveries import queries as delivery_queries
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Judgement, Piece
from orders.payments import service as payments
from orders.payments.rules import InvoiceInput
from orders.payments.states import InvoiceKind
from orders.payments.tables import PaymentApplication
from orders.purchases import service as purchase
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import Action
from orders.purchases.tables import Order, OrderLine
from orders.thread.audit import audit
from tests import factories
from tests.factories import World


def fresh(session: Session, order: Order) -> Order:
    """The order as the database holds it now."""
    return session.scalars(select(Order).where(Order.number == order.number).execution_options(populate_existing=True)).one()


def lines(session: Session, order: Order) -> list[OrderLine]:
    """Its lines as the database holds them now."""
    query = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.line_no)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def submitted(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """An order of these listings; lasers are paid by the first plan line, paper by the second."""
    session.rollback()
    wishes = [
        Wish(
            listing_id=listing.id,
            quantity=quantity,
            seen_price_fen=listing.price_fen,
            plan_line_id=world.lines[1 if listing is world.paper else 0].id,
            address_id=None,
        )
        for listing, quantity in pieces.items()
    ]
    with commit(session):
        made = submission.submit(session, world.actor(Role.BUYER), wishes, key=factories.serial("key-"))
        order = session.get_one(Order, made.orders[0].id)
    return fresh(session, order)


def approved(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """The same, approved whole: the supplier's clock runs."""
    order = submitted(session, world, pieces)
    with commit(session):
        purchase.move(session, world.actor(Role.APPROVER), fresh(session, order), Action.APPROVE)
    return fresh(session, order)


def confirmed(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """The contract is concluded."""
    order = approved(session, world, pieces)
    with commit(session):
        contracts.confirm(session, world.actor(Role.ORDER_CLERK), fresh(session, order))
    return fresh(session, order)


def ship(session: Session, world: World, order: Order, *quantities: int) -> str:
    """A parcel with these quantities of the lines in order (all that is left when none are given); returns its number."""
    with commit(session):
        mine = lines(session, order)
        wanted = quantities or tuple(line.quantity - line.rejected - line.shipped for line in mine)
        parcel = deliveries.ship(
            session,
            world.actor(Role.ORDER_CLERK),
            fresh(session, order),
            [Piece(line.id, quantity) for line, quantity in zip(mine, wanted, strict=False)],
            carrier="顺丰",
            tracking=factories.serial("SF"),
        )
        number = parcel.number
    return number


def receive(session: Session, world: World, order: Order, *numbers: str) -> None:
    """Sign for these parcels, or for all that have not arrived."""
    wanted = numbers or tuple(
        parcel.shipment.number for parcel in delivery_queries.parcels_of(session, order) if parcel.shipment.received_at is None
    )
    for number in wanted:
        session.rollback()
        with commit(session):
            deliveries.receive(session, world.actor(Role.ACCEPTOR), fresh(session, order), number)


def delivered(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """Everything has arrived."""
    order = confirmed(session, world, pieces)
    ship(session, world, order)
    receive(session, world, order)
    return fresh(session, order)


def judge(session: Session, world: World, order: Order, *findings: tuple[int, int], serials: str = "") -> str:
    """Accept and send back these pieces of the lines in order; all that waits is accepted when none are given."""
    with commit(session):
        mine = lines(session, order)
        found = findings or tuple((line.delivered - line.accepted - line.returned, 0) for line in mine)
        record = deliveries.accept(
            session,
            world.actor(Role.ACCEPTOR),
            fresh(session, order),
            [
                Judgement(line_id=line.id, accepted=accepted, returned=returned, reason="漏粉" if returned else "", serials=serials)
                for line, (accepted, returned) in zip(mine, found, strict=False)
            ],
        )
        number = record.number
    return number


def accepted(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """Everything was accepted by the acceptor."""
    order = delivered(session, world, pieces)
    judge(session, world, order)
    return fresh(session, order)


def invoice_input(session: Session, world: World, order: Order, **changes: object) -> InvoiceInput:
    """A digital invoice over everything accepted."""
    mine = lines(session, order)
    seller = session.get_one(Organisation, order.supplier_id)
    wanted = {
        "kind": InvoiceKind.DIGITAL,
        "number": factories.serial("264120000000000"),
        "amount_fen": sum(line.price_fen * line.accepted for line in mine),
        "tax_fen": sum(line.unit_tax_fen * line.accepted for line in mine),
        "buyer_title": order.invoice_title,
        "buyer_tax_number": order.invoice_tax_number,
        "seller_tax_number": seller.credit_code,
        "issued_on": clock.today(),
    }
    return InvoiceInput(**{**wanted, **changes})  # type: ignore[arg-type]


def invoice(session: Session, world: World, order: Order, **changes: object) -> int:
    """Record an invoice as the supplier; returns its id."""
    given = invoice_input(session, world, fresh(session, order), **changes)
    session.rollback()
    with commit(session):
        row_id = payments.invoice(session, world.actor(Role.ORDER_CLERK), fresh(session, order), given).id
    return row_id


def invoiced(session: Session, world: World, pieces: Mapping[Listing, int]) -> Order:
    """Accepted and invoiced."""
    order = accepted(session, world, pieces)
    invoice(session, world, order)
    return fresh(session, order)


def apply(session: Session, world: World, order: Order) -> PaymentApplication:
    """Ask the treasury to pay, as the finance officer."""
    session.rollback()
    with commit(session):
        application = payments.apply(session, world.actor(Role.FINANCE), fresh(session, order))
        number = application.number
    return session.scalars(select(PaymentApplication).where(PaymentApplication.number == number)).one()


def run(session: Session, *consumers: Consumer) -> int:
    """Let these consumers do what is due; returns how many events they did."""
    session.rollback()
    engine = session.get_bind()
    return Worker(lambda: Session(engine), consumers, ()).drain()


def run_once(session: Session, consumer: Consumer) -> int:
    """One batch of one consumer."""
    session.rollback()
    engine = session.get_bind()
    return step(lambda: Session(engine), consumer)


def funds(session: Session, world: World) -> tuple[int, int, int, int, int]:
    """Free, reserved, committed, accrued, paid of the printers' allotment; the plan line holds the same four."""
    whole = factories.figures(session, world.allotment.control_id)
    assert whole[1:] == factories.figures(session, world.lines[0].control_id)[1:]
    return whole


def books_hold(session: Session) -> None:
    """Every invariant of the books and of what orders, contracts and payments must agree on."""
    session.rollback()
    assert audit(session) == []


POOLS = (Pool.FREE, Pool.RESERVED, Pool.COMMITTED, Pool.ACCRUED, Pool.PAID)
