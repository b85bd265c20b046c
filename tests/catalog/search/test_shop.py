"""The shop as a buyer sees it: found by any spelling, figures from the database, few statements."""

import re
from html import unescape

import pytest

from app.kernel.db import commit
from app.policy import SYSTEM, Role
from catalog.listings import service as listings
from catalog.search import queries
from catalog.search.gateway import engine_for
from catalog.suppliers import service as suppliers
from tests import factories
from tests.statements import count_statements

CARD = re.compile(r'<li class="card">.*?</li>', re.DOTALL)
SEARCH_STATEMENTS, PRODUCT_STATEMENTS = 3, 4
"""A search asks who reads, who may not trade where he buys, and what the hits cost and which of them have his star."""


def page(browser, address, status=200):
    answer = browser.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return unescape(answer.get_data(as_text=True))


def count(html):
    return len(CARD.findall(html))


@pytest.mark.parametrize("words", ["打印机", "dyj", "dayinji", "a02021003", "A0202", "激光"])
def test_a_product_is_found_by_any_spelling(shop, words):
    answer = shop.browser().get(f"/search?q={words}", follow_redirects=True)
    assert count(answer.get_data(as_text=True)) == 1


def test_everybody_sees_prices_and_only_buyers_a_cart(shop):
    address = f"/products/{shop.world.laser.product_id}"
    for role, said, unsaid in ((None, "登录后采购", "/cart/items"), (Role.BUYER, "/cart/items", "登录后采购"), (Role.LISTER, "您的岗位只能查看", "/cart/items")):
        html = page(shop.browser(role), address)
        assert "1,000.00" in html and said in html and unsaid not in html


@pytest.mark.both_databases
def test_a_buyer_finds_a_new_offer_and_sees_a_new_price_at_once(shop):
    lister, buyer = shop.world.actor(Role.LISTER), shop.browser(Role.BUYER)
    assert count(page(buyer, "/search?q=绘图仪")) == 0
    with shop.session() as session, commit(session):
        product = factories.product(session, title="惠普 T650 绘图仪", brand="惠普", model="T650")
        new = listings.NewListing(product_id=product.id, sku="T650", title=product.title, price_fen=7_999_00, stock=3)
        made = listings.create(session, lister, new).id
    shop.drain()
    assert "7,999.00" in page(buyer, "/search?q=绘图仪")
    with shop.session() as session, commit(session):
        listings.reprice(session, lister, made, price_fen=7_499_00)
    (card,) = CARD.findall(page(buyer, "/search?q=绘图仪"))
    assert "7,499.00" in card and "7,999.00" not in card, "the price comes from the database, whatever the index still says"
    with shop.session() as session, commit(session):
        listings.take_off_shelf(session, lister, made)
    assert count(page(buyer, "/search?q=绘图仪")) == 0, "what was taken off the shelf is gone before the index knows"
    shop.drain()
    assert "没有符合的商品" in page(buyer, "/search?q=绘图仪")


def test_the_offers_of_a_suspended_supplier_leave_the_search_and_come_back(shop):
    supervisor, supplier_id = SYSTEM, shop.world.supplier.organisation_id
    with shop.session() as session, commit(session):
        suppliers.suspend(session, supervisor, supplier_id, reason="虚假库存")
    shop.drain()
    engine = shop.app.extensions["mall.search"]
    assert engine.stats().documents == 0
    assert "虚假库存" in page(shop.browser(), f"/suppliers/{supplier_id}")
    with shop.session() as session, commit(session):
        suppliers.lift(session, supervisor, supplier_id, reason="整改完成")
    shop.drain()
    assert engine.stats().documents == 2


def test_conditions_narrow_the_list_and_each_can_be_taken_off(shop):
    shop.stock_shelf()
    shop.index()
    buyer = shop.browser()
    assert count(page(buyer, "/search?q=打印机")) == 5
    assert count(page(buyer, "/search?q=打印机&low=1100&high=1150")) == 2
    assert count(page(buyer, "/search?q=打印机&high=1100&low=1150")) == 2, "a span the wrong way round is read the right way"
    assert count(page(buyer, "/search?q=打印机&in_stock=1")) == 4
    assert count(page(buyer, f"/search?supplier={shop.world.supplier.organisation_id}")) == 2
    assert count(page(buyer, "/search?category=A02")) == 5 and count(page(buyer, "/search?category=A05040101")) == 1
    assert count(page(buyer, "/search?category=A9&low=x&days=-1&region=1&sort=z&supplier=y")) == 6, "nonsense is left out"
    html = page(buyer, "/search?q=打印机&low=1100&in_stock=1")
    assert "去掉条件：1100 元以上" in html and "去掉条件：现货" in html


def test_a_page_is_followed_by_the_next_and_by_the_one_before(shop):
    with shop.session() as session, commit(session):
        seller = factories.supplier(session)
        for number in range(30):
            factories.listing(session, seller, factories.product(session, title=f"文件柜 {number:02}"), price_fen=100_00 + number)
    shop.index()
    buyer = shop.browser()
    first = page(buyer, "/search?q=文件柜&sort=price_up")
    follow = re.search(r'href="([^"]+)" rel="next"', first)
    second = page(buyer, follow[1])
    back = re.search(r'href="([^"]+)" rel="prev"', second)
    assert (count(first), count(second)) == (24, 6)
    assert "第 25–30 件，共 30 件" in second and page(buyer, back[1]).count("文件柜 00") > 0
    assert buyer.get("/search?page=forged").status_code == 422


