"""Labelled questions among listings that lead astray: floors for every class of them."""

from itertools import chain

import pytest

from catalog.search.engine import EmbeddedEngine
from catalog.search.port import SearchRequest
from tests.catalog.search import distractors, goods, relevance
from tests.catalog.search.engines import ENGINES, opened

FEW = 4_000
"""Distracting listings of the ordinary test; `make bench-search` and the long one take them all."""
ALL = 200_000
BARE_SHARE = 0.6
"""Of the floors, for an engine that ranks in its own way, without any distracting listings."""


def test_the_questions_are_many_and_every_class_has_its_own():
    asked = relevance.questions()
    assert len(asked) >= 300 and len({one.q for one in asked}) == len(asked)
    assert {name: sum(one.kind == name for one in asked) >= 30 for name in relevance.CLASSES} == dict.fromkeys(relevance.CLASSES, True)
    assert all(relevance.right(one) for one in asked), "each question has an answer in the catalogue"


def test_no_distracting_listing_is_right_for_any_question():
    strays = list(distractors.distractors(4_000))
    codes = {code for one in relevance.questions() for code in one.codes}
    assert len({one.pk for one in strays}) == 4_000 and not codes.intersection(one.category_code for one in strays)
    words = " ".join(one.title + one.spec for one in strays)
    assert all(word in words for word in ("M404dn", "打印机", "惠普")), "and yet they say what is asked for"


def test_measures_are_those_of_the_textbook():
    assert relevance.judged({1, 2}, [1, 9, 2]) == pytest.approx((1.0, 1.5 / 1.6309297, 1.0))
    assert relevance.judged({1, 2}, [9, 8]) == (0.0, 0.0, 0.0)
    assert relevance.judged(set(range(40)), range(20)) == (1.0, pytest.approx(1.0), 1.0)


def _measured(folder, count):
    engine = EmbeddedEngine(folder, facet_cache=0)
    engine.rebuild(chain(goods.catalogue(), distractors.distractors(count)))
    measured = relevance.scores(engine)
    engine.close()
    return measured


def test_every_class_of_questions_reaches_its_floor_among_distracting_listings(tmp_path):
    measured = _measured(tmp_path, FEW)
    assert relevance.missed(measured) == [], "\n".join(relevance.table(measured))


@pytest.mark.deep
def test_every_class_of_questions_reaches_its_floor_among_two_hundred_thousand_distracting_listings(tmp_path):
    measured = _measured(tmp_path, ALL)
    assert relevance.missed(measured) == [], "\n".join(relevance.table(measured))


@pytest.fixture(scope="module", params=ENGINES)
def mall(request, tmp_path_factory):
    with opened(request.param, tmp_path_factory.mktemp("relevance")) as engine:
        engine.rebuild(goods.catalogue())
        yield request.param, engine


def test_the_catalogue_alone_is_found_well_enough_on_every_engine_with_a_ranking_of_its_own(mall):
    kind, engine = mall
    if kind == "documented":
        return  # the likeness of a server proves requests; how it ranks proves nothing
    measured = relevance.scores(engine)
    assert relevance.missed(measured, share=1.0 if kind == "embedded" else BARE_SHARE) == [], "\n".join(relevance.table(measured))


def test_computers_come_before_computer_chairs(mall):
    _, engine = mall
    first = engine.search(SearchRequest(q="电脑", limit=20)).hits
    assert {hit.category_name for hit in first} <= {"台式计算机", "便携式计算机", "平板式计算机"}


def test_the_exact_model_comes_first_then_longer_models_then_text(mall):
    _, engine = mall
    titles = [hit.title for hit in engine.search(SearchRequest(q="M404dn")).hits]
    assert "M404dn" in titles[0]
