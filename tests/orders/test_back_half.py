"""The back half of an order as people click it and as programs call it."""

import hashlib
import json
import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.worker import Worker
from app.policy import Role
from orders.assets import handlers as assets
from orders.assets.tables import AssetCard
from orders.contracts import handlers as contracts
from orders.contracts.tables import Contract
from orders.payments import handlers as payments
from orders.payments.gateway import gateway_for, simulator_for
from orders.payments.simulator.delivery import Post
from orders.payments.tables import GatewayNotice, Invoice
from orders.purchases.states import State
from orders.purchases.tables import Order
from orders.thread.audit import audit
from tests import factories
from tests.orders import steps
from tests.orders.visits import Shop


class Back:
    """The shop with an approved order of five printers."""

    def __init__(self, shop: Shop) -> None:
        self.app, self.engine, self.world = shop.app, shop.engine, shop.world
        self.session, self.visitor, self.caller = shop.session, shop.visitor, shop.caller
        with shop.session() as session:
            self.order = steps.approved(session, shop.world, {shop.world.laser: 5}).number


@pytest.fixture
def back(shop: Shop) -> Back:
    return Back(shop)


def work(shop: Back) -> None:
    """Let every consumer of the back half do what is due."""
    settings = shop.app.config["SETTINGS"]
    consumers = [each for room in (contracts, payments, assets) for each in room.consumers(settings)]
    Worker(lambda: Session(shop.engine), consumers, ()).drain()


def deliver(shop: Back, post: Post) -> None:
    simulator = simulator_for(shop.app.config["SETTINGS"])
    assert simulator
    simulator.treasury_delay_s = 0
    simulator.deliver_due(post)


def state(shop: Back) -> State:
    with shop.session() as session:
        return session.scalars(select(Order.state).where(Order.number == shop.order)).one()


def the(shop: Back, column):
    with shop.session() as session:
        return session.scalars(select(column)).first()


def test_the_back_half_by_pages(back):
    number, base = back.order, f"/orders/{back.order}"
    clerk, acceptor, finance, keeper, buyer = map(
        back.visitor, (Role.ORDER_CLERK, Role.ACCEPTOR, Role.FINANCE, Role.ASSET_MANAGER, Role.BUYER)
    )
    assert f"{base}/confirm" in clerk.text(base)
    assert "确认即成约" in clerk.text(f"{base}/confirm")
    assert clerk.post(f"{base}/refuse", f"{base}/confirm", note="不想卖").status_code == 422
    assert clerk.post(f"{base}/confirm", f"{base}/confirm").status_code == 303
    contract = the(back, Contract.number)
    with buyer.get(f"/contracts/{contract}.pdf") as pdf:
        assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf"), "nobody waits for the worker"
        assert pdf.data.startswith(b"%PDF-")
    work(back)
    page = buyer.text(f"/contracts/{contract}")
    assert the(back, Contract.sha256) in page and "伍仟元整" in page and hashlib.sha256(pdf.data).hexdigest() in page

    assert f"{base}/ship" in clerk.text(base)
    with back.session() as session:
        line = steps.lines(session, session.scalars(select(Order)).one())[0].id
    row = f"l{line}-"
    too_many = clerk.post(f"{base}/ship", f"{base}/ship", carrier="顺丰", tracking="SF1", **{f"{row}quantity": 6})
    assert too_many.status_code == 422 and "还可发 5" in too_many.get_data(as_text=True) and 'value="顺丰"' in too_many.get_data(as_text=True)
    assert clerk.post(f"{base}/ship", f"{base}/ship", carrier="顺丰", tracking="SF1", **{f"{row}quantity": 5}).status_code == 303
    parcel = re.search(r'name="shipment" value="([^"]+)"', acceptor.text(f"{base}/receive"))[1]
    assert acceptor.post(f"{base}/receive", f"{base}/receive", shipment=parcel).status_code == 303
    assert state(back) is State.DELIVERED

    assert f"{base}/accept" in acceptor.text(base) and f"{base}/accept" not in buyer.text(base)
    met = {f"{row}technical_ok": "y", f"{row}service_ok": "y", f"{row}safety_ok": "y"}
    no_reason = acceptor.post(f"{base}/accept", f"{base}/accept", **met, **{f"{row}accepted": 4, f"{row}returned": 1})
    assert no_reason.status_code == 422 and "请写明退回原因" in no_reason.get_data(as_text=True)
    unmet = acceptor.post(f"{base}/accept", f"{base}/accept", **{f"{row}accepted": 5})
    assert unmet.status_code == 422 and "不能计为合格" in unmet.get_data(as_text=True)
    done = acceptor.post(f"{base}/accept", f"{base}/accept", remarks="好", **met, **{f"{row}accepted": 4, f"{row}returned": 1, f"{row}reason": "漏粉"})
    assert done.status_code == 303 and "肆仟元整" in buyer.text(done.location)
    work(back)

    page = clerk.text(f"{base}/invoice")
    assert 'value="4000.00"' in page
    fields = {
        "kind": "digital", "colour": "blue", "number": "26412000000000000001", "amount_fen": "4000.00", "tax_fen": "460.18",
        "buyer_title": back.world.unit.name, "buyer_tax_number": back.world.unit.credit_code, "issued_on": "2026-01-01",
        "seller_tax_number": re.search(r'name="seller_tax_number"[^>]*value="([^"]+)"', page)[1],
    }
    wrong = clerk.post(f"{base}/invoice", f"{base}/invoice", **{**fields, "buyer_title": "别家"})
    assert wrong.status_code == 422 and "购买方应为" in wrong.get_data(as_text=True)
    assert clerk.post(f"{base}/invoice", f"{base}/invoice", **fields).status_code == 303

    listed = finance.text("/payments")
    assert number in listed and "4,000.00" in listed
    assert number not in finance.text("/payments?state=paid")
    assert "申请支付 4,000.00 元" in finance.text(f"{base}/payment")
    assert finance.post(f"{base}/payment", f"{base}/payment").status_code == 303
    work(back)
    assert "国库已受理" in finance.text(f"{base}/payment")

    def post(body, headers):
        return back.app.test_client().post("/payments/webhook", data=body, headers=headers).status_code

    deliver(back, post)
    assert state(back) is State.PAID
    assert "回单 ch_" in finance.text(f"{base}/payment")
    work(back)

    card = the(back, AssetCard.number)
    assert card in keeper.text("/assets?state=draft")
    assert keeper.post(f"/assets/{card}", f"/assets/{card}", keeper="", place="").status_code == 422
    assert keeper.post(f"/assets/{card}", f"/assets/{card}", keeper="张保管", place="301").status_code == 303
    assert "已登记" in keeper.text(f"/assets/{card}")
    assert state(back) is State.CLOSED

    assert buyer.post(f"{base}/rating", f"{base}/rating", score="2").status_code == 422
    assert buyer.post(f"{base}/rating", f"{base}/rating", score="4", words="可以").status_code == 303
    assert "4 分" in clerk.text(f"{base}/rating")
    with back.session() as session:
        assert audit(session) == []


