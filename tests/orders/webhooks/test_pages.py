"""The page 接口与回调: registering, the secret that is shown once, the log, sending again; and nobody else's."""

import re

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.policy import Role
from orders.webhooks import handlers
from orders.webhooks.rules import FOR_SUPPLIERS
from orders.webhooks.tables import WebhookDelivery, WebhookEndpoint
from tests import factories
from tests.orders.webhooks.receiver import receiver
from tests.orders.webhooks.test_notices import DOOR, SEAL

ADMIN = Role.SUPPLIER_ADMIN
URL = "https://hooks.example/mall"


def registered(shop, role=ADMIN, url=URL):
    """An endpoint made on the page; returns (id, the page with its secret)."""
    answer = shop.visitor(role).post("/webhooks", "/webhooks", url=url, types=["order.approved", "order.refused"])
    assert answer.status_code == 201, answer.get_data(as_text=True)
    with shop.session() as session:
        return session.scalars(select(WebhookEndpoint.id).order_by(WebhookEndpoint.id.desc())).first(), answer


def test_an_endpoint_is_registered_and_its_secret_is_shown_once(shop):
    endpoint_id, answer = registered(shop)
    text = answer.get_data(as_text=True)
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", text))
    assert answer.headers["Cache-Control"] == "no-store"
    with shop.session() as session:
        assert SEAL.open(session.get_one(WebhookEndpoint, endpoint_id).secret) == secret
    for page in ("/webhooks", f"/webhooks/{endpoint_id}"):
        assert "whsec_" not in shop.visitor(ADMIN).text(page)
    assert URL in shop.visitor(ADMIN).text("/webhooks")


def test_what_was_typed_survives_a_refusal_that_names_the_field(shop):
    answer = shop.visitor(ADMIN).post("/webhooks", "/webhooks", url="http://hooks.example/plain", types=["order.paid"])
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "只接受 https" in text and 'value="http://hooks.example/plain"' in text
    assert re.search(r'<input checked[^>]*value="order.paid"', text)
    with shop.session() as session:
        assert factories.how_many(session, WebhookEndpoint) == 0


def test_the_unit_is_offered_its_own_kinds_and_the_supplier_its_own(shop):
    assert 'value="order.submitted"' in shop.visitor(Role.UNIT_ADMIN).text("/webhooks")
    supplier = shop.visitor(ADMIN).text("/webhooks")
    assert 'value="order.submitted"' not in supplier and 'value="listing.repriced"' in supplier
    assert len(re.findall(r'name="types"', supplier)) == len(FOR_SUPPLIERS)


def test_a_test_event_is_sent_and_its_request_and_answer_are_in_the_log(shop):
    with receiver() as ours:
        with shop.session() as session, commit(session):
            from orders.webhooks import service

            made, ours.secret = service.add(session, shop.world.actor(ADMIN), DOOR, SEAL, url=ours.url, types=["order.approved"])
            endpoint_id = made.id
        page = f"/webhooks/{endpoint_id}"
        sent = shop.visitor(ADMIN).post(f"{page}/test", page)
        assert sent.status_code == 303
        where = sent.headers["Location"]
        assert "尚未尝试" in shop.visitor(ADMIN).text(where)
        assert handlers.send_due(shop.session, DOOR, SEAL) == 1
        assert [each["type"] for each in ours.heard()] == ["mall.test"]
        log = shop.visitor(ADMIN).text(where)
        assert "webhook-signature: v1," in log and "thanks" in log and "已送达" in log
        assert shop.visitor(ADMIN).post(where + "/resend", where).status_code == 303
        assert handlers.send_due(shop.session, DOOR, SEAL) == 1
        assert len({each["id"] for each in ours.heard()}) == 1 and len(ours.bodies) == 2


def test_switching_off_and_on_and_replacing_the_secret(shop):
    endpoint_id, first = registered(shop)
    page, admin = f"/webhooks/{endpoint_id}", shop.visitor(ADMIN)
    assert admin.post(f"{page}/off", page).status_code == 303
    assert "已停用" in admin.text(page)
    refused = admin.post(f"{page}/test", page)
    assert refused.status_code == 409
    assert admin.post(f"{page}/on", page).status_code == 303
    second = admin.post(f"{page}/rotate", page)
    assert second.status_code == 200
    found = [re.search(r"whsec_[A-Za-z0-9+/=]+", each.get_data(as_text=True)) for each in (first, second)]
    assert found[0] and found[1] and found[0][0] != found[1][0]
    with shop.session() as session:
        assert factories.how_many(session, WebhookDelivery) == 0


@pytest.mark.parametrize("role", [Role.SUPPLIER_ADMIN, Role.UNIT_ADMIN])
def test_of_others_nothing_is_seen_and_nothing_is_changed(shop, role):
    endpoint_id, _ = registered(shop)
    with shop.session() as session, commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY).actor(role)
    visitor = shop.visitor(stranger)
    assert URL not in visitor.text("/webhooks")
    assert visitor.get(f"/webhooks/{endpoint_id}").status_code == 404
    for command in ("", "/rotate", "/on", "/off", "/test"):
        answer = visitor.post(f"/webhooks/{endpoint_id}{command}", "/webhooks", url="https://evil.example/", types=["order.approved"])
        assert answer.status_code == 404, command
    with shop.session() as session:
        assert session.get_one(WebhookEndpoint, endpoint_id).url == URL


@pytest.mark.parametrize("role", [Role.LISTER, Role.ORDER_CLERK, Role.BUYER, Role.SUPERVISOR])
def test_whoever_does_not_administer_has_no_business_here(shop, role):
    assert shop.visitor(role).get("/webhooks").status_code == 403
