"""Whatever goes wrong on the way, one intent is one payment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from orders.payments.gateway import StripeGateway
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import ANSWERS, Fault
from orders.payments.wire.answers import Status
from orders.payments.wire.call import Breaker, GatewayRefused, GatewayUnavailable, UnknownOutcome
from tests.orders.payments.conftest import DESTINATION, SECRET, client, served

Authorise = Callable[..., Any]


@pytest.mark.parametrize("fault", ANSWERS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_fault_during_authorisation_never_charges_twice(
    gateway: StripeGateway, authorise: Authorise, treasury: Simulator, fault: Fault, count: int
) -> None:
    treasury.arm(fault, count=count, seconds=0)
    try:
        first = authorise()
    except (GatewayUnavailable, UnknownOutcome) as refused:
        assert count == 3 and fault in (Fault.BUSY, Fault.LOCKED, Fault.DROP_BEFORE)
        assert isinstance(refused, GatewayUnavailable) == (fault is Fault.BUSY)
        assert treasury.waiting() == []
        first = authorise()
    treasury.fine_weather()
    again = authorise() if fault is not Fault.ERROR_AFTER else gateway.get(first.id)
    assert (first.id, first.status) == (again.id, Status.REQUIRES_CAPTURE)
    assert [intent["id"] for intent in treasury.waiting()] == [first.id]


@pytest.mark.parametrize("fault", ANSWERS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_fault_during_capture_and_refund_moves_the_money_once(
    gateway: StripeGateway, authorise: Authorise, treasury: Simulator, fault: Fault, count: int
) -> None:
    made = authorise()
    treasury.arm(fault, count=count, seconds=0)
    for _ in range(4):
        try:
            captured = gateway.capture(made.id, key="capture:1")
        except (GatewayUnavailable, UnknownOutcome):
            continue
        break
    assert (captured.status, captured.captured_fen) == (Status.SUCCEEDED, 1_250_00)
    treasury.fine_weather()
    treasury.arm(fault, count=count, seconds=0)
    ids = set()
    for _ in range(4):
        try:
            ids.add(gateway.refund(made.id, key="refund:1", amount_fen=50_00, reverse_transfer=True).id)
        except (GatewayUnavailable, UnknownOutcome):
            continue
    assert len(ids) == 1
    assert treasury.totals() == {DESTINATION: 1_200_00}


def test_an_error_after_the_charge_is_replayed_for_ever_but_the_payment_is_found(
    gateway: StripeGateway, authorise: Authorise, treasury: Simulator
) -> None:
    treasury.arm(Fault.ERROR_AFTER)
    ids = {authorise().id for _ in range(3)}
    assert len(ids) == 1
    assert [intent["id"] for intent in treasury.waiting()] == [*ids]


def test_an_error_after_a_decline_is_the_same_refusal(authorise: Authorise, treasury: Simulator) -> None:
    treasury.arm(Fault.TRUNCATED, count=3)
    with pytest.raises(GatewayRefused) as refused:
        authorise(payment_method="pm_card_chargeDeclined")
    assert refused.value.provider_code == "card_declined"
    assert refused.value.payment_id is not None


def test_a_refusal_is_replayed_under_the_same_key_and_a_new_key_is_a_new_attempt(authorise: Authorise, treasury: Simulator) -> None:
    treasury.arm(Fault.REFUSED)
    for _ in range(2):
        with pytest.raises(GatewayRefused):
            authorise()
    assert treasury.waiting() == []
    assert authorise(key="second attempt").status is Status.REQUIRES_CAPTURE


def test_an_outcome_that_nothing_tells_of_stays_unknown_and_is_resolved_by_the_same_key(authorise: Authorise, treasury: Simulator) -> None:
    treasury.arm(Fault.DROP_BEFORE, count=3)
    treasury.arm(Fault.DROP_BEFORE, count=99, route="GET /")
    with pytest.raises(UnknownOutcome) as unknown:
        authorise()
    assert (unknown.value.key, unknown.value.reason) == ("PA261124-7K3M9Q-4:authorise:1", "connection_lost")
    treasury.fine_weather()
    assert authorise().status is Status.REQUIRES_CAPTURE
    assert len(treasury.waiting()) == 1


def test_a_reader_is_not_disturbed_by_a_broken_answer(gateway: StripeGateway, authorise: Authorise, treasury: Simulator) -> None:
    made = authorise()
    for fault in (Fault.GARBLED, Fault.TRUNCATED, Fault.BUSY, Fault.DROP_AFTER):
        treasury.arm(fault, route="GET /", seconds=0)
        assert gateway.get(made.id).id == made.id
    treasury.arm(Fault.GARBLED, count=3, route="GET /")
    with pytest.raises(GatewayUnavailable) as unavailable:
        gateway.get(made.id)
    assert unavailable.value.reason == "unreadable_answer"


def test_a_slow_answer_is_given_up_and_the_payment_is_found(tmp_path: Path) -> None:
    treasury = Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=None)
    treasury.arm(Fault.SLOW, count=2, seconds=0.4)
    with served(treasury) as url, client(url, attempts=2, timeout_s=0.2) as gateway:
        made = gateway.authorise(key="k", application="PA1", amount_fen=1, payment_method="pm_treasury")
    assert [intent["id"] for intent in treasury.waiting()] == [made.id]


def test_the_wait_the_gateway_asks_for_is_kept_up_to_our_own_limit(treasury: Simulator) -> None:
    treasury.arm(Fault.BUSY, seconds=3600)
    with client("http://treasury.test", httpx.WSGITransport(app=treasury)) as gateway:
        made = gateway.authorise(key="k", application="PA1", amount_fen=1, payment_method="pm_treasury")
    assert made.status is Status.REQUIRES_CAPTURE


def test_a_gateway_that_is_not_there_did_nothing() -> None:
    with client("http://127.0.0.1:9") as gateway, pytest.raises(GatewayUnavailable) as unavailable:
        gateway.authorise(key="k", application="PA1", amount_fen=1, payment_method="pm_treasury")
    assert unavailable.value.reason == "unreachable"


def test_the_breaker_opens_after_failures_and_closes_after_a_good_probe(treasury: Simulator) -> None:
    ticks = [0.0]
    breaker = Breaker(limit=2, rest_s=30, ticks=lambda: ticks[0])
    treasury.arm(Fault.DROP_BEFORE, count=2, route="GET /")
    with client("http://treasury.test", httpx.WSGITransport(app=treasury), attempts=1, breaker=breaker) as gateway:
        _opens_and_closes(gateway, breaker, ticks)


def _opens_and_closes(gateway: StripeGateway, breaker: Breaker, ticks: list[float]) -> None:
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            gateway.get("pi_1")
    assert breaker.open
    with pytest.raises(GatewayUnavailable) as held:
        gateway.get("pi_1")
    assert held.value.reason == "breaker_open"
    ticks[0] = 31.0
    with pytest.raises(GatewayRefused):
        gateway.get("pi_1")
    assert not breaker.open


def test_two_hundred_payments_in_bad_weather_agree_to_the_fen(gateway: StripeGateway, treasury: Simulator) -> None:
    treasury.weather(ANSWERS, rate=0.2, seed=7)
    expected = 0
    for number in range(200):
        place = partial(gateway.authorise, key=f"a{number}", application=f"PA{number}", amount_fen=100 + number)
        payment = _until_known(partial(place, payment_method="pm_treasury", destination=DESTINATION))
        _until_known(partial(gateway.capture, payment.id, key=f"c{number}"))
        expected += 100 + number
    assert treasury.totals() == {DESTINATION: expected}
    assert treasury.waiting() == []


def _until_known(call: Callable[[], Any]) -> Any:
    for _ in range(50):
        try:
            return call()
        except (GatewayUnavailable, UnknownOutcome):
            continue
    raise AssertionError("still unknown")


def test_the_same_key_from_many_threads_at_once_is_one_payment(authorise: Authorise, treasury: Simulator) -> None:
    treasury.weather(ANSWERS, rate=0.3, seed=3)
    with ThreadPoolExecutor(8) as pool:
        ids = {payment.id for payment in pool.map(lambda _: _until_known(authorise), range(24))}
    assert len(ids) == 1
    assert len(treasury.waiting()) == 1
