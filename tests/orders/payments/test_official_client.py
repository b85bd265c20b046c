"""The official `stripe` package as a client of the simulated treasury: it speaks the API, not our idea of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import ANSWERS, WEBHOOKS, Fault
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


# ---------------------------------------------------------------- every fault switch, seen by the official client

ERRORS = {Fault.BUSY: stripe.RateLimitError, Fault.TRUNCATED: stripe.APIConnectionError, Fault.GARBLED: stripe.APIError, Fault.ERROR_AFTER: stripe.APIError}
"""What it raises where its own retries do not help; the others it rides out."""


@pytest.mark.parametrize("fault", ANSWERS)
def test_a_disturbed_answer_is_one_payment_for_the_official_client_too(
    official: stripe.StripeClient, treasury: Simulator, fault: Fault
) -> None:
    treasury.arm(fault, seconds=0)
    if fault in ERRORS:
        with pytest.raises(ERRORS[fault]):
            official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    if fault is Fault.ERROR_AFTER:
        (made,) = official.v1.payment_intents.search({"query": "metadata['request_key']:'k1'"}).data
    else:
        made = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    assert made.status == "requires_capture"
    assert [intent["id"] for intent in treasury.waiting()] == [made.id]


def test_a_slow_answer_is_asked_for_again_under_the_same_key(tmp_path: Path) -> None:
    treasury = Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=None)
    treasury.arm(Fault.SLOW, seconds=0.6)
    with served(treasury) as url, closing(stripe.RequestsClient(timeout=0.3)) as http:
        official = stripe.StripeClient("sk_test_mall", base_addresses={"api": url}, max_network_retries=2, http_client=http)
        made = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    assert [intent["id"] for intent in treasury.waiting()] == [made.id]


def test_a_refusal_is_kept_under_its_key(official: stripe.StripeClient, treasury: Simulator) -> None:
    treasury.arm(Fault.REFUSED)
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
        assert refused.value.code == "card_declined"
    assert treasury.waiting() == []


def test_a_forgotten_key_makes_a_second_payment_for_whoever_does_not_look_first(official: stripe.StripeClient, treasury: Simulator) -> None:
    first = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    treasury.arm(Fault.FORGOTTEN)
    second = official.v1.payment_intents.create(ORDER, {"idempotency_key": "k1"})
    assert [intent["id"] for intent in treasury.waiting()] == [first.id, second.id]


@pytest.mark.parametrize(("fault", "status"), [(Fault.LOCKED, 409), (Fault.BUSY, 429)])
def test_a_busy_gateway_says_how_long_to_wait(treasury: Simulator, fault: Fault, status: int) -> None:
    treasury.arm(fault, seconds=7)
    with served(treasury) as url:
        answer = httpx.post(f"{url}/v1/payment_intents", auth=("sk_test_mall", ""), headers={"Idempotency-Key": "k1"}, trust_env=False)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert treasury.waiting() == []


@pytest.mark.parametrize("fault", WEBHOOKS)
def test_a_disturbed_webhook_is_judged_by_the_official_library(official: stripe.StripeClient, treasury: Simulator, fault: Fault) -> None:
    """Late ones come later, lost ones never, a strange or old signature is refused; what is accepted tells of the one payment."""
    made = official.v1.payment_intents.create(ORDER)
    treasury.arm(fault, seconds=60)
    accepted: list[stripe.Event] = []
    refused: list[str] = []

    def post(body: bytes, headers: dict[str, str]) -> int:
        try:
            accepted.append(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET))
        except stripe.SignatureVerificationError as bad:
            refused.append(str(bad))
            return 400
        return 200

    treasury.deliver_due(post)
    types = [event.type.removeprefix("payment_intent.") for event in accepted]
    created, held = "created", "amount_capturable_updated"
    assert types == {
        Fault.WEBHOOK_TWICE: [created, created, held],
        Fault.WEBHOOK_REORDERED: [held, created],
        Fault.WEBHOOK_TWO_SECRETS: [created, held],
    }.get(fault, [held])
    assert len(refused) == (fault in (Fault.WEBHOOK_BAD_SIGNATURE, Fault.WEBHOOK_OLD_SIGNATURE))
    assert {event.data.object["id"] for event in accepted} == {made.id}
