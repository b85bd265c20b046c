"""Counts of the embedded engine: values of a facet, the range of prices, facets counted without their own filter."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tantivy import Query, Searcher

from catalog.search import entry, suggestions
from catalog.search.engine_query import Questions, filtered
from catalog.search.port import Facet, FacetName, FacetStats, FacetValue, SearchRequest, SuggestionKind

SIZE: Final = 50
"""Values of one facet at most; the rest are found by searching the facet."""
ALL: Final = 20_000
"""Values looked through when one is searched for."""

_ASKED: Final[Mapping[FacetName, Any]] = {
    name: {"stats": {"field": "price"}} if name is FacetName.PRICE else {"terms": {"field": name.value, "size": SIZE}} for name in FacetName
}  # fmt: skip

Counts = tuple[Mapping[FacetName, Facet], Mapping[FacetName, FacetStats]]


class FacetCounter:
    """Counts facets; what was counted last is kept until the index changes: the next page, another order, and the next reader who
    asks for a printer count nothing anew.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: OrderedDict[object, Counts] = OrderedDict()

    def counts(
        self, searcher: Searcher, generation: int, questions: Questions, base: Query, request: SearchRequest, *, partial: bool
    ) -> Counts:
        wanted = tuple(dict.fromkeys((*request.facets, *request.disjunctive)))
        if not wanted:
            return {}, {}
        key = (generation, request.q, partial, request.filters, wanted, request.disjunctive) if self._keep else None
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        found = self._count(searcher, questions, base, request, wanted, partial=partial)
        if key is not None:
            self._kept[key] = found
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return found

    def _count(
        self, searcher: Searcher, questions: Questions, base: Query, request: SearchRequest, wanted: tuple[FacetName, ...],
        *, partial: bool,
    ) -> Counts:  # fmt: skip
        apart = tuple(name for name in request.disjunctive if entry.filtered_by(request.filters, name))
        together = tuple(name for name in wanted if name not in apart) if apart else wanted
        answer = _aggregate(searcher, base, together)
        if apart:
            question = questions.question(request.q, partial=partial)
            for group in entry.sharing(apart):
                without = filtered(question, questions.filters(request.filters, but=group[0]))
                answer |= _aggregate(searcher, without, group)
        facets: dict[FacetName, Facet] = {
            name: Facet(name=name, values=_values(answer[name])) for name in wanted if name is not FacetName.PRICE
        }  # fmt: skip
        stats = _stats(answer["price"]) if FacetName.PRICE in wanted else None
        return facets, {FacetName.PRICE: stats} if stats else {}

    def matching(self, searcher: Searcher, within: Query, facet: FacetName, prefix: str, limit: int) -> tuple[FacetValue, ...]:
        if facet is FacetName.PRICE:
            return ()
        answer = searcher.aggregate(within, {facet.value: {"terms": {"field": facet.value, "size": ALL}}})
        return suggestions.values_like(_values(answer[facet]), prefix, limit)


def shelf(searcher: Searcher) -> Iterator[suggestions.Entry]:
    """The categories and brands of the index."""
    asked: dict[str, Any] = {name: {"terms": {"field": name, "size": ALL}} for name in ("leaf", "brand")}
    answer = searcher.aggregate(Query.all_query(), asked)
    for kind, field in ((SuggestionKind.CATEGORY, "leaf"), (SuggestionKind.BRAND, "brand")):
        for one in _values(answer[field]):
            if one.value:
                yield suggestions.entry(kind, one.label, one.value, one.count)


def _aggregate(searcher: Searcher, query: Query, names: tuple[FacetName, ...]) -> dict[str, Any]:
    return searcher.aggregate(query, {name: _ASKED[name] for name in names}) if names else {}


def _values(answer: Mapping[str, Any]) -> tuple[FacetValue, ...]:
    found = [entry.facet_value(bucket.get("key_as_string") or str(bucket["key"]), bucket["doc_count"]) for bucket in answer["buckets"]]
    if len(found) > 1:
        found.sort(key=lambda one: (-one.count, one.label))
    return tuple(found)


def _stats(answer: Mapping[str, Any]) -> FacetStats | None:
    if not answer["count"]:
        return None
    return FacetStats(low=round(answer["min"]), high=round(answer["max"]), mean=round(answer["avg"]), count=answer["count"])
