"""What every engine stores of a listing alike: its tokens, the codes it is found by, values of facets with their labels."""

from typing import Final

from catalog.search import analysis, lexicon
from catalog.search.port import CATEGORY_FACETS, FLAGS, FacetName, FacetValue, Filters, SearchDocument

LABEL: Final = "\t"
"""Stands between the code and the label of a facet value."""


def analysed(document: SearchDocument) -> analysis.Analysed:
    return analysis.analyse(
        document.title, document.brand, document.model, document.category_name, document.category_code,
        document.spec, document.supplier_name,
    )  # fmt: skip


def keys(document: SearchDocument) -> list[str]:
    """What a buyer may paste to find exactly this: the model, with brand, without (though it be written into it), and the listing's id."""
    model = analysis.compact(document.model)
    bare = next((model.removeprefix(name) for name in map(analysis.compact, other_names(document.brand)) if model.startswith(name)), model)
    return [key for key in dict.fromkeys((model, bare, analysis.compact(document.brand) + model, str(document.pk))) if key]


def other_names(brand: str) -> tuple[str, ...]:
    """What else a brand is called, in Latin letters mostly."""
    return lexicon.LATIN_BRANDS.get(brand, ())


def category_codes(document: SearchDocument) -> list[str]:
    """Codes of the category and of those above it."""
    return list(dict.fromkeys((*(step.code for step in document.category_path[:3]), document.category_code)))


def facet_value(stored: str, count: int) -> FacetValue:
    value, _, label = stored.partition(LABEL)
    return FacetValue(value=value, label=label or value, count=count)


def filtered_by(filters: Filters, name: FacetName) -> bool:
    """Whether the filters hold one that belongs to this facet."""
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


def sharing(names: tuple[FacetName, ...]) -> list[tuple[FacetName, ...]]:
    """Facets grouped by the filter that belongs to them: the levels of the category share one."""
    levels = tuple(name for name in names if name in CATEGORY_FACETS)
    return [*([levels] if levels else []), *((name,) for name in names if name not in CATEGORY_FACETS)]
