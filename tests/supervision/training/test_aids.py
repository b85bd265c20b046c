"""The pages of the buying aids and of a supplier's own systems are not empty when a newcomer opens them, and nothing of it calls anybody."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.web.extensions import db
from catalog.connections.states import ConnectionState
from catalog.connections.tables import ConnectedGood, Connection
from orders.comparisons.tables import Comparison
from orders.dispatch.states import DispatchState
from orders.dispatch.tables import Dispatch
from orders.favourites.tables import Awaited, Favourite, SavedSearch
from orders.purchases.tables import Order, Submission
from orders.reorders.tables import ReorderLine
from orders.webhooks import queries as webhooks
from orders.webhooks.states import DeliveryState, EndpointState
from orders.webhooks.tables import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.timeout(300)


def count(session: Session, table: Any) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_newcomer_finds_every_aid_in_use_and_nothing_leaves_the_machine(training_database: Settings) -> None:
    from wsgi import create_app

    app = create_app(training_database)
    with app.app_context():
        session = db.session()
        sheet = session.scalars(select(Comparison)).one()
        assert sheet.suppliers >= 2
        cited = select(Order).join(Submission, Submission.id == Order.submission_id).where(Submission.comparison == sheet.number)
        assert [order.unit_id for order in session.scalars(cited)] == [sheet.unit_id]
        assert (count(session, Favourite), count(session, Awaited), count(session, SavedSearch)) == (3, 1, 1)
        assert count(session, ReorderLine) == 4
        assert {each.state for each in session.scalars(select(WebhookEndpoint))} == {EndpointState.OFF}
        told = dict(session.execute(select(WebhookDelivery.state, func.count()).group_by(WebhookDelivery.state)).all())
        assert told == {DeliveryState.DELIVERED: 8, DeliveryState.GIVEN_UP: 2}
        assert webhooks.due(session, clock.now()) == []
        assert session.scalars(select(Connection.state)).one() is ConnectionState.OFF
        assert count(session, ConnectedGood) == 12
        refused = session.scalars(select(Dispatch).where(Dispatch.state == DispatchState.REFUSED)).one()
        assert refused.note is not None and "订单价" in refused.note and "现价" in refused.note
        db.engine.dispose()
    app.extensions["mall.search"].close()
