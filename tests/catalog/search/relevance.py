"""How good answers are: labelled questions, what is right for each, and the measures of a whole class of them."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from catalog.search.port import SearchDocument, SearchEngine, SearchRequest
from tests.catalog.search import goods

CLASSES: Final = ("words", "substring", "model", "typo", "pinyin", "initials", "synonym", "traditional_mixed")
RECALL_FLOORS: Final[Mapping[str, float]] = {name: 0.95 if name in {"words", "model", "pinyin"} else 0.9 for name in CLASSES}
FIRST_FLOOR: Final = 0.8
"""P@1 over all questions together."""
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody types, and what he wants: goods of these categories, of this brand and model, whose own words hold all of `says`.

    One piece of `says` may name alternatives, separated by |. It is read from the goods' facts, never from what an engine answers.
    """

    kind: str
    q: str
    codes: tuple[str, ...]
    brand: str | None
    model: str | None
    says: tuple[str, ...]

    def wants(self, one: SearchDocument) -> bool:
        if one.category_code not in self.codes or self.brand not in (None, one.brand) or self.model not in (None, one.model):
            return False
        text = f"{one.title} {one.spec}".lower()
        return all(any(word in text for word in piece.split("|")) for piece in self.says)


@dataclass(frozen=True, slots=True)
class Score:
    """Means of one class: whether the first hit is right, nDCG of the first ten, and how many of the right ones are among twenty."""

    questions: int
    first: float
    ndcg: float
    recall: float


@cache
def questions() -> tuple[Question, ...]:
    """All labelled questions."""
    rows: list[dict[str, Any]] = json.loads((Path(__file__).parent / "queries.json").read_text("utf-8"))
    return tuple(
        Question(row["class"], row["query"], tuple(row["codes"]), row["brand"], row["model"], tuple(row.get("says", ()))) for row in rows
    )


def right(question: Question) -> set[int]:
    """Ids of the goods that the question is after."""
    return {one.pk for one in goods.catalogue() if question.wants(one)}


def judged(wanted: set[int], found: Sequence[int]) -> tuple[float, float, float]:
    """P@1, nDCG@10 and recall@20 of one answer; more than can be shown cannot be asked for."""
    gains = [pk in wanted for pk in found]
    ideal = sum(1 / math.log2(place + 2) for place in range(min(10, len(wanted))))
    gained = sum(1 / math.log2(place + 2) for place, gain in enumerate(gains[:10]) if gain)
    return float(any(gains[:1])), gained / ideal, sum(gains[:SHOWN]) / min(SHOWN, len(wanted))


def scores(engine: SearchEngine, tell: Callable[[Question, set[int], Sequence[int]], None] | None = None) -> dict[str, Score]:
    """Every class measured on an engine that holds the catalogue; `tell` hears each answer."""
    rows: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for question in questions():
        wanted = right(question)
        found = [hit.pk for hit in engine.search(SearchRequest(q=question.q, limit=SHOWN, highlight=False)).hits]
        rows[question.kind].append(judged(wanted, found))
        if tell is not None:
            tell(question, wanted, found)
    return {name: _means(rows[name]) for name in CLASSES} | {"all": _means([row for name in CLASSES for row in rows[name]])}


def _means(rows: Sequence[tuple[float, float, float]]) -> Score:
    first, ndcg, recall = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return Score(len(rows), first, ndcg, recall)


def missed(measured: Mapping[str, Score], *, share: float = 1.0) -> list[str]:
    """What lies below its floor, in words; `share` of the floors is asked for."""
    low = [
        f"recall@20 of {name} is {measured[name].recall:.3f}, not {floor * share:.3f}"
        for name, floor in RECALL_FLOORS.items()
        if measured[name].recall < floor * share
    ]
    if measured["all"].first < FIRST_FLOOR * share:
        low.append(f"P@1 is {measured['all'].first:.3f}, not {FIRST_FLOOR * share:.3f}")
    return low


def table(measured: Mapping[str, Score]) -> Iterable[str]:
    """The measures for people."""
    yield f"{'class':18} {'questions':>9} {'P@1':>6} {'nDCG@10':>8} {'recall@20':>9}  floor"
    for name, score in measured.items():
        floor = f"recall {RECALL_FLOORS[name]}" if name in RECALL_FLOORS else f"P@1 {FIRST_FLOOR}"
        yield f"{name:18} {score.questions:9} {score.first:6.3f} {score.ndcg:8.3f} {score.recall:9.3f}  {floor}"
