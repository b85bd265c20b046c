"""Our client against localstripe, a second treasury that keeps state and that nobody here wrote.

It has no transfers, search, idempotency keys or limit on refunds, so those are proved elsewhere.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from orders.payments.gateway import StripeGateway
from orders.payments.wire.answers import Status
from orders.payments.wire.call import GatewayRefused
from tests.orders.payments.conftest import client, running

pytestmark = pytest.mark.peer("localstripe")

SERVER = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(lambda port: [sys.executable, "-c", SERVER, str(port)]) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(url: str) -> Iterator[StripeGateway]:
    with client(url) as made:
        yield made


def card(url: str, number: str) -> str:
    """A payment method for that card number."""
    form = {"type": "card", "card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2030", "card[cvc]": "123"}
    answer = httpx.post(f"{url}/v1/payment_methods", data=form, headers={"Authorization": "Bearer sk_test_mall"})
    return str(answer.raise_for_status().json()["id"])


def test_a_card_payment_from_authorisation_to_refund(gateway: StripeGateway, url: str) -> None:
    made = gateway.authorise(key="k1", application="PA1", amount_fen=1_250_00, payment_method=card(url, "4242424242424242"))
    assert (made.status, made.captured_fen, made.application) == (Status.REQUIRES_CAPTURE, 0, "PA1")
    assert [payment.id for payment in gateway.find({"application": "PA1"})] == [made.id]
    taken = gateway.capture(made.id, key="k2")
    assert (taken.status, taken.captured_fen) == (Status.SUCCEEDED, 1_250_00)
    refund = gateway.refund(made.id, key="k3", amount_fen=250_00, metadata={"return": "R1"})
    assert (refund.payment_id, refund.amount_fen, refund.status) == (made.id, 250_00, "succeeded")
    assert [found.id for found in gateway.refunds(made.id)] == [refund.id]
    assert gateway.get(made.id).refunded_fen == 250_00


def test_an_authorised_payment_is_let_go(gateway: StripeGateway, url: str) -> None:
    made = gateway.authorise(key="k4", application="PA2", amount_fen=1_00, payment_method=card(url, "4242424242424242"))
    assert gateway.cancel(made.id, key="k5").status is Status.CANCELED
    assert gateway.get(made.id).status is Status.CANCELED


def test_a_declined_card_is_a_refusal(gateway: StripeGateway, url: str) -> None:
    with pytest.raises(GatewayRefused) as refused:
        gateway.authorise(key="k6", application="PA3", amount_fen=1_00, payment_method=card(url, "4000000000000341"))
    assert refused.value.provider_code == "card_declined"


def test_its_events_are_read(gateway: StripeGateway, url: str) -> None:
    made = gateway.authorise(key="k7", application="PA4", amount_fen=7_00, payment_method=card(url, "4242424242424242"))
    taken = gateway.capture(made.id, key="k8")
    since = taken.created_at - timedelta(minutes=5)  # it lists the oldest first, so nothing may be older than this
    told = [event.payment for event in gateway.events(since) if event.payment_id == made.id]
    assert [payment.captured_fen for payment in told if payment is not None] == [7_00]
