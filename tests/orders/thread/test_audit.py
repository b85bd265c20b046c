"""The audit finds what was changed behind the product's back, each fault under the number of its invariant."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from orders.approvals.handlers import release_overdue
from orders.budgets.tables import Control
from orders.purchases.states import State
from orders.purchases.tables import Order, Submission
from orders.thread.audit import audit, states_unchained
from tests.orders import steps
from tests.orders.steps import books_hold

pytestmark = pytest.mark.both_databases


def found(session):
    session.rollback()
    return [(finding.invariant, finding.subject) for finding in audit(session)]


def test_every_stage_of_the_loop_is_in_order(session, world):
    for stage in (steps.submitted, steps.approved, steps.confirmed, steps.delivered, steps.accepted, steps.invoiced):
        stage(session, world, {world.laser: 1, world.paper: 2})
    books_hold(session)


def test_a_state_changed_by_hand_is_found(session, world):
    number = steps.confirmed(session, world, {world.laser: 1}).number
    with commit(session):
        session.execute(update(Order).where(Order.number == number).values(state=State.ACCEPTED))
    assert (6, number) in found(session)


def test_a_step_that_began_elsewhere_is_found(session, world):
    order = steps.submitted(session, world, {world.laser: 1})
    number = order.number
    with commit(session):
        session.execute(update(Order).where(Order.number == number).values(state=State.PLACED))
    with commit(session):
        steps.contracts.confirm(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
    session.rollback()
    assert [(finding.invariant, finding.subject) for finding in states_unchained(session)] == [(6, f"{number}, version 2")]


def test_a_reservation_past_its_deadline_is_found_until_the_clock_releases_it(session, world):
    number = steps.submitted(session, world, {world.laser: 1}).number
    clock.advance(timedelta(days=10))
    assert found(session) == [(12, number)]
    engine = session.get_bind()
    session.rollback()
    assert release_overdue(lambda: type(session)(engine)) == 1
    books_hold(session)


def test_a_payment_without_an_acceptance_is_found(session, world):
    number = steps.confirmed(session, world, {world.laser: 1}).number
    with commit(session):
        session.execute(update(Order).where(Order.number == number).values(state=State.PAID))
    assert {(11, number), (6, number)} <= set(found(session))


def test_a_counter_changed_by_hand_is_found(session, world):
    steps.accepted(session, world, {world.laser: 2})
    with commit(session):
        session.execute(update(Control).where(Control.id == world.allotment.control_id).values(accrued_fen=1_999_99))
    assert {(2, f"control {world.allotment.control_id}"), (3, f"control {world.allotment.control_id}")} <= set(found(session))


def test_a_second_order_with_one_supplier_under_a_key_is_found(session, world):
    order = steps.submitted(session, world, {world.laser: 1})
    submission = session.get_one(Submission, order.submission_id).number
    other = steps.submitted(session, world, {world.laser: 1})
    emptied = session.get_one(Submission, other.submission_id).number
    with commit(session):
        session.execute(update(Order).where(Order.number == other.number).values(submission_id=order.submission_id))
    assert sorted(found(session)) == sorted([(7, f"submission {submission}"), (7, f"submission {emptied}")])