def test_the_back_half_by_programs(back):
    base = f"/api/v1/orders/{back.order}"
    clerk, acceptor, finance, keeper, buyer = map(back.caller, (Role.ORDER_CLERK, Role.ACCEPTOR, Role.FINANCE, Role.ASSET_MANAGER, Role.BUYER))
    assert clerk("POST", f"{base}/refuse", json={"code": "whim"}).status_code == 422
    assert buyer("POST", f"{base}/confirm").status_code == 403
    made = clerk("POST", f"{base}/confirm")
    assert made.status_code == 201 and made.json["amount_fen"] == 5_000_00
    assert clerk("POST", f"{base}/confirm").json["code"] == "order.not_now"
    work(back)
    contract = buyer("GET", f"/api/v1/contracts/{made.json['number']}").json
    assert contract["sha256"] == made.json["sha256"] and len(contract["pdf_sha256"]) == 64
    document = buyer("GET", contract["pdf"])
    assert (document.status_code, document.mimetype) == (200, "application/pdf")
    assert hashlib.sha256(document.data).hexdigest() == contract["pdf_sha256"]
    assert [row["number"] for row in buyer("GET", "/api/v1/contracts").json["items"]] == [contract["number"]]
    assert clerk("POST", f"{base}/terminations", json={"reason": "停产"}).status_code == 201
    assert clerk("POST", f"{base}/terminations/agree").json["code"] == "contract.other_side_signs"
    assert buyer("DELETE", f"{base}/terminations").status_code == 200

    unknown = clerk("POST", f"{base}/shipments", json={"carrier": "顺丰", "tracking": "SF1", "version": 3, "lines": [{"line": 9, "quantity": 1}]})
    assert unknown.json["code"] == "delivery.unknown_line"
    send = {"carrier": "顺丰", "tracking": "SF1", "version": 3, "lines": [{"line": 1, "quantity": 5}]}
    parcel = clerk("POST", f"{base}/shipments", json=send)
    assert (parcel.status_code, parcel.json["lines"]) == (201, [{"line": 1, "quantity": 5}])
    assert acceptor("POST", f"{base}/receipts", json={"shipment": parcel.json["number"]}).json["state"] == "delivered"
    said = {"version": 5, "lines": [{"line": 1, "accepted": 5, "serials": ["A", "B", "C", "D", "E"]}]}
    record = acceptor("POST", f"{base}/acceptances", json=said)
    assert (record.status_code, record.json["accepted_fen"], record.json["kind"]) == (201, 5_000_00, "signed")
    work(back)

    with back.session() as session:
        seller = session.get_one(factories.Organisation, back.world.supplier.organisation_id).credit_code
    early = finance("POST", f"{base}/payment-applications")
    assert (early.status_code, early.json["code"]) == (409, "order.not_now")
    invoice = {
        "kind": "digital", "number": "26412000000000000002", "amount_fen": 5_000_00, "tax_fen": 0, "buyer_title": back.world.unit.name,
        "buyer_tax_number": back.world.unit.credit_code, "seller_tax_number": seller, "issued_on": "2026-01-01",
    }
    assert clerk("POST", f"{base}/invoices", json={**invoice, "number": "123456789"}).json["code"] == "invoice.bad_number"
    assert clerk("POST", f"{base}/invoices", json=invoice).json["net_fen"] == 5_000_00
    with back.session() as session:
        session.execute(Invoice.__table__.update().values(amount_fen=1_00))
        session.commit()
    refused = finance("POST", f"{base}/payment-applications")
    assert (refused.status_code, refused.json["code"]) == (422, "payment.checks_failed")
    assert [each["outcome"] for each in refused.json["verdicts"]] == ["pass", "pass", "block", "pass", "pass"]
    with back.session() as session:
        session.execute(Invoice.__table__.update().values(amount_fen=5_000_00))
        session.commit()
    applied = finance("POST", f"{base}/payment-applications")
    assert (applied.status_code, applied.json["state"]) == (201, "sent")
    work(back)
    application = finance("GET", f"/api/v1/payment-applications/{applied.json['number']}").json
    assert (application["state"], application["receipt_number"]) == ("passed", None)
    payment = finance("GET", f"{base}/payment").json
    assert payment["clock"]["days"] == 30 and payment["state"] == "paying"

    settings = back.app.config["SETTINGS"]
    sessions = lambda: Session(back.engine)
    deliver(back, payments.post_to(settings, sessions, gateway_for(settings)))
    assert [row["state"] for row in finance("GET", "/api/v1/payment-applications?state=paid").json["items"]] == ["paid"]
    work(back)
    cards = keeper("GET", "/api/v1/assets?state=draft").json["items"]
    assert [card["serial"] for card in cards] == ["E", "D", "C", "B", "A"]
    for card in cards:
        assert keeper("POST", f"/api/v1/assets/{card['number']}/store", json={"keeper": "张保管", "place": "301"}).json["state"] == "registered"
    assert state(back) is State.CLOSED
    assert clerk("POST", f"{base}/ratings", json={"score": 5}).status_code == 201
    assert [row["side"] for row in buyer("GET", f"{base}/ratings").json["items"]] == ["supplier"]
    assert clerk("GET", "/api/v1/assets").status_code == 403
    with back.session() as session:
        assert audit(session) == []


def test_foreign_orders_are_not_there(back):
    with back.session() as session, commit(session):
        others = factories.staff(session, factories.unit(session), factories.UNIT_ROLES)
    for role, address in (
        (Role.ACCEPTOR, "receive"), (Role.ACCEPTOR, "accept"), (Role.FINANCE, "payment"), (Role.BUYER, "rating"), (Role.BUYER, "terminate"),
    ):
        assert back.visitor(others[role]).get(f"/orders/{back.order}/{address}").status_code == 404, address
    assert back.caller(others[Role.FINANCE])("POST", f"/api/v1/orders/{back.order}/payment-applications").status_code == 404


def test_the_gateways_door_refuses_what_is_not_signed(back):
    client = back.app.test_client()
    answer = client.post("/payments/webhook", data=json.dumps({"id": "evt_1"}), headers={"Stripe-Signature": "t=1,v1=00"})
    assert (answer.status_code, answer.json["code"]) == (400, "payment.bad_signature")
    assert client.post("/payments/webhook", data=b"").status_code == 400
    with back.session() as session:
        assert factories.how_many(session, GatewayNotice) == 0
