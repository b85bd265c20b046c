"""JSON ways in: record invoices, see what a payment stands on, apply for it, and follow applications."""

from datetime import date, datetime
from typing import Annotated

from flask import Blueprint
from flask_babel import gettext as _
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Model, PageQuery, Problem, spec, titled
from orders.payments import queries, rules, service, statement
from orders.payments.forms import MONTH, month_of
from orders.payments.queries import Invoice, PaymentApplication
from orders.payments.rules import DIFFERENCES, Difference, InvoiceInput
from orders.payments.states import ApplicationState, Colour, InvoiceKind
from orders.purchases import queries as purchases
from orders.purchases.states import State
from orders.purchases.tables import Order

api = Blueprint("payments_api", __name__, url_prefix="/api/v1")
TAG = ("payments",)

Money = Annotated[int, Field(ge=1, le=10**15, description=N_("金额，单位：分"))]


class InvoiceIn(Model):
    """An invoice as it was issued, tax included; `red_of` is the number of the blue one that a red one takes back."""

    kind: InvoiceKind
    number: str = Field(min_length=8, max_length=20)
    code: str = Field(default="", max_length=12)
    colour: Colour = Colour.BLUE
    amount_fen: Money
    tax_fen: Fen
    buyer_title: str = Field(min_length=1, max_length=100)
    buyer_tax_number: str = Field(min_length=1, max_length=20)
    seller_tax_number: str = Field(min_length=1, max_length=20)
    issued_on: date
    red_of: str | None = Field(default=None, max_length=20)


class InvoiceOut(Model):
    """An invoice as recorded."""

    kind: InvoiceKind
    colour: Colour
    code: str
    number: str
    amount_fen: Fen
    tax_fen: Fen
    issued_on: date
    recorded_at: datetime


class InvoiceList(Model):
    """The invoices of an order; `net_fen` is blue less red."""

    items: list[InvoiceOut]
    net_fen: Fen
    state: State


class ClockOut(Model):
    """When the order must be paid, and by which rule."""

    base_on: date
    due_on: date
    days: int
    rule: str
    document_number: str


class CheckOut(Model):
    """One check before the payment."""

    rule: str
    title: str
    outcome: str
    figure: str
    bound: str
    way_out: str


class ApplicationOut(Model):
    """A payment application; paid only by the treasury's receipt."""

    number: str
    order: str
    state: ApplicationState
    amount_fen: Fen
    payee_name: str
    payee_bank: str
    payee_bank_account: str
    receipt_number: str | None
    return_reason: str | None
    trouble: str | None
    applied_at: datetime
    paid_at: datetime | None


class PaymentOut(Model):
    """The payment of an order: what it stands on, its due date, its applications."""

    order: str
    state: State
    accepted_fen: Fen
    invoiced_fen: Fen
    paid_fen: Fen
    clock: ClockOut | None
    checks: list[CheckOut]
    applications: list[ApplicationOut]


class ApplicationQuery(PageQuery):
    """Which applications."""

    state: ApplicationState | None = None


class ApplicationPage(CursorPage):
    """A page of applications."""

    items: list[ApplicationOut]


class MonthQuery(Model):
    """Which month; the present one when not given."""

    month: str | None = Field(default=None, pattern=f"^{MONTH.pattern}$", description=N_("月份，如 2026-11"))


class DayOut(Model):
    """Both sides of a day: payments and amounts."""

    on: date
    ours: int
    ours_fen: Fen
    theirs: int
    theirs_fen: Fen
    differences: int


class PairOut(Model):
    """A payment whose two sides differ; the side that lacks it has no amount."""

    kind: Difference
    on: date
    application: str | None
    order: str | None
    unit: str | None
    supplier: str | None
    intent: str | None
    ours_fen: Fen | None
    theirs_fen: Fen | None
    way_out: str


class ReconciliationOut(Model):
    """The days of a month, and what differs at any time; `told_at` is the time of the gateway's statement."""

    told_at: datetime | None
    days: list[DayOut]
    differing: int
    differences: list[PairOut]


@api.get("/orders/<number>/invoices")
@titled(N_("订单的发票"))
@requires(Permission.INVOICE_READ)
@spec.validate(resp=Answers(HTTP_200=InvoiceList, HTTP_404=Problem), tags=TAG)
def invoices(number: str) -> InvoiceList:
    """The invoices of an order, oldest first."""
    return _invoices(purchases.by_number(db.session(), me(), number))


