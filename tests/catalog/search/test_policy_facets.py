"""What policy says of goods narrows and counts the hits on every engine, and its words stand on the page and in the API."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from catalog.products import service as products
from catalog.products.rules import FactInput
from catalog.products.states import FactKind
from catalog.search.port import POLICY, FacetName, Filters, SearchEngine, SearchRequest
from tests.catalog.search.engines import ENGINES, opened
from tests.catalog.search.test_port import listing
from tests.catalog.search.test_shop import count, page

GOODS = (
    listing(1, "信阳毛尖", "特级", "绿茶", "A07060303", poverty_area=True, domestic_2026=True, supplier_id=1),
    listing(2, "长城", "TN140A2", "台式计算机", "A02010105", safe_reliable=True, domestic_2026=True, supplier_id=2),
    listing(3, "惠普", "P1108", supplier_id=3),
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    with opened(request.param, tmp_path) as engine:
        engine.wait(engine.upsert(GOODS))
        yield engine


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (Filters(poverty_area=True), {1}),
        (Filters(domestic_2026=True), {1, 2}),
        (Filters(safe_reliable=True), {2}),
        (Filters(safe_reliable=False), {1, 3}),
        (Filters(domestic_2026=True, poverty_area=False), {2}),
        (Filters(without=(1, 2)), {3}),
        (Filters(domestic_2026=True, without=(2,)), {1}),
        (Filters(suppliers=(2,), without=(2,)), set()),
    ],
)
def test_facts_of_policy_narrow_the_hits_and_suppliers_can_be_left_out(engine, filters, ids):
    assert {hit.pk for hit in engine.search(SearchRequest(filters=filters)).hits} == ids


def test_every_fact_of_policy_is_counted(engine):
    found = engine.search(SearchRequest(facets=POLICY)).facets
    true = {name: next((value.count for value in facet.values if value.value == "true"), 0) for name, facet in found.items()}
    assert true == {
        FacetName.ENERGY: 0, FacetName.ENV: 0, FacetName.SAFE_RELIABLE: 1, FacetName.DOMESTIC_2026: 2, FacetName.POVERTY_AREA: 1, FacetName.SME: 0,
        FacetName.IMPORTED: 0,
    }  # fmt: skip


def test_what_is_left_out_is_no_condition_that_the_reader_could_take_off(engine):
    asked = SearchRequest(q="毛尖", filters=Filters(without=(1,)))
    assert (engine.search(asked).total, engine.search(asked).total_unfiltered) == (0, None)
    narrowed = SearchRequest(q="毛尖", filters=Filters(without=(2,), safe_reliable=True))
    assert (engine.search(narrowed).total, engine.search(narrowed).total_unfiltered) == (0, 1)


def test_a_recorded_document_is_a_filter_of_the_page_and_of_the_api_while_it_holds(shop):
    lister, last = shop.world.actor(Role.LISTER), clock.today() + timedelta(days=1)
    given = [
        FactInput(kind=FactKind.POVERTY_AREA, number="832-10000001", issuer="脱贫地区农副产品网络销售平台"),
        FactInput(kind=FactKind.SAFE_RELIABLE, number="2025年第1号", issuer="中国信息安全测评中心", valid_to=last),
    ]
    with shop.session() as session, commit(session):
        products.record_facts(session, lister, shop.world.paper.product_id, given)
    shop.drain()
    buyer = shop.browser()
    html = page(buyer, "/search?poverty_area=1&safe_reliable=1")
    assert count(html) == 1 and "去掉条件：脱贫地区" in html and "去掉条件：安全可靠" in html
    answer = buyer.client.get("/api/v1/search?safe_reliable=true&facets=true").get_json()
    assert [each["listing_id"] for each in answer["items"]] == [shop.world.paper.id]
    assert answer["facets"]["poverty_area"] == [{"value": "true", "label": "true", "count": 1}]
    assert count(page(buyer, "/search?domestic_2026=1")) == 0
