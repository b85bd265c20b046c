"""What is told, to whom, signed how, and what becomes of it when nobody takes it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook, WebhookVerificationError

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Role
from orders.contracts import service as contracts
from orders.webhooks import handlers, queries, rules, service
from orders.webhooks.rules import Outcome
from orders.webhooks.states import DeliveryState, EndpointState
from orders.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests import factories
from tests.orders import steps
from tests.orders.webhooks.receiver import receiver

pytestmark = pytest.mark.both_databases
SETTINGS = Settings(outgoing_loopback=True)
DOOR, SEAL = Door(loopback=True), Seal(SETTINGS.secret_key)
ADMIN = Role.SUPPLIER_ADMIN


def keep(session, actor, url, *types):
    """An endpoint of the actor's organisation; returns (id, secret)."""
    session.rollback()
    with commit(session):
        made, secret = service.add(session, actor, DOOR, SEAL, url=url, types=types)
        return made.id, secret


def told(session):
    """Write and send what is due."""
    session.rollback()
    engine = session.get_bind()
    steps.run(session, *handlers.consumers(SETTINGS))
    return handlers.send_due(lambda: Session(engine, expire_on_commit=False), DOOR, SEAL)


def rows(session, table=WebhookDelivery):
    session.rollback()
    return list(session.scalars(select(table).order_by(table.id)))


def test_the_supplier_hears_of_its_order_once_it_was_approved_and_the_reference_verifier_agrees(session, world):
    with receiver() as ours:
        _, ours.secret = keep(session, world.actor(ADMIN), ours.url, "order.approved", "order.confirmed")
        order = steps.confirmed(session, world, {world.laser: 2})
        assert told(session) == 2
        heard = ours.heard()
    assert [each["type"] for each in heard] == ["order.approved", "order.confirmed"]
    first = heard[0]
    assert first["specversion"] == "1.0" and first["subject"] == order.number and first["source"] == SETTINGS.address
    assert first["id"] == ours.headers[0]["webhook-id"]
    assert ours.headers[0]["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (first["data"]["order"], first["data"]["state"], first["data"]["previous"], first["data"]["total_fen"]) == (order.number, "placed", "submitted", 2_000_00)
    assert first["data"]["url"] == f"{SETTINGS.address}/api/v1/orders/{order.number}"
    assert {"buyer_id", "verdicts", "lines", "categories"} & set(first["data"]) == set()
    assert [row.state for row in rows(session)] == [DeliveryState.DELIVERED] * 2
    assert told(session) == 0


def test_a_changed_body_an_old_time_or_another_secret_is_not_verified(session, world):
    with receiver() as ours:
        _, secret = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        steps.approved(session, world, {world.laser: 1})
        told(session)
    body, headers = ours.bodies[0], ours.headers[0]
    assert Webhook(secret).verify(body, headers)["type"] == "order.approved"
    for spoiled, given in ((body.replace(b"placed", b"closed"), headers), (body, {**headers, "webhook-timestamp": "1700000000"}), (body, {**headers, "webhook-id": "msg_x"})):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(spoiled, given)
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.SECRET_PREFIX + "AAAA").verify(body, headers)


def test_before_approval_the_unit_hears_and_the_supplier_does_not(session, world):
    with receiver() as units, receiver() as sellers:
        _, units.secret = keep(session, world.actor(Role.UNIT_ADMIN), units.url, *rules.FOR_UNITS)
        _, sellers.secret = keep(session, world.actor(ADMIN), sellers.url, *rules.FOR_SUPPLIERS)
        steps.submitted(session, world, {world.laser: 1})
        told(session)
        assert [each["type"] for each in units.heard()] == ["order.submitted"]
        assert sellers.heard() == []


@pytest.mark.parametrize(("type_", "previous", "supplier_hears"), [
    ("order.submitted", None, False), ("order.cleared", "held", False), ("order.rejected", "submitted", False), ("order.approved", "submitted", True),
    ("order.withdrawn", "submitted", False), ("order.withdrawn", "held", False), ("order.withdrawn", "placed", True), ("order.lapsed", "submitted", False),
    ("order.lapsed", "placed", True), ("order.refused", "placed", True), ("order.paid", "paying", True),
])  # fmt: skip
def test_who_may_be_told_of_an_order(type_, previous, supplier_hears):
    assert rules.receivers(type_, {"unit_id": 1, "supplier_id": 2, "previous": previous}) == ((1, 2) if supplier_hears else (1,))


def test_a_foreign_supplier_and_a_foreign_unit_hear_nothing(session, world):
    with commit(session):
        other = factories.world(session, region=factories.OTHER_CITY)
    with receiver() as theirs:
        keep(session, other.actor(ADMIN), theirs.url, *rules.FOR_SUPPLIERS)
        keep(session, other.actor(Role.UNIT_ADMIN), theirs.url, *rules.FOR_UNITS)
        steps.confirmed(session, world, {world.laser: 1})
        told(session)
    assert theirs.bodies == [] and rows(session) == []


