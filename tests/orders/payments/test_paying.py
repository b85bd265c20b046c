"""From the application to the treasury's receipt: sent once, paid once, whatever the gateway and its webhooks do."""

import json

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.outbox import Event, EventLease
from orders.payments import handlers, queries, rules, service
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import Fault
from orders.payments.states import ApplicationState
from orders.payments.tables import GatewayNotice, PaymentApplication
from orders.payments.webhook_signature import HEADER
from orders.payments.wire.answers import Payment, Status
from orders.payments.wire.call import Breaker
from orders.purchases.states import State
from tests import factories
from tests.orders import steps
from tests.orders.payments.conftest import SECRET, client

pytestmark = pytest.mark.both_databases


@pytest.fixture
def treasury(tmp_path):
    return Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=0, sleep=lambda _: None)


@pytest.fixture
def gateway(treasury):
    with client("http://treasury.test", httpx.WSGITransport(app=treasury)) as made:
        yield made


def send(session, gateway, captures=False) -> int:
    return steps.run_once(session, handlers.sender(gateway, captures=captures))


def deliver(session, treasury, gateway) -> int:
    session.rollback()
    engine = session.get_bind()

    def post(body, headers):
        handlers.hear(lambda: Session(engine), gateway, body, headers[HEADER])
        return 200

    return treasury.deliver_due(post)


def reconcile(session, gateway) -> int:
    session.rollback()
    engine = session.get_bind()
    return handlers.reconcile(lambda: Session(engine), gateway)


def application(session) -> PaymentApplication:
    session.rollback()
    return session.scalars(select(PaymentApplication).order_by(PaymentApplication.id.desc())).first()


def test_an_order_is_paid_by_the_receipt_and_not_by_the_answer(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 2})
    number = steps.apply(session, world, order).number
    assert steps.fresh(session, order).state is State.PAYING
    assert send(session, gateway) == 1
    row = application(session)
    assert (row.state, row.receipt_number) == (ApplicationState.PASSED, None) and row.intent.startswith("pi_")
    assert steps.funds(session, world) == (98_000_00, 0, 0, 2_000_00, 0)
    deliver(session, treasury, gateway)
    row = application(session)
    assert (row.number, row.state) == (number, ApplicationState.PAID) and row.receipt_number.startswith("ch_") and row.paid_at
    assert steps.fresh(session, order).state is State.PAID
    assert steps.funds(session, world) == (98_000_00, 0, 0, 0, 2_000_00)
    assert treasury.totals() == {world.supplier.payee_account: 2_000_00}
    steps.books_hold(session)


def test_our_own_capture_does_not_make_it_paid_either(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    send(session, gateway, captures=True)
    assert application(session).state is ApplicationState.PASSED
    assert steps.fresh(session, order).state is State.PAYING
    deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAID


def test_a_webhook_that_comes_twice_pays_once(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 2})
    steps.apply(session, world, order)
    send(session, gateway)
    treasury.arm(Fault.WEBHOOK_TWICE, count=10)
    deliver(session, treasury, gateway)
    version = steps.fresh(session, order).version
    assert steps.funds(session, world) == (98_000_00, 0, 0, 0, 2_000_00)
    assert session.scalars(select(Event.type).where(Event.type == "order.paid")).all() == ["order.paid"]
    payment = gateway.get(application(session).intent)
    session.rollback()
    with commit(session):
        assert service.learn(session, payment)
    assert steps.fresh(session, order).version == version


