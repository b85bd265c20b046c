"""Traffic is bounded, leaves the tour's unit alone, keeps the books in order, and stops when it is told to; the clock moves deadlines."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel import clock
from app.kernel.db import make_engine
from app.kernel.outbox import Event
from orders.approvals.handlers import release_overdue
from orders.purchases.states import State
from orders.purchases.tables import Attempt, Order
from orders.thread.audit import audit
from supervision.training import traffic
from supervision.training.cli import length_of
from supervision.training.traffic import Traffic

pytestmark = pytest.mark.timeout(300)


def test_traffic_moves_orders_through_the_real_services_and_leaves_the_books_in_order(training_database: Settings, monkeypatch):
    engine = make_engine(training_database.database)
    business = Traffic(lambda: Session(engine), Random(5))
    business.begin()
    monkeypatch.setattr(traffic, "REFUSED_SHARE", 0.3)
    with Session(engine) as session:
        orders, attempts = session.scalar(select(func.max(Order.id))) or 0, session.scalar(select(func.count()).select_from(Attempt)) or 0
    for _ in range(20):
        business.buy()
        for _ in range(6):
            business.advance()
    assert business.sent > 5
    assert business.steps > 20
    with Session(engine) as session:
        assert audit(session) == []
        new = session.scalars(select(Order).where(Order.id > orders)).all()
        assert len(new) == business.sent
        assert (session.scalar(select(func.count()).select_from(Attempt)) or 0) - attempts == business.refused
        tour = session.scalar(select(Person.organisation_id).where(Person.login == "buyer.zz01"))
        assert tour not in {order.unit_id for order in new}
        assert max(order.total_fen for order in new) <= traffic.MOST_FEN
    engine.dispose()


def test_traffic_waits_when_enough_orders_are_open_or_the_switch_is_off(training_database: Settings, monkeypatch):
    engine = make_engine(training_database.database)
    business = Traffic(lambda: Session(engine), Random(5))
    business.begin()
    monkeypatch.setattr(traffic, "MOST_OPEN", 0)
    business.buy()
    assert business.sent == business.refused == 0
    monkeypatch.setattr(traffic, "MOST_OPEN", 10)
    traffic.switch(training_database.folder("")).touch()
    turns = iter([False] * 3 + [True])
    traffic.run(business, training_database.folder(""), 100.0, lambda: next(turns))
    assert business.sent == business.refused == 0
    engine.dispose()


def test_advancing_the_clock_lets_deadlines_run_out(training_database: Settings):
    engine = make_engine(training_database.database)
    with Session(engine) as session:
        waiting = session.scalar(select(func.count()).select_from(Order).where(Order.state == State.SUBMITTED)) or 0
        last = session.scalar(select(func.max(Event.id))) or 0
    assert waiting > 0
    clock.advance(length_of("5wd", clock.now()))
    while release_overdue(lambda: Session(engine)):
        pass
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Order).where(Order.state == State.SUBMITTED)) == 0
        lapsed = session.scalar(select(func.count()).select_from(Event).where(Event.id > last, Event.type == "order.lapsed")) or 0
        assert lapsed >= waiting
        assert audit(session) == []
    engine.dispose()


def test_steps_of_the_clock_are_hours_days_or_working_days():
    now = clock.now()
    assert length_of("2h", now) == timedelta(hours=2)
    assert length_of("3d", now) == timedelta(days=3)
    assert length_of("5wd", now) >= timedelta(days=7) - timedelta(days=2)
