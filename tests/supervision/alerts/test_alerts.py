"""Alerts as they are raised, joined, owned and settled."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.kernel.workdays import add_workdays
from app.policy import Role
from orders.contracts import service as contracts
from orders.deliveries.handlers import deem_overdue
from orders.payments.handlers import starter
from orders.purchases import service as purchase
from orders.purchases import submission
from orders.purchases.states import Action, State
from orders.purchases.tables import Order
from supervision.alerts import queries, rules, service
from supervision.alerts.states import AlertState, Severity
from supervision.alerts.tables import Alert
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def finding(order="DD-1", key="S02:1:A020101:2026", **more):
    return rules.Finding(
        **{
            "rule": "S02",
            "key": key,
            "region": factories.CITY,
            "inputs": {"days": 30, "category": "A020101", "count": 2, "sum_fen": 300_000_00, "limit_fen": 300_000_00},
            "parameters": {"d": 30},
            "evidence": ({"number": order, "at": "2026-11-24T00:00:00+00:00", "amount_fen": 1, "supplier_id": None},),
            "amount_fen": 300_000_00,
        }
        | more
    )


def raised(session, **more):
    with commit(session):
        return service.raise_alert(session, finding(**more))


def alerts(session, rule=None):
    session.rollback()
    query = select(Alert).order_by(Alert.id).execution_options(populate_existing=True)
    return [each for each in session.scalars(query) if rule in (None, each.rule)]


def types(session, number):
    return list(session.scalars(select(Event.type).where(Event.stream == number).order_by(Event.version)))


def test_an_alert_has_number_colour_clock_and_event(watched):
    with watched.session() as session:
        alert = raised(session)
        assert (alert.severity, alert.state, alert.version) == (Severity.RED, AlertState.NEW, 1)
        assert alert.number.startswith("YJ")
        assert alert.due_at == clock.end_of_day(add_workdays(clock.today(), 1).on)
        assert types(session, alert.number) == ["alert.raised"]


def test_identical_inputs_raise_nothing_twice_and_new_evidence_joins(watched):
    with watched.session() as session:
        first = raised(session)
        assert raised(session) is None
        joined = raised(session, order="DD-2")
        assert (joined.id, joined.version) == (first.id, 2)
        assert [each["number"] for each in queries.evidence_of(joined)] == ["DD-1", "DD-2"]
        assert types(session, first.number) == ["alert.raised", "alert.hit"]
        assert len(alerts(session)) == 1


def test_after_a_conclusion_new_evidence_is_a_new_alert_and_old_evidence_none(watched):
    with watched.session() as session:
        first = raised(session)
        with commit(session):
            service.claim(session, watched.supervisor, session.get_one(Alert, first.id))
        with commit(session):
            service.dismiss(session, watched.supervisor, session.get_one(Alert, first.id), "lawful", "有批文")
        assert raised(session) is None
        assert raised(session, order="DD-2").id != first.id
        assert [each.state for each in alerts(session)] == [AlertState.DISMISSED, AlertState.NEW]


def test_a_deadline_is_alerted_once_for_ever(watched):
    with watched.session() as session:
        first = raised(session, key="T02:DD-1:2026-11-01", rule="T02", once=True)
        assert raised(session, key="T02:DD-1:2026-11-01", rule="T02", order="DD-2", once=True) is None
        assert first.severity is Severity.ORANGE


def test_one_owner_and_only_he_decides(watched):
    with watched.session() as session:
        number = raised(session).number

        def attempt(command, actor, *more):
            session.rollback()
            with commit(session):
                command(session, actor, queries.by_number(session, actor, number), *more)

        with pytest.raises(rules.NotOwner):
            attempt(service.close, watched.supervisor, "查过")
        attempt(service.claim, watched.supervisor)
        with pytest.raises(rules.Taken) as taken:
            attempt(service.claim, watched.colleague)
        assert taken.value.owner == watched.supervisor.name
        with pytest.raises(rules.NotOwner):
            attempt(service.dismiss, watched.colleague, "lawful")
        with pytest.raises(rules.UnknownDismissCode):
            attempt(service.dismiss, watched.supervisor, "because")
        with pytest.raises(rules.ConclusionMissing):
            attempt(service.close, watched.supervisor, " ")
        attempt(service.close, watched.supervisor, "已约谈，需求独立")
        with pytest.raises(rules.AlreadyHandled):
            attempt(service.dismiss, watched.supervisor, "lawful")
        (alert,) = alerts(session)
        assert (alert.state, alert.note, alert.version) == (AlertState.CLOSED, "已约谈，需求独立", 3)
        assert types(session, number) == ["alert.raised", "alert.claimed", "alert.closed"]


def test_a_superior_sees_but_does_not_act_and_another_city_sees_nothing(watched):
    with watched.session() as session:
        number = raised(session).number
        seen = queries.by_number(session, watched.province, number)
        with pytest.raises(rules.OtherRegion), commit(session):
            service.claim(session, watched.province, seen)
        with pytest.raises(Missing):
            queries.by_number(session, watched.other, number)
        assert queries.listing(session, watched.other).rows == []
        with pytest.raises(Forbidden), commit(session):
            service.claim(session, watched.auditor, queries.by_number(session, watched.auditor, number))
        with pytest.raises(rules.NothingToClaim), commit(session):
            service.claim_next(session, watched.province)
        assert alerts(session)[0].owner_id is None


def test_the_queue_puts_red_first_and_counts_its_parts(watched):
    with watched.session() as session:
        raised(session, key="T02:DD-1:x", rule="T02")
        red = raised(session, key="S02:2:A:2026")
        with commit(session):
            assert service.claim_next(session, watched.supervisor).number == red.number
        assert [row.alert.rule for row in queries.listing(session, watched.supervisor).rows] == ["S02", "T02"]
        counts = queries.counts(session, watched.supervisor)
        assert (counts["open"], counts["unowned"], counts["mine"], counts["late"]) == (2, 1, 1, 0)
        assert queries.waiting(session, watched.supervisor) == 2
        assert queries.waiting(session, watched.colleague) == 1


# ---------------------------------------------------------------- from the life of orders


def test_orders_that_together_reach_the_limit_are_held_and_alerted_once(watched, monkeypatch):
    world = watched.world
    with watched.session() as session:
        first = steps.submitted(session, world, {world.laser: 20})
        limit = 25_000_00
        monkeypatch.setattr("orders.purchases.queries.taxonomy.limit", _limits(limit))
        with commit(session):
            made = submission.submit(session, world.actor(Role.BUYER), [watched.wish(5)], key="k2", gates=[watched.gate(session)])
            order = session.get_one(Order, made.orders[0].id)
            number = order.number
        assert steps.fresh(session, order).state is State.HELD
        watched.work()
        (alert,) = alerts(session, "S02")
        assert {each["number"] for each in queries.evidence_of(alert)} == {first.number, number}
        assert (alert.amount_fen, alert.unit_id, alert.region) == (limit, world.unit.id, factories.CITY)
        watched.work()
        assert len(alerts(session, "S02")) == 1


def test_two_orders_at_the_same_moment_that_did_not_see_each_other_are_alerted(watched, monkeypatch):
    world = watched.world
    monkeypatch.setattr("orders.purchases.queries.taxonomy.limit", _limits(25_000_00))
    with watched.session() as session:  # neither meets the gate: each was judged before the other was committed
        first = steps.submitted(session, world, {world.laser: 20})
        watched.work()
        assert alerts(session, "S02") == []
        with commit(session):
            made = submission.submit(session, world.actor(Role.BUYER), [watched.wish(5)], key="k2")
            (number,) = (order.number for order in made.orders)
        watched.work()
        (alert,) = alerts(session, "S02")
        assert {each["number"] for each in queries.evidence_of(alert)} == {first.number, number}
        assert alert.amount_fen == 25_000_00


def _limits(mall_fen):
    from catalog.taxonomy import queries as taxonomy

    real = taxonomy.limit

    def limit(session, what, region, kind, on):
        found = real(session, what, region, kind, on)
        return found if what != "mall_ceiling" else type(found)(**(vars(found) | {"amount_fen": mall_fen}))

    return limit


def test_a_supplier_who_refuses_three_times_is_alerted_where_he_lives(watched):
    world = watched.world
    with watched.session() as session:
        for n in range(3):
            order = steps.approved(session, world, {world.laser: 1})
            session.rollback()
            with commit(session):
                contracts.refuse(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order), "out_of_stock")
            watched.work()
            assert len(alerts(session, "X03")) == (n == 2)
        (alert,) = alerts(session, "X03")
        assert (alert.supplier_id, alert.unit_id, len(queries.evidence_of(alert))) == (world.supplier.organisation_id, None, 3)


def test_withdrawing_after_approval_counts_and_before_it_does_not(watched):
    world = watched.world
    with watched.session() as session:
        for state in ("approved", "approved", "submitted", "approved"):
            order = getattr(steps, state)(session, world, {world.laser: 1})
            session.rollback()
            with commit(session):
                purchase.move(session, world.actor(Role.BUYER), steps.fresh(session, order), Action.WITHDRAW, note="不要了")
                purchase.release(session, world.actor(Role.BUYER), steps.fresh(session, order))
        watched.work()
        (alert,) = alerts(session, "X02")
        assert queries.inputs_of(alert)["count"] == 3


def test_late_delivery_and_late_payment_are_found_by_the_clock_once(watched):
    world = watched.world
    with watched.session() as session:
        waiting = steps.confirmed(session, world, {world.laser: 1})
        parted = steps.confirmed(session, world, {world.laser: 2})
        steps.ship(session, world, parted, 1)
        owed = steps.invoiced(session, world, {world.laser: 3})
        steps.run(session, starter())
        watched.work()
        assert alerts(session) == []
        clock.advance(timedelta(days=12))
        watched.work()
        assert sorted(each.order_number for each in alerts(session, "T02")) == sorted([waiting.number, parted.number])
        assert alerts(session, "T04") == []
        clock.advance(timedelta(days=60))
        watched.work()
        (alert,) = alerts(session, "T04")
        inputs = queries.inputs_of(alert)
        assert (alert.order_number, alert.amount_fen, alert.severity) == (owed.number, 3_000_00, Severity.RED)
        assert inputs["interest_fen"] == rules.interest_fen(3_000_00, inputs["late"], 5)
        watched.work()
        assert len(alerts(session, "T04")) == 1
        assert len(alerts(session, "T02")) == 2


def test_goods_deemed_accepted_are_alerted_once_with_the_day_they_were_due(watched):
    world = watched.world
    with watched.session() as session:
        order = steps.delivered(session, world, {world.laser: 3})
        due = clock.local(order.due_at).date()
        clock.advance(timedelta(days=2))
        steps.judge(session, world, order, (1, 0))  # a part is judged: the rest is due as before
        session.rollback()
        clock.advance(timedelta(days=12))
        watched.work()
        assert deem_overdue(watched.session) == 1
        watched.work()
        (alert,) = alerts(session, "T03")
        assert queries.inputs_of(alert)["due"] == due.isoformat()


def test_goods_sent_back_for_their_faults_are_not_cancelled_without_cause(watched):
    world = watched.world
    with watched.session() as session:
        for _ in range(3):
            order = steps.delivered(session, world, {world.laser: 1})
            session.rollback()
            steps.judge(session, world, order, (0, 1))
            assert steps.fresh(session, order).state is State.TERMINATED
        session.rollback()
        watched.work()
        assert alerts(session, "X02") == []


@pytest.mark.only_postgresql
def test_two_conclusions_at_once_are_one(watched):
    with watched.session() as session:
        number = raised(session).number
        with commit(session):
            service.claim(session, watched.supervisor, queries.by_number(session, watched.supervisor, number))
        with pytest.raises(rules.AlreadyHandled), commit(session):
            mine = queries.by_number(session, watched.supervisor, number)
            with watched.session() as other, commit(other):
                service.close(other, watched.supervisor, queries.by_number(other, watched.supervisor, number), "查过")
            service.dismiss(session, watched.supervisor, mine, "lawful")
        assert types(session, number) == ["alert.raised", "alert.claimed", "alert.closed"]
