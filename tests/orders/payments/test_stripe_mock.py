"""Our requests against stripe-mock, which checks every name and type by Stripe's own description and keeps no state."""

from collections.abc import Iterator

import pytest

from app.kernel import clock
from orders.payments.gateway import StripeGateway
from orders.payments.wire.call import GatewayRefused
from tests.orders.payments.conftest import DESTINATION, client, running
from tests.peers import PEERS

pytestmark = pytest.mark.peer("stripe-mock")


@pytest.fixture(scope="module")
def gateway() -> Iterator[StripeGateway]:
    program = PEERS["stripe-mock"].find()
    assert program is not None
    with running(lambda port: [program, "-http-addr", f"127.0.0.1:{port}"]) as url, client(url) as made:
        yield made


def test_every_request_of_ours_is_a_valid_one(gateway: StripeGateway) -> None:
    made = gateway.authorise(
        key="k1",
        application="PA1",
        amount_fen=1_250_00,
        payment_method="pm_card_visa",
        destination=DESTINATION,
        metadata={"unit": "河南省财政厅"},
    )
    assert made.id.startswith("pi_")
    assert gateway.capture(made.id, key="k2", amount_fen=1_000_00).id.startswith("pi_")
    assert gateway.cancel(made.id, key="k3").id.startswith("pi_")
    assert gateway.get(made.id).id == made.id
    assert gateway.refund(made.id, key="k4", amount_fen=1, reverse_transfer=True, metadata={"return": "R1"}).amount_fen > 0
    assert all(refund.id.startswith("re_") for refund in gateway.refunds(made.id))
    assert gateway.find({"application": "PA1"}) == []
    assert [event.id for event in gateway.events(clock.now())] == []


def test_a_wrong_type_would_be_noticed(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayRefused) as refused:
        gateway.authorise(key="k", application="PA1", amount_fen="many", payment_method="pm_card_visa")  # type: ignore[arg-type]
    assert "amount" in refused.value.provider_message
