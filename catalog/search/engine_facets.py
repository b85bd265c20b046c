"""Counts of the embedded engine: values of a facet, the range of prices, facets counted without their own filter."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from tantivy import Query, Searcher

from catalog.search import analysis
from catalog.search.engine_query import Questions, filtered
from catalog.search.engine_schema import FACET_FIELDS, LABEL
from catalog.search.port import CATEGORY_FACETS, FLAGS, Facet, FacetName, FacetStats, FacetValue, Filters, SearchRequest
from catalog.search.spelling import spelt

SIZE: Final = 100
"""Values of one facet at most."""
ALL: Final = 20_000
"""Values looked through when one is searched for."""

Counts = tuple[Mapping[FacetName, Facet], Mapping[FacetName, FacetStats]]


class FacetCounter:
    """Counts facets; those of plain browsing are kept until the index changes, for everyone opens the same pages."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: OrderedDict[object, Counts] = OrderedDict()

    def counts(
        self, searcher: Searcher, generation: int, questions: Questions, base: Query, request: SearchRequest, *, partial: bool
    ) -> Counts:
        wanted = tuple(dict.fromkeys((*request.facets, *request.disjunctive)))
        if not wanted:
            return {}, {}
        key = (generation, request.filters, wanted, request.disjunctive) if not request.q.strip() and self._keep else None
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
        apart = tuple(name for name in request.disjunctive if _filtered_by(request.filters, name))
        answer = _aggregate(searcher, base, tuple(name for name in wanted if name not in apart), SIZE)
        question = questions.question(request.q, partial=partial) if apart else None
        for group in _shared(apart):
            without = filtered(question, questions.filters(request.filters, but=group[0]))
            answer |= _aggregate(searcher, without, group, SIZE)
        facets: dict[FacetName, Facet] = {
            name: Facet(name=name, values=_values(answer[name.value])) for name in wanted if name is not FacetName.PRICE
        }  # fmt: skip
        stats = _stats(answer["price"]) if FacetName.PRICE in wanted else None
        return facets, {FacetName.PRICE: stats} if stats else {}

    def matching(self, searcher: Searcher, within: Query, facet: FacetName, prefix: str, limit: int) -> tuple[FacetValue, ...]:
        if facet is FacetName.PRICE:
            return ()
        values = _values(_aggregate(searcher, within, (facet,), ALL)[facet.value])
        key = analysis.compact(prefix)
        return tuple(value for value in values if key in analysis.compact(value.label) or _sounds_like(value.label, key))[:limit]


def _sounds_like(label: str, key: str) -> bool:
    return any(sound.startswith(key) for sound in spelt(analysis.normal(label)))


def _shared(names: tuple[FacetName, ...]) -> list[tuple[FacetName, ...]]:
    """Facets that leave out the same filter are counted in one pass."""
    levels = tuple(name for name in names if name in CATEGORY_FACETS)
    return [*([levels] if levels else []), *((name,) for name in names if name not in CATEGORY_FACETS)]


def _filtered_by(filters: Filters, name: FacetName) -> bool:
    if name in FLAGS:
        return getattr(filters, name.value) is not None
    return bool(
        {
            FacetName.BRAND: filters.brands,
            FacetName.SUPPLIER: filters.suppliers,
            FacetName.REGION: filters.regions,
            FacetName.CREDIT: filters.credit,
            FacetName.PRICE: filters.price_min_fen is not None or filters.price_max_fen is not None,
        }.get(name, filters.categories)
    )


def _aggregate(searcher: Searcher, query: Query, names: tuple[FacetName, ...], size: int) -> dict[str, Any]:
    if not names:
        return {}
    asked: dict[str, Any] = {
        name.value: {"stats": {"field": "price"}} if name is FacetName.PRICE else {"terms": {"field": FACET_FIELDS[name], "size": size}}
        for name in names
    }
    return searcher.aggregate(query, asked)


def _values(answer: Mapping[str, Any]) -> tuple[FacetValue, ...]:
    found = []
    for bucket in answer["buckets"]:
        value, _, label = str(bucket.get("key_as_string", bucket["key"])).partition(LABEL)
        found.append(FacetValue(value=value, label=label or value, count=bucket["doc_count"]))
    return tuple(sorted(found, key=lambda one: (-one.count, one.label)))


def _stats(answer: Mapping[str, Any]) -> FacetStats | None:
    if not answer["count"]:
        return None
    return FacetStats(low=round(answer["min"]), high=round(answer["max"]), mean=round(answer["avg"]), count=answer["count"])