def test_a_notice_is_written_once_however_often_the_consumer_runs(session, world):
    keep(session, world.actor(ADMIN), "https://hooks.example/x", "order.approved")
    steps.approved(session, world, {world.laser: 1})
    events = [event for event in rows(session, Event) if event.type in rules.NAMES]
    for _ in range(3):
        session.rollback()
        with commit(session):
            service.write(session, events, SETTINGS.address)
    assert [row.type for row in rows(session)] == ["order.approved"]


def test_a_reason_for_a_refusal_is_told(session, world):
    with receiver() as ours:
        _, ours.secret = keep(session, world.actor(Role.UNIT_ADMIN), ours.url, "order.refused")
        order = steps.approved(session, world, {world.laser: 1})
        with commit(session):
            contracts.refuse(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "price_error", "现价 1,050.00 元")
        told(session)
        (heard,) = ours.heard()
    assert (heard["data"]["code"], heard["data"]["note"]) == ("price_error", "现价 1,050.00 元")


# ---------------------------------------------------------------- nobody takes it


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_is_not_taken_is_tried_again_with_the_same_id_and_the_same_bytes(session, world, late, status):
    with receiver(status=status) as ours:
        _, ours.secret = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        steps.approved(session, world, {world.laser: 1})
        assert told(session) == 1
        (row,) = rows(session)
        assert (row.state, row.attempts, row.next_at - clock.now() <= timedelta(seconds=5)) == (DeliveryState.WAITING, 1, True)
        assert told(session) == 0
        late(seconds=6)
        ours.status = 200
        assert told(session) == 1
        assert [each["id"] for each in ours.heard()] == [row.message_id] * 2
        assert ours.bodies[0] == ours.bodies[1]
    tries = rows(session, WebhookAttempt)
    assert [(each.no, each.status) for each in tries] == [(1, status), (2, 200)]
    assert tries[0].response.startswith(str(status)) and len(tries[0].response) == service.KEPT_CHARACTERS
    assert tries[0].request.startswith(f"POST {ours.url}\n") and "webhook-signature: v1," in tries[0].request
    assert rows(session)[0].state is DeliveryState.DELIVERED


def test_after_the_last_try_a_notice_is_given_up_and_can_be_sent_again_by_hand(session, world, late):
    with receiver(status=503) as ours:
        endpoint_id, ours.secret = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        steps.approved(session, world, {world.laser: 1})
        patience = queries.patience(session)
        assert patience.retry_s == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
        told(session)
        for pause in patience.retry_s:
            late(seconds=pause + 1)
            assert told(session) == 1
        (row,) = rows(session)
        assert (row.state, row.attempts) == (DeliveryState.GIVEN_UP, 10)
        assert session.get_one(WebhookEndpoint, endpoint_id).state is EndpointState.ACTIVE
        ours.status = 200
        session.rollback()
        with commit(session):
            delivery, endpoint = queries.delivery(session, world.actor(ADMIN), row.id)
            service.resend(session, world.actor(ADMIN), delivery, endpoint)
        assert told(session) == 1
        assert len({each["webhook-id"] for each in ours.headers}) == 1
    assert rows(session)[0].state is DeliveryState.DELIVERED


def test_an_endpoint_that_takes_nothing_for_five_days_is_switched_off_with_a_fact(session, world, late):
    with receiver(status=500) as ours:
        endpoint_id, _ = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        steps.approved(session, world, {world.laser: 1})
        told(session)
        late(hours=121)
        steps.approved(session, world, {world.laser: 1})
        told(session)
        session.rollback()
        assert session.get_one(WebhookEndpoint, endpoint_id).state is EndpointState.GIVEN_UP
        assert queries.given_up(session, world.actor(ADMIN)) == 1
        (fact,) = [event for event in rows(session, Event) if event.type == "webhook.given_up"]
        assert json.loads(fact.body)["url"] == ours.url and fact.owner_id == world.supplier.organisation_id
        sent = len(ours.bodies)
        late(days=2)
        steps.approved(session, world, {world.laser: 1})
        assert told(session) == 0 and len(ours.bodies) == sent
        ours.status = 200
        with commit(session):
            service.switch(session, world.actor(ADMIN), queries.by_id(session, world.actor(ADMIN), endpoint_id), on=True)
        assert told(session) == 2  # what waited goes out; what happened meanwhile was not written


def test_a_receiver_that_says_gone_is_switched_off_at_once(session, world):
    with receiver(status=410) as ours:
        endpoint_id, _ = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        steps.approved(session, world, {world.laser: 1})
        told(session)
    session.rollback()
    assert session.get_one(WebhookEndpoint, endpoint_id).state is EndpointState.GIVEN_UP


