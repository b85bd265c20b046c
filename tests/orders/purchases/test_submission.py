"""What an accepted submission leaves behind: one order per supplier, money and stock set aside, every check recorded."""

import threading

import pytest
from sqlalchemy.orm import Session

from app.accounts.people.tables import Person, Post
from app.kernel import clock
from app.kernel.db import commit
from app.policy import Actor, Role
from orders.approvals import service as approvals
from orders.approvals.rules import NotExplained, NotTheBuyer
from orders.budgets import audit
from orders.carts import service
from orders.purchases import queries, submission
from orders.purchases.rules import Facts, KeyReused, SamePerson, SubmissionRefused
from orders.purchases.states import State
from orders.purchases.tables import Attempt, Submission
from orders.purchases.verdicts import Outcome, RuleText, Verdict
from tests import factories
from tests.orders.till import Refused, Till, till

pytestmark = pytest.mark.both_databases


def test_two_suppliers_make_two_orders_of_one_submission(session: Session) -> None:
    shop = till(session)
    with commit(session):
        rival = factories.listing(session, factories.supplier(session), factories.product(session), price_fen=900_00)
    shop.put(shop.world.laser, 2)
    shop.put(rival, 3)
    made = shop.send()
    assert isinstance(made, list)
    orders = [shop.reload(number) for number in made]
    assert [(order.state, order.total_fen) for order in orders] == [(State.SUBMITTED, 2_000_00), (State.SUBMITTED, 2_700_00)]
    assert orders[0].submission_id == orders[1].submission_id
    assert shop.figures() == (45_300_00, 4_700_00, 0, 0, 0)
    assert factories.figures(session, shop.world.allotment.control_id) == (95_300_00, 4_700_00, 0, 0, 0)
    assert factories.control(session, shop.world.lines[0].control_id).ordered == 5
    assert [shop.events_of(order.number) for order in orders] == [["order.submitted"], ["order.submitted"]]
    assert audit.audit(session) == []


