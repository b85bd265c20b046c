"""Why a hit stands where it stands, in the embedded engine: the very queries that rank are asked again, for the hits of one page."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from tantivy import DocAddress, Occur, Query, Searcher

from catalog.search import paging
from catalog.search.engine_query import Ladder, Question, Questions, Step
from catalog.search.port import Hit, Placed, Reason, Sort

FIELDS: Final = {Sort.PRICE_UP: "by_price", Sort.PRICE_DOWN: "by_price", Sort.SALES: "by_sales", Sort.NEWEST: "by_new"}
"""The fast field that holds the figure of an order and the id behind it."""
Points = Mapping[int, float]


class Reasons:
    """Explains the hits of one page, all of them with one search for each step of the question."""

    def __init__(self, searcher: Searcher, questions: Questions, found: Sequence[tuple[float, DocAddress]]) -> None:
        self._searcher = searcher
        self._addresses = [address for _, address in found]
        self._ids = [int(pk) for pk in searcher.fast_field_values("pk", self._addresses)] if found else []  # type: ignore[arg-type]
        self._among = Query.const_score_query(questions.any_of("pk", self._ids), 0.0)

    def of(self, question: Question | None, hits: Sequence[Hit], sort: Sort) -> tuple[Placed, ...]:
        """The hits with what placed them, in their order."""
        if not hits:
            return ()
        values = self._searcher.fast_field_values
        ranks = values("rank", self._addresses)
        field = FIELDS.get(sort)
        figures = values(field, self._addresses) if field else [None] * len(hits)
        reasons = self._reasons(question) if question else {}
        placed = []
        for hit, rank, figure in zip(hits, ranks, figures, strict=True):
            found = reasons.get(hit.pk, ())
            # A question without words finds everything alike.
            points = sum(reason.points for reason in found) if question else 1.0
            placed.append(
                Placed(
                    hit=hit, reasons=found, points=points, popular=math.log2(2 + float(rank or 0)),
                    figure=None if figure is None else paging.parted(int(figure))[0],
                )
            )  # fmt: skip
        return tuple(placed)

    def _reasons(self, question: Question) -> dict[int, tuple[Reason, ...]]:
        words = [(ladder, self._of(ladder)) for ladder in question.words]
        spoken = self._scores(question.spoken.query) if question.spoken else {}
        keyed = self._best("", question.keyed) if question.keyed else {}
        found: dict[int, tuple[Reason, ...]] = {}
        for pk in self._ids:
            by_words = tuple(of[pk] for _, of in words if pk in of)
            if len(by_words) < question.needed:
                by_words = ()
            worth = sum(reason.points for reason in by_words)
            if question.spoken and spoken.get(pk, 0.0) > worth:
                step = question.spoken
                inner = self._of(step.within[0])
                by_words = (Reason(step.text, step.where, step.text, spoken[pk], (inner[pk],) if pk in inner else ()),)
            found[pk] = (*by_words, *((keyed[pk],) if pk in keyed else ()))
        return found

    def _of(self, ladder: Ladder) -> dict[int, Reason]:
        return self._best(ladder.word, ladder.steps)

    def _best(self, word: str, steps: Sequence[Step]) -> dict[int, Reason]:
        """For each hit the step that is worth most; of two alike the first."""
        best: dict[int, tuple[float, Step]] = {}
        for step in steps:
            for pk, points in self._scores(step.query).items():
                if pk not in best or points > best[pk][0]:
                    best[pk] = (points, step)
        inside = {id(step): [self._of(ladder) for ladder in step.within] for _, step in best.values() if step.within}
        return {
            pk: Reason(word or step.text, step.where, step.text, points, tuple(of[pk] for of in inside.get(id(step), ()) if pk in of))
            for pk, (points, step) in best.items()
        }

    def _scores(self, query: Query) -> Points:
        """What the query gives to each hit that it finds."""
        narrowed = Query.boolean_query([(Occur.Must, query), (Occur.Must, self._among)])
        hits = self._searcher.search(narrowed, len(self._ids), count=False).hits
        if not hits:
            return {}
        ids = self._searcher.fast_field_values("pk", [address for _, address in hits])
        return {int(pk): float(score) for pk, (score, _) in zip(ids, hits, strict=True)}  # type: ignore[arg-type]