def test_one_failing_receiver_keeps_no_other_one_waiting(session, world):
    with receiver(status=500) as bad, receiver() as good:
        keep(session, world.actor(ADMIN), bad.url, "order.approved")
        _, good.secret = keep(session, world.actor(Role.UNIT_ADMIN), good.url, "order.approved")
        for _ in range(3):
            steps.approved(session, world, {world.laser: 1})
        told(session)
    assert len(good.heard()) == 3
    assert len(bad.bodies) == 1


def test_an_address_inside_is_never_called_and_the_log_says_why(session, world):
    with receiver() as inside:
        endpoint_id, _ = keep(session, world.actor(ADMIN), "https://hooks.example/x", "order.approved")
        steps.approved(session, world, {world.laser: 1})
        steps.run(session, *handlers.consumers(SETTINGS))
        engine, strict = session.get_bind(), Door(resolver=lambda _host, _port: ["127.0.0.1"])
        handlers.send_due(lambda: Session(engine, expire_on_commit=False), strict, SEAL)
    assert inside.bodies == []
    (attempt,) = rows(session, WebhookAttempt)
    assert (attempt.status, attempt.trouble) == (None, "outgoing.address_closed")


def test_two_workers_never_send_the_same_notice_at_once(session, world):
    keep(session, world.actor(ADMIN), "https://hooks.example/x", "order.approved")
    steps.approved(session, world, {world.laser: 1})
    steps.run(session, *handlers.consumers(SETTINGS))
    (row,) = rows(session)
    with commit(session):
        assert service.take(session, row.id) is not None
    with commit(session):
        assert service.take(session, row.id) is None
    with commit(session):
        service.settle(session, row.id, Outcome(200))
    with commit(session):
        assert service.take(session, row.id) is None


# ---------------------------------------------------------------- endpoints


def test_while_a_secret_is_replaced_both_sign_and_afterwards_only_the_new_one(session, world, late):
    with receiver() as ours:
        endpoint_id, old = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        with commit(session):
            new = service.rotate(session, world.actor(ADMIN), queries.by_id(session, world.actor(ADMIN), endpoint_id), SEAL)
        assert new != old
        steps.approved(session, world, {world.laser: 1})
        told(session)
        assert len(ours.heard(old)) == len(ours.heard(new)) == 1
        late(hours=25)
        steps.approved(session, world, {world.laser: 1})
        told(session)
        assert len(ours.heard(new)) == 2
        with pytest.raises(WebhookVerificationError):
            ours.heard(old)


def test_secrets_stand_neither_in_the_database_nor_in_events(session, world):
    _, secret = keep(session, world.actor(ADMIN), "https://hooks.example/x", "order.approved")
    (row,) = rows(session, WebhookEndpoint)
    assert secret not in row.secret and SEAL.open(row.secret) == secret
    assert all(secret[6:] not in event.body for event in rows(session, Event))


@pytest.mark.parametrize(("url", "types", "code"), [
    ("http://hooks.example/", ["order.approved"], "outgoing.bad_address"), ("https://10.0.0.1/", ["order.approved"], "outgoing.address_closed"),
    ("https://hooks.example/", [], "webhook.no_types"), ("https://hooks.example/", ["order.submitted"], "webhook.unknown_type"),
    ("https://hooks.example/", ["*"], "webhook.unknown_type"),
])  # fmt: skip
def test_an_endpoint_that_cannot_be_is_refused_and_nothing_is_kept(session, world, url, types, code):
    from app.kernel.errors import Refusal

    with pytest.raises(Refusal) as refused, commit(session):
        service.add(session, world.actor(ADMIN), DOOR, SEAL, url=url, types=types)
    assert refused.value.code == code
    assert rows(session, WebhookEndpoint) == []


def test_the_same_address_twice_and_an_eleventh_one_are_refused(session, world):
    admin = world.actor(ADMIN)
    for number in range(10):
        keep(session, admin, f"https://hooks.example/{number}", "order.approved")
    with pytest.raises(rules.TooManyEndpoints), commit(session):
        service.add(session, admin, DOOR, SEAL, url="https://hooks.example/more", types=["order.approved"])
    session.rollback()
    with pytest.raises(rules.AddressTaken), commit(session):
        service.change(session, admin, queries.visible(session, admin)[0], DOOR, url="https://hooks.example/1", types=["order.approved"])
    assert len(rows(session, WebhookEndpoint)) == 10


def test_what_waited_for_an_endpoint_that_was_switched_off_goes_out_as_soon_as_it_is_on_again(session, world):
    with receiver() as ours:
        endpoint_id, ours.secret = keep(session, world.actor(ADMIN), ours.url, "order.approved")
        ours.status = 500
        steps.approved(session, world, {world.laser: 1})
        assert told(session) == 1
        ours.status = 204
        for on in (False, True):
            session.rollback()
            with commit(session):
                service.switch(session, world.actor(ADMIN), session.get_one(WebhookEndpoint, endpoint_id), on=on)
        assert handlers.send_due(lambda: Session(session.get_bind(), expire_on_commit=False), DOOR, SEAL) == 1
    assert [each.state for each in rows(session)] == [DeliveryState.DELIVERED]
