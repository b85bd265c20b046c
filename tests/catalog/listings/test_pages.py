"""A supplier's pages: type a price or a stock in the list, make an offer, read what the gate says."""

import re
from html import unescape

import pytest

from app.policy import Role
from catalog.listings.tables import Listing
from tests import factories

FIELDS = {
    "category_code": factories.LASER, "brand": "奔图", "model": "P3370DN", "unit": "台", "title": "奔图 P3370DN 激光打印机", "sku": "P-1",
    "price_fen": "1,299.00", "stock": "48", "delivery_days": "2", "warranty_months": "36", "regions": "410000", "shelf": "on_shelf",
    "attributes": "幅面：A4\n速度：33", "fact.energy.number": "CQC26-0002", "fact.energy.issuer": "中国质量认证中心", "fact.energy.valid_to": "2999-12-31",
}  # fmt: skip
"""An offer that passes the gate: laser printers need an energy-saving certificate."""


def row(shop, listing_id):
    with shop.session() as session:
        return session.get(Listing, listing_id)


def text(answer):
    return unescape(answer.get_data(as_text=True))


def test_a_price_typed_in_the_list_is_kept(shop):
    lister, laser = shop.browser(Role.LISTER), shop.world.laser
    answer = lister.post(f"/listings/{laser.id}/price", "/listings/", price_fen="988.5", version="1")
    assert (answer.status_code, row(shop, laser.id).price_fen) == (303, 988_50)
    late = lister.post(f"/listings/{laser.id}/price", "/listings/", price_fen="900", version="1")
    assert late.status_code == 422 and "已被他人修改" in text(late)
    assert row(shop, laser.id).price_fen == 988_50


def test_htmx_gets_the_row_alone(shop):
    lister, laser = shop.browser(Role.LISTER), shop.world.laser
    token = re.search(r'name="csrf_token" value="([^"]+)"', lister.get("/listings/").get_data(as_text=True))[1]
    answer = lister.client.post(
        f"/listings/{laser.id}/stock", data={"csrf_token": token, "stock": "7", "seen": "100"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200 and text(answer).lstrip().startswith("<tr") and row(shop, laser.id).stock == 7
    bad = lister.client.post(
        f"/listings/{laser.id}/stock", data={"csrf_token": token, "stock": "-1", "seen": "7"}, headers={"HX-Request": "true"}
    )
    assert bad.status_code == 422 and "0 到 10,000,000" in text(bad) and row(shop, laser.id).stock == 7


def test_an_offer_is_taken_off_and_put_back(shop):
    lister, laser = shop.browser(Role.LISTER), shop.world.laser
    lister.post(f"/listings/{laser.id}/shelf", "/listings/", shelf="off_shelf", version="1")
    assert row(shop, laser.id).shelf.value == "off_shelf"
    lister.post(f"/listings/{laser.id}/shelf", f"/listings/{laser.id}", shelf="on_shelf", version="2", back="editor")
    assert row(shop, laser.id).shelf.value == "on_shelf"


def test_a_new_offer_defines_its_product_and_is_found(shop):
    lister = shop.browser(Role.LISTER)
    answer = lister.post("/listings/new", "/listings/new", **FIELDS)
    assert answer.status_code == 303, text(answer)
    shop.drain()
    assert "1,299.00" in text(shop.browser().get("/search?q=P3370DN"))
    again = lister.post("/listings/new", "/listings/new", **{**FIELDS, "sku": "P-2"})
    assert again.status_code == 422 and "不能重复铺货" in text(again) and "P-2" in text(again), "what was typed is still there"


@pytest.mark.parametrize(("change", "said"), [
    ({"category_code": "A99999999"}, "没有编码 A99999999"), ({"category_code": "A02021000"}, "请选到最末级"), ({"price_fen": "0"}, "大于零"),
    ({"attributes": "没有冒号"}, "规格参数"), ({"sku": ""}, "必填"),
])  # fmt: skip
def test_what_is_wrong_is_said_beside_the_form(shop, change, said):
    before = _listings(shop)
    answer = shop.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**FIELDS, **change})
    assert answer.status_code == 422 and said in text(answer)
    assert _listings(shop) == before


def test_the_gate_answers_while_one_types(shop):
    answer = shop.browser(Role.LISTER).post("/listings/gate", "/listings/new", **{**FIELDS, "sku": "", "price_fen": ""})
    assert answer.status_code == 200 and "在商城目录内" in text(answer) and "没有重复铺货" in text(answer)


def test_the_editor_keeps_words_and_shows_every_version(shop):
    lister, laser = shop.browser(Role.LISTER), shop.world.laser
    fields = {"title": "新名称", "delivery_days": "3", "warranty_months": "24", "regions": "410100", "version": "1"}
    assert lister.post(f"/listings/{laser.id}", f"/listings/{laser.id}", **fields).status_code == 303
    html = text(lister.get(f"/listings/{laser.id}"))
    assert "新名称" in html and "第 2 版" in html and "历次版本" in html
    assert (row(shop, laser.id).regions, row(shop, laser.id).delivery_days) == ("410100", 3)


def test_nobody_else_gets_in(shop):
    address = f"/listings/{shop.world.laser.id}"
    for role in (Role.BUYER, Role.SUPERVISOR, Role.ORDER_CLERK):
        assert shop.browser(role).get(address).status_code == 403
    assert shop.browser().get(address).status_code == 303
    assert shop.browser(Role.LISTER).get("/listings/999999").status_code == 404


def test_the_list_is_searched_and_sorted_into_tabs(shop):
    lister = shop.browser(Role.LISTER)
    assert "复印纸" not in text(lister.get("/listings/?q=打印机"))
    assert "这里没有商品" in text(lister.get("/listings/?tab=low"))


def test_only_those_who_supervise_suspend_on_the_suppliers_page(shop):
    address = f"/suppliers/{shop.world.supplier.organisation_id}"
    assert "暂停交易" not in text(shop.browser(Role.BUYER).get(address))
    supervisor = shop.browser(Role.SUPERVISOR)
    assert supervisor.post(f"{address}/suspend", address, reason="").status_code == 422
    assert supervisor.post(f"{address}/suspend", address, reason="虚假库存").status_code == 303
    assert "虚假库存" in text(shop.browser().get(address))
    assert supervisor.post(f"{address}/lift", address, reason="整改完成").status_code == 303


def _listings(shop):
    with shop.session() as session:
        return factories.how_many(session, Listing)
