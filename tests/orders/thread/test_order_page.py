"""One order: the spine, the six quantities, the money, the papers; what its supplier does not learn; how much is asked."""

import json
from dataclasses import asdict

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.outbox import Event
from app.policy import Role
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import PATH, State
from orders.thread import queries, rules
from orders.thread.rules import Pieces, Told
from tests import factories
from tests.orders import steps

NOTHING = Pieces(to_ship=0, to_receive=0, to_judge=0)


def partly(session, world):
    """Five ordered, three sent and arrived, two accepted and one sent back; returns the number."""
    order = steps.confirmed(session, world, {world.laser: 5})
    steps.ship(session, world, order, 3)
    steps.receive(session, world, order)
    steps.judge(session, world, order, (2, 1))
    return steps.fresh(session, order).number


@pytest.mark.both_databases
def test_the_spine_tells_every_event_and_the_steps_ahead(session, world):
    found = queries.thread(session, world.actor(Role.BUYER), partly(session, world))
    past = [step for step in found.steps if step.version]
    assert [step.version for step in past] == [1, 2, 3, 4, 5, 6]
    assert [step.title for step in past] == ["提交", "审批通过", "供应商确认，合同生效", "发货", "到货签收", "部分验收"]
    assert [step.who for step in past] == ["经办人", "审批人", "订单员", "订单员", "验收人", "验收人"]
    assert past[-1].state == "trouble" and past[-1].said == (("合格 %(accepted)s 件，退回 %(returned)s 件", {"accepted": 2, "returned": 1}),)
    now, *ahead = [step for step in found.steps if not step.version]
    assert (now.state, now.title) == ("now", "已发货") and ("供应商待发 %(n)s 件", {"n": 2}) in now.said
    assert [step.title for step in ahead] == ["验收", "开票", "支付申请", "国库支付", "资产登记与办结"]
    assert ahead[0].due == ("到货后 %(n)s 个工作日内", {"n": 5})


@pytest.mark.both_databases
def test_six_quantities_and_four_buckets_are_the_fold_of_the_moves(session, world):
    order = steps.invoiced(session, world, {world.laser: 2, world.paper: 3})
    found = queries.thread(session, world.actor(Role.FINANCE), order.number)
    laser, paper = found.lines
    assert (laser.ordered, laser.line.shipped, laser.line.delivered, laser.line.accepted, laser.line.returned, laser.paid) == (2, 2, 2, 2, 0, 0)
    assert (laser.plan, laser.plan_line_no, laser.allotment) == (world.plan.number, 1, world.allotment.number)
    assert (paper.economic_class, paper.amount_fen) == ("30201", 75_00)
    funds = {fund.allotment: (fund.reserved_fen, fund.committed_fen, fund.accrued_fen, fund.paid_fen) for fund in found.funds}
    assert funds == {world.allotment.number: (0, 0, 2_000_00, 0), world.office.number: (0, 0, 75_00, 0)}
    assert found.accepted_fen == 2_075_00 and found.clock is not None and found.contract is not None
    assert (len(found.shipments), len(found.acceptances), len(found.invoices)) == (1, 1, 1)
    steps.books_hold(session)


@pytest.mark.both_databases
def test_returned_pieces_leave_the_order_in_the_funds_too(session, world):
    found = queries.thread(session, world.actor(Role.BUYER), partly(session, world))
    (fund,) = found.funds
    assert (fund.reserved_fen, fund.committed_fen, fund.accrued_fen, fund.paid_fen) == (0, 2_000_00, 2_000_00, 0)


@pytest.mark.both_databases
def test_a_supplier_sees_neither_budget_nor_checks_nor_the_units_reasons(session, world):
    order = steps.submitted(session, world, {world.laser: 1})
    clerk = world.actor(Role.ORDER_CLERK)
    with pytest.raises(Missing):
        queries.thread(session, clerk, order.number)
    order = steps.approved(session, world, {world.laser: 1})
    found = queries.thread(session, clerk, order.number)
    assert (found.funds, found.decisions, found.holds) == ((), (), ())
    assert [step.said for step in found.steps if step.version] == [(), ()]
    assert [(link.label, link.primary) for link in found.actions] == [("确认订单", True)]
    inside = queries.thread(session, world.actor(Role.APPROVER), order.number)
    assert len(inside.decisions) > 5 and inside.steps[0].said == (("%(n)s 行，冻结 %(total)s 元", {"n": 1, "total_fen": 1_000_00}),)