@api.post("/orders/<number>/invoices")
@titled(N_("登记发票"))
@requires(Permission.INVOICE_ISSUE)
@spec.validate(resp=Answers(HTTP_201=InvoiceList, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def invoice(number: str, json: InvoiceIn) -> tuple[InvoiceList, int]:
    """Record an invoice; the order is invoiced when blue less red is what was accepted."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.invoice(session, me(), order, InvoiceInput(**json.model_dump()))
        return _invoices(order), 201


@api.get("/orders/<number>/payment")
@titled(N_("订单的支付"))
@requires(Permission.INVOICE_READ)
@spec.validate(resp=Answers(HTTP_200=PaymentOut, HTTP_404=Problem), tags=TAG)
def payment(number: str) -> PaymentOut:
    """What a payment of the order stands on, every check, its due date and its applications."""
    session = db.session()
    order = purchases.by_number(session, me(), number)
    ground, clock = queries.ground(session, order), queries.clock_of(session, order)
    return PaymentOut(
        order=order.number,
        state=order.state,
        accepted_fen=ground.accepted_fen,
        invoiced_fen=ground.invoiced_fen,
        paid_fen=ground.paid_fen,
        clock=ClockOut.model_validate(clock) if clock else None,
        checks=[
            CheckOut(**check.as_dict(), title=_(check.title), way_out="" if check.met else _(check.way_out))
            for check in rules.check_payment(ground)
        ],
        applications=[_application(each, order) for each in queries.applications_of(session, order)],
    )


@api.post("/orders/<number>/payment-applications")
@titled(N_("支付申请"))
@requires(Permission.PAYMENT_APPLY)
@spec.validate(resp=Answers(HTTP_201=ApplicationOut, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def apply(number: str) -> tuple[ApplicationOut, int]:
    """Ask the treasury to pay what was accepted; every failing check comes back at once."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        return _application(service.apply(session, me(), order), order), 201


@api.get("/payment-applications")
@titled(N_("支付申请清单"))
@requires(Permission.INVOICE_READ)
@spec.validate(resp=Answers(HTTP_200=ApplicationPage), tags=TAG)
def applications(query: ApplicationQuery) -> ApplicationPage:
    """The applications of the orders the caller may see, the latest first."""
    page = queries.applications(db.session(), me(), state=query.state, cursor=query.cursor, limit=query.limit)
    return ApplicationPage(items=[_application(each, order) for each, order in page.rows], next=page.next)


@api.get("/payment-applications/<number>")
@titled(N_("一份支付申请"))
@requires(Permission.INVOICE_READ)
@spec.validate(resp=Answers(HTTP_200=ApplicationOut, HTTP_404=Problem), tags=TAG)
def application(number: str) -> ApplicationOut:
    """One application."""
    return _application(*queries.application(db.session(), me(), number))


@api.get("/reconciliation")
@titled(N_("对账"))
@requires(Permission.PAYMENT_RECONCILE)
@spec.validate(resp=Answers(HTTP_200=ReconciliationOut), tags=TAG)
def reconciliation(query: MonthQuery) -> ReconciliationOut:
    """Our paid applications against the gateway's statement, day by day, with every difference and its way out."""
    found = statement.of_month(db.session(), me(), month_of(query.month))
    return ReconciliationOut(
        told_at=found.told.told_at if found.told else None,
        days=[DayOut(**vars(day)) for day in found.days],
        differing=found.differing,
        differences=[PairOut(**vars(pair), way_out=_(DIFFERENCES[pair.kind][1])) for pair in found.differences],
    )


def _invoices(order: Order) -> InvoiceList:
    rows: list[Invoice] = queries.invoices_of(db.session(), order)
    return InvoiceList(items=[InvoiceOut.model_validate(row) for row in rows], net_fen=queries.net(rows), state=order.state)


def _application(row: PaymentApplication, order: Order) -> ApplicationOut:
    return ApplicationOut(
        number=row.number,
        order=order.number,
        state=row.state,
        amount_fen=row.amount_fen,
        payee_name=row.payee_name,
        payee_bank=row.payee_bank,
        payee_bank_account=row.payee_bank_account,
        receipt_number=row.receipt_number,
        return_reason=row.return_reason,
        trouble=row.trouble,
        applied_at=row.applied_at,
        paid_at=row.paid_at,
    )
