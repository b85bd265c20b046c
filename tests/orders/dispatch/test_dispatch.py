"""Approved orders at the supplier's own shop: taken, refused for a price that moved, asked again under one tradeNO, cancelled, shipped."""

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.outbox import EventLease
from app.policy import SYSTEM, Role
from catalog.connections.states import Job
from catalog.suppliers import service as suppliers
from orders.contracts import service as contracts
from orders.deliveries.tables import Shipment
from orders.dispatch import handlers, service
from orders.dispatch.rules import Answer
from orders.dispatch.states import DispatchState
from orders.purchases import service as purchase
from orders.purchases.states import Action, State
from tests.catalog.connections.desk import LINE
from tests.orders import steps

CREATE, CONFIRM, CANCEL = "/createOrder", "/confirmOrder", "/cancelOrder"


@pytest.mark.both_databases
def test_an_order_that_the_shop_takes_is_a_contract(counter):
    order = counter.approved(2)
    assert counter.send() == 1
    there = counter.shop.orders[order.number]
    assert there["body"]["lines"] == [{"skuId": "P-1", "num": 2, "price": "1299.00"}]
    assert (there["body"]["tradeNO"], there["body"]["total"], there["body"]["payment"]) == (order.number, "2598.00", 2)
    assert there["body"]["address"] == {
        "province": "410000", "city": "410100", "county": "", "detail": steps.lines(counter.session, order)[0].place, "unit": counter.world.unit.name,
    }
    assert there["body"]["invoice"] == {"type": "vat_digital", "title": order.invoice_title, "taxNumber": order.invoice_tax_number}
    assert counter.order(order).state is State.CONFIRMED
    assert counter.types(order) == ["order.submitted", "order.approved", "order.confirmed"]
    row = counter.dispatch(order)
    assert (row.state, row.trade_no, row.shop_order) == (DispatchState.TAKEN, order.number, "SO000001")
    assert counter.tell() == 1
    assert (counter.dispatch(order).state, counter.shop.orders[order.number]["state"]) == (DispatchState.CONFIRMED, "confirmed")
    assert counter.tell() == 0
    steps.books_hold(counter.session)


@pytest.mark.both_databases
def test_a_price_that_moved_is_a_refusal_with_its_reason_and_nothing_is_left_half_done(counter, figures):
    stock, free = counter.listing("P-1").stock, figures()
    order = counter.approved(2)
    counter.shop.items["P-1"].price = "1399.00"
    assert counter.send() == 1
    assert counter.shop.orders == {}
    after = counter.order(order)
    assert after.state is State.REFUSED
    assert (figures(), counter.listing("P-1").stock) == (free, stock)
    row = counter.dispatch(order)
    assert (row.state, row.trouble) == (DispatchState.REFUSED, "price_changed")
    assert row.note == "供应商商城系统拒单（价格已变动）：货号 P-1 订单价 1,299.00 元，现价 1,399.00 元。"
    steps.books_hold(counter.session)
    from catalog.connections import handlers as following

    assert following.follow(counter.sessions, LINE, Job.PRICE) == 1  # the mall asks for prices at once
    assert counter.listing("P-1").price_fen == 1_399_00
    assert counter.tell() == 0 and counter.shop.calls[CANCEL] == 0


def test_both_sides_read_the_reason_of_the_refusal(counter):
    from orders.thread import queries as thread

    order = counter.approved(1)
    counter.shop.items["P-1"].price = "1399.00"
    counter.send()
    for role in (Role.BUYER, Role.ORDER_CLERK):
        steps_shown = thread.thread(counter.session, counter.world.actor(role), order.number).steps
        (refused,) = [each for each in steps_shown if each.type == "order.refused"]
        assert refused.note and "现价 1,399.00 元" in refused.note


@pytest.mark.parametrize(("change", "code"), [
    (lambda shop: setattr(shop.items["P-1"], "on_shelf", False), "out_of_stock"),
    (lambda shop: shop.items["P-1"].stock.update({"": 1}), "out_of_stock"),
    (lambda shop: shop.items.pop("P-1"), "out_of_stock"),
])  # fmt: skip
def test_what_the_shop_cannot_send_is_a_refusal_too(counter, change, code):
    import json

    from app.kernel.outbox import Event

    order = counter.approved(2)
    change(counter.shop)
    counter.send()
    assert counter.order(order).state is State.REFUSED
    fact = counter.session.scalars(select(Event).where(Event.stream == order.number, Event.type == "order.refused")).one()
    assert json.loads(fact.body)["details"]["code"] == code


def test_the_shop_refuses_a_total_that_is_not_the_sum(counter):
    """The shop's own check, tried directly: our own orders always add up."""
    from catalog.connections.rules import ShopRefused, order_body

    order = counter.approved(1)
    from orders.dispatch import queries

    told = order_body(queries.pushed(counter.session, order)) | {"total": "1.00"}
    with LINE.to(counter.sessions, order.supplier_id) as shop, pytest.raises(ShopRefused) as refused:
        shop._read(CREATE, told, lambda found: found)
    assert refused.value.shop_code == "total_mismatch" and counter.shop.orders == {}