def test_a_foreign_order_and_one_that_is_not_there_answer_alike(office):
    with office.session() as session:
        number = steps.submitted(session, office.world, {office.world.laser: 1}).number
        made = session.scalars(select(Event.body).where(Event.stream == number)).one()
        with commit(session):
            stranger = factories.world(session, region=factories.OTHER_CITY)
            login = stranger.actor(Role.BUYER).person_id
            person = session.get_one(_person(), login)
            person.login, person.password_hash = "stranger", _kept()
    sent_off = json.loads(made)["submission"]
    browser = office.browser()
    browser.sign_in("stranger")
    for address in (f"/orders/{number}", "/orders/DD261124-000000-0", f"/orders/submissions/{sent_off}"):
        assert browser.get(address).status_code == 404
    assert office.browser(Role.ORDER_CLERK).get(f"/orders/submissions/{sent_off}").status_code == 404


def _person():
    from app.accounts.people.tables import Person

    return Person


def _kept():
    from tests.app.accounts.conftest import KEPT

    return KEPT


def test_the_number_of_statements_does_not_grow_with_the_lines(office):
    world = office.world
    with office.session() as session:
        one = steps.accepted(session, world, {world.laser: 1}).number
        with commit(session):
            more = [factories.listing(session, world.supplier, factories.product(session), price_fen=100_00) for _ in range(12)]
        wishes = [
            Wish(listing_id=each.id, quantity=1, seen_price_fen=100_00, plan_line_id=world.lines[0].id, address_id=None) for each in more
        ]
        with commit(session):
            made = submission.submit(session, world.actor(Role.BUYER), wishes, key="key-of-many")
            many = made.orders[0].number
    buyer = office.browser(Role.BUYER)
    asked = {}
    with office.session() as session:
        for number in (one, many):
            with office.counting() as statements:
                assert buyer.get(f"/orders/{number}").status_code == 200
            asked[number] = len(statements)
            session.rollback()
    assert asked[many] <= asked[one] <= 32
    with office.counting() as statements:
        assert many in buyer.get("/orders").get_data(as_text=True)
    assert len(statements) <= 8


def test_the_page_shows_everything_once_and_draws_the_leaf_that_the_slot_gives(office):
    with office.session() as session:
        number = steps.invoiced(session, office.world, {office.world.laser: 2}).number
    office.app.extensions["mall.slots"].fill("order.leaf", lambda *, stream, version: f"[{stream}:{version}]")
    office.app.extensions["mall.slots"].fill("order.receipt", lambda *, order: f"<p>receipt {order.number}</p>")
    page = office.browser(Role.FINANCE).get(f"/orders/{number}").get_data(as_text=True)
    for version in range(1, 8):
        assert page.count(f"[{number}:{version}]") == 1
    for words in (f"receipt {number}", "¥2,000.00", "贰仟元整", "已开票，待支付", office.world.allotment.number, "付清", "项通过"):
        assert words in page, words
    assert page.count('class="btn pri"') <= 1


def test_a_submission_shows_its_orders_and_every_check(office):
    world = office.world
    with office.session() as session:
        with commit(session):
            seller = factories.supplier(session)
            other = factories.listing(session, seller, factories.product(session), price_fen=900_00)
        wishes = [
            Wish(listing_id=each.id, quantity=1, seen_price_fen=each.price_fen, plan_line_id=world.lines[0].id, address_id=None)
            for each in (world.laser, other)
        ]
        with commit(session):
            made = submission.submit(session, world.actor(Role.BUYER), wishes, key="key-of-two")
            number, orders = made.number, [order.number for order in made.orders]
    page = office.browser(Role.BUYER).get(f"/orders/submissions/{number}").get_data(as_text=True)
    assert all(order in page for order in orders) and len(orders) == 2
    assert "2 个订单，合计 1,900.00 元" in page and "额度已冻结" in page


