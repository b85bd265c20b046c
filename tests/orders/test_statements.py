"""How many statements the way in of a submission takes, its guard included: a promise that is kept exactly."""

import re

import pytest
from sqlalchemy import event
from werkzeug.datastructures import MultiDict

from app.kernel.db import commit
from app.policy import Role
from tests import factories
from tests.orders.carts.test_pages import form_of
from tests.orders.visits import Shop

pytestmark = pytest.mark.both_databases

MOST = 14
"""Who it is; the key; desk, listings, plan lines, past orders; orders, lines, records, events; moves, stock, controls; cart."""


class Counter:
    """Counts SELECT and data-changing statements of the application's engine."""

    def __init__(self, shop: Shop) -> None:
        from app.web.extensions import db

        self.seen: list[str] = []
        with shop.app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if re.match(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b", statement):
            self.seen.append(statement)


def fill(shop: Shop) -> None:
    """Five lines of one supplier in the buyer's cart."""
    from orders.carts import service

    world = shop.world
    with shop.session() as session, commit(session):
        for _ in range(5):
            listing = factories.listing(session, world.supplier, factories.product(session), price_fen=100_00)
            service.add(session, world.actor(Role.BUYER), listing.id, 1)


def test_placing_an_order_of_five_lines_takes_fourteen_statements(shop: Shop) -> None:
    buyer = shop.visitor(Role.BUYER)
    fill(shop)
    fields = form_of(buyer.text("/checkout"))  # what is kept in memory (limits, periods) is warm now
    counter = Counter(shop)
    answer = buyer.client.post("/checkout", data=MultiDict(fields))
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/orders/submissions/TJ")
    assert len(counter.seen) == MOST, "\n".join(each.splitlines()[0][:120] for each in counter.seen)


def test_the_same_through_the_api_takes_fourteen(shop: Shop) -> None:
    call = shop.caller(Role.BUYER)
    fill(shop)
    items = call("GET", "/api/v1/cart/items").get_json()["items"]
    names = ("listing_id", "quantity", "seen_price_fen", "plan_line_id", "address_id")
    body = {"lines": [{name: item[name] for name in names} for item in items]}
    call("POST", "/api/v1/assessments", json=body)
    counter = Counter(shop)
    answer = call("POST", "/api/v1/submissions", json=body, headers={"Idempotency-Key": "statements-0001"})
    assert answer.status_code == 201, answer.get_json()
    assert len(counter.seen) == MOST, "\n".join(each.splitlines()[0][:120] for each in counter.seen)
