"""JSON ways in to the shop: search, suggestions, one product with its offers. Public, as the pages are."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app
from pydantic import Field
from werkzeug.datastructures import MultiDict

from app.kernel import clock
from app.kernel.errors import N_, Missing
from app.web.extensions import db
from app.web.guard import maybe_me, public
from app.web.openapi import Answers, Fen, Model, Problem, spec, titled
from catalog.listings import prices
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.listings.rules import Quartiles
from catalog.products import queries as products
from catalog.products.rules import PolicyFact, attributes_of, documents, gtin_as_printed, proven_on
from catalog.products.states import Counts, FactKind, Origin
from catalog.search import forms, queries
from catalog.search.port import FacetName, SearchEngine, Sort

api = Blueprint("search_api", __name__, url_prefix="/api/v1")
TAG = ("catalogue",)


class SearchQuery(Model):
    """What is looked for; lists are given by repeating the name."""

    q: str = Field(default="", max_length=100, description=N_("品名、型号、品目编码、拼音或首字母"))
    category: list[str] = Field(default_factory=list, max_length=50)
    brand: list[str] = Field(default_factory=list, max_length=50)
    supplier: list[int] = Field(default_factory=list, max_length=50)
    region: str | None = Field(default=None, pattern=r"^\d{6}$", description=N_("能供货到这一地区"))
    low_fen: Fen | None = None
    high_fen: Fen | None = None
    days: int | None = Field(default=None, ge=1, le=365, description=N_("承诺送达不超过的日数"))
    in_stock: bool = False
    energy: bool = False
    env: bool = False
    safe_reliable: bool = False
    domestic_2026: bool = False
    poverty_area: bool = False
    sme: bool = False
    imported: bool = False
    sort: Sort = Sort.RELEVANCE
    cursor: str | None = Field(default=None, max_length=1000)
    limit: int = Field(default=24, ge=1, le=100)
    facets: bool = False


class QuartilesOut(Model):
    """How the live offers of a product are spread, in fen."""

    n: int
    min: int
    q1: int
    median: int
    q3: int
    max: int


class OfferOut(Model):
    """One offer; price and stock are those of the database at this moment."""

    listing_id: int
    version: int
    product_id: int
    title: str
    category_code: str
    brand: str
    model: str
    unit: str
    price_fen: int
    stock: int
    areas: list[str]
    delivery_days: int
    warranty_months: int
    sold: int
    supplier_id: int
    supplier_name: str
    is_sme: bool
    energy_saving: bool
    environment: bool
    origin: Origin
    quartiles: QuartilesOut | None = None


class FacetValueOut(Model):
    """One value of a facet with its count."""

    value: str
    label: str
    count: int


class SearchOut(Model):
    """One page of hits."""

    items: list[OfferOut]
    total: int
    total_exact: bool
    next: str | None
    corrected: str | None
    partial: bool
    degraded: bool
    took_ms: float
    facets: dict[str, list[FacetValueOut]]


class SuggestQuery(Model):
    """What is typed so far."""

    q: str = Field(min_length=1, max_length=100)
    limit: int = Field(default=10, ge=1, le=20)


class SuggestionOut(Model):
    """A category (its code), a brand or a product (its id)."""

    kind: str
    text: str
    value: str
    count: int


class SuggestionList(Model):
    """Suggestions, categories and brands first."""

    items: list[SuggestionOut]


class PriceOut(Model):
    """The price that held from a moment on."""

    price_fen: int
    at: datetime


class PolicyFactOut(Model):
    """What policy says of a product by one document, and whether it counts today."""

    kind: FactKind
    counts: Counts
    number: str
    issuer: str
    valid_to: date | None
    checked: bool


class ProductOut(Model):
    """A product, its live offers with the lowest first, and how the lowest one's price went in 90 days."""

    product_id: int
    category_code: str
    brand: str
    model: str
    title: str
    unit: str
    origin: Origin
    energy_saving: bool
    environment: bool
    gtin: str
    facts: list[PolicyFactOut]
    attributes: dict[str, Any]
    offers: list[OfferOut]
    quartiles: QuartilesOut | None
    prices: list[PriceOut]


