"""Webhooks of the simulated treasury, received by our own reader."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from orders.payments import webhook_signature
from orders.payments.gateway import StripeGateway
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import WEBHOOKS, Fault
from orders.payments.webhook_signature import BadSignature
from orders.payments.wire.answers import Event, Status, Unreadable
from tests.orders.payments.conftest import DESTINATION, SECRET, client


class Watch:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Inbox:
    """Our webhook endpoint: what it accepted, and what it refused and why."""

    def __init__(self, gateway: StripeGateway) -> None:
        self.gateway = gateway
        self.events: list[Event] = []
        self.refused: list[str] = []

    def __call__(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            self.events.append(self.gateway.parse_event(body, headers[webhook_signature.HEADER]))
        except BadSignature as refused:
            self.refused.append(refused.reason)
            return refused.status
        return 200

    @property
    def types(self) -> list[str]:
        return [event.type.removeprefix("payment_intent.") for event in self.events if event.payment]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def slow_treasury(tmp_path: Path, watch: Watch) -> Simulator:
    """A treasury that passes payments after ten seconds of the test's clock."""
    return Simulator(tmp_path / "t.db", webhook_secrets=[SECRET], treasury_delay_s=10, now=watch)


@pytest.fixture
def inbox(slow_treasury: Simulator, watch: Watch) -> Iterator[Inbox]:
    with client("http://treasury.test", httpx.WSGITransport(app=slow_treasury), now=watch) as gateway:
        yield Inbox(gateway)


@pytest.fixture
def payment_id(inbox: Inbox) -> str:
    return inbox.gateway.authorise(key="k", application="PA1", amount_fen=99_00, payment_method="pm_treasury", destination=DESTINATION).id


@pytest.fixture
def run(slow_treasury: Simulator, inbox: Inbox, watch: Watch) -> Callable[[float], None]:
    """Let the worker run for so many seconds, one delivery round a second."""

    def forward(seconds: float) -> None:
        for _ in range(int(seconds)):
            watch.forward(1)
            slow_treasury.deliver_due(inbox)

    return forward


def test_the_treasury_passes_the_payment_after_its_delay_and_tells_us(inbox: Inbox, payment_id: str, run: Any) -> None:
    run(9)
    assert inbox.types == ["created", "amount_capturable_updated"]
    run(2)
    assert inbox.types == ["created", "amount_capturable_updated", "succeeded"]
    told = inbox.events[-1].payment
    assert told is not None
    assert (told.id, told.status, told.captured_fen, told.application) == (payment_id, Status.SUCCEEDED, 99_00, "PA1")
    assert inbox.gateway.get(payment_id) == told


@pytest.mark.usefixtures("payment_id")
def test_a_refusal_of_the_treasury_arrives_as_a_cancelled_payment(inbox: Inbox, slow_treasury: Simulator, run: Any) -> None:
    slow_treasury.arm(Fault.TREASURY_REFUSES, reason="account_mismatch")
    run(12)
    told = inbox.events[-1].payment
    assert told is not None
    assert (told.status, told.failure, told.captured_fen) == (Status.CANCELED, "account_mismatch", 0)
    assert slow_treasury.totals() == {DESTINATION: 0}


def test_a_refund_is_told_with_the_payment_it_belongs_to(inbox: Inbox, payment_id: str, run: Any) -> None:
    run(12)
    inbox.gateway.refund(payment_id, key="r", amount_fen=9_00)
    run(1)
    told = next(event.refund for event in inbox.events if event.refund)
    assert (told.payment_id, told.amount_fen) == (payment_id, 9_00)
    assert {event.payment_id for event in inbox.events} == {payment_id}


@pytest.mark.parametrize("fault", [fault for fault in WEBHOOKS if fault is not Fault.WEBHOOK_LOST])
@pytest.mark.usefixtures("payment_id")
def test_a_disturbed_webhook_still_arrives_and_ranks_settle_the_order(
    inbox: Inbox, slow_treasury: Simulator, run: Any, fault: Fault
) -> None:
    slow_treasury.arm(fault, count=1)
    run(90)
    assert set(inbox.types) == {"created", "amount_capturable_updated", "succeeded"}
    assert max(event.payment.status.rank for event in inbox.events if event.payment) == Status.SUCCEEDED.rank
    assert len(inbox.events) - len({event.id for event in inbox.events}) == (fault is Fault.WEBHOOK_TWICE)
    expected = {Fault.WEBHOOK_BAD_SIGNATURE: ["no_match"], Fault.WEBHOOK_OLD_SIGNATURE: ["too_old"]}
    assert inbox.refused == expected.get(fault, [])
    assert (inbox.types[0] == "created") == (fault in (Fault.WEBHOOK_TWICE, Fault.WEBHOOK_TWO_SECRETS))


@pytest.mark.usefixtures("payment_id")
def test_a_lost_webhook_is_caught_up_from_the_list_of_events(inbox: Inbox, slow_treasury: Simulator, watch: Watch, run: Any) -> None:
    slow_treasury.arm(Fault.WEBHOOK_LOST, count=99)
    run(30)
    assert inbox.events == []
    caught_up = [event.type for event in inbox.gateway.events(watch() - timedelta(minutes=1)) if event.payment]
    assert caught_up[0] == "payment_intent.succeeded"


@pytest.mark.usefixtures("payment_id")
def test_a_webhook_nobody_answers_is_repeated_until_it_is_taken(inbox: Inbox, slow_treasury: Simulator, watch: Watch) -> None:
    for _ in range(5):
        watch.forward(1)
        assert slow_treasury.deliver_due(lambda body, headers: 0) == 0
    watch.forward(60)
    slow_treasury.deliver_due(inbox)
    assert {"created", "amount_capturable_updated"} <= set(inbox.types)


@pytest.mark.usefixtures("payment_id")
def test_two_workers_never_send_the_same_webhook_at_once(inbox: Inbox, slow_treasury: Simulator, watch: Watch) -> None:
    watch.forward(1)
    nested: list[int] = []

    def post(body: bytes, headers: dict[str, str]) -> int:
        nested.append(slow_treasury.deliver_due(inbox))
        return inbox(body, headers)

    assert slow_treasury.deliver_due(post) == 2
    assert nested == [0, 0]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"object":"event"}', b'{"object":"event","data":{}}', b"\xff\xfe"])
def test_a_signed_body_that_is_no_event_is_refused(inbox: Inbox, watch: Watch, body: bytes) -> None:
    header = webhook_signature.sign(body, [SECRET], at=int(watch().timestamp()))
    with pytest.raises(Unreadable):
        inbox.gateway.parse_event(body, header)


def test_two_processes_share_one_treasury(tmp_path: Path, slow_treasury: Simulator, payment_id: str, watch: Watch) -> None:
    neighbour = Simulator(tmp_path / "t.db", webhook_secrets=[SECRET], treasury_delay_s=None, now=watch)
    assert [intent["id"] for intent in neighbour.waiting()] == [payment_id]
    neighbour.pass_payment(payment_id)
    assert slow_treasury.waiting() == []
    assert slow_treasury.totals() == {DESTINATION: 99_00}
