"""What a reader asks of the search, read from the address, and the addresses of what may be asked next."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from app.kernel import money, regions
from app.kernel.errors import N_, Refusal
from app.web.texts import gettext
from catalog.search.port import POLICY, Facet, FacetName, FacetValue, Filters, SearchPage, SearchRequest, Sort

PAGE: Final = 24
FIRST_VALUES: Final = 8
"""Values of a facet that are shown unfolded."""
DAYS: Final = (1, 3, 5, 10)
MOST_TRAIL: Final = 60
"""Page marks that an address carries, so that 上一页 works without a memory on the server."""

FACETS: Final = (
    FacetName.CAT3, FacetName.BRAND, FacetName.SUPPLIER, FacetName.REGION, *POLICY, FacetName.IN_STOCK, FacetName.PRICE,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question to the search. Prices in fen, delivery in days; the trail is the page marks followed so far."""

    q: str = ""
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    suppliers: tuple[int, ...] = ()
    region: str | None = None
    low_fen: int | None = None
    high_fen: int | None = None
    days: int | None = None
    flags: tuple[FacetName, ...] = ()
    without: tuple[int, ...] = ()
    """Suppliers that may not trade where the reader buys; no condition of his, so it stands in no address."""
    sort: Sort = Sort.RELEVANCE
    table: bool = False
    trail: tuple[str, ...] = ()

    @property
    def filters(self) -> Filters:
        """The question's conditions as the port takes them; a region is served by what serves those above it."""
        return Filters(
            categories=self.categories,
            brands=self.brands,
            suppliers=self.suppliers,
            without=self.without,
            regions=tuple(region.code for region in regions.path(self.region)) if self.region else (),
            price_min_fen=self.low_fen,
            price_max_fen=self.high_fen,
            delivery_days_max=self.days,
            **{flag.value: True for flag in self.flags},  # type: ignore[arg-type]
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything but words was asked for."""
        return self.filters != Filters(without=self.without)

    def request(self, **more: Any) -> SearchRequest:
        """The question for the engine; facets with a filter are counted as if it were open."""
        filtered = {
            FacetName.CAT3: self.categories, FacetName.BRAND: self.brands, FacetName.SUPPLIER: self.suppliers,
            FacetName.REGION: self.region, FacetName.PRICE: self.low_fen is not None or self.high_fen is not None,
        }  # fmt: skip
        facts: dict[str, Any] = {
            "q": self.q,
            "filters": self.filters,
            "facets": FACETS,
            "disjunctive": tuple(name for name, set_ in filtered.items() if set_),
            "sort": self.sort,
            "page": self.trail[-1] if self.trail else None,
            "limit": PAGE,
        }
        return SearchRequest(**(facts | more))

    def params(self) -> dict[str, Any]:
        """The query string of this question, without what is not asked."""
        found: dict[str, Any] = {
            "q": self.q,
            "category": list(self.categories),
            "brand": list(self.brands),
            "supplier": list(self.suppliers),
            "region": self.region,
            "low": _yuan(self.low_fen),
            "high": _yuan(self.high_fen),
            "days": self.days,
            **{flag.value: 1 for flag in self.flags},
            "sort": self.sort.value if self.sort is not Sort.RELEVANCE else None,
            "view": "table" if self.table else None,
            "page": list(self.trail),
        }
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def but(self, **change: Any) -> "Asked":
        """Another question like this one, from its first page."""
        return replace(self, **{"trail": (), **change})


def read(args: MultiDict[str, str]) -> Asked:
    """The question in an address; values that make no sense are left out."""
    region = args.get("region", "")
    low, high = _fen(args.get("low", "")), _fen(args.get("high", ""))
    if low is not None and high is not None and low > high:
        low, high = high, low
    days = args.get("days", "")
    sort = Sort.RELEVANCE
    with contextlib.suppress(ValueError):
        sort = Sort(args.get("sort", Sort.RELEVANCE.value))
    return Asked(
        q=" ".join(args.get("q", "").split())[:100],
        categories=_unique(_whole(code) for code in args.getlist("category") if code.isascii() and code.isalnum() and len(code) <= 9),
        brands=_unique(brand for brand in args.getlist("brand") if 0 < len(brand) <= 60),
        suppliers=tuple(int(number) for number in _unique(args.getlist("supplier")) if number.isdecimal() and len(number) < 18),
        region=region if region in regions.REGIONS else None,
        low_fen=low,
        high_fen=high,
        days=int(days) if days.isdecimal() and 0 < int(days[:6]) <= 365 else None,
        flags=tuple(flag for flag in FLAGS if args.get(flag.value, "") == "1"),
        sort=sort,
        table=args.get("view", "") == "table",
        trail=tuple(args.getlist("page")[-MOST_TRAIL:]),
    )


FLAGS: Final = (FacetName.IN_STOCK, *POLICY)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One tick of the facets; the count is None where it is not counted."""

    name: str
    value: str
    label: str
    count: int | None
    ticked: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    """One facet: what is shown at once, and what stands behind 其余."""

    legend: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()
    radio: bool = False


def groups(asked: Asked, facets: Mapping[FacetName, Facet], own_region: str | None) -> list[Group]:
    """The facets of a page of results, in the order of the column."""
    found = [
        _group(gettext("品目"), "category", facets.get(FacetName.CAT3), asked.categories),
        _group(gettext("品牌"), "brand", facets.get(FacetName.BRAND), asked.brands),
        _group(gettext("供应商"), "supplier", facets.get(FacetName.SUPPLIER), tuple(map(str, asked.suppliers))),
        _flags(gettext("政策功能"), POLICY, facets, asked),
        _flags(gettext("库存"), (FacetName.IN_STOCK,), facets, asked),
        Group(
            legend=gettext("承诺送达"),
            choices=tuple(
                Choice(name="days", value=str(days), label=gettext("%(n)s 日内", n=days), count=None, ticked=asked.days == days)
                for days in DAYS
            ),
            radio=True,
        ),
        _regions(facets.get(FacetName.REGION), asked, own_region),
    ]
    return [group for group in found if group.choices]


def chips(asked: Asked, page: SearchPage, names: Mapping[str, str], address: Callable[[Asked], str]) -> list[tuple[str, str]]:
    """The conditions asked for, each with the address that leaves it out; `names` are those of category codes."""
    suppliers = {value.value: value.label for value in _values(page.facets.get(FacetName.SUPPLIER))}
    found = [
        *((names.get(code, code), asked.but(categories=_without(asked.categories, code))) for code in asked.categories),
        *((brand, asked.but(brands=_without(asked.brands, brand))) for brand in asked.brands),
        *(
            (suppliers.get(str(number), gettext("供应商 %(id)s", id=number)), asked.but(suppliers=_without(asked.suppliers, number)))
            for number in asked.suppliers
        ),
    ]
    if asked.low_fen is not None or asked.high_fen is not None:
        found.append((_span(asked.low_fen, asked.high_fen), asked.but(low_fen=None, high_fen=None)))
    if asked.region:
        found.append((gettext("%(place)s供货", place=regions.by_code(asked.region).name), asked.but(region=None)))
    if asked.days is not None:
        found.append((gettext("%(n)s 日内送达", n=asked.days), asked.but(days=None)))
    found += [(_flag_label(flag), asked.but(flags=_without(asked.flags, flag))) for flag in asked.flags]
    return [(label, address(other)) for label, other in found]


def sorts(asked: Asked, address: Callable[[Asked], str]) -> list[tuple[str, str, bool]]:
    """The orders of the list: label, address, whether it is the present one."""
    labels = (
        (Sort.RELEVANCE, gettext("综合")), (Sort.PRICE_UP, gettext("价格从低")), (Sort.PRICE_DOWN, gettext("价格从高")),
        (Sort.SALES, gettext("成交量")), (Sort.NEWEST, gettext("最新上架")),
    )  # fmt: skip
    return [(label, address(asked.but(sort=sort)), asked.sort is sort) for sort, label in labels]


def _group(legend: str, name: str, facet: Facet | None, ticked: Sequence[str]) -> Group:
    found = [
        Choice(name=name, value=value.value, label=value.label, count=value.count, ticked=value.value in ticked) for value in _values(facet)
    ]
    there = {choice.value for choice in found}
    found += [Choice(name=name, value=value, label=value, count=0, ticked=True) for value in ticked if value not in there]
    found.sort(key=lambda choice: not choice.ticked)
    first = max(FIRST_VALUES, sum(choice.ticked for choice in found))
    return Group(legend=legend, choices=tuple(found[:first]), more=tuple(found[first:]))


def _flags(legend: str, flags: Sequence[FacetName], facets: Mapping[FacetName, Facet], asked: Asked) -> Group:
    choices = []
    for flag in flags:
        count = next((value.count for value in _values(facets.get(flag)) if value.value == "true"), 0)
        if count or flag in asked.flags:
            choices.append(Choice(name=flag.value, value="1", label=_flag_label(flag), count=count, ticked=flag in asked.flags))
    return Group(legend=legend, choices=tuple(choices))


def _regions(facet: Facet | None, asked: Asked, own: str | None) -> Group:
    """The reader's own region first, then the cities; what serves the whole province serves each of them."""
    counts = {value.value: value.count for value in _values(facet)}
    codes = [own, asked.region, regions.PROVINCE, *(region.code for region in regions.children(regions.PROVINCE))]
    choices = []
    for code in dict.fromkeys(each for each in codes if each):
        served = sum(counts.get(region.code, 0) for region in regions.path(code))
        if served or code == asked.region:
            label = gettext("全省") if code == regions.PROVINCE else regions.by_code(code).name
            choices.append(Choice(name="region", value=code, label=label, count=served, ticked=code == asked.region))
    return Group(legend=gettext("供货区域"), choices=tuple(choices[:4]), more=tuple(choices[4:]), radio=True)


FLAG_NAMES: Final[Mapping[FacetName, str]] = {
    FacetName.ENERGY: N_("节能产品"), FacetName.ENV: N_("环境标志"), FacetName.SAFE_RELIABLE: N_("安全可靠"),
    FacetName.DOMESTIC_2026: N_("本国产品"), FacetName.POVERTY_AREA: N_("脱贫地区"), FacetName.SME: N_("中小企业"),
    FacetName.IMPORTED: N_("进口（须审批）"), FacetName.IN_STOCK: N_("现货"),
}  # fmt: skip


def _flag_label(flag: FacetName) -> str:
    return gettext(FLAG_NAMES[flag])


def _values(facet: Facet | None) -> tuple[FacetValue, ...]:
    return facet.values if facet else ()


def _span(low: int | None, high: int | None) -> str:
    if low is None:
        return gettext("%(high)s 元以下", high=_yuan(high))
    if high is None:
        return gettext("%(low)s 元以上", low=_yuan(low))
    return gettext("%(low)s–%(high)s 元", low=_yuan(low), high=_yuan(high))


def _without(values: tuple[Any, ...], gone: Any) -> tuple[Any, ...]:
    return tuple(value for value in values if value != gone)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:50]


def _whole(code: str) -> str:
    return code.upper().ljust(9, "0") if len(code) > 1 else code.upper()


def _fen(text: str) -> int | None:
    with contextlib.suppress(Refusal):
        return money.parse_yuan(text) if text.strip() else None
    return None


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else money.yuan(fen).replace(",", "").removesuffix(".00")
