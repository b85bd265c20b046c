"""Invoices, the payment clock, payment applications, and what the treasury's notices do. Amounts in fen.

An application is paid by the treasury's receipt only: a signed webhook, or the payment looked up afterwards.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, numbers
from app.kernel.errors import N_
from app.policy import SYSTEM, Actor, Permission
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.budgets.states import Pool
from orders.contracts import queries as contracts
from orders.contracts.rules import supplier_side, unit_side
from orders.deliveries import queries as deliveries
from orders.payments import queries, rules
from orders.payments.gateway import CURRENCY
from orders.payments.rules import Due, InvoiceInput
from orders.payments.states import OPEN, ApplicationState, Colour
from orders.payments.tables import (
    GatewayCharge,
    GatewayLine,
    GatewayNotice,
    GatewayStatement,
    Invoice,
    PaymentApplication,
    PaymentClock,
)
from orders.payments.wire.answers import Event, Payment, Status
from orders.purchases import queries as purchases
from orders.purchases import rules as purchase_rules
from orders.purchases import service as purchase
from orders.purchases.states import Action, State, next_state
from orders.purchases.tables import Order

log = logging.getLogger("mall.payments")
_STILL = {"synchronize_session": False}


def _upsert(session: Session, table: Any) -> Any:
    return (postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert)(table)


# ---------------------------------------------------------------- invoices and the clock


def invoice(session: Session, actor: Actor, order: Order, given: InvoiceInput) -> Invoice:
    """Record an invoice of the accepted goods; the order is invoiced when blue less red is what was accepted.

    A red invoice takes a blue one (or part of it) back and opens the order for another. Raises NotNow, Forbidden, Missing,
    and the refusals of `rules.check_invoice`, InvoiceUsed, InvoiceTooLarge, RedNotLinked.
    """
    supplier_side(actor, order.supplier_id)
    next_state(order.state, Action.INVOICE)
    seller = organisations.by_id(session, order.supplier_id).credit_code or ""
    rules.check_invoice(given, title=order.invoice_title, tax_number=order.invoice_tax_number, seller=seller, today=clock.today())
    earlier = queries.invoices_of(session, order)
    accepted_fen = sum(line.price_fen * line.accepted for line in purchases.lines_of(session, order))
    blue = _blue_of(earlier, given) if given.colour is Colour.RED else None
    net_fen = queries.net(earlier) + (given.amount_fen if blue is None else -given.amount_fen)
    if net_fen > accepted_fen:
        before_fen = queries.net(earlier)
        raise rules.InvoiceTooLarge(accepted_fen=accepted_fen, invoiced_fen=before_fen, open_fen=accepted_fen - before_fen)
    purchase.move(
        session,
        actor,
        order,
        Action.INVOICE,
        target=State.INVOICED if net_fen == accepted_fen else State.ACCEPTED,
        details={
            "kind": given.kind.value,
            "colour": given.colour.value,
            "code": given.code,
            "number": given.number,
            "amount_fen": given.amount_fen,
            "tax_fen": given.tax_fen,
            "net_fen": net_fen,
        },
    )
    row_id = session.scalar(
        _upsert(session, Invoice)
        .values(
            order_id=order.id,
            kind=given.kind,
            colour=given.colour,
            code=given.code,
            number=given.number,
            amount_fen=given.amount_fen,
            tax_fen=given.tax_fen,
            buyer_title=given.buyer_title.strip(),
            buyer_tax_number=given.buyer_tax_number.strip().upper(),
            seller_tax_number=given.seller_tax_number.strip().upper(),
            red_of_id=blue.id if blue else None,
            issued_on=given.issued_on,
            recorded_by=actor.person_id or 0,
            recorded_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=[Invoice.kind, Invoice.code, Invoice.number])
        .returning(Invoice.id)
    )
    if row_id is None:
        raise rules.InvoiceUsed(number=given.number)
    start_clock(session, order)
    return session.get_one(Invoice, row_id)


def _blue_of(earlier: list[Invoice], given: InvoiceInput) -> Invoice:
    """The blue invoice that a red one takes back, with enough of it left. Raises RedNotLinked."""
    blue = next((row for row in earlier if row.colour is Colour.BLUE and row.number == given.red_of), None)
    if blue is None:
        raise rules.RedNotLinked()
    if given.amount_fen > blue.amount_fen - sum(row.amount_fen for row in earlier if row.red_of_id == blue.id):
        raise rules.RedNotLinked()
    return blue


def start_clock(session: Session, order: Order) -> PaymentClock | None:
    """Say (again) when the order must be paid: an SME from its acceptance on, others once the invoice is there too.

    Dated rows of the region give acceptance period and document; the days are the contract's.
    """
    contract = contracts.of_order(session, order)
    accepted_on = deliveries.accepted_on(session, order)
    if contract is None or accepted_on is None:
        return None
    day = clock.local(contract.concluded_at).date()
    due: Due
    if contract.is_sme:
        delivered_on = deliveries.delivered_on(session, order) or accepted_on
        due = rules.due_to_sme(
            accepted_on=accepted_on,
            acceptance_ended_on=taxonomy.term(session, TermName.ACCEPT, order.region, day).after(delivered_on).on,
            days=min(contract.payment_days, taxonomy.term(session, TermName.PAYMENT_SME_CAP, order.region, day).days),
            document_number=taxonomy.term(session, TermName.PAYMENT_SME, order.region, day).doc_no,
        )
    else:
        issued = queries.standing(queries.invoices_of(session, order))
        if not issued:  # taken back by red ones: the time starts again with the next invoice
            session.execute(delete(PaymentClock).where(PaymentClock.order_id == order.id))
            return None
        due = rules.due_to_others(
            accepted_on=accepted_on,
            invoiced_on=max(row.issued_on for row in issued),
            days=contract.payment_days,
            document_number=taxonomy.term(session, TermName.PAYMENT_MALL, order.region, day).doc_no,
        )
    values = vars(due)
    session.execute(
        _upsert(session, PaymentClock).values(order_id=order.id, **values).on_conflict_do_update(index_elements=["order_id"], set_=values)
    )
    return queries.clock_of(session, order)


# ---------------------------------------------------------------- applying


def apply(session: Session, actor: Actor, order: Order) -> PaymentApplication:
    """Ask the treasury to pay what was accepted, to the account of the contract; nothing is paid by this.

    Raises NotNow, Forbidden, Missing, SamePerson (whoever accepted), PaymentRefused with every failing check,
    ApplicationOpen, TooLate.
    """
    actor.must(Permission.PAYMENT_APPLY)
    unit_side(actor, order.unit_id)
    next_state(order.state, Action.APPLY)
    purchase_rules.separate_duties(Action.APPLY, actor.person_id, order.buyer_id, order.approver_id, order.acceptor_id)
    if actor.person_id in deliveries.acceptors_of(session, order):
        raise purchase_rules.SamePerson(duty=N_("支付申请"), other=N_("验收人"))
    if waiting := next((row for row in queries.applications_of(session, order) if row.state in OPEN), None):
        raise rules.ApplicationOpen(application=waiting.number)
    ground = queries.ground(session, order)
    checks = rules.check_payment(ground)
    if failing := rules.failing(checks):
        raise rules.PaymentRefused(count=len(failing), verdicts=checks)
    contract = contracts.of_order(session, order)
    if contract is None:
        raise AssertionError("a payment passed B07 without a contract")
    number = numbers.new("ZF", at=clock.today())
    purchase.move(
        session,
        actor,
        order,
        Action.APPLY,
        details={
            "application": number,
            "amount_fen": ground.accepted_fen,
            "contract": contract.number,
            "acceptance": ground.acceptance_number,
            "payee": contract.payee_name,
        },
    )
    application = PaymentApplication(
        number=number,
        order_id=order.id,
        unit_id=order.unit_id,
        amount_fen=ground.accepted_fen,
        payee_name=contract.payee_name,
        payee_bank=contract.payee_bank,
        payee_bank_account=contract.payee_bank_account,
        payee_account=contract.payee_account,
        applied_by=actor.person_id or 0,
        applied_at=clock.now(),
    )
    session.add(application)
    session.flush()
    return application


# ---------------------------------------------------------------- the line to the treasury


def line_failed(session: Session, code: str) -> None:
    """A call got no usable answer; after so many in a row nothing leaves until a probe is answered."""
    now = clock.now()
    failures = session.scalar(
        _upsert(session, GatewayLine)
        .values(id=1, failures=1, reason=code)
        .on_conflict_do_update(index_elements=["id"], set_={"failures": GatewayLine.failures + 1, "reason": code})
        .returning(GatewayLine.failures)
    )
    if failures is not None and failures >= rules.PAUSE_AFTER:
        opened = update(GatewayLine).where(GatewayLine.paused_at.is_(None)).values(paused_at=now, probe_at=now + rules.PROBE_EVERY)
        if session.execute(opened.returning(GatewayLine.id), execution_options=_STILL).first() is not None:
            log.warning("the line to the gateway is paused", extra={"failures": failures, "code": code})


def line_answered(session: Session) -> None:
    """The gateway is there, whatever it said: what waits may go."""
    query = update(GatewayLine).where(GatewayLine.failures > 0).values(failures=0, reason=None, paused_at=None, probe_at=None)
    session.execute(query, execution_options=_STILL)


def take_probe(session: Session) -> bool:
    """Ask to be the one who probes a silent gateway; the others wait for the next turn."""
    now = clock.now()
    query = update(GatewayLine).where(GatewayLine.probe_at <= now).values(probe_at=now + rules.PROBE_EVERY).returning(GatewayLine.id)
    return session.execute(query, execution_options=_STILL).first() is not None


def keep_statement(session: Session, payments: Sequence[Payment], *, since: datetime, told_at: datetime) -> int:
    """Keep what the gateway told of all payments since then, in place of what it told before; how many took money."""
    charges = [
        {
            "intent": payment.id,
            "application": payment.application,
            "captured_fen": payment.captured_fen,
            "refunded_fen": payment.refunded_fen,
            "currency": payment.currency,
            "receipt": payment.receipt,
            "destination": payment.destination,
            "charged_on": clock.local(payment.created_at).date(),
            "charged_at": payment.created_at,
            "told_at": told_at,
        }
        for payment in sorted(payments, key=lambda each: each.id)  # two workers at once take the rows in one order
        if payment.captured_fen > 0
    ]
    if charges:
        told = _upsert(session, GatewayCharge)
        changed = {name: told.excluded[name] for name in charges[0] if name != "intent"}
        session.execute(told.on_conflict_do_update(index_elements=["intent"], set_=changed), charges)
    gone = delete(GatewayCharge).where(GatewayCharge.charged_at >= since, GatewayCharge.told_at < told_at)
    session.execute(gone, execution_options=_STILL)
    session.add(GatewayStatement(since=since, told_at=told_at, charges=len(charges)))
    session.flush()
    return len(charges)


# ---------------------------------------------------------------- what the treasury says


def note_trouble(session: Session, number: str, code: str) -> None:
    """Keep why an application still waits, for its page."""
    session.execute(
        update(PaymentApplication).where(PaymentApplication.number == number, PaymentApplication.state.in_(OPEN)).values(trouble=code),
        execution_options=_STILL,
    )


def note_taken(session: Session, number: str, payment: Payment) -> None:
    """The gateway took the application: keep its payment. An answer never means "paid"."""
    query = update(PaymentApplication).where(PaymentApplication.number == number)
    session.execute(query.where(PaymentApplication.intent.is_(None)).values(intent=payment.id), execution_options=_STILL)
    session.execute(
        query.where(PaymentApplication.state == ApplicationState.SENT).values(state=ApplicationState.PASSED, trouble=None),
        execution_options=_STILL,
    )


def note_released(session: Session, number: str) -> None:
    """The gateway holds no money any more for an application that was returned."""
    query = update(PaymentApplication).where(PaymentApplication.number == number, PaymentApplication.trouble == rules.STILL_BLOCKED)
    session.execute(query.values(trouble=None), execution_options=_STILL)


def send_back(session: Session, number: str, reason: str, *, intent: str | None = None, blocked: bool = False) -> bool:
    """The treasury returned an application: the order waits for another one, which gets a number of its own.

    `intent` is the gateway's payment when it made one before it refused, `blocked` when it still holds the money. False when the
    application has already been decided on.
    """
    found = queries.by_application_number(session, number)
    trouble = rules.STILL_BLOCKED if blocked else None
    values = {"state": ApplicationState.RETURNED, "return_reason": reason, "trouble": trouble} | ({"intent": intent} if intent else {})
    if found is None or not _decide(session, number, values):
        return False
    application, order = found
    details = {"application": application.number, "reason": reason}
    purchase.move(session, SYSTEM, order, Action.RETURN_APPLICATION, note=rules.RETURN_REASONS.get(reason, reason), details=details)
    return True


def settle(session: Session, payment: Payment) -> bool:
    """The treasury's receipt is there: owed money becomes paid, once; whether the payment belongs to an application of ours.

    A payment of another amount, or for an application that was returned, is kept for somebody to look at.
    """
    found = queries.by_application_number(session, payment.application or "")
    if found is None:
        log.warning("receipt for an unknown application", extra={"intent": payment.id})
        return False
    application, order = found
    if application.state is ApplicationState.PAID:
        return application.intent == payment.id
    if (payment.captured_fen, payment.currency) != (application.amount_fen, CURRENCY) or application.intent not in (None, payment.id):
        log.error("receipt differs from the application", extra={"intent": payment.id, "application": application.number})
        note_trouble(session, application.number, "amount_differs")
        return False
    receipt = payment.receipt or payment.id
    paid = {"state": ApplicationState.PAID, "intent": payment.id, "receipt_number": receipt, "paid_at": clock.now(), "trouble": None}
    if not _decide(session, application.number, paid):  # another notice was faster
        decided = queries.by_application_number(session, application.number)
        return decided is not None and (decided[0].state, decided[0].intent) == (ApplicationState.PAID, payment.id)
    lines = [(line, line.accepted) for line in purchases.lines_of(session, order)]
    purchase.move(
        session,
        SYSTEM,
        order,
        Action.PAY,
        lines=[{"no": line.line_no, "quantity": pieces} for line, pieces in lines if pieces],
        details={"application": application.number, "intent": payment.id, "receipt": receipt, "amount_fen": application.amount_fen},
    )
    purchase.shift(session, SYSTEM, order, (lines, Pool.ACCRUED, Pool.PAID))
    session.refresh(application)
    return True


def _decide(session: Session, number: str, values: dict[str, Any]) -> bool:
    """End an application that is open; whoever comes second changes nothing."""
    query = update(PaymentApplication).where(PaymentApplication.number == number, PaymentApplication.state.in_(OPEN))
    return session.execute(query.values(**values).returning(PaymentApplication.id), execution_options=_STILL).first() is not None


def learn(session: Session, payment: Payment) -> bool:
    """Do what the state of a payment (from a notice, or looked up) says; whether there is nothing left to look at."""
    if payment.status is Status.SUCCEEDED:
        return settle(session, payment)
    if payment.status is Status.CANCELED:
        found = queries.by_application_number(session, payment.application or "")
        if found is None:
            return False
        return send_back(session, found[0].number, payment.failure or "canceled") or found[0].state is ApplicationState.RETURNED
    return True


def receive_notice(session: Session, event: Event, body: str) -> bool:
    """Take a verified notice of the gateway into the inbox, once by its id, and do what it says; False for one known already."""
    is_new = session.scalar(
        _upsert(session, GatewayNotice)
        .values(id=event.id, type=event.type, intent=event.payment_id, body=body, received_at=clock.now())
        .on_conflict_do_nothing(index_elements=[GatewayNotice.id])
        .returning(GatewayNotice.id)
    )
    if is_new is None:
        return False
    speaks = event.payment is not None and event.type in {"payment_intent.succeeded", "payment_intent.canceled"}
    if not speaks or (event.payment is not None and learn(session, event.payment)):
        session.execute(
            update(GatewayNotice).where(GatewayNotice.id == event.id).values(handled_at=clock.now()), execution_options=_STILL
        )
    return True