def test_the_list_takes_few_statements(shop):
    shop.stock_shelf()
    shop.index()
    browser = shop.browser(Role.BUYER)
    address = "/search?q=打印机&in_stock=1"
    page(browser, address)
    with _counted(shop) as ran:
        page(browser, address)
    assert len(ran) == SEARCH_STATEMENTS, "\n".join(ran)


def test_the_product_page_takes_few_statements(shop):
    browser = shop.browser(Role.BUYER)
    address = f"/products/{shop.world.laser.product_id}"
    page(browser, address)
    with _counted(shop) as ran:
        page(browser, address)
    assert len(ran) == PRODUCT_STATEMENTS, "\n".join(ran)


def _counted(shop):
    """Statements of the application, the header's slots left out."""
    from app.web.extensions import db

    shop.app.extensions["mall.slots"].fillers.clear()
    with shop.app.app_context():
        return count_statements(db.engine)


def test_the_product_page_compares_suppliers_and_shows_the_spread(shop):
    shop.stock_shelf()
    html = page(shop.browser(), f"/products/{shop.world.laser.product_id}")
    assert "同款报价 5 家" in html and "同款在架报价 n=5" in html and html.count("选此家") == 4
    few = page(shop.browser(), f"/products/{shop.world.paper.product_id}")
    assert "同款在架报价 1 个，不足 5 个，不评位次" in few


def test_the_price_of_a_product_shows_when_it_changed(shop):
    with shop.session() as session, commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=888_00)
    html = page(shop.browser(), f"/products/{shop.world.laser.product_id}")
    assert "888.00" in html and "以表格查看" in html


def test_two_to_four_offers_stand_side_by_side(shop):
    shop.stock_shelf()
    shop.index()
    ids = f"{shop.world.laser.id},{shop.world.paper.id}"
    html = page(shop.browser(), f"/compare?ids={ids}")
    assert "比选 2 件" in html and html.count('scope="col"') == 3
    assert "质保" in html and "质保" not in page(shop.browser(), f"/compare?ids={ids}&only=1"), "what is the same can be hidden"
    assert "还不够比较" in page(shop.browser(), f"/compare?ids={shop.world.laser.id}&ids=x&ids=999")


def test_suggestions_are_options_of_the_search_box(shop):
    html = page(shop.browser(), "/suggest?q=dayin")
    assert 'role="option"' in html and "data-href" in html
    assert page(shop.browser(), "/suggest?q=").strip() == ""


def test_what_nobody_offers_any_more_says_so(shop):
    with shop.session() as session, commit(session):
        listings.take_off_shelf(session, shop.world.actor(Role.LISTER), shop.world.laser.id)
    assert "现在没有供应商在售" in page(shop.browser(), f"/products/{shop.world.laser.product_id}", status=404)
    page(shop.browser(), "/products/999999", status=404)


def test_nothing_found_tells_what_would_be(shop):
    html = page(shop.browser(), "/search?q=打印机&low=999999")
    assert "没有符合的商品" in html and "去掉“单价”条件" in html and "查限额与期限" in html


def test_a_failing_first_engine_is_told(shop):
    from dataclasses import replace

    engine = shop.app.extensions["mall.search"]

    class Degraded:
        def search(self, request):
            return replace(engine.search(request), degraded=True)

    shop.app.extensions["mall.search"] = Degraded()
    try:
        assert "结果来自备用引擎" in page(shop.browser(), "/search?q=打印机")
    finally:
        shop.app.extensions["mall.search"] = engine


def test_the_index_is_rebuilt_and_compared_by_command(shop):
    runner = shop.app.test_cli_runner()
    from catalog.search.cli import index

    assert "2 listings indexed" in runner.invoke(index, ["rebuild"]).output
    engine = shop.app.extensions["mall.search"]
    engine.delete([shop.world.laser.id])
    broken = runner.invoke(index, ["check"])
    assert (broken.exit_code, "missing from the index: 1" in broken.output) == (1, True)
    assert runner.invoke(index, ["check", "--repair"]).exit_code == 0
    assert runner.invoke(index, ["check"]).exit_code == 0


def test_a_process_that_lives_on_after_a_rebuild_lets_the_worker_write(shop):
    """`mall up` rebuilds and then serves; what changed just before is written again after the swap."""
    from catalog.search.cli import index

    with shop.session() as session, commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=990_00)
    assert shop.app.test_cli_runner().invoke(index, ["rebuild"]).exit_code == 0
    workers = engine_for(shop.app.config["SETTINGS"])
    with shop.session() as session:
        assert workers.upsert(queries.documents(session, [shop.world.laser.id])).done
    workers.close()


@pytest.mark.parametrize("address", ["/", "/catalogue", "/catalogue?q=打印", "/catalogue?code=A02", "/limits?region=410122&on=2026-01-01", "/suppliers/"])
def test_public_pages_need_no_sign_in(shop, address):
    page(shop.browser(), address)
