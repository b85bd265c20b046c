"""Invoices, the payment clock, and the checks before a payment."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.policy import Role
from catalog.suppliers.tables import Supplier
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Judgement
from orders.payments import handlers, queries, rules, service
from orders.payments.rules import due_to_others, due_to_sme
from orders.payments.states import Colour, InvoiceKind
from orders.payments.tables import Invoice, PaymentApplication
from orders.purchases import rules as purchase_rules
from orders.purchases.states import State
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def refuse(session, world, order, refusal, **changes):
    with pytest.raises(refusal) as refused:
        steps.invoice(session, world, order, **changes)
    session.rollback()
    assert factories.how_many(session, Invoice) == 0
    return refused.value


def test_an_invoice_carries_the_parties_and_the_form_of_its_kind(session, world):
    order = steps.accepted(session, world, {world.laser: 2})
    refuse(session, world, order, rules.BadInvoiceNumber, number="123")
    refuse(session, world, order, rules.BadInvoiceNumber, code="4100123456")
    refuse(session, world, order, rules.BadInvoiceNumber, kind=InvoiceKind.SPECIAL, number="12345678")
    refuse(session, world, order, rules.BuyerDiffers, buyer_title="别家单位")
    refuse(session, world, order, rules.BuyerDiffers, buyer_tax_number="91410100000000000X")
    refuse(session, world, order, rules.SellerDiffers, seller_tax_number="91410100000000000X")
    refuse(session, world, order, rules.BadTax, tax_fen=2_000_00)
    refuse(session, world, order, rules.IssuedLater, issued_on=clock.today() + timedelta(days=1))
    refuse(session, world, order, rules.RedNotLinked, colour=Colour.RED)
    too_large = refuse(session, world, order, rules.InvoiceTooLarge, amount_fen=2_000_01)
    assert (too_large.accepted_fen, too_large.open_fen) == (2_000_00, 2_000_00)
    steps.invoice(session, world, order, kind=InvoiceKind.SPECIAL, code="4100123456", number="12345678")
    assert steps.fresh(session, order).state is State.INVOICED


def test_an_invoice_is_used_once_whatever_the_order(session, world):
    number = "26412000000000099999"
    order, other = steps.accepted(session, world, {world.laser: 1}), steps.accepted(session, world, {world.laser: 1})
    steps.invoice(session, world, order, number=number)
    with pytest.raises(rules.InvoiceUsed):
        steps.invoice(session, world, other, number=number)
    assert steps.fresh(session, other).state is State.ACCEPTED


def test_several_invoices_add_up_and_a_red_one_opens_the_order_again(session, world):
    order = steps.accepted(session, world, {world.laser: 2})
    steps.invoice(session, world, order, number="26412000000000000001", amount_fen=500_00, tax_fen=0)
    assert steps.fresh(session, order).state is State.ACCEPTED
    steps.invoice(session, world, order, amount_fen=1_500_00, tax_fen=0)
    assert steps.fresh(session, order).state is State.INVOICED
    with pytest.raises(rules.RedNotLinked):
        steps.invoice(session, world, order, colour=Colour.RED, red_of="26412000000000000001", amount_fen=500_01, tax_fen=0)
    steps.invoice(session, world, order, colour=Colour.RED, red_of="26412000000000000001", amount_fen=500_00, tax_fen=0)
    assert steps.fresh(session, order).state is State.ACCEPTED
    assert queries.net(queries.invoices_of(session, order)) == 1_500_00
    with pytest.raises(rules.RedNotLinked):
        steps.invoice(session, world, order, colour=Colour.RED, red_of="26412000000000000001", amount_fen=1, tax_fen=0)
    steps.invoice(session, world, order, amount_fen=500_00, tax_fen=0)
    assert steps.fresh(session, order).state is State.INVOICED
    steps.books_hold(session)


def test_due_dates_are_counted_by_rule_and_end_on_a_working_day():
    sme = due_to_sme(accepted_on=date(2026, 11, 24), acceptance_ended_on=date(2026, 11, 30), days=30, document_number="d")
    assert (sme.base_on, sme.due_on) == (date(2026, 11, 24), date(2026, 12, 24))
    late = due_to_sme(accepted_on=date(2026, 12, 8), acceptance_ended_on=date(2026, 11, 30), days=30, document_number="d")
    assert (late.base_on, late.due_on) == (date(2026, 11, 30), date(2026, 12, 30))
    others = due_to_others(accepted_on=date(2026, 8, 1), invoiced_on=date(2026, 8, 10), days=45, document_number="d")
    assert (others.base_on, others.due_on) == (date(2026, 8, 10), date(2026, 9, 24))


def test_an_smes_clock_starts_at_acceptance_without_an_invoice(session, world):
    order = steps.accepted(session, world, {world.laser: 1})
    assert steps.run(session, handlers.starter()) == 1
    due = queries.clock_of(session, order)
    assert (due.rule, due.base_on, due.days) == (rules.SME_RULE, clock.today(), 30)
    assert "802" in due.document_number


def test_a_large_suppliers_clock_waits_for_the_invoice(session, world):
    with commit(session):
        session.execute(update(Supplier).values(scale="large"))
    order = steps.accepted(session, world, {world.laser: 1})
    steps.run(session, handlers.starter())
    assert queries.clock_of(session, order) is None
    steps.invoice(session, world, order)
    due = queries.clock_of(session, order)
    assert (due.rule, due.days, due.base_on) == (rules.MALL_RULE, 45, clock.today())


def test_a_large_suppliers_clock_stops_while_its_invoice_is_taken_back(session, world):
    with commit(session):
        session.execute(update(Supplier).values(scale="large"))
    order = steps.accepted(session, world, {world.laser: 1})
    steps.invoice(session, world, order, number="26412000000000000001")
    assert queries.clock_of(session, order) is not None
    steps.invoice(session, world, order, colour=Colour.RED, red_of="26412000000000000001", number="26412000000000000002")
    assert queries.clock_of(session, order) is None
    steps.invoice(session, world, order, number="26412000000000000003")
    assert queries.clock_of(session, order) is not None


def test_every_missing_ground_is_said_at_once_and_nothing_is_applied_for(session, world):
    order = steps.invoiced(session, world, {world.laser: 1})
    with commit(session):
        session.execute(update(Supplier).values(bank_account="6222000000000000"))
        session.execute(update(Invoice).values(amount_fen=999_99))
    with pytest.raises(rules.PaymentRefused) as refused:
        steps.apply(session, world, order)
    assert [(check.rule, check.met) for check in refused.value.verdicts] == [
        ("B07", True), ("A01", True), ("A03", False), ("A02", False), ("A02", True),
    ]
    assert refused.value.count == 2
    session.rollback()
    assert factories.how_many(session, PaymentApplication) == 0
    assert steps.fresh(session, order).state is State.INVOICED


def test_whoever_accepted_any_part_does_not_apply_for_payment(session, world):
    order = steps.delivered(session, world, {world.laser: 2})
    (line,) = steps.lines(session, order)
    with commit(session):
        both = factories.actor(session, factories.person(session, world.unit, Role.ACCEPTOR, Role.FINANCE))
        stranger = factories.staff(session, factories.unit(session), [Role.FINANCE])[Role.FINANCE]
    with commit(session):
        deliveries.accept(session, both, steps.fresh(session, order), [Judgement(line_id=line.id, accepted=1)])
    steps.judge(session, world, order, (1, 0))
    steps.invoice(session, world, order)
    for actor, refusal in ((both, purchase_rules.SamePerson), (stranger, Missing), (world.actor(Role.BUYER), Forbidden)):
        session.rollback()
        with pytest.raises(refusal), commit(session):
            service.apply(session, actor, steps.fresh(session, order))
    assert [link.label for link in queries.actions(session, both, steps.fresh(session, order))] == []
    assert steps.apply(session, world, order).amount_fen == 2_000_00


def test_unpaid_orders_are_listed_by_due_date_with_their_bands(session, world):
    first = steps.invoiced(session, world, {world.laser: 1})
    second = steps.invoiced(session, world, {world.laser: 2})
    steps.accepted(session, world, {world.laser: 3})
    steps.run(session, handlers.starter())
    finance = world.actor(Role.FINANCE)
    page = queries.owed(session, finance, limit=2)
    assert [row.order.number for row in page.rows] == [first.number, second.number] and page.next
    assert [row.owed_fen for row in page.rows] == [1_000_00, 2_000_00]
    bands = {band.name: (band.orders, band.owed_fen) for band in queries.ageing(session, finance)}
    assert bands["overdue"] == (0, 0) and bands["month"][0] + bands["later"][0] == 3
    assert sum(fen for _, fen in bands.values()) == 6_000_00
    with commit(session):
        stranger = factories.staff(session, factories.unit(session), [Role.FINANCE])[Role.FINANCE]
    assert queries.owed(session, stranger).rows == []
    assert [row.order.number for row in queries.owed(session, world.actor(Role.ORDER_CLERK), state=State.INVOICED).rows] == [
        first.number, second.number,
    ]
    assert session.scalars(select(Invoice.red_of_id)).all() == [None, None]
