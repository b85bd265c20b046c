"""Reads of invoices, payment applications and due dates; who sees the order sees them, if invoices are his business."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, paging
from app.kernel.errors import N_, Missing
from app.policy import Actor, Permission
from catalog.suppliers import queries as suppliers
from orders.contracts import queries as contracts
from orders.deliveries import queries as deliveries
from orders.payments.rules import STILL_BLOCKED, Ground
from orders.payments.states import OPEN, ApplicationState, Colour
from orders.payments.tables import GatewayLine, GatewayNotice, Invoice, PaymentApplication, PaymentClock
from orders.purchases import queries as purchases
from orders.purchases.queries import ActionLink, address
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine

__all__ = ["GatewayNotice", "Invoice", "PaymentApplication", "PaymentClock"]

OWED = (State.ACCEPTED, State.INVOICED, State.PAYING)
"""An order whose goods are accepted and not yet paid for."""

BANDS = ("overdue", "week", "month", "later")
"""Unpaid orders by the days left: past due, up to 7, up to 30, more."""


@dataclass(frozen=True)
class OwedRow:
    """An order with its due date and its latest application, for the finance officer's list."""

    order: Order
    clock: PaymentClock
    unit_name: str
    supplier_name: str
    owed_fen: int
    application: PaymentApplication | None


@dataclass(frozen=True)
class Band:
    """How many orders fall due when, and how much they are worth."""

    name: str
    orders: int
    owed_fen: int


def invoices_of(session: Session, order: Order) -> list[Invoice]:
    """The invoices of an order, oldest first."""
    return list(session.scalars(select(Invoice).where(Invoice.order_id == order.id).order_by(Invoice.id)))


def net(invoices: Sequence[Invoice]) -> int:
    """Blue less red, in fen."""
    return sum(row.amount_fen if row.colour is Colour.BLUE else -row.amount_fen for row in invoices)


