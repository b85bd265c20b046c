"""The port of catalogue search: what may be asked of an engine, and what it answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple, Protocol

from app.kernel.errors import N_, Invalid, Refusal, Unavailable
from catalog.search.ranking import Where

MAX_PAGE: Final = 100
"""Hits of one page at most."""
MAX_TOTAL: Final = 2_000
"""Totals are counted up to here on every engine; pages sorted by relevance end here too."""


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE_UP = "price_up"
    PRICE_DOWN = "price_down"
    SALES = "sales"
    NEWEST = "newest"


class FacetName(StrEnum):
    """What hits can be counted by; PRICE answers with a range instead of counts."""

    CAT1 = "cat1"
    CAT2 = "cat2"
    CAT3 = "cat3"
    BRAND = "brand"
    SUPPLIER = "supplier"
    REGION = "region"
    CREDIT = "credit"
    ENERGY = "energy"
    ENV = "env"
    SAFE_RELIABLE = "safe_reliable"
    DOMESTIC_2026 = "domestic_2026"
    POVERTY_AREA = "poverty_area"
    SME = "sme"
    IMPORTED = "imported"
    IN_STOCK = "in_stock"
    PRICE = "price"


POLICY: Final = (
    FacetName.ENERGY, FacetName.ENV, FacetName.SAFE_RELIABLE, FacetName.DOMESTIC_2026, FacetName.POVERTY_AREA, FacetName.SME,
    FacetName.IMPORTED,
)  # fmt: skip
"""What policy says of goods and of who sells them."""
FLAGS: Final = (*POLICY, FacetName.IN_STOCK)
CATEGORY_FACETS: Final = (FacetName.CAT1, FacetName.CAT2, FacetName.CAT3)


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDocument:
    """One listing as the index knows it. Price and stock shown to a buyer are read from the database, never from here."""

    pk: int
    """Id of the listing."""
    product_id: int
    title: str
    brand: str
    model: str
    category_code: str
    category_name: str
    category_path: tuple[Category, ...] = ()
    """From the broad to the narrow, at most three steps."""
    spec: str = ""
    supplier_id: int
    supplier_name: str
    regions: tuple[str, ...] = ()
    """Codes of the regions served; one that serves a whole city names the city only."""
    price_fen: int
    stock: int
    in_stock: bool
    sales: int = 0
    created_at: datetime
    delivery_days: int = 0
    energy: bool = False
    env: bool = False
    safe_reliable: bool = False
    domestic_2026: bool = False
    poverty_area: bool = False
    sme: bool = False
    imported: bool = False
    credit: str | None = None
    popularity: float = 0.0
    """From 0 to 1; orders hits of like relevance and never lifts a weaker match over a better one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a hit must be. Values of one field are alternatives, fields add up; None leaves a field open."""

    categories: tuple[str, ...] = ()
    """Codes of any level of the category path."""
    brands: tuple[str, ...] = ()
    suppliers: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    """Suppliers of whom nothing is shown: those that may not trade where the goods are wanted."""
    regions: tuple[str, ...] = ()
    """A listing that serves any of these; pass the region of the buyer and all above it."""
    credit: tuple[str, ...] = ()
    products: tuple[int, ...] = ()
    price_min_fen: int | None = None
    price_max_fen: int | None = None
    delivery_days_max: int | None = None
    energy: bool | None = None
    env: bool | None = None
    safe_reliable: bool | None = None
    domestic_2026: bool | None = None
    poverty_area: bool | None = None
    sme: bool | None = None
    imported: bool | None = None
    in_stock: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    q: str = ""
    filters: Filters = Filters()
    facets: tuple[FacetName, ...] = ()
    disjunctive: tuple[FacetName, ...] = ()
    """Facets counted as if their own filter were open, so that a second value can be ticked."""
    sort: Sort = Sort.RELEVANCE
    page: str | None = None
    """The `next_page` of the page before; None is the first page."""
    limit: int = 20
    highlight: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    value: str
    """As `Filters` takes it: a code, a name, an id, or "true" and "false"."""
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    name: FacetName
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetStats:
    """Range of a number over the hits; prices in fen."""

    low: int
    high: int
    mean: int | None
    """None where the engine does not tell."""
    count: int


class Hit(NamedTuple):
    """One listing found. A tuple, because every page makes twenty of them and a frozen class takes four times as long."""

    pk: int
    product_id: int
    title: str
    title_html: str
    """The title, escaped, with the words found in <mark>; safe to show as it is."""
    brand: str
    model: str
    category_name: str
    supplier_name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """A shorter question, offered when nothing answers the whole one."""

    q: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    hits: tuple[Hit, ...]
    total: int
    total_exact: bool
    """False when there are more than MAX_TOTAL."""
    next_page: str | None
    facets: Mapping[FacetName, Facet] = field(default_factory=dict)
    facet_stats: Mapping[FacetName, FacetStats] = field(default_factory=dict)
    corrected: str | None = None
    """The question that was answered in place of one with a misspelt word."""
    partial: bool = False
    """No listing has all the words: these have most of them, or are of the kind asked for."""
    relaxed: tuple[Relaxed, ...] = ()
    total_unfiltered: int | None = None
    """Hits there would be without any filter; told only when there are none with them."""
    took_ms: float
    degraded: bool = False
    """Answered by the spare engine because the first did not answer."""
    generation: int


class Reason(NamedTuple):
    """A word of a question, where it was found in a hit, and what that is worth in points."""

    word: str
    where: Where
    text: str
    """What was looked for and found; another text than the word when it means or spells it."""
    points: float
    parts: "tuple[Reason, ...]" = ()
    """What it is made of, when the word was found in parts or by another word."""


class Measure(NamedTuple):
    """One comparison of an engine that compares hits one rule after the other: the first rule that differs decides."""

    rule: str
    told: Mapping[str, float | str]
    """What the engine says of the hit under this rule, in its own words."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A hit with what placed it. In an order by a figure the figure decides and then the id; by relevance `points × popular` does."""

    hit: Hit
    reasons: tuple[Reason, ...] = ()
    """Empty where the engine does not tell, or nothing was asked."""
    points: float = 0.0
    popular: float = 1.0
    """The factor for what was sold, from 1 to `ranking.MOST_POPULAR`."""
    figure: int | None = None
    """What an order other than relevance goes by: fen, pieces sold, or seconds since 1970."""
    measures: tuple[Measure, ...] = ()

    @property
    def score(self) -> float:
        """What an order by relevance goes by; the highest stands first."""
        return self.points * self.popular


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """A page of hits with what placed each of them, by the engine that placed them."""

    page: SearchPage
    engine: str
    placed: tuple[Placed, ...]
    tells_words: bool
    """Whether the engine says where each word was found."""


