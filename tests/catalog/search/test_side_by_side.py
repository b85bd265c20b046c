"""The comparison page says what one piece costs, just under the price, where a unit of sale is said to hold several."""

import json
from html import unescape

from app.kernel.db import commit
from app.policy import Role
from catalog.products.tables import Product
from tests import factories
from tests.catalog.conftest import Shop, shop

__all__ = ["shop"]


def test_a_sheet_of_paper_has_its_price_and_what_holds_one_piece_has_none(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        ream = factories.product(session, unit="包", attributes=json.dumps({"每包张数": "500 张"}))
        loose = factories.product(session, unit="张")
        ids = [factories.listing(session, shop.world.supplier, session.get_one(Product, each.id), price_fen=23_90).id for each in (ream, loose)]
    page = unescape(shop.browser(Role.BUYER).get(f"/compare?ids={ids[0]}&ids={ids[1]}").get_data(as_text=True))
    assert "折合单价" in page and "0.0478 元/张（500 张/包）" in page
    assert page.index("折合单价") < page.index("品目</th>")
    page = unescape(shop.browser(Role.BUYER).get(f"/compare?ids={ids[1]}&ids={shop.world.laser.id}").get_data(as_text=True))
    assert "折合单价" not in page
