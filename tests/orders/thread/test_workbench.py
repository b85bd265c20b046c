"""The workbench: what waits for whom, how old it is, where it leads; and the count in the head of every page."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.policy import Permission, Role
from catalog.listings.tables import Listing
from orders.assets import handlers as assets
from orders.plans import service as plans
from orders.plans.rules import ReturnReason
from orders.purchases.states import State
from orders.purchases.tables import Hold, Order
from orders.thread import desk, queries
from orders.thread.rules import Filters
from orders.thread.states import OF_ORDERS, WORKS, Kind
from tests import factories
from tests.orders import steps

UNIT = (Role.BUYER, Role.APPROVER, Role.ACCEPTOR, Role.FINANCE, Role.ASSET_MANAGER)


def waits(session, world, role):
    session.rollback()
    return {each.kind: each.count for each in desk.todo(session, world.actor(role))}


def head(session, actor):
    """What the head of every page says."""
    part = desk.todo_count(actor)
    return 0 if part is None else session.scalar(select(part))


def agree(session, world, role):
    """The list behind each number holds exactly that many orders, and the head counts all of them."""
    actor = world.actor(role)
    todo = desk.todo(session, actor)
    for each in todo:
        if each.kind in OF_ORDERS:
            page = queries.orders(session, actor, Filters(), only=desk.waiting(actor, each.kind))
            assert len(page.rows) == each.count
    assert head(session, actor) == sum(each.count for each in todo if each.kind is not Kind.STOCK)


@pytest.mark.both_databases
def test_the_work_goes_from_hand_to_hand_along_the_loop(session, world):
    laser = {world.laser: 2}
    order = steps.submitted(session, world, laser)
    assert waits(session, world, Role.APPROVER) == {Kind.APPROVE: 1}
    assert waits(session, world, Role.BUYER) == {} and waits(session, world, Role.ORDER_CLERK) == {}
    with commit(session):
        steps.purchase.move(session, world.actor(Role.APPROVER), steps.fresh(session, order), steps.Action.APPROVE)
    assert waits(session, world, Role.APPROVER) == {} and waits(session, world, Role.ORDER_CLERK) == {Kind.CONFIRM: 1}
    with commit(session):
        steps.contracts.confirm(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    assert waits(session, world, Role.ORDER_CLERK) == {Kind.SHIP: 1}
    steps.ship(session, world, order, 1)
    assert waits(session, world, Role.ORDER_CLERK) == {Kind.SHIP: 1} and waits(session, world, Role.ACCEPTOR) == {Kind.RECEIVE: 1}
    steps.receive(session, world, order)
    steps.ship(session, world, order)
    assert waits(session, world, Role.ORDER_CLERK) == {} and waits(session, world, Role.ACCEPTOR) == {Kind.RECEIVE: 1, Kind.ACCEPT: 1}
    agree(session, world, Role.ACCEPTOR)
    steps.receive(session, world, order)
    assert waits(session, world, Role.ACCEPTOR) == {Kind.ACCEPT: 1}
    steps.judge(session, world, order)
    assert waits(session, world, Role.ACCEPTOR) == {}
    assert waits(session, world, Role.ORDER_CLERK) == {Kind.INVOICE: 1, Kind.RATE: 1} and waits(session, world, Role.BUYER) == {Kind.RATE: 1}
    steps.invoice(session, world, order)
    assert waits(session, world, Role.FINANCE) == {Kind.PAY: 1}
    (pay,) = desk.todo(session, world.actor(Role.FINANCE))
    assert pay.first == order.number and pay.due_on is not None and pay.due_on > clock.today()
    agree(session, world, Role.FINANCE)
    steps.apply(session, world, order)
    assert waits(session, world, Role.FINANCE) == {}


@pytest.mark.both_databases
def test_a_held_order_waits_for_its_buyer_and_then_for_the_one_who_clears(session, world):
    order = steps.submitted(session, world, {world.laser: 1})
    with commit(session):
        session.execute(update(Order).where(Order.id == order.id).values(state=State.HELD))
        session.add(Hold(order_id=order.id, rule="B11"))
    assert waits(session, world, Role.BUYER) == {Kind.EXPLAIN: 1} and waits(session, world, Role.APPROVER) == {}
    with commit(session):
        session.execute(update(Hold).values(explanation="年度更新"))
    assert waits(session, world, Role.BUYER) == {} and waits(session, world, Role.APPROVER) == {Kind.CLEAR: 1}


@pytest.mark.both_databases
def test_ages_fall_into_three_bands_and_the_nearest_deadline_comes_first(session, world):
    made = [steps.submitted(session, world, {world.paper: 1}) for _ in range(4)]
    ages = (timedelta(hours=2), timedelta(days=2), timedelta(days=4), timedelta(days=9))
    with commit(session):
        for order, age in zip(made, ages, strict=True):
            values = {"state_since": clock.now() - age, "due_at": clock.now() + timedelta(days=20) - age}
            session.execute(update(Order).where(Order.id == order.id).values(**values))
    (todo,) = desk.todo(session, world.actor(Role.APPROVER))
    assert (todo.count, todo.fresh, todo.older, todo.late) == (4, 1, 1, 2)
    assert (todo.first, todo.with_whom) == (made[3].number, world.supplier.name)


@pytest.mark.both_databases
def test_nobody_is_asked_to_do_what_he_started(session, world):
    """A person with every post of the unit is left out of what separation of duties forbids him."""
    with commit(session):
        both = factories.actor(session, factories.person(session, world.unit, Role.BUYER, Role.APPROVER, Role.ACCEPTOR))
    order = steps.submitted(session, world, {world.laser: 1})
    assert [each.kind for each in desk.todo(session, both)] == [Kind.APPROVE]
    with commit(session):
        session.execute(update(Order).where(Order.id == order.id).values(buyer_id=both.person_id))
    assert desk.todo(session, both) == []


@pytest.mark.both_databases
def test_cards_plans_and_empty_shelves_are_work_too(session, world):
    steps.accepted(session, world, {world.laser: 1})
    steps.run(session, *assets.consumers(Settings()))
    assert waits(session, world, Role.ASSET_MANAGER) == {Kind.CARD: 1}
    assert waits(session, world, Role.PLAN_CLERK) == {Kind.CHECK_PLAN: 1}
    with commit(session):
        session.execute(update(Listing).where(Listing.id == world.paper.id).values(stock=0))
    assert waits(session, world, Role.LISTER) == {Kind.STOCK: 1}


@pytest.mark.both_databases
def test_a_plan_sent_back_waits_for_those_who_file(session, world):
    with commit(session):
        plans.send_back(session, world.actor(Role.PLAN_CLERK), world.plan, ReturnReason.WRONG_CATEGORY, "品目有误")
    assert waits(session, world, Role.FINANCE) == {Kind.PLAN: 1} and waits(session, world, Role.BUYER) == {Kind.PLAN: 1}
    assert waits(session, world, Role.PLAN_CLERK) == {} and waits(session, world, Role.APPROVER) == {}


@pytest.mark.both_databases
def test_other_units_work_is_not_there(session, world):
    steps.submitted(session, world, {world.laser: 1})
    with commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY)
    for role in (*UNIT, Role.ORDER_CLERK, Role.SUPERVISOR):
        assert desk.todo(session, stranger.actor(role)) == [] and head(session, stranger.actor(role)) == 0
    assert desk.expiring(session, stranger.actor(Role.SUPERVISOR), within=timedelta(days=9)) == []


@pytest.mark.both_databases
def test_what_runs_out_and_what_must_be_paid_are_listed_nearest_first(session, world):
    waiting = steps.submitted(session, world, {world.laser: 1})
    owed = steps.invoiced(session, world, {world.paper: 1})
    buyer = world.actor(Role.BUYER)
    assert [each.number for each in desk.expiring(session, buyer, within=timedelta(days=9))] == [waiting.number]
    assert desk.expiring(session, buyer, within=timedelta(0)) == [] and desk.payable(session, buyer) == []
    (pay,) = desk.payable(session, buyer, within=timedelta(days=90))
    assert (pay.number, pay.with_whom) == (owed.number, world.supplier.name)


@pytest.mark.both_databases
def test_the_year_adds_up_without_what_ended(session, world):
    steps.submitted(session, world, {world.laser: 2})
    ended = steps.submitted(session, world, {world.laser: 1})
    with commit(session):
        session.execute(update(Order).where(Order.id == ended.id).values(state=State.CANCELLED))
    today = clock.today()
    figures = desk.months(session, world.actor(Role.BUYER), today.year)
    assert figures[today.month - 1] == sum(figures) == 2_000_00 and len(figures) == 12
    assert sum(desk.months(session, world.actor(Role.BUYER), today.year - 1)) == 0


def test_one_statement_counts_all_work(session, world, asked):
    steps.submitted(session, world, {world.laser: 1})
    session.rollback()
    for role in (*UNIT, Role.ORDER_CLERK):
        with asked() as statements:
            head(session, world.actor(role))
        assert len(statements) == 1
    with asked() as statements:
        assert head(session, world.actor(Role.SUPERVISOR)) == 0
    assert statements == []


@pytest.mark.parametrize("role", [*UNIT, Role.UNIT_ADMIN, Role.ORDER_CLERK, Role.LISTER, Role.SUPERVISOR, Role.PLAN_CLERK, Role.DISCLOSURE_EDITOR])
def test_everybody_has_a_workbench(office, role):
    with office.session() as session:
        number = steps.approved(session, office.world, {office.world.laser: 1}).number
    page = office.browser(role).get("/workbench")
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "工作台" in text
    sees_orders = office.world.actor(role).may(Permission.ORDER_READ)
    assert (number in text) == sees_orders
    assert ("31002 办公设备购置" in text) == office.world.actor(role).is_unit
    if role is Role.ORDER_CLERK:
        assert "待确认订单" in text and 'href="/orders?todo=confirm"' in text


def test_the_head_counts_what_the_workbench_lists(office):
    with office.session() as session:
        for pieces in (1, 2):
            steps.submitted(session, office.world, {office.world.laser: pieces})
    approver = office.browser(Role.APPROVER)
    for address in ("/workbench", "/orders"):
        assert '待办<b class="pill">2</b>' in approver.get(address).get_data(as_text=True)
    assert '<b class="pill">' not in office.browser(Role.ACCEPTOR).get("/orders").get_data(as_text=True)


def test_the_api_tells_the_same(office):
    with office.session() as session:
        number = steps.approved(session, office.world, {office.world.laser: 1}).number
    body = office.api("GET", "/workbench", Role.ORDER_CLERK).get_json()
    assert body["total"] == 1
    (todo,) = body["todo"]
    assert (todo["kind"], todo["label"], todo["count"], todo["fresh"], todo["first"]) == ("confirm", WORKS[Kind.CONFIRM].label, 1, 1, number)
    assert body["states"] == [{"state": "placed", "name": "待供应商确认", "orders": 1, "total_fen": 1_000_00}]


def test_a_workbench_asks_as_much_for_many_orders_as_for_one(office):
    buyer = office.browser(Role.BUYER)
    asked = []
    for pieces in ({office.world.laser: 1}, *[{office.world.paper: n} for n in (1, 2, 3)]):
        with office.session() as session:
            steps.submitted(session, office.world, pieces)
        with office.counting() as statements:
            assert buyer.get("/workbench").status_code == 200
        asked.append(len(statements))
    assert len(set(asked)) == 1 and asked[0] <= 18, asked
