"""How many statements the three busiest ways in take, guard and head of the page included: promises that are kept exactly.

Counted are SELECT and data-changing statements of a signed-in buyer's request; what is kept in memory (limits, names of
categories) is warm. The promise is at most 5 for the list, 6 for a product, 14 for an order of five lines.
"""

import pytest
from sqlalchemy import Engine
from werkzeug.datastructures import MultiDict

from app.kernel.db import commit
from app.policy import Permission, Role
from orders.carts import service as carts
from tests import factories
from tests.catalog.conftest import Shop, shop
from tests.orders.carts.test_pages import form_of
from tests.statements import count_statements

__all__ = ["shop"]
pytestmark = pytest.mark.both_databases

SEARCH = 4
"""Who it is; the offers found with their quartiles; the buyer's stars on them; cart, money and work of the head."""
PRODUCT = 5
"""Who it is; the offers; price history; the unit's plan lines; the head. Quartiles of the category when offers are few."""
ORDER = 14
"""Who it is; the key; desk, listings, plan lines, past orders; orders, lines, records, events; moves, stock, controls; cart."""


def engine_of(shop: Shop) -> Engine:
    """The engine that the application itself uses."""
    from app.web.extensions import db

    with shop.app.app_context():
        return db.engine


def fill(shop: Shop) -> None:
    """Five lines of one supplier in the buyer's cart."""
    world = shop.world
    with shop.session() as session, commit(session):
        for _ in range(5):
            listing = factories.listing(session, world.supplier, factories.product(session), price_fen=100_00)
            carts.add(session, world.actor(Role.BUYER), listing.id, 1)


def spelled(ran: list[str]) -> str:
    """The statements for a failure's message, one a line."""
    return "\n".join(" ".join(each.split())[:200] for each in ran)


@pytest.mark.parametrize(
    ("page", "offers", "promise"),
    [("/search?q=打印机", 6, SEARCH), ("/products/{product}", 6, PRODUCT), ("/products/{product}", 1, PRODUCT + 1)],
    ids=["search", "product", "product of few offers"],
)
def test_a_page_of_the_shop_takes_as_many_statements_as_promised(shop: Shop, page: str, offers: int, promise: int) -> None:
    shop.stock_shelf(others=offers - 1)
    shop.index()
    address, buyer = page.format(product=shop.world.laser.product_id), shop.browser(Role.BUYER)
    assert buyer.get(address).status_code == 200
    with count_statements(engine_of(shop)) as ran:
        answer = buyer.get(address)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and 'id="header-cart"' in text and 'class="hb"' in text
    assert len(ran) == promise, spelled(ran)


def test_the_list_takes_one_statement_from_whoever_is_not_signed_in(shop: Shop) -> None:
    shop.stock_shelf(others=5)
    shop.index()
    browser = shop.app.test_client()
    assert browser.get("/search?q=打印机").status_code == 200
    with count_statements(engine_of(shop)) as ran:
        page = browser.get("/search?q=打印机").get_data(as_text=True)
    assert "加入购物车" not in page and "登录后采购" in page
    assert len(ran) == 1, spelled(ran)


def test_placing_an_order_of_five_lines_takes_fourteen_statements(shop: Shop) -> None:
    buyer = shop.browser(Role.BUYER)
    fill(shop)
    fields = form_of(buyer.get("/checkout").get_data(as_text=True))
    with count_statements(engine_of(shop)) as ran:
        answer = buyer.client.post("/checkout", data=MultiDict(fields))
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/orders/submissions/TJ")
    assert len(ran) == ORDER, spelled(ran)


def test_the_same_through_the_api_takes_thirteen(shop: Shop) -> None:
    fill(shop)
    token = shop.token(Role.BUYER, scopes=[Permission.CART_USE, Permission.ORDER_SUBMIT])
    program = shop.app.test_client()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "statements-0001"}
    items = program.get("/api/v1/cart/items", headers=headers).get_json()["items"]
    names = ("listing_id", "quantity", "seen_price_fen", "plan_line_id", "address_id")
    body = {"lines": [{name: item[name] for name in names} for item in items]}
    program.post("/api/v1/assessments", json=body, headers=headers)
    with count_statements(engine_of(shop)) as ran:
        answer = program.post("/api/v1/submissions", json=body, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    assert len(ran) == ORDER - 1, spelled(ran)  # the lines need not lie in the cart