def test_a_receipt_may_come_before_the_answer_is_noted(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    row = steps.apply(session, world, order)
    gateway.authorise(
        key=f"{row.number}:authorise", application=row.number, amount_fen=row.amount_fen, payment_method=handlers.PAYMENT_METHOD,
        destination=row.payee_account, metadata={"order": order.number}, first_sent_at=row.applied_at,
    )
    deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAID
    assert send(session, gateway) == 1
    assert application(session).state is ApplicationState.PAID
    assert treasury.totals() == {world.supplier.payee_account: 1_000_00}


def test_a_lost_webhook_is_made_up_by_looking_up(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    send(session, gateway)
    assert reconcile(session, gateway) == 0
    treasury.arm(Fault.WEBHOOK_LOST, count=10)
    deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAYING
    assert reconcile(session, gateway) == 1 and reconcile(session, gateway) == 0
    assert steps.fresh(session, order).state is State.PAID
    steps.books_hold(session)


def test_a_notice_of_an_unknown_payment_is_kept_and_moves_nothing(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    gateway.authorise(key="somebody:else", application="ZF261124-000000-0", amount_fen=1_000_00, payment_method="pm_treasury")
    deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAYING
    (notice,) = queries.unclaimed(session)
    assert (notice.type, notice.handled_at) == ("payment_intent.succeeded", None)


def test_a_receipt_of_another_amount_pays_nothing(session, world, gateway):
    order = steps.invoiced(session, world, {world.laser: 2})
    row = steps.apply(session, world, order)
    for captured, currency in ((1_999_99, "cny"), (2_000_00, "usd")):
        payment = Payment(
            id="pi_wrong", status=Status.SUCCEEDED, amount_fen=2_000_00, captured_fen=captured, refunded_fen=0, currency=currency,
            destination=None, receipt="ch_1", metadata={"application": row.number}, created_at=row.applied_at,
        )
        session.rollback()
        with commit(session):
            assert not service.settle(session, payment)
    assert application(session).trouble == "amount_differs"
    assert steps.fresh(session, order).state is State.PAYING
    assert steps.funds(session, world) == (98_000_00, 0, 0, 2_000_00, 0)


def test_a_forged_notice_is_refused_and_not_kept(session, world, treasury, gateway):
    steps.apply(session, world, steps.invoiced(session, world, {world.laser: 1}))
    send(session, gateway)
    engine = session.get_bind()
    session.rollback()
    refused = []

    def post(body, headers):
        try:
            handlers.hear(lambda: Session(engine), gateway, body, headers[HEADER])
        except Exception as error:
            refused.append(error.code)
            return 400
        return 200

    treasury.arm(Fault.WEBHOOK_BAD_SIGNATURE, count=10)
    assert treasury.deliver_due(post) == 0
    assert set(refused) == {"payment.bad_signature"}
    assert factories.how_many(session, GatewayNotice) == 0


def test_while_the_gateway_is_down_the_application_waits_with_its_reason_and_is_paid_once_after(session, world, treasury, late):
    order = steps.invoiced(session, world, {world.laser: 2})
    steps.apply(session, world, order)
    breaker = Breaker(limit=2, rest_s=0.0)
    with client("http://treasury.test", httpx.WSGITransport(app=treasury), breaker=breaker) as gateway:
        treasury.arm(Fault.DROP_BEFORE, count=20, route="POST /v1/payment_intents")
        treasury.arm(Fault.DROP_BEFORE, count=20, route="GET /v1/payment_intents")
        assert send(session, gateway) == 0
        row = application(session)
        assert (row.state, row.intent) == (ApplicationState.SENT, None)
        assert row.trouble in rules.TROUBLES
        assert steps.fresh(session, order).state is State.PAYING
        assert session.scalars(select(EventLease.attempts)).one() == 1
        assert send(session, gateway) == 0
        treasury.fine_weather()
        late(minutes=15)
        assert send(session, gateway) == 1
        assert (application(session).state, application(session).trouble) == (ApplicationState.PASSED, None)
        deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAID
    assert treasury.totals() == {world.supplier.payee_account: 2_000_00}
    steps.books_hold(session)


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.TRUNCATED, Fault.GARBLED])
def test_an_answer_lost_on_the_way_pays_once(session, world, treasury, gateway, late, fault):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    treasury.arm(fault, count=2, route="POST /v1/payment_intents")
    for _ in range(3):
        if send(session, gateway):
            break
        late(minutes=15)
    deliver(session, treasury, gateway)
    assert steps.fresh(session, order).state is State.PAID
    assert treasury.totals() == {world.supplier.payee_account: 1_000_00}


def test_a_refusal_at_the_door_returns_the_application_and_a_new_one_has_a_new_number(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    first = steps.apply(session, world, order).number
    treasury.arm(Fault.REFUSED, count=1)
    assert send(session, gateway) == 1
    row = application(session)
    assert (row.state, row.return_reason) == (ApplicationState.RETURNED, "card_declined")
    assert steps.fresh(session, order).state is State.INVOICED
    assert steps.funds(session, world) == (99_000_00, 0, 0, 1_000_00, 0)
    second = steps.apply(session, world, order).number
    assert second != first
    send(session, gateway)
    deliver(session, treasury, gateway)
    assert [row.state for row in queries.applications_of(session, steps.fresh(session, order))] == [
        ApplicationState.RETURNED, ApplicationState.PAID,
    ]
    steps.books_hold(session)


def test_a_refused_capture_lets_the_authorised_money_go(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    treasury.arm(Fault.REFUSED, count=1, route="POST /v1/payment_intents/pi_")
    assert send(session, gateway, captures=True) == 1
    row = application(session)
    assert (row.state, row.return_reason) == (ApplicationState.RETURNED, "card_declined")
    left = gateway.get(row.intent)
    assert (left.status, left.captured_fen) == (Status.CANCELED, 0)
    assert steps.fresh(session, order).state is State.INVOICED


def test_money_that_the_gateway_would_not_let_go_is_asked_for_again_until_it_does(session, world, treasury, gateway, late):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    treasury.arm(Fault.REFUSED, count=2, route="POST /v1/payment_intents/pi_")
    assert send(session, gateway, captures=True) == 1
    row = application(session)
    assert (row.state, row.trouble) == (ApplicationState.RETURNED, "payment.still_blocked")
    assert [intent["id"] for intent in treasury.waiting()] == [row.intent]
    engine = session.get_bind()
    session.rollback()
    treasury.arm(Fault.REFUSED, count=1, route="POST /v1/payment_intents/pi_")
    assert handlers.release(lambda: Session(engine), gateway) == 0
    late(seconds=2)  # a refusal is kept under its key, and the next key is of another second
    assert handlers.release(lambda: Session(engine), gateway) == 1
    assert treasury.waiting() == [] and application(session).trouble is None
    assert handlers.release(lambda: Session(engine), gateway) == 0


def test_a_payment_that_was_taken_after_all_is_not_returned(session, world, treasury):
    """The capture is refused, the treasury takes the money all the same, and so it cannot be let go."""

    def in_between(environ, start_response):
        if environ["PATH_INFO"].endswith("/cancel"):
            treasury.pass_payment(environ["PATH_INFO"].split("/")[3])
        return treasury(environ, start_response)

    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    treasury.arm(Fault.REFUSED, count=1, route="POST /v1/payment_intents/pi_")
    with client("http://treasury.test", httpx.WSGITransport(app=in_between)) as gateway:
        assert send(session, gateway, captures=True) == 1
        assert application(session).state is ApplicationState.PASSED
        assert reconcile(session, gateway) == 1
    assert steps.fresh(session, order).state is State.PAID
    assert treasury.totals() == {world.supplier.payee_account: 1_000_00}
    steps.books_hold(session)


def test_a_wrong_key_keeps_the_application_waiting(session, world, treasury, gateway, late):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    with client("http://treasury.test", httpx.WSGITransport(app=treasury), api_key="wrong") as stranger:
        assert send(session, stranger) == 0
    row = application(session)
    assert (row.state, row.trouble) == (ApplicationState.SENT, "payment.not_admitted")
    assert steps.fresh(session, order).state is State.PAYING
    late(minutes=15)
    assert send(session, gateway) == 1
    assert application(session).state is ApplicationState.PASSED


def test_the_treasury_sends_an_application_back(session, world, treasury, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    send(session, gateway)
    treasury.arm(Fault.TREASURY_REFUSES, count=1)
    deliver(session, treasury, gateway)
    row = application(session)
    assert (row.state, row.return_reason) == (ApplicationState.RETURNED, "treasury_refused")
    assert steps.fresh(session, order).state is State.INVOICED
    told = json.loads(session.scalars(select(Event.body).where(Event.type == "order.payment_returned")).one())
    assert told["details"] == {"application": row.number, "reason": "treasury_refused"}
    assert treasury.totals() == {world.supplier.payee_account: 0}


def test_an_order_has_one_open_application(session, world):
    order = steps.invoiced(session, world, {world.laser: 1})
    steps.apply(session, world, order)
    with pytest.raises(Exception) as refused:
        steps.apply(session, world, order)
    assert refused.value.code == "order.not_now"
    session.rollback()
    assert factories.how_many(session, PaymentApplication) == 1


def test_two_notices_at_the_same_moment_pay_once(session, world, gateway):
    order = steps.invoiced(session, world, {world.laser: 1})
    row = steps.apply(session, world, order)
    payment = Payment(
        id="pi_1", status=Status.SUCCEEDED, amount_fen=1_000_00, captured_fen=1_000_00, refunded_fen=0, currency="cny",
        destination=None, receipt="ch_1", metadata={"application": row.number}, created_at=row.applied_at,
    )
    engine = session.get_bind()
    session.rollback()
    import threading

    start, answers = threading.Barrier(2), []

    def notice():
        with Session(engine) as mine:
            start.wait()
            with commit(mine):
                answers.append(service.settle(mine, payment))

    threads = [threading.Thread(target=notice) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True, True]
    assert steps.funds(session, world) == (99_000_00, 0, 0, 0, 1_000_00)
    assert session.scalars(select(Event.type).where(Event.type == "order.paid")).all() == ["order.paid"]
    steps.books_hold(session)
