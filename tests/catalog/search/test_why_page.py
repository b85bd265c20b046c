"""The page that says why a hit stands where it stands, and the page of the rules."""

import re
from html import unescape

import pytest

from app.policy import Role
from catalog.search import ranking
from catalog.search.ranking import TIERS

NO_BOUGHT_PLACE = "任何供应商都不能买到位置"


def words(answer):
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", answer.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def told(browser, address):
    answer = browser.get(address)
    assert answer.status_code == 200
    return words(answer)


def test_each_hit_of_a_list_leads_to_its_reasons_without_a_script(shop):
    page = shop.browser().get("/search?q=打印机&in_stock=1&sort=price_up").get_data(as_text=True)
    form = re.search(r'<form id="why" action="/search/why">(.*?)</form>', page)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1]))
    assert fields == {"q": "打印机", "in_stock": "1", "sort": "price_up"}
    hits = page.count('<li class="card">')
    assert hits and len(re.findall(r'form="why" name="listing" value="\d+"', page)) == hits


def test_the_dense_list_leads_there_too_and_the_start_page_does_not(shop):
    assert 'form="why"' in shop.browser().get("/search?q=打印机&view=table").get_data(as_text=True)
    assert 'form="why"' not in shop.browser().get("/").get_data(as_text=True)


def test_the_page_tells_place_words_points_and_that_no_place_is_for_sale(shop):
    shop.stock_shelf()
    shop.index()
    listing = shop.world.laser.id
    said = told(shop.browser(), f"/search/why?q=打印机&listing={listing}")
    engine = shop.app.extensions["mall.search"]
    placed = next(each for each in engine.explain(_asked("打印机")).placed if each.hit.pk == listing)
    assert NO_BOUGHT_PLACE in said and ranking.VERSION in said
    assert TIERS[placed.reasons[0].where].label in said and f"{placed.score:.4f}" in said and f"× {placed.popular:.4f}" in said


def _asked(q):
    from catalog.search.forms import Asked

    return Asked(q=q).request(facets=(), disjunctive=(), highlight=False)


def test_the_places_on_the_page_are_those_of_the_list(shop):
    shop.stock_shelf()
    shop.index()
    browser = shop.browser()
    for sort in ("relevance", "price_up", "price_down", "newest"):
        listed = re.findall(r'name="ids" value="(\d+)"', browser.get(f"/search?q=打印机&sort={sort}").get_data(as_text=True))
        page = browser.get(f"/search/why?q=打印机&sort={sort}&listing={listed[0]}").get_data(as_text=True)
        explained = re.findall(r'href="/search/why\?[^"]*listing=(\d+)"', page)
        assert len(listed) > 3 and explained == listed, sort


def test_an_order_by_price_says_that_the_price_alone_decides(shop):
    said = told(shop.browser(), f"/search/why?q=打印机&sort=price_up&listing={shop.world.laser.id}")
    assert "您选的顺序是“价格从低”：只比这一个数字" in said


def test_a_hit_that_is_gone_or_nonsense_is_answered_with_the_order_of_now(shop):
    browser = shop.browser()
    for listing in ("999999", "abc", "9" * 40):
        assert "这件商品已不在这一页" in told(browser, f"/search/why?q=打印机&listing={listing}")
    assert "这一页没有商品" in told(browser, "/search/why?q=没有这种东西的东西")


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.LISTER, Role.SUPERVISOR])
def test_everybody_reads_the_same_reasons_and_rules(shop, role):
    browser = shop.browser(role)
    assert NO_BOUGHT_PLACE in told(browser, "/search/why?q=打印机") and NO_BOUGHT_PLACE in told(browser, "/ranking")


def test_the_page_of_the_rules_prints_every_place_with_its_points_and_the_version(shop):
    said = told(shop.browser(), "/ranking")
    assert f"版本 {ranking.VERSION}" in said
    assert [tier.label for tier in TIERS.values() if tier.points and f"{tier.label} {tier.points:.1f}" not in said] == []
