"""Our client and the simulated treasury, in process and over a socket."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.kernel import clock
from orders.payments.gateway import StripeGateway
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import Fault
from orders.payments.wire.answers import Status
from orders.payments.wire.call import GatewayRefused, KeyReused
from tests.orders.payments.conftest import DESTINATION

Authorise = Callable[..., Any]


def test_a_treasury_payment_is_authorised_and_takes_no_money_yet(authorise: Authorise, treasury: Simulator) -> None:
    payment = authorise()
    assert payment.status is Status.REQUIRES_CAPTURE
    assert (payment.amount_fen, payment.captured_fen, payment.refunded_fen) == (1_250_00, 0, 0)
    assert (payment.currency, payment.destination) == ("cny", DESTINATION)
    assert payment.application == "PA261124-7K3M9Q-4"
    assert treasury.totals() == {DESTINATION: 0}


def test_a_captured_payment_reaches_the_supplier(gateway: StripeGateway, authorise: Authorise, treasury: Simulator) -> None:
    payment = gateway.capture(authorise().id, key="capture:1")
    assert (payment.status, payment.captured_fen) == (Status.SUCCEEDED, 1_250_00)
    assert payment.receipt is not None
    assert treasury.totals() == {DESTINATION: 1_250_00}


def test_a_partial_capture_releases_the_rest(gateway: StripeGateway, authorise: Authorise) -> None:
    payment = gateway.capture(authorise().id, key="capture:1", amount_fen=1_000_00)
    assert (payment.amount_fen, payment.captured_fen) == (1_250_00, 1_000_00)


def test_a_payment_the_treasury_already_passed_counts_as_captured(
    gateway: StripeGateway, authorise: Authorise, treasury: Simulator
) -> None:
    made = authorise()
    treasury.pass_payment(made.id)
    assert gateway.capture(made.id, key="capture:1").status is Status.SUCCEEDED
    with pytest.raises(GatewayRefused) as refused:
        gateway.capture(made.id, key="capture:2", amount_fen=1_00)
    assert refused.value.provider_code == "payment_intent_unexpected_state"


def test_more_than_authorised_is_never_captured(gateway: StripeGateway, authorise: Authorise, treasury: Simulator) -> None:
    made = authorise()
    with pytest.raises(GatewayRefused) as refused:
        gateway.capture(made.id, key="capture:1", amount_fen=1_250_01)
    assert refused.value.provider_code == "amount_too_large"
    assert treasury.totals() == {DESTINATION: 0}


def test_a_cancelled_payment_stays_cancelled(gateway: StripeGateway, authorise: Authorise) -> None:
    made = authorise()
    assert gateway.cancel(made.id, key="cancel:1").status is Status.CANCELED
    assert gateway.cancel(made.id, key="cancel:2").status is Status.CANCELED
    with pytest.raises(GatewayRefused):
        gateway.capture(made.id, key="capture:1")


def test_refunds_go_back_from_the_supplier_and_never_exceed_what_was_paid(
    gateway: StripeGateway, authorise: Authorise, treasury: Simulator
) -> None:
    made = gateway.capture(authorise().id, key="capture:1")
    first = gateway.refund(made.id, key="refund:1", amount_fen=250_00, reverse_transfer=True)
    assert (first.payment_id, first.amount_fen, first.status) == (made.id, 250_00, "succeeded")
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(made.id, key="refund:2", amount_fen=1_000_01, reverse_transfer=True)
    assert refused.value.provider_code == "amount_too_large"
    second = gateway.refund(made.id, key="refund:3", amount_fen=1_000_00, reverse_transfer=True)
    assert [refund.id for refund in gateway.refunds(made.id)] == [second.id, first.id]
    assert gateway.get(made.id).refunded_fen == 1_250_00
    assert treasury.totals() == {DESTINATION: 0}


def test_a_declined_payment_is_a_refusal_with_the_payment_it_left(gateway: StripeGateway, authorise: Authorise) -> None:
    with pytest.raises(GatewayRefused) as refused:
        authorise(payment_method="pm_treasury_no_cash_plan")
    assert refused.value.provider_code == "insufficient_funds"
    assert refused.value.payment_id is not None
    left = gateway.get(refused.value.payment_id)
    assert (left.status, left.failure, left.captured_fen) == (Status.REQUIRES_PAYMENT_METHOD, "card_declined", 0)


def test_the_same_key_with_the_same_intent_gives_the_same_payment(authorise: Authorise, treasury: Simulator) -> None:
    assert authorise() == authorise()
    assert len(treasury.waiting()) == 1


@pytest.mark.parametrize("changes", [{"amount_fen": 1_250_01}, {"destination": "acct_other"}, {"application": "PA2"}])
def test_the_same_key_for_another_intent_is_refused_and_pays_nothing(
    authorise: Authorise, treasury: Simulator, changes: dict[str, Any]
) -> None:
    authorise()
    with pytest.raises(KeyReused):
        authorise(**changes)
    assert len(treasury.waiting()) == 1


def test_a_key_longer_than_255_characters_never_leaves(authorise: Authorise, treasury: Simulator) -> None:
    with pytest.raises(ValueError, match="255"):
        authorise(key="k" * 256)
    assert authorise(key="k" * 255).status is Status.REQUIRES_CAPTURE
    assert len(treasury.waiting()) == 1


def test_payments_are_found_by_their_metadata_even_with_quotes_in_it(gateway: StripeGateway, authorise: Authorise) -> None:
    wanted = authorise(key="k1", metadata={"note": r"it's a \ test", "unit": "河南省财政厅"})
    authorise(key="k2", metadata={"note": "other"})
    assert gateway.find({"note": r"it's a \ test"}) == [gateway.get(wanted.id)]
    assert gateway.find({"unit": "河南省财政厅", "note": "other"}) == []
    assert {payment.id for payment in gateway.find({"application": "PA261124-7K3M9Q-4"})} >= {wanted.id}


def test_an_unknown_payment_is_a_refusal(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayRefused) as refused:
        gateway.get("pi_unknown")
    assert refused.value.provider_code == "resource_missing"


def test_a_key_the_provider_forgot_is_looked_up_before_it_is_sent_again(authorise: Authorise, treasury: Simulator) -> None:
    first = authorise()
    treasury.arm(Fault.FORGOTTEN, count=9)
    again = authorise(first_sent_at=clock.now() - timedelta(hours=30))
    assert again.id == first.id
    assert len(treasury.waiting()) == 1


def test_events_can_be_read_back_when_webhooks_were_lost(gateway: StripeGateway, authorise: Authorise) -> None:
    made = gateway.capture(authorise().id, key="capture:1")
    seen = list(gateway.events(clock.now() - timedelta(minutes=1)))
    assert next(event.type for event in seen if event.payment) == "payment_intent.succeeded"
    assert seen[0].payment == made
    assert {event.payment_id for event in seen} == {made.id}
    assert list(gateway.events(clock.now() + timedelta(minutes=1))) == []


def test_long_lists_are_read_to_the_end(gateway: StripeGateway, authorise: Authorise) -> None:
    made = [authorise(key=f"k{number}", metadata={"batch": "b"}).id for number in range(103)]
    found = gateway._back_to(clock.now() - timedelta(minutes=1), "/v1/payment_intents")
    assert [item["id"] for item in found] == made[::-1]