# ---------------------------------------------------------------- one tradeNO, one order


@pytest.mark.both_databases
def test_a_line_that_was_cut_after_the_shop_had_taken_the_order_leaves_one_order(counter):
    order = counter.approved(2)
    counter.shop.faults = {CREATE: ["cut_after"] * 4}
    assert counter.send() == 0  # three tries in one call, all cut
    assert counter.order(order).state is State.PLACED
    row = counter.dispatch(order)
    assert (row.state, row.trouble, row.attempts) == (DispatchState.SENT, "connection_lost", 1)
    assert list(counter.shop.orders) == [order.number]
    assert counter.send() == 1
    assert counter.shop.calls[CREATE] == 5
    assert [each["orderId"] for each in counter.shop.orders.values()] == ["SO000001"]
    assert (counter.dispatch(order).shop_order, counter.order(order).state) == ("SO000001", State.CONFIRMED)
    steps.books_hold(counter.session)


def test_a_repeated_tradeno_is_answered_with_the_same_order(counter):
    from orders.dispatch import queries

    order = counter.approved(1)
    pushed = queries.pushed(counter.session, order)
    with LINE.to(counter.sessions, order.supplier_id) as shop:
        assert [shop.create_order(pushed) for _ in range(3)] == ["SO000001"] * 3
    assert len(counter.shop.orders) == 1
    counter.send()
    assert counter.dispatch(order).shop_order == "SO000001" and len(counter.shop.orders) == 1


def test_a_worker_that_dies_after_the_call_leaves_one_order(counter):
    order = counter.approved(1)
    consumer = handlers.sender(LINE)
    counter.session.rollback()
    from app.kernel.outbox import Event

    event = counter.session.scalars(select(Event).where(Event.stream == order.number, Event.type == "order.approved")).one()
    with counter.sessions() as session:
        consumer.outside(session, [event])  # the answer is lost with the worker
    assert counter.dispatch(order).state is DispatchState.SENT
    assert counter.send() == 1
    assert len(counter.shop.orders) == 1 and counter.order(order).state is State.CONFIRMED


@pytest.mark.parametrize(("fault", "trouble"), [("500", "http_500"), ("nonsense", "unreadable_answer"), ("redirect", "http_302"), ("cut_before", "connection_lost")])
def test_while_the_shop_is_in_trouble_the_order_waits_and_then_goes_out(counter, fault, trouble):
    order = counter.approved(1)
    counter.shop.faults = {CREATE: [fault] * 6}
    assert counter.send(2) == 0
    assert (counter.dispatch(order).trouble, counter.order(order).state, counter.shop.orders) == (trouble, State.PLACED, {})
    assert counter.send() == 1
    assert counter.order(order).state is State.CONFIRMED and len(counter.shop.orders) == 1


def test_one_order_in_trouble_keeps_no_other_waiting(counter):
    first, second = counter.approved(1), counter.approved(1)
    counter.shop.faults = {CREATE: ["500"] * 3}
    assert steps.run_once(counter.session, handlers.sender(LINE)) == 0
    assert steps.run_once(counter.session, handlers.sender(LINE)) == 1
    assert (counter.order(first).state, counter.order(second).state) == (State.PLACED, State.CONFIRMED)
    assert len(counter.session.scalars(select(EventLease)).all()) == 1


# ---------------------------------------------------------------- the order ends


def test_an_order_withdrawn_before_it_went_out_never_reaches_the_shop(counter):
    order = counter.approved(1)
    _withdraw(counter, order)
    assert counter.send() == 1
    assert counter.tell() == 0
    assert counter.dispatch(order) is None and counter.shop.calls[CREATE] == 0


def test_an_order_withdrawn_while_its_fate_at_the_shop_is_unknown_is_cancelled_there(counter):
    order = counter.approved(1)
    counter.shop.faults = {CREATE: ["cut_after"] * 3}
    counter.send()
    _withdraw(counter, order)
    assert counter.tell() == 1
    assert counter.shop.orders[order.number]["state"] == "cancelled"
    assert counter.send() == 1  # the event that waited finds that nothing is to be sent
    assert (counter.dispatch(order).state, counter.order(order).state) == (DispatchState.CANCELLED, State.CANCELLED)


def test_a_cancellation_that_overtakes_its_order_is_remembered_by_the_shop(counter):
    from orders.dispatch import queries

    order = counter.approved(1)
    pushed = queries.pushed(counter.session, order)
    counter.shop.faults = {CREATE: ["cut_before"] * 3}
    counter.send()
    _withdraw(counter, order)
    assert counter.tell() == 1
    with LINE.to(counter.sessions, order.supplier_id) as shop:
        from catalog.connections.rules import ShopRefused

        with pytest.raises(ShopRefused) as late:
            shop.create_order(pushed)
    assert (late.value.shop_code, counter.shop.orders) == ("cancelled", {})


