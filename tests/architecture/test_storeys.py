"""Supervision can be taken away without touching the trade."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.people.service import issue_token
from app.accounts.sessions import service as sessions
from app.config import Settings
from app.kernel.db import commit, make_engine
from app.kernel.outbox import Event
from app.policy import Permission, Role
from orders.purchases import queries as purchases
from orders.purchases.states import State
from orders.purchases.tables import Order
from tests import factories


@pytest.fixture
def unwatched(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    from app.web.extensions import db
    from wsgi import SHOP, create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url), storeys=(SHOP,))
    yield app
    app.extensions["mall.search"].close()
    with app.app_context():
        db.engine.dispose()


def test_the_shop_alone_has_no_route_rule_or_work_of_supervision(unwatched: Flask):
    views = {view.__module__.split(".")[0] for view in unwatched.view_functions.values()}
    worker = unwatched.extensions["mall.worker"]()
    assert views & {"catalog", "orders"} == {"catalog", "orders"} and "supervision" not in views
    assert {gate.__module__ for gate in unwatched.extensions["mall.gates"]} == {"orders.comparisons.rules"}
    work = {*(consumer.name for consumer in worker.consumers), *(timer.name for timer in worker.timers)}
    assert [name for name in work if name.startswith(("journal", "alerts", "disclosure", "dashboard"))] == []


def test_the_shop_alone_sells_and_leaves_the_same_event(unwatched: Flask, database_url: str):
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session, commit(session):
        world = factories.world(session)
        buyer = world.actor(Role.BUYER)
        _, secret = issue_token(session, buyer, name="test", scopes=[Permission.ORDER_SUBMIT], ttl=timedelta(minutes=10))
        cookie = sessions.open_for(session, buyer.person_id or 0)
    line = {"listing_id": world.laser.id, "quantity": 1, "seen_price_fen": 1_000_00, "plan_line_id": world.lines[0].id}
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "without-watch-0001"}
    answer = unwatched.test_client().post("/api/v1/submissions", json={"lines": [line]}, headers=headers)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    unwatched.extensions["mall.worker"]().drain()
    with Session(engine) as session:
        (order,) = session.scalars(select(Order))
        assert (order.state, order.total_fen) == (State.SUBMITTED, 1_000_00)
        assert list(session.scalars(select(Event.type).where(Event.stream == order.number))) == ["order.submitted"]
        assert "S02" not in {check.rule for check in purchases.decisions_of(session, order)}
        assert factories.figures(session, world.lines[0].control_id)[1] == 1_000_00
    browser = unwatched.test_client()
    browser.set_cookie("mall_session", cookie)
    places = ["/", "/search?q=打印机", f"/products/{world.laser.product_id}", "/cart", "/orders", f"/orders/{order.number}", "/workbench", "/plans"]
    assert {place: browser.get(place).status_code for place in places} == dict.fromkeys(places, 200)
    engine.dispose()
