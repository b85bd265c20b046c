"""What every search engine does alike: one suite for the embedded engine and for Meilisearch."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.search.port import (
    Category,
    FacetName,
    Filters,
    SearchDocument,
    SearchEngine,
    SearchInvalid,
    SearchRequest,
    Sort,
    SuggestionKind,
)
from tests.catalog.search.engines import ENGINES, opened


def listing(pk: int, brand: str, model: str, category: str = "A4黑白打印机", code: str = "A02021003", **facts) -> SearchDocument:
    given: dict[str, Any] = {
        "product_id": pk, "title": f"{brand} {model} {category}", "spec": "", "supplier_id": 1, "supplier_name": "中原信息", "regions": ("410000",),
        "price_fen": 100_000 + pk, "stock": 5, "in_stock": True, "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "category_path": (Category("A02", "设备"), Category("A0202", "办公设备"), Category("A020210", "打印机")),
    }  # fmt: skip
    return SearchDocument(pk=pk, brand=brand, model=model, category_name=category, category_code=code, **(given | facts))


DESKS = (Category("A05", "家具和用具"), Category("A0501", "家具"), Category("A050103", "椅凳类"))
COMPUTERS = (Category("A02", "设备"), Category("A0201", "信息化设备"), Category("A020101", "计算机"))
GOODS = (
    listing(1, "惠普", "LaserJet Pro M404dn", price_fen=210_000, sales=9, popularity=0.9, energy=True, regions=("410100",)),
    listing(2, "佳能", "LBP223dw", price_fen=180_000, sales=30, popularity=0.1, energy=True, spec="自动双面 网络打印", delivery_days=3),
    listing(3, "奔图", "P3305DN", price_fen=90_000, sales=5, supplier_id=2, supplier_name="河洛商贸", sme=True, in_stock=False, stock=0),
    listing(4, "惠普", "Color LaserJet Pro M454dn", "A4彩色打印机", "A02021004", price_fen=350_000, regions=("410300", "410100")),
    listing(5, "得力", "91105 电脑椅", "办公椅", "A05010301", category_path=DESKS, price_fen=30_000, popularity=1.0),
    listing(6, "联想", "启天M450-A378", "台式计算机", "A02010105", category_path=COMPUTERS, price_fen=480_000, popularity=0.0),
    listing(7, "美的", "KFR-35GW/N8XHC1", "空调机", "A02061804", price_fen=260_000, imported=True, credit="B"),
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    with opened(request.param, tmp_path) as engine:
        engine.wait(engine.upsert(GOODS))
        yield engine


def found(engine: SearchEngine, q: str = "", filters: Filters | None = None, **more) -> list[int]:
    return [hit.pk for hit in engine.search(SearchRequest(q=q, filters=filters or Filters(), **more)).hits]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("打印机 佳能", 2), ("m404dn", 1), ("M404-DN", 1), ("惠普M454dn", 4), ("KFR35GW", 7), ("kfr-35gw n8xhc1", 7), ("jianeng dayinji", 2), ("bentu", 3),
        ("空調", 7), ("冷气机", 7), ("启天", 6), ("lenovo", 6), ("网络打印", 2),
    ],
)  # fmt: skip
def test_a_listing_is_found_by_its_words_models_pinyin_synonyms_and_traditional_characters(engine, q, first):
    assert found(engine, q)[0] == first


def test_a_word_ranks_the_category_it_names_above_a_word_that_only_contains_it(engine):
    assert found(engine, "电脑") == [6, 5]


def test_a_misspelt_model_is_found(engine):
    assert found(engine, "LasreJet M404dn")[0] == 1


def test_every_word_must_be_in_the_answer(engine):
    assert found(engine, "惠普 打印机") == [1, 4] and found(engine, "佳能 打印机") == [2]
    assert found(engine, "惠普 空调") == [] or engine.search(SearchRequest(q="惠普 空调")).partial


def test_no_answer_to_all_words_gives_the_nearest_ones_and_says_so(engine):
    page = engine.search(SearchRequest(q="奔图 打印机 喵喵喵"))
    assert page.partial and page.hits[0].pk == 3
    assert {one.q for one in page.relaxed} == {"奔图 打印机"}


def test_a_misspelt_word_is_put_right_and_named(engine):
    page = engine.search(SearchRequest(q="打应机"))
    assert page.corrected == "打印机" and {hit.pk for hit in page.hits} == {1, 2, 3, 4}


def test_filters_that_leave_nothing_tell_how_many_there_are_without_them(engine):
    page = engine.search(SearchRequest(q="打印机", filters=Filters(brands=("美的",))))
    assert (page.total, page.total_unfiltered, page.hits) == (0, 4, ())


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (Filters(brands=("惠普", "佳能")), {1, 2, 4}),
        (Filters(categories=("A0202",)), {1, 2, 3, 4, 7}),
        (Filters(categories=("A02010105", "A0501")), {5, 6}),
        (Filters(suppliers=(2,)), {3}),
        (Filters(regions=("410300",)), {4}),
        (Filters(regions=("410300", "410100")), {1, 4}),
        (Filters(price_min_fen=180_000, price_max_fen=210_000), {1, 2}),
        (Filters(energy=True), {1, 2}),
        (Filters(in_stock=False), {3}),
        (Filters(imported=True, credit=("B",)), {7}),
        (Filters(delivery_days_max=2, energy=True), {1}),
        (Filters(products=(5, 6)), {5, 6}),
        (Filters(brands=('惠普"] OR brand = "佳能',)), set()),
    ],
)
def test_filters_are_typed_and_add_up(engine, filters, ids):
    assert set(found(engine, filters=filters)) == ids


def test_sorts_order_the_answers(engine):
    printers = Filters(categories=("A020210",), brands=("惠普", "佳能", "奔图"))
    assert found(engine, filters=printers, sort=Sort.PRICE_UP) == [3, 2, 1, 4]
    assert found(engine, filters=printers, sort=Sort.PRICE_DOWN) == [4, 1, 2, 3]
    assert found(engine, filters=printers, sort=Sort.SALES)[:3] == [2, 1, 3]


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_follow_one_another_without_gap_or_repetition(engine, sort):
    engine.wait(engine.upsert([listing(100 + n, "晨光", f"GP{n}", "中性笔", "A05040402", price_fen=500 + n // 4) for n in range(23)]))
    seen: list[int] = []
    page = engine.search(SearchRequest(q="晨光", sort=sort, limit=5))
    while True:
        assert (page.total, page.total_exact) == (23, True)
        seen += [hit.pk for hit in page.hits]
        if page.next_page is None:
            break
        page = engine.search(SearchRequest(q="晨光", sort=sort, limit=5, page=page.next_page))
    assert len(seen) == 23 and set(seen) == set(range(100, 123))


@pytest.mark.parametrize("page", ["x", "W10", "é", "eyJhIjoxfQ"])
def test_a_page_mark_that_is_none_is_refused(engine, page):
    with pytest.raises(SearchInvalid) as refused:
        engine.search(SearchRequest(page=page))
    assert refused.value.field == "page"


def test_too_large_a_page_is_refused(engine):
    with pytest.raises(SearchInvalid):
        engine.search(SearchRequest(limit=101))


def counts(page, name: FacetName) -> dict[str, int]:
    return {value.value: value.count for value in page.facets[name].values}


def test_facets_count_the_answers_and_label_their_values(engine):
    page = engine.search(SearchRequest(q="打印机", facets=(FacetName.BRAND, FacetName.CAT2, FacetName.REGION, FacetName.ENERGY, FacetName.PRICE)))
    assert counts(page, FacetName.BRAND) == {"惠普": 2, "佳能": 1, "奔图": 1}
    assert [(one.value, one.label, one.count) for one in page.facets[FacetName.CAT2].values] == [("A0202", "办公设备", 4)]
    assert counts(page, FacetName.REGION) == {"410000": 2, "410100": 2, "410300": 1}
    assert counts(page, FacetName.ENERGY) == {"true": 2, "false": 2}
    stats = page.facet_stats[FacetName.PRICE]
    assert (stats.low, stats.high, stats.count) == (90_000, 350_000, 4)


def test_a_disjunctive_facet_counts_as_if_its_own_filter_were_open(engine):
    narrowed = Filters(brands=("惠普",), energy=True)
    page = engine.search(SearchRequest(q="打印机", filters=narrowed, facets=(FacetName.ENERGY,), disjunctive=(FacetName.BRAND, FacetName.ENERGY)))
    assert [hit.pk for hit in page.hits] == [1]
    assert counts(page, FacetName.BRAND) == {"惠普": 1, "佳能": 1}
    assert counts(page, FacetName.ENERGY) == {"true": 1, "false": 1}


def test_values_of_a_facet_are_searched_by_characters_and_pinyin(engine):
    assert [one.value for one in engine.facet_search(FacetName.BRAND, "huip", Filters())] == ["惠普"]
    assert [one.value for one in engine.facet_search(FacetName.SUPPLIER, "河洛", Filters())] == ["2"]


def test_suggestions_name_categories_brands_and_products(engine):
    offered = [(one.kind, one.value) for one in engine.suggest("dyj", 8)]
    assert (SuggestionKind.CATEGORY, "A02021003") in offered and (SuggestionKind.PRODUCT, "2") in offered
    assert (SuggestionKind.BRAND, "惠普") in [(one.kind, one.value) for one in engine.suggest("hui")]
    assert engine.suggest("  ") == ()


def test_titles_are_escaped_before_they_are_marked(engine):
    engine.wait(engine.upsert([listing(50, "<b>恶意</b>", 'X"&1', "中性笔", "A05040402")]))
    (hit,) = engine.search(SearchRequest(q="恶意")).hits
    assert hit.title_html == "&lt;b&gt;<mark>恶意</mark>&lt;/b&gt; X&quot;&amp;1 中性笔"


def test_a_change_replaces_the_listing_and_a_deletion_removes_it(engine):
    engine.wait(engine.upsert([dataclasses.replace(GOODS[0], price_fen=99_900)]))
    assert found(engine, "m404dn", Filters(price_max_fen=99_900)) == [1] and engine.stats().documents == len(GOODS)
    engine.wait(engine.delete([1]))
    assert 1 not in found(engine, "惠普") and engine.stats().documents == len(GOODS) - 1


def test_a_rebuild_replaces_everything(engine):
    assert engine.rebuild(GOODS[:2]) == 2
    assert set(found(engine)) == {1, 2}
    engine.wait(engine.upsert([GOODS[2]]))
    assert set(found(engine)) == {1, 2, 3}


@pytest.mark.parametrize("q", ["!!!", "  ", '" OR *:*', "a" * 3_000, "打" * 3_000, "\x00", "（）", "+-*/", "'; drop", "1.5.6..7", "𠮷野家"])
def test_no_question_breaks_the_engine(engine, q):
    page = engine.search(SearchRequest(q=q, facets=tuple(FacetName), disjunctive=(FacetName.BRAND,)))
    assert page.total >= 0 and engine.suggest(q) is not None


def test_health_and_stats_tell_of_the_index(engine):
    assert engine.health().ok and engine.stats().documents == len(GOODS)