def test_every_check_is_recorded_and_reads_the_same_again(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    order = shop.order()
    records = queries.decisions_of(session, order)
    assert {record.rule for record in records} == {
        "B01",
        "B02",
        "B03",
        "B04",
        "B11",
        "P01",
        "P02",
        "P09",
        "P12",
        "SHELF",
        "PRICE",
        "STOCK",
        "K02",
    }
    assert {record.outcome for record in records} == {Outcome.PASS}
    money = [record for record in records if record.rule == "B02"]
    assert {(v.inputs["wanted_fen"], v.threshold["free_fen"]) for v in money} == {(1_000_00, 50_000_00), (1_000_00, 100_000_00)}


def test_sending_twice_under_one_key_makes_one_order(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    sending = shop.sending()
    first, second = shop.send(sending=sending), shop.send(sending=sending)
    assert first == second and isinstance(first, list) and len(first) == 1
    assert factories.how_many(session, Submission) == 1
    assert shop.figures() == (49_000_00, 1_000_00, 0, 0, 0)


def test_one_key_for_two_contents_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    shop.send("key-00000001")
    shop.put(shop.world.laser, 2)
    with pytest.raises(KeyReused):
        shop.send("key-00000001")
    assert shop.figures() == (49_000_00, 1_000_00, 0, 0, 0)


def test_a_key_that_was_refused_hides_no_other_attempt(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 51)
    refused = shop.send("key-00000001")
    assert isinstance(refused, Refused) and refused.refusal.attempt
    again = shop.send("key-00000001")
    assert isinstance(again, Refused) and again.refusal.attempt == refused.refusal.attempt
    shop.put(shop.world.laser, 1)
    with pytest.raises(KeyReused):
        shop.send("key-00000001")
    assert factories.how_many(session, Attempt) == 1


@pytest.mark.only_postgresql
def test_two_refusals_of_one_key_at_once_are_one_attempt(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 51)
    sending = shop.sending()
    with pytest.raises(SubmissionRefused) as refused, commit(session):
        service.send_off(session, shop.buyer, sending)
    numbers: list[str | None] = []

    def other() -> None:
        with Session(session.get_bind()) as mine, commit(mine):
            numbers.append(submission.record_attempt(mine, shop.buyer, refused.value, sending.wishes, key=sending.key))

    thread = threading.Thread(target=other)
    with commit(session):
        numbers.append(submission.record_attempt(session, shop.buyer, refused.value, sending.wishes, key=sending.key))
        thread.start()
        thread.join(1.0)  # it waits for us
    thread.join()
    assert len(numbers) == 2 and len(set(numbers)) == 1
    assert factories.how_many(session, Attempt) == 1


# ---------------------------------------------------------------- holds


def desktop(shop: Till) -> Till:
    """A desktop computer in the cart, on an allotment of class 30201, which may not pay for it."""
    session, world = shop.session, shop.world
    with commit(session):
        line = factories.budget_line(
            session, factories.allotment(session, world.unit, economic_class="30201"), category_code=factories.DESKTOP
        )
        (office,) = factories.plan_lines(session, factories.plan(session, world.actor(Role.FINANCE), line))
        computer = factories.listing(session, world.supplier, factories.product(session, factories.DESKTOP), price_fen=4_000_00)
        world.lines.append(office)
    shop.put(computer, 2, plan_line_id=office.id)
    return shop


def test_desktops_on_class_30201_are_held_and_go_on_when_explained_and_cleared(session: Session) -> None:
    shop = desktop(till(session))
    order = shop.order()
    assert order.state is State.HELD and [hold.rule for hold in queries.holds_of(session, order)] == ["B11"]
    assert shop.figures(-1) == (42_000_00, 8_000_00, 0, 0, 0)
    approver, buyer = shop.world.actor(Role.APPROVER), shop.buyer
    with pytest.raises(NotExplained), commit(session):
        approvals.clear(session, approver, order)
    with commit(session):
        approvals.explain(session, buyer, order, {"B11": "窗口新增两个工位，指标调剂已报"})
    with_both = both_roles(session, shop)
    with pytest.raises(SamePerson), commit(session):
        approvals.clear(session, with_both, shop.reload(order.number))
    with commit(session):
        approvals.clear(session, approver, shop.reload(order.number), "同意")
    order = shop.reload(order.number)
    (hold,) = queries.holds_of(session, order)
    assert (order.state, hold.explained_by, hold.cleared_by) == (State.SUBMITTED, buyer.person_id, approver.person_id)
    assert shop.figures(-1) == (42_000_00, 8_000_00, 0, 0, 0)
    assert shop.events_of(order.number) == ["order.submitted", "order.explained", "order.cleared"]


def test_a_hold_that_is_not_cleared_releases_everything(session: Session) -> None:
    shop = desktop(till(session))
    before = shop.picture()["stock"]
    order = shop.order()
    with pytest.raises(NotTheBuyer), commit(session):
        approvals.explain(session, shop.world.actor(Role.APPROVER), order, {"B11": "代为说明"})
    with commit(session):
        approvals.release(session, shop.world.actor(Role.APPROVER), shop.reload(order.number), "不属于办公费")
    assert shop.reload(order.number).state is State.REJECTED
    assert shop.figures(-1) == (50_000_00, 0, 0, 0, 0) and shop.picture()["stock"] == before
    assert audit.audit(session) == []


def test_a_rule_of_the_supervision_may_hold_through_the_gate(session: Session) -> None:
    words = RuleText(title="拆分", basis="实施条例第28条", sentence="%(total)s", way_out="请说明")

    def gate(facts: Facts) -> list[Verdict]:
        total = sum(past.amount_fen for past in facts.past) + sum(line.amount_fen for line in facts.lines)
        outcome = Outcome.HOLD if total >= 2_000_00 else Outcome.PASS
        return [Verdict(rule="S02", outcome=outcome, subject="unit", facts={"total_fen": total}, text=words)]

    shop = till(session)
    shop.put(shop.world.laser, 1)
    (first,) = shop.send("key-00000001", gates=[gate])  # type: ignore[misc]
    shop.put(shop.world.laser, 1)
    (second,) = shop.send("key-00000002", gates=[gate])  # type: ignore[misc]
    assert [shop.reload(str(number)).state for number in (first, second)] == [State.SUBMITTED, State.HELD]
    found = [queries.decisions_of(session, shop.reload(str(number))) for number in (first, second)]
    assert [check.outcome for checks in found for check in checks if check.rule == "S02"] == [Outcome.PASS, Outcome.HOLD]
    assert queries.findings_of(session, [shop.reload(str(number)).id for number in (first, second)]) == {shop.reload(str(second)).id: 1}


def both_roles(session: Session, shop: Till) -> Actor:
    """The buyer, who has meanwhile become an approver as well."""
    with commit(session):
        who = session.get_one(Person, shop.buyer.person_id)
        session.add(Post(person_id=who.id, role=Role.APPROVER, granted_by=None, granted_at=clock.now()))
        session.flush()
        return factories.actor(session, who)
