"""Labelled questions over one listing of every product: recall at 20 and mean reciprocal rank, with a floor per class."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.search.port import SearchDocument, SearchEngine, SearchRequest
from tests.catalog.search import goods
from tests.catalog.search.engines import ENGINES, opened

# Class: recall at 20, mean reciprocal rank. Wanted are all listings of the labelled categories, so a narrow question cannot reach 1.
FLOORS = {
    "words": (0.55, 0.95), "substring": (0.60, 0.95), "model": (0.93, 0.97), "typo": (0.75, 0.97), "pinyin": (0.87, 0.97),
    "initials": (0.83, 0.93), "synonym": (0.73, 0.97), "traditional_mixed": (0.88, 0.97),
}  # fmt: skip
MEILISEARCH_FLOORS = {name: (recall * 0.6, rank * 0.7) for name, (recall, rank) in FLOORS.items()}


@pytest.fixture(scope="module", params=ENGINES)
def mall(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[tuple[str, SearchEngine]]:
    with opened(request.param, tmp_path_factory.mktemp("relevance")) as engine:
        engine.rebuild(goods.one_of_each())
        yield request.param, engine


def wanted(question: dict, listings: list[SearchDocument]) -> set[int]:
    def right(one: SearchDocument) -> bool:
        return (
            one.category_code in question["codes"]
            and question["brand"] in (None, one.brand)
            and question["model"] in (None, one.model)
        )  # fmt: skip

    return {one.pk for one in listings if right(one)}


def test_each_class_of_questions_reaches_its_floor(mall):
    kind, engine = mall
    listings = list(goods.one_of_each())
    scores: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for question in json.loads((Path(__file__).parent / "queries.json").read_text("utf-8")):
        right = wanted(question, listings)
        assert right, f"nothing is labelled right for {question['query']}"
        ids = [hit.pk for hit in engine.search(SearchRequest(q=question["query"], limit=20)).hits]
        recall = len(right.intersection(ids)) / min(20, len(right))
        rank = next((1 / place for place, pk in enumerate(ids, start=1) if pk in right), 0.0)
        scores[question["class"]].append((recall, rank))
    means = {name: tuple(round(sum(column) / len(rows), 3) for column in zip(*rows, strict=True)) for name, rows in scores.items()}
    floors = FLOORS if kind == "embedded" else MEILISEARCH_FLOORS
    assert set(means) == set(floors)
    low = {name: (means[name], floors[name]) for name in floors if any(m < f for m, f in zip(means[name], floors[name], strict=True))}
    assert not low, f"below the floor (measured, floor): {low}"


def test_computers_come_before_computer_chairs(mall):
    _, engine = mall
    first = engine.search(SearchRequest(q="电脑", limit=20)).hits
    assert {hit.category_name for hit in first} <= {"台式计算机", "便携式计算机", "平板式计算机"}


def test_the_exact_model_comes_first_then_longer_models_then_text(mall):
    _, engine = mall
    titles = [hit.title for hit in engine.search(SearchRequest(q="M404dn")).hits]
    assert "M404dn" in titles[0]