def standing(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Blue invoices that red ones have not taken back altogether."""
    return [
        row
        for row in invoices
        if row.colour is Colour.BLUE and row.amount_fen > sum(red.amount_fen for red in invoices if red.red_of_id == row.id)
    ]


def applications_of(session: Session, order: Order) -> list[PaymentApplication]:
    """The payment applications of an order, oldest first."""
    query = select(PaymentApplication).where(PaymentApplication.order_id == order.id).order_by(PaymentApplication.id)
    return list(session.scalars(query))


def clock_of(session: Session, order: Order) -> PaymentClock | None:
    """When the order must be paid, once that clock runs."""
    return session.get(PaymentClock, order.id, populate_existing=True)


def application(session: Session, actor: Actor, number: str) -> tuple[PaymentApplication, Order]:
    """An application and its order, if the actor may see the order. Raises Missing."""
    found = session.execute(
        select(PaymentApplication, Order)
        .join(Order, Order.id == PaymentApplication.order_id)
        .where(PaymentApplication.number == number, purchases.visible_to(actor))
    ).first()
    if found is None:
        raise Missing()
    return found[0], found[1]


def applications(
    session: Session, actor: Actor, *, state: ApplicationState | None = None, cursor: str | None = None, limit: int = 50
) -> paging.Page[tuple[PaymentApplication, Order]]:
    """Applications of the orders the actor may see, the latest first."""
    query = select(PaymentApplication, Order).join(Order, Order.id == PaymentApplication.order_id).where(purchases.visible_to(actor))
    if state is not None:
        query = query.where(PaymentApplication.state == state)
    page = paging.rows(session, query, (paging.Key(PaymentApplication.id),), cursor=cursor, limit=limit)
    return paging.Page(rows=[(row[0], row[1]) for row in page.rows], next=page.next, prev=page.prev)


def by_application_number(session: Session, number: str) -> tuple[PaymentApplication, Order] | None:
    """An application and its order as they stand now, for the gateway's notices."""
    query = (
        select(PaymentApplication, Order)
        .join(Order, Order.id == PaymentApplication.order_id)
        .where(PaymentApplication.number == number)
        .execution_options(populate_existing=True)
    )
    found = session.execute(query).first()
    return (found[0], found[1]) if found else None


def awaiting_receipt(session: Session, *, after: int = 0, most: int = 50) -> list[PaymentApplication]:
    """Applications above an id that the treasury took and whose receipt has not come, longest first."""
    query = (
        select(PaymentApplication)
        .where(
            PaymentApplication.state == ApplicationState.PASSED, PaymentApplication.intent.is_not(None), PaymentApplication.id > after
        )
        .order_by(PaymentApplication.id)
        .limit(most)
    )
    return list(session.scalars(query))


def still_blocked(session: Session, *, most: int = 50) -> list[PaymentApplication]:
    """Returned applications for which the gateway still holds money, oldest first."""
    returned = PaymentApplication.state == ApplicationState.RETURNED
    query = select(PaymentApplication).where(returned, PaymentApplication.trouble == STILL_BLOCKED)
    return list(session.scalars(query.order_by(PaymentApplication.id).limit(most)))


@dataclass(frozen=True)
class Line:
    """The line to the treasury: whether it is paused, since when and why, when it is probed next, and what waits (in fen)."""

    paused_at: datetime | None
    probe_at: datetime | None
    reason: str | None
    waiting: int
    waiting_fen: int


def is_paused(session: Session) -> bool:
    """Whether nothing is sent to the gateway for now."""
    return session.scalar(select(GatewayLine.paused_at)) is not None


def probe_due(session: Session) -> bool:
    """Whether it is time to ask a silent gateway one harmless question."""
    return session.scalar(select(GatewayLine.id).where(GatewayLine.probe_at <= clock.now())) is not None


def line(session: Session, actor: Actor) -> Line:
    """How the line to the treasury stands, with those waiting applications that the actor may see."""
    known = session.scalars(select(GatewayLine)).first()
    waiting = session.execute(
        select(func.count(), func.coalesce(func.sum(PaymentApplication.amount_fen), 0))
        .join(Order, Order.id == PaymentApplication.order_id)
        .where(PaymentApplication.state == ApplicationState.SENT, purchases.visible_to(actor))
    ).one()
    paused_at, probe_at, reason = (known.paused_at, known.probe_at, known.reason) if known else (None, None, None)
    return Line(paused_at=paused_at, probe_at=probe_at, reason=reason, waiting=int(waiting[0]), waiting_fen=int(waiting[1]))


def payee_of(session: Session, order: Order) -> tuple[str, str, str]:
    """Where the supplier is paid now: name, bank account, account at the gateway."""
    payee = suppliers.payee(session, order.supplier_id)
    return payee.name, payee.bank_account, payee.payee_account


def ground(session: Session, order: Order) -> Ground:
    """What a payment of the order stands on now."""
    contract = contracts.of_order(session, order)
    lines = purchases.lines_of(session, order)
    records = deliveries.acceptances_of(session, order)
    paid = [each.amount_fen for each in applications_of(session, order) if each.state is ApplicationState.PAID]
    return Ground(
        filing_number=contract.filing_number if contract else None,
        contract_fen=contract.amount_fen if contract else 0,
        accepted_fen=sum(line.price_fen * line.accepted for line in lines),
        acceptance_number=records[-1].acceptance.number if records else None,
        open_pieces=sum(line.quantity - line.rejected - line.accepted - line.returned for line in lines),
        invoiced_fen=net(invoices_of(session, order)),
        paid_fen=sum(paid),
        contract_payee=(contract.payee_name, contract.payee_bank_account, contract.payee_account) if contract else None,
        present_payee=payee_of(session, order),
    )


def _band(name: str, today: date) -> ColumnElement[bool]:
    week, month = today + timedelta(days=7), today + timedelta(days=30)
    return {
        "overdue": PaymentClock.due_on < today,
        "week": PaymentClock.due_on.between(today, week),
        "month": (PaymentClock.due_on > week) & (PaymentClock.due_on <= month),
        "later": PaymentClock.due_on > month,
    }[name]


def _owed_fen() -> ColumnElement[int]:
    worth = select(func.coalesce(func.sum(OrderLine.price_fen * OrderLine.accepted), 0)).where(OrderLine.order_id == Order.id)
    return worth.correlate(Order).scalar_subquery()


def owed(
    session: Session,
    actor: Actor,
    *,
    state: State | None = None,
    band: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> paging.Page[OwedRow]:
    """Orders that are to be paid, the earliest due date first (with `state` those of one state, paid ones too)."""
    query = (
        select(Order, PaymentClock, _owed_fen())
        .join(PaymentClock, PaymentClock.order_id == Order.id)
        .where(purchases.visible_to(actor), Order.state.in_(OWED) if state is None else Order.state == state)
    )
    if band in BANDS:
        query = query.where(_band(band, clock.today()))
    keys = (paging.Key(PaymentClock.due_on, descending=False), paging.Key(Order.id, descending=False))
    page = paging.rows(session, query, keys, cursor=cursor, limit=limit)
    names = organisations.names(session, {row[0].unit_id for row in page.rows} | {row[0].supplier_id for row in page.rows})
    latest = _latest(session, [row[0].id for row in page.rows])
    rows = [
        OwedRow(row[0], row[1], names[row[0].unit_id], names[row[0].supplier_id], int(row[2]), latest.get(row[0].id))
        for row in page.rows
    ]
    return paging.Page(rows=rows, next=page.next, prev=page.prev)


def _latest(session: Session, order_ids: Sequence[int]) -> dict[int, PaymentApplication]:
    query = select(PaymentApplication).where(PaymentApplication.order_id.in_(order_ids)).order_by(PaymentApplication.id)
    return {row.order_id: row for row in session.scalars(query)}


def ageing(session: Session, actor: Actor) -> list[Band]:
    """What the actor's unpaid orders are worth by the days left; one statement."""
    today = clock.today()
    which = case(*((_band(name, today), name) for name in BANDS), else_="later").label("band")
    rows = (
        select(which, Order.id, _owed_fen().label("fen"))
        .join(PaymentClock, PaymentClock.order_id == Order.id)
        .where(purchases.visible_to(actor), Order.state.in_(OWED))
        .subquery()
    )
    found = {
        row.band: Band(row.band, row.n, int(row.fen))
        for row in session.execute(select(rows.c.band, func.count().label("n"), func.sum(rows.c.fen).label("fen")).group_by(rows.c.band))
    }
    return [found.get(name, Band(name, 0, 0)) for name in BANDS]


def unclaimed(session: Session, *, most: int = 50) -> list[GatewayNotice]:
    """Notices of the gateway that belong to no application of ours or contradict it: somebody must look at them."""
    query = select(GatewayNotice).where(GatewayNotice.handled_at.is_(None)).order_by(GatewayNotice.received_at.desc()).limit(most)
    return list(session.scalars(query))


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the actor may do with invoices and payment of an order now."""
    links = []
    if actor.organisation_id == order.supplier_id and actor.may(Permission.INVOICE_ISSUE):
        if order.state is State.ACCEPTED:
            links.append(ActionLink(label=N_("登记发票"), url=address(order.number, "invoice"), primary=True))
        elif order.state is State.INVOICED:
            links.append(ActionLink(label=N_("开具红字发票"), url=address(order.number, "invoice")))
    if actor.organisation_id == order.unit_id and actor.may(Permission.PAYMENT_APPLY):
        if order.state is State.INVOICED and actor.person_id not in deliveries.acceptors_of(session, order):
            links.append(ActionLink(label=N_("申请支付"), url=address(order.number, "payment"), primary=True))
        elif order.state in {State.PAYING, State.PAID, State.CLOSED}:
            links.append(ActionLink(label=N_("查看支付"), url=address(order.number, "payment")))
    return links


def is_open(application: PaymentApplication) -> bool:
    """Whether the treasury has not decided yet."""
    return application.state in OPEN