class SuggestionKind(StrEnum):
    CATEGORY = "category"
    BRAND = "brand"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    kind: SuggestionKind
    text: str
    text_html: str
    """The text, escaped, with what was typed in <mark>."""
    value: str
    """Category code, brand or product id."""
    count: int
    """Listings behind it; 0 for a product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A write that was taken; `wait` tells how it ended."""

    id: int
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    engine: str
    documents: int
    generation: int
    size_bytes: int | None
    writing: bool
    version: str
    """Of the program behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    ok: bool
    engine: str
    detail: str


class SearchInvalid(Invalid):
    """The question cannot be read: an unknown page mark, too many hits asked for."""

    code: ClassVar[str] = "search.invalid"
    message: ClassVar[str] = N_("搜索条件“%(field)s”无法识别，请清除该条件后重新搜索")


class SearchUnavailable(Unavailable):
    """The engine does not answer, or its index is missing; `reason` is for the log, `retry_after` seconds are what it asks for, if any."""

    code: ClassVar[str] = "search.unavailable"
    message: ClassVar[str] = N_("搜索服务暂时不可用，请稍后再试")
    reason: str
    retry_after: int | None = None


class IndexTaskFailed(Refusal):
    """The engine took a write and then could not carry it out."""

    code: ClassVar[str] = "search.index_failed"
    message: ClassVar[str] = N_("搜索索引更新失败，请管理员查看日志后重建索引")
    status: ClassVar[int] = 500
    reason: str


class IndexTimeout(Unavailable):
    """The engine did not finish a write in the time given, in seconds."""

    code: ClassVar[str] = "search.index_timeout"
    message: ClassVar[str] = N_("搜索索引更新超时，请稍后再试")
    seconds: float


class SearchEngine(Protocol):
    """One catalogue index. Raises SearchInvalid, SearchUnavailable, IndexTaskFailed, IndexTimeout and nothing else."""

    def search(self, request: SearchRequest) -> SearchPage: ...

    def explain(self, request: SearchRequest) -> Ranking:
        """The same page as `search` gives, and why each hit stands where it stands."""

    def suggest(self, prefix: str, limit: int = 10) -> tuple[Suggestion, ...]:
        """Categories, brands and products that begin like `prefix`, in characters, pinyin or initials."""

    def facet_search(self, facet: FacetName, prefix: str, filters: Filters, limit: int = 20) -> tuple[FacetValue, ...]:
        """Values of one facet whose label contains `prefix` or is spelt so in pinyin."""

    def upsert(self, documents: Iterable[SearchDocument]) -> Ticket: ...

    def delete(self, ids: Iterable[int]) -> Ticket: ...

    def wait(self, ticket: Ticket, timeout: float = 30.0) -> None:
        """Return when the write can be found; `timeout` in seconds. Raises IndexTaskFailed, IndexTimeout."""

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Replace the whole index at one stroke and return how many documents it holds; readers keep the old one till then."""

    def ids(self) -> Iterator[int]:
        """The id of every listing in the index, in no order: what is held against the database to mend what drifted apart."""

    def teach(self, groups: Sequence[Sequence[str]]) -> None:
        """Take up these groups of words that mean the same, in place of those taught before; every process follows by itself."""

    def apply_settings(self) -> None: ...

    def health(self) -> Health: ...

    def stats(self) -> IndexStats: ...

    def close(self) -> None: ...
