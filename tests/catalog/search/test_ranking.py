"""Why a hit stands where it stands: told by what ranks, and by nothing else."""

import hashlib
import math
from itertools import pairwise

import pytest

from catalog.search import ranking
from catalog.search.port import Filters, SearchRequest, Sort
from catalog.search.ranking import TIERS, Where
from tests.catalog.search import goods, relevance
from tests.catalog.search.engines import ENGINES, opened


@pytest.fixture(scope="module", params=ENGINES)
def mall(request, tmp_path_factory):
    with opened(request.param, tmp_path_factory.mktemp("ranking")) as engine:
        engine.rebuild(goods.catalogue())
        yield request.param, engine


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    with opened("embedded", tmp_path_factory.mktemp("reasons")) as engine:
        engine.rebuild(goods.catalogue())
        yield engine


def test_the_explained_order_is_the_order_for_every_labelled_question(embedded):
    wrong = []
    for asked in relevance.questions():
        request = SearchRequest(q=asked.q, limit=20, highlight=False)
        found, told = embedded.search(request), embedded.explain(request)
        assert [placed.hit for placed in told.placed] == list(found.hits)
        for hit, placed in zip(found.hits, told.placed, strict=True):
            if not math.isclose(placed.score, hit.score, rel_tol=1e-5):
                wrong.append((asked.q, hit.title, hit.score, placed))
        scores = [round(placed.score, 4) for placed in told.placed]
        assert scores == sorted(scores, reverse=True), asked.q
    assert wrong == []


def test_each_word_says_where_it_was_found_and_the_words_add_up(embedded):
    first = embedded.explain(SearchRequest(q="惠普 打印机", limit=1)).placed[0]
    assert [(reason.word, reason.where, round(reason.points, 1)) for reason in first.reasons] == [
        ("惠普", Where.OWN, 8.6), ("打印机", Where.CALLED, 9.5)
    ]  # fmt: skip
    assert first.points == pytest.approx(18.1, rel=1e-5) and 1 <= first.popular <= ranking.MOST_POPULAR


@pytest.mark.parametrize(
    ("q", "where"),
    [("M404dn", Where.OWN_KEY), ("LJ2655DN", Where.WHOLE_KEY), ("dayinji", Where.SOUND), ("dyj", Where.SOUND), ("M404dm", Where.TYPO), ("电脑", Where.CALLED)],
)
def test_model_pinyin_typo_and_name_of_a_category_are_told_apart(embedded, q, where):
    first = embedded.explain(SearchRequest(q=q, limit=1)).placed[0]
    assert where in {reason.where for reason in first.reasons}


def test_a_second_page_goes_on_where_the_first_ended(embedded):
    request = SearchRequest(q="打印机", limit=5)
    first = embedded.explain(request)
    second = embedded.explain(SearchRequest(q="打印机", limit=5, page=first.page.next_page))
    assert {placed.hit.pk for placed in first.placed}.isdisjoint(placed.hit.pk for placed in second.placed)
    assert first.placed[-1].score >= second.placed[0].score


@pytest.mark.parametrize(("sort", "way"), [(Sort.PRICE_UP, 1), (Sort.PRICE_DOWN, -1), (Sort.SALES, -1), (Sort.NEWEST, -1)])
def test_another_order_goes_by_its_figure_alone_on_every_engine(mall, sort, way):
    _, engine = mall
    told = engine.explain(SearchRequest(q="打印机", sort=sort, limit=20))
    figures = [placed.figure for placed in told.placed]
    assert len(figures) > 5 and figures == sorted(figures, key=lambda figure: way * figure)


def test_without_words_sales_alone_place_a_hit(embedded):
    told = embedded.explain(SearchRequest(filters=Filters(categories=("A02020400",)), limit=20))
    popular = [placed.popular for placed in told.placed]
    assert popular == sorted(popular, reverse=True) and {placed.reasons for placed in told.placed} == {()}


def test_every_engine_explains_the_page_that_it_shows_and_says_what_it_cannot_tell(mall):
    kind, engine = mall
    request = SearchRequest(q="惠普打印机", limit=10)
    told = engine.explain(request)
    assert [placed.hit.pk for placed in told.placed] == [hit.pk for hit in engine.search(request).hits]
    assert told.tells_words == (kind == "embedded")
    if kind == "embedded":
        assert all(placed.reasons for placed in told.placed)
    else:
        rules = [measure.rule for measure in told.placed[0].measures]
        assert rules[:2] == ["words", "typo"] and rules[-2:] == ["popularity:desc", "pk:asc"]


def test_what_was_sold_weighs_less_than_the_step_from_one_place_of_a_word_to_the_next():
    worth = sorted({tier.points for tier in TIERS.values() if tier.points})
    assert all(low * ranking.MOST_POPULAR < high for low, high in pairwise(worth))


def test_nothing_in_the_rules_knows_a_supplier_and_a_changed_table_needs_a_new_version():
    said = repr([(where.value, tier.points) for where, tier in TIERS.items()]) + repr((ranking.HEARD, ranking.MOST_POPULAR))
    assert (ranking.VERSION, hashlib.sha256(said.encode()).hexdigest()[:12]) == ("2026-1", "2b9591f43f26")
