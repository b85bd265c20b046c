"""Forms of the Meilisearch engine: settings, documents, questions and filters as the server takes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from catalog.search import analysis, entry, lexicon, paging
from catalog.search.paging import Place
from catalog.search.port import CATEGORY_FACETS, FLAGS, MAX_TOTAL, FacetName, Filters, Measure, SearchDocument, Sort
from catalog.search.spelling import is_cjk

MAX_WORDS: Final = 10
"""The server cuts a question here without saying so."""
VALUES: Final = 500
"""Values of one facet at most."""
LOCALES: Final = ("cmn",)
SORTS: Final[Mapping[Sort, tuple[str, bool]]] = {
    Sort.PRICE_UP: ("price", True), Sort.PRICE_DOWN: ("price", False), Sort.SALES: ("sales", False), Sort.NEWEST: ("created", False),
}  # fmt: skip


def settings() -> dict[str, Any]:
    return {
        # The order is the rank: a model before the name of a category, before the title, before the rest.
        "searchableAttributes": ["key", "called", "kinds", "own", "words", "latin", "others", "spec", "pinyin", "pairs"],
        "filterableAttributes": [
            "pk", "product_id", "cats", "leaf", "supplier_id", "price", "delivery", "sales", "created",
            *(name.value for name in FacetName if name is not FacetName.PRICE),
        ],
        "sortableAttributes": ["price", "sales", "created", "pk"],
        # A whole word stands above one that only begins so, wherever it is found; the embedded engine's tiers say the same.
        "rankingRules": ["sort", "words", "typo", "exactness", "attribute", "proximity", "popularity:desc", "pk:asc"],
        "typoTolerance": {
            "enabled": True,
            "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
            "disableOnNumbers": True,
            "disableOnAttributes": ["key", "own", "pinyin", "pairs"],
        },
        "faceting": {"maxValuesPerFacet": VALUES, "sortFacetValuesBy": {"*": "count"}},
        # One more than is told, so that an exact total can be told from a clipped one.
        "pagination": {"maxTotalHits": MAX_TOTAL + 1},
        "localizedAttributes": [{"attributePatterns": ["*"], "locales": list(LOCALES)}],
        # Names of goods are single words: 电脑 must not be found inside 电脑桌 as if it stood there by itself.
        "dictionary": dictionary(),
        "synonyms": lexicon.synonym_table(),
        "displayedAttributes": [
            "pk", "product_id", "title", "brand", "model", "category_name", "supplier_name", "price", "sales", "created",
        ],
    }  # fmt: skip


def dictionary() -> list[str]:
    """Chinese words that the server must not cut."""
    return sorted(word for word in lexicon.words_set() if len(word) > 1 and all(is_cjk(char) for char in word))


def document(one: SearchDocument) -> dict[str, Any]:
    """A listing with our own words, pinyin and character pairs, so that both engines see the same."""
    found = entry.analysed(one)
    said: dict[str, Any] = {
        "pk": one.pk,
        "product_id": one.product_id,
        "title": one.title,
        "brand": one.brand,
        "model": one.model,
        "category_name": one.category_name,
        "supplier_name": one.supplier_name,
        "key": entry.keys(one),
        "called": f"{analysis.normal(one.category_name)} {found.called}",
        "kinds": found.kinds,
        "own": found.own,
        "words": found.words,
        "others": f"{found.synonyms} {found.perhaps}",
        "latin": found.latin,
        "spec": found.spec,
        "pinyin": found.pinyin,
        "pairs": found.pairs,
        "cats": entry.category_codes(one),
        "leaf": one.category_code + entry.LABEL + one.category_name,
        "supplier_id": one.supplier_id,
        "supplier": f"{one.supplier_id}{entry.LABEL}{one.supplier_name}",
        "region": list(one.regions),
        "credit": one.credit,
        "price": one.price_fen,
        "delivery": one.delivery_days,
        "sales": one.sales,
        "created": int(one.created_at.timestamp()),
        "popularity": one.popularity,
    }
    for name, step in zip(CATEGORY_FACETS, one.category_path, strict=False):
        said[name.value] = step.code + entry.LABEL + step.name
    return said | {flag.value: getattr(one, flag.value) for flag in FLAGS}


def question(q: str) -> str:
    """The question cut into the words we indexed; nothing when none of it can be searched."""
    words: list[str] = []
    for word in analysis.parse(q):
        words.extend([word] if word in lexicon.words_set() or not is_cjk(word) else analysis.cut(word))
    return " ".join(words[:MAX_WORDS])


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _any_of(field: str, values: Iterable[str | int]) -> str:
    return f"{field} IN [{', '.join(quoted(value) if isinstance(value, str) else str(int(value)) for value in values)}]"


def filters(of: Filters, *, but: FacetName | None = None) -> list[str]:
    """One condition per field that is set; the server joins them by AND. `but` leaves out the filter of one facet."""
    found = []
    if of.categories and but not in CATEGORY_FACETS:
        found.append(_any_of("cats", of.categories))
    fields: tuple[tuple[FacetName | None, str, Sequence[str | int]], ...] = (
        (FacetName.BRAND, "brand", of.brands),
        (FacetName.SUPPLIER, "supplier_id", of.suppliers),
        (FacetName.REGION, "region", of.regions),
        (FacetName.CREDIT, "credit", of.credit),
        (None, "product_id", of.products),
    )
    found.extend(_any_of(field, values) for facet, field, values in fields if values and (facet is None or facet is not but))
    if of.without:
        found.append(f"NOT {_any_of('supplier_id', of.without)}")
    if but is not FacetName.PRICE:
        found.extend(f"price >= {int(low)}" for low in (of.price_min_fen,) if low is not None)
        found.extend(f"price <= {int(high)}" for high in (of.price_max_fen,) if high is not None)
    if of.delivery_days_max is not None:
        found.append(f"delivery <= {int(of.delivery_days_max)}")
    for flag in FLAGS:
        wanted: bool | None = getattr(of, flag.value)
        if wanted is not None and flag is not but:
            found.append(f"{flag.value} = {'true' if wanted else 'false'}")
    return found


def order(sort: Sort) -> list[str]:
    if sort not in SORTS:
        return []
    field, upwards = SORTS[sort]
    way = "asc" if upwards else "desc"
    return [f"{field}:{way}", f"pk:{way}"]


def behind(place: Place) -> list[str]:
    """The condition that a hit stands behind a place in an order other than relevance."""
    if place.sort not in SORTS:
        return []
    field, upwards = SORTS[place.sort]
    value, pk = paging.parted(place.at)
    sign = ">" if upwards else "<"
    return [f"({field} {sign} {value} OR ({field} = {value} AND pk {sign} {pk}))"]


def measures(raw: Mapping[str, Any]) -> tuple[Measure, ...]:
    """What each ranking rule said of a hit (`_rankingScoreDetails`), in the order in which the rules were compared."""
    details: Mapping[str, Mapping[str, Any]] = raw.get("_rankingScoreDetails") or {}
    return tuple(
        Measure(rule, {name: value for name, value in said.items() if name != "order" and isinstance(value, int | float | str)})
        for rule, said in sorted(details.items(), key=lambda one: one[1].get("order", 0))
    )


def figure(raw: Mapping[str, Any], sort: Sort) -> int | None:
    """The number by which a hit was sorted; None by relevance."""
    return int(raw[SORTS[sort][0]]) if sort in SORTS else None