@api.get("/search")
@titled(N_("搜索商品"))
@public
@spec.validate(resp=Answers(HTTP_200=SearchOut, HTTP_404=Problem, HTTP_422=Problem, HTTP_503=Problem), tags=TAG)
def search(query: SearchQuery) -> SearchOut:
    """Hits with prices and stock from the database."""
    session = db.session()
    asked = forms.read(MultiDict({"q": query.q, "sort": query.sort.value, "region": query.region or "", "brand": query.brand}))
    code = queries.code_meant(session, query.q)
    wanted = [*query.category, code] if code else query.category
    asked = asked.but(
        q="" if code else asked.q, categories=tuple(below for each in wanted for below in queries.searchable(session, each)),
        suppliers=tuple(query.supplier), low_fen=query.low_fen, high_fen=query.high_fen, days=query.days,
        flags=tuple(flag for flag in forms.FLAGS if getattr(query, flag.value)),
        without=queries.not_trading(session, maybe_me(), asked.region), trail=(query.cursor,) if query.cursor else (),
    )  # fmt: skip
    page = engine().search(asked.request(limit=query.limit, highlight=False, facets=forms.FACETS if query.facets else ()))
    rows = listings.shown(session, [hit.pk for hit in page.hits])
    stats = prices.quartiles_by_product(session, [row.product_id for row in rows.values()])
    found = [rows[hit.pk] for hit in page.hits if hit.pk in rows and rows[hit.pk].is_live]
    return SearchOut(
        items=[_offer(row, stats.get(row.product_id)) for row in found],
        total=page.total,
        total_exact=page.total_exact,
        next=page.next_page,
        corrected=page.corrected,
        partial=page.partial,
        degraded=page.degraded,
        took_ms=page.took_ms,
        facets={
            name.value: [FacetValueOut.model_validate(value) for value in facet.values]
            for name, facet in page.facets.items()
            if name is not FacetName.PRICE
        },
    )


@api.get("/suggest")
@titled(N_("搜索提示"))
@public
@spec.validate(resp=Answers(HTTP_200=SuggestionList, HTTP_422=Problem, HTTP_503=Problem), tags=TAG)
def suggest(query: SuggestQuery) -> SuggestionList:
    """What the reader may mean."""
    found = engine().suggest(query.q, query.limit)
    return SuggestionList(items=[SuggestionOut(kind=each.kind.value, text=each.text, value=each.value, count=each.count) for each in found])


@api.get("/products/<int:product_id>")
@titled(N_("产品与全部报价"))
@public
@spec.validate(resp=Answers(HTTP_200=ProductOut, HTTP_404=Problem), tags=TAG)
def product(product_id: int) -> ProductOut:
    """The product with its live offers."""
    session = db.session()
    found = products.by_id(session, product_id)
    actor = maybe_me()
    offers = listings.offers_for_product(session, found.id, actor.region if actor and actor.is_unit else None)
    stats = prices.quartiles(session, product_id=found.id)
    versions = prices.versions_of(session, offers[0].listing_id) if offers else []
    on = clock.today()
    facts = proven_on(found.proven, on)
    return ProductOut(
        product_id=found.id, category_code=found.category_code, brand=found.brand, model=found.model, title=found.title, unit=found.unit,
        origin=found.origin, energy_saving=FactKind.ENERGY in facts, environment=FactKind.ENVIRONMENT in facts,
        gtin=gtin_as_printed(found.gtin), facts=[_fact(each) for each in documents(found.proven, found.id, on).values()],
        attributes=attributes_of(found.attributes), offers=[_offer(row, None) for row in offers],
        quartiles=_quartiles(stats), prices=[PriceOut(price_fen=each.price_fen, at=each.at) for each in versions],
    )  # fmt: skip


@api.get("/offers/<int:listing_id>")
@titled(N_("一条报价"))
@public
@spec.validate(resp=Answers(HTTP_200=OfferOut, HTTP_404=Problem), tags=TAG)
def offer(listing_id: int) -> OfferOut:
    """One live offer as it stands now."""
    row = listings.shown(db.session(), [listing_id]).get(listing_id)
    if row is None or not row.is_live or row.supplier_id in queries.not_trading(db.session(), maybe_me()):
        raise Missing()
    return _offer(row, prices.quartiles(db.session(), product_id=row.product_id))


def engine() -> SearchEngine:
    """The search engine of this application."""
    found: SearchEngine = current_app.extensions["mall.search"]
    return found


def _offer(row: Shown, stats: Quartiles | None) -> OfferOut:
    return OfferOut.model_validate(row).model_copy(update={"quartiles": _quartiles(stats)})


def _fact(fact: PolicyFact) -> PolicyFactOut:
    return PolicyFactOut(
        kind=fact.kind, counts=fact.counts, number=fact.number, issuer=fact.issuer, valid_to=fact.valid_to, checked=fact.checked
    )


def _quartiles(stats: Quartiles | None) -> QuartilesOut | None:
    return QuartilesOut.model_validate(stats) if stats else None
