"""What the supplier's administrator reads of orders at its own shop."""

import pytest

from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.policy import Role
from orders.dispatch import service
from orders.dispatch.rules import Answer
from tests import factories
from tests.catalog.connections.desk import DOOR, SEAL
from tests.orders import steps

ADMIN = Role.SUPPLIER_ADMIN


def test_a_refusal_of_the_shop_is_read_by_its_supplier_and_by_no_other(shop):
    from catalog.connections import service as connections

    with shop.session() as session:
        with commit(session):
            connections.connect(session, shop.world.actor(ADMIN), DOOR, SEAL, base_url="https://shop.example/api", client_id="a", secret="b", regions=())
        order = steps.approved(session, shop.world, {shop.world.laser: 1})
        with commit(session):
            service.begin(session, steps.fresh(session, order))
        with commit(session):
            service.note_trouble(session, order.id, "timeout")
        number = order.number
    with shop.session() as session, pytest.raises(Forbidden):
        service.again(session, shop.world.actor(Role.ORDER_CLERK), number)
    page = shop.visitor(ADMIN).text("/dispatches")
    assert number in page and "回答超时" in page
    assert shop.visitor(ADMIN).post(f"/dispatches/{number}/again", "/dispatches").status_code == 303
    with shop.session() as session, commit(session):
        service.learn(session, number, Answer(shop_code="price_changed", note="现价 1,399.00 元"))
    assert "现价 1,399.00 元" in shop.visitor(ADMIN).text("/dispatches")
    assert "现价 1,399.00 元" in shop.visitor(Role.BUYER).text(f"/orders/{number}")
    with shop.session() as session, commit(session):
        stranger = factories.world(session, region=factories.OTHER_CITY).actor(ADMIN)
    assert number not in shop.visitor(stranger).text("/dispatches")
    assert shop.visitor(stranger).post(f"/dispatches/{number}/again", "/webhooks").status_code == 404