def test_an_answer_that_comes_after_the_withdrawal_makes_no_contract_and_the_shop_is_told(counter):
    order = counter.approved(1)
    counter.session.rollback()
    with commit(counter.session):
        service.begin(counter.session, steps.fresh(counter.session, order))
    _withdraw(counter, order)
    counter.session.rollback()
    with commit(counter.session):
        service.learn(counter.session, order.number, Answer(shop_order="SO1"))
    assert (counter.dispatch(order).state, counter.order(order).state) == (DispatchState.CANCELLING, State.CANCELLED)
    counter.shop.faults = {CANCEL: ["500"] * 3}
    assert counter.tell() == 0
    assert (counter.dispatch(order).state, counter.dispatch(order).trouble) == (DispatchState.CANCELLING, "http_500")
    assert counter.tell() == 1
    assert counter.dispatch(order).state is DispatchState.CANCELLED


def test_a_suspended_supplier_gets_no_contract_by_its_shop_and_the_shop_is_told(counter):
    order = counter.approved(1)
    counter.session.rollback()
    with commit(counter.session):
        suppliers.suspend(counter.session, SYSTEM, counter.world.supplier.organisation_id, reason="核查")
    counter.send()
    row = counter.dispatch(order)
    assert (row.state, row.trouble, counter.order(order).state) == (DispatchState.CANCELLING, "contract.supplier_may_not_trade", State.PLACED)
    assert counter.tell() == 1
    assert counter.shop.orders[order.number]["state"] == "cancelled"


def test_a_clerk_who_confirmed_first_is_followed_by_the_shop(counter):
    order = counter.approved(1)
    counter.session.rollback()
    with commit(counter.session):
        contracts.confirm(counter.session, counter.world.actor(Role.ORDER_CLERK), steps.fresh(counter.session, order))
    assert counter.send() == 1
    assert counter.tell() == 1
    assert (counter.dispatch(order).state, counter.shop.orders[order.number]["state"]) == (DispatchState.CONFIRMED, "confirmed")
    assert counter.types(order).count("order.confirmed") == 1


# ---------------------------------------------------------------- what does not go to a shop


def test_goods_that_are_not_the_shops_stay_with_the_clerk(counter):
    order = steps.approved(counter.session, counter.world, {counter.world.laser: 1})
    mixed = steps.approved(counter.session, counter.world, {counter.world.laser: 1, counter.listing("P-1"): 1})
    assert counter.send(2) == 2
    assert counter.dispatch(order) is None and counter.dispatch(mixed) is None and counter.shop.orders == {}
    assert counter.order(order).state is State.PLACED


def test_a_shop_that_is_switched_off_is_not_called(counter):
    from catalog.connections import service as connections

    order = counter.approved(1)
    counter.session.rollback()
    with commit(counter.session):
        connections.switch(counter.session, counter.world.actor(Role.SUPPLIER_ADMIN), on=False)
    assert counter.send() == 1
    assert counter.dispatch(order) is None and counter.shop.calls[CREATE] == 0


# ---------------------------------------------------------------- parcels


@pytest.mark.both_databases
def test_the_shops_parcels_become_shipments_once_each(counter):
    order = counter.approved(3)
    counter.send()
    counter.tell()
    assert counter.track() == 0
    counter.shop.send(order.number, "B1", P_1=2)
    assert counter.track() == 1
    assert counter.track() == 0
    counter.shop.send(order.number, "B2", P_1=1)
    assert counter.track() == 1
    counter.session.rollback()
    parcels = counter.session.scalars(select(Shipment).where(Shipment.order_id == order.id).order_by(Shipment.id)).all()
    assert [(each.carrier, each.tracking) for each in parcels] == [("顺丰", "SFB1"), ("顺丰", "SFB2")]
    assert [line.shipped for line in steps.lines(counter.session, order)] == [3]
    assert counter.order(order).state is State.SHIPPED


def test_a_parcel_with_more_than_was_ordered_is_no_shipment_and_the_others_are(counter):
    order = counter.approved(2)
    counter.send()
    counter.tell()
    counter.shop.send(order.number, "B1", P_1=5)
    counter.shop.send(order.number, "B2", P_1=1)
    assert counter.track() == 1
    assert counter.dispatch(order).trouble == "delivery.too_many_shipped"
    assert [line.shipped for line in steps.lines(counter.session, order)] == [1]


def _withdraw(counter, order):
    counter.session.rollback()
    with commit(counter.session):
        fresh = steps.fresh(counter.session, order)
        purchase.move(counter.session, counter.world.actor(Role.BUYER), fresh, Action.WITHDRAW)
        purchase.release(counter.session, counter.world.actor(Role.BUYER), fresh)