def test_the_api_gives_the_order_with_its_parts(office):
    with office.session() as session:
        number = partly(session, office.world)
    body = office.api("GET", f"/orders/{number}", Role.BUYER).get_json()
    assert (body["state"], body["version"], body["total_fen"], body["accepted_fen"]) == ("shipped", 6, 5_000_00, 2_000_00)
    (line,) = body["lines"]
    assert [line[name] for name in ("ordered", "shipped", "delivered", "accepted", "returned", "paid")] == [5, 3, 3, 2, 1, 0]
    assert [step["version"] for step in body["spine"]][:7] == [1, 2, 3, 4, 5, 6, None]
    assert body["spine"][5]["said"] == ["合格 2 件，退回 1 件"]
    assert [paper["kind"] for paper in body["documents"]] == ["contract", "shipment", "acceptance"]
    assert {check["rule"] for check in body["decisions"]} >= {"B01", "B02", "P01", "P02"}
    outside = office.api("GET", f"/orders/{number}", Role.ORDER_CLERK).get_json()
    assert (outside["funds"], outside["decisions"], outside["lines"][0]["allotment"]) == ([], [], None)
    assert office.api("GET", "/orders/DD261124-000000-0", Role.BUYER).status_code == 404


# ---------------------------------------------------------------- pure


@pytest.mark.parametrize("state", [*PATH, State.HELD])
def test_every_open_state_waits_for_one_step_and_names_the_rest(state):
    steps_ = rules.steps_ahead(state, due_at=None, pieces=NOTHING, terms={"approve": (3, True), "confirm": (2, False)}, pay_by=None)
    if state is State.CLOSED:
        assert steps_ == []
        return
    assert [step.state for step in steps_] == ["now"] + ["todo"] * (len(steps_) - 1)
    titles = [step.title for step in steps_[1:]]
    assert titles == [rules._AHEAD[each] for each in (PATH[1:] if state is State.HELD else PATH[PATH.index(state) + 2 :])]
    if state is State.SUBMITTED:
        assert steps_[1].due == ("审批后 %(n)s 日内", {"n": 2})


@pytest.mark.parametrize("state", [State.REJECTED, State.REFUSED, State.LAPSED, State.CANCELLED, State.TERMINATED])
def test_an_ended_order_waits_for_nothing(state):
    assert rules.steps_ahead(state, due_at=None, pieces=NOTHING, terms={}, pay_by=None) == []


def test_a_deemed_acceptance_is_called_so_and_is_nobodys():
    told = Told(version=6, type="order.accepted", at=factories.moment(2026, 11, 24), by_system=True, body={"state": "accepted", "lines": []})
    step = rules.past_step(told, inside=True)
    assert (step.title, step.who, step.state) == ("逾期视同验收", "系统", "done")


def test_a_held_submission_names_its_rules_to_the_unit_only():
    body = {"state": "held", "lines": [{}], "total_fen": 5, "verdicts": [{"rule": "B11", "outcome": "hold"}, {"rule": "B01", "outcome": "pass"}]}
    told = Told(version=1, type="order.submitted", at=factories.moment(2026, 11, 24), by_system=False, body=body)
    assert rules.past_step(told, inside=True).said[1] == ("挂起：%(rules)s", {"rules": "B11"})
    assert rules.past_step(told, inside=False).said == () and rules.past_step(told, inside=False).state == "trouble"


def test_the_fold_of_moves_is_what_each_bucket_keeps():
    way = {"control_id": 1, "line_id": 9, "allotment": "ZB1", "economic_class": "31002"}
    free, reserved, committed, accrued, paid = steps.POOLS
    moves = [
        rules.Moved(source=source, target=target, amount_fen=fen, **way)
        for source, target, fen in [(free, reserved, 100), (reserved, committed, 90), (reserved, free, 10), (committed, accrued, 60), (accrued, paid, 60)]
    ]
    (fund,), by_line = rules.fold(moves)
    assert asdict(fund) == {
        "control_id": 1, "allotment": "ZB1", "economic_class": "31002", "reserved_fen": 0, "committed_fen": 30, "accrued_fen": 0, "paid_fen": 60,
    }  # fmt: skip
    assert by_line == {9: 60}
