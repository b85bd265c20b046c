"""The official `stripe` package as a client of the simulated treasury: it speaks the API, not our idea of it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import stripe

from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import Fault
from tests.orders.payments.conftest import DESTINATION, SECRET, client, served

ORDER: Any = {
    "amount": 1_250_00,
    "currency": "cny",
    "capture_method": "manual",
    "confirm": True,
    "payment_method": "pm_treasury",
    "payment_method_types": ["card"],
    "transfer_data": {"destination": DESTINATION},
    "metadata": {"application": "PA1", "request_key": "k1"},
}


def order(**changes: Any) -> Any:
    """The payment, with what the test changes."""
    return {**ORDER, **changes}


@pytest.fixture
def official(treasury: Simulator) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient()
    with served(treasury) as url, closing(http):
        yield stripe.StripeClient("sk_test_mall", base_addresses={"api": url}, max_network_retries=2, http_client=http)


def test_a_treasury_payment_from_sending_to_refund(official: stripe.StripeClient, treasury: Simulator) -> None:
    intents = official.v1.payment_intents
    made = intents.create(ORDER, {"idempotency_key": "k1"})
    assert (made.status, made.amount_capturable, made.metadata["application"]) == ("requires_capture", 1_250_00, "PA1")
    taken = intents.capture(made.id, {"amount_to_capture": 1_000_00})
    assert (taken.status, taken.amount_received) == ("succeeded", 1_000_00)
    refund = official.v1.refunds.create({"payment_intent": made.id, "amount": 400_00, "reverse_transfer": True})
    assert (refund.status, refund.payment_intent) == ("succeeded", made.id)
    charge = intents.retrieve(made.id, {"expand": ["latest_charge"]}).latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.amount_captured, charge.amount_refunded) == (1_000_00, 400_00)
    assert treasury.totals() == {DESTINATION: 600_00}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        official.v1.refunds.create({"payment_intent": made.id, "amount": 600_01})
    assert refused.value.code == "amount_too_large"


def test_payments_are_listed_searched_confirmed_and_cancelled(official: stripe.StripeClient) -> None:
    intents = official.v1.payment_intents
    made = [intents.create({"amount": 100 + n, "currency": "cny", "metadata": {"n": str(n)}}) for n in range(12)]
    assert [intent.id for intent in intents.list({"limit": 5}).auto_paging_iter()] == [i.id for i in made[::-1]]
    found = intents.search({"query": "metadata['n']:'3' AND status:'requires_payment_method'"})
    assert [intent.id for intent in found.data] == [made[3].id]
    assert intents.confirm(made[0].id, {"payment_method": "pm_treasury"}).status == "succeeded"
    assert intents.cancel(made[1].id, {"cancellation_reason": "duplicate"}).cancellation_reason == "duplicate"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.capture(made[1].id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_errors_are_of_the_official_kinds(official: stripe.StripeClient, treasury: Simulator) -> None:
    intents = official.v1.payment_intents
    intents.create(ORDER, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        intents.create(order(amount=1), {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        official.v1.refunds.create({"payment_intent": "pi_1"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.CardError) as declined:
        intents.create(order(payment_method="pm_card_chargeDeclined"))
    assert declined.value.code == "card_declined"
    with pytest.raises(stripe.InvalidRequestError):
        intents.create({"amount": 0, "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        intents.create(order(colour="red"))
    assert unknown.value.code == "parameter_unknown"
    treasury.arm(Fault.BUSY, count=9, seconds=0)
    with pytest.raises(stripe.RateLimitError):
        intents.create(ORDER)


def test_its_own_retries_charge_once(official: stripe.StripeClient, treasury: Simulator) -> None:
    treasury.arm(Fault.DROP_AFTER)
    treasury.arm(Fault.LOCKED, seconds=0)
    made = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    assert [intent["id"] for intent in treasury.waiting()] == [made.id]


def test_webhooks_and_events_are_read_by_the_official_library(official: stripe.StripeClient, treasury: Simulator) -> None:
    made = official.v1.payment_intents.create(ORDER)
    treasury.pass_payment(made.id)
    received: list[stripe.Event] = []

    def post(body: bytes, headers: dict[str, str]) -> int:
        received.append(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET))
        return 200

    assert treasury.deliver_due(post) == 4
    assert [event.type for event in received] == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert official.v1.events.retrieve(received[-1].id).data.object["id"] == made.id
    assert len(official.v1.events.list({"type": "payment_intent.succeeded"}).data) == 1


def test_our_client_and_the_official_one_share_a_key(official: stripe.StripeClient, treasury: Simulator) -> None:
    made = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    with served(treasury) as url, client(url) as gateway:
        ours = gateway.authorise(
            key="k1", application="PA1", amount_fen=1_250_00, payment_method="pm_treasury", destination=DESTINATION
        )
    assert ours.id == made.id
