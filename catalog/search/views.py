"""Pages of the shop: start, search, suggestions, product, comparison. All of them are public; only carts need a sign-in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlencode

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, regions
from app.kernel.db import commit
from app.policy import Actor, Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, public
from app.web.language import spoken
from app.web.texts import gettext
from catalog.exposures import service as exposures
from catalog.exposures.handlers import FOLDER as EXPOSURES
from catalog.exposures.rules import Shown as Sampled
from catalog.listings import prices
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.listings.rules import Quartiles, quartiles_of
from catalog.products import queries as products
from catalog.products import rules as product_rules
from catalog.products.states import COUNTS_NAMES, COUNTS_TONES, FACT_NAMES
from catalog.profiles import queries as profiles
from catalog.profiles.rules import arranged
from catalog.search import analysis, forms, queries, ranking, side_by_side
from catalog.search.forms import Asked
from catalog.search.port import (
    Facet,
    FacetName,
    FacetStats,
    Filters,
    Hit,
    SearchEngine,
    SearchPage,
    SearchRequest,
    Sort,
    Suggestion,
    SuggestionKind,
)
from catalog.suppliers.rules import SCALE_NAMES
from catalog.taxonomy import queries as taxonomy
from catalog.vocabulary import rules as vocabulary_rules
from catalog.vocabulary import service as vocabulary

bp = Blueprint("search", __name__, template_folder="templates")

FEW: Final = 5
"""Offers of a product below this number are not spread into quartiles; the product page takes the category instead."""
COMPARE_MOST: Final = 4
NEW_ON_HOME: Final = 8


@dataclass(frozen=True, kw_only=True)
class Card:
    """One hit as the list shows it: words from the index, figures from the database, in fen; None where the reader has no stars."""

    title: Markup
    offer: Shown
    stats: Quartiles | None
    href: str
    starred: bool | None


def engine() -> SearchEngine:
    """The search engine of this application."""
    return cast(SearchEngine, current_app.extensions["mall.search"])


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """Where everybody starts: the search box, what the mall sells, what is new."""
    session = db.session()
    wanted = Filters(in_stock=True, without=_not_trading())
    page = engine().search(SearchRequest(facets=(FacetName.CAT1, FacetName.CAT3), filters=wanted, sort=Sort.NEWEST, limit=NEW_ON_HOME))
    cards = _cards(page.hits)
    leaves = page.facets[FacetName.CAT3].values if FacetName.CAT3 in page.facets else ()
    names = taxonomy.names(session, (value.value[:5] + "0000" for value in leaves))
    can_buy = _can_buy()
    drawn = _draw(cards, can_buy)
    return htmx.show("search/home.html", page=page, cards=cards, drawn=drawn, leaves=leaves[:24], names=names, can_buy=can_buy)


@bp.get("/search")
@public
def results() -> ResponseReturnValue:
    """The list: words, conditions, facets with counts, quartiles, ticks for the comparison."""
    session = db.session()
    asked = forms.read(request.args)
    if code := queries.code_meant(session, asked.q):
        return redirect(_address(asked.but(q="", categories=(code,))), 303)
    actor = maybe_me()
    asked, wanted = for_engine(session, asked)
    page = engine().search(wanted.request())
    if page.partial or not (page.total or page.total_unfiltered):
        _note_miss(asked, actor)
    cards = _cards(page.hits)
    _sample(asked, page, cards, actor)
    names = taxonomy.names(session, asked.categories)
    leaves = [value.value for value in page.facets[FacetName.CAT3].values] if FacetName.CAT3 in page.facets else []
    ways = _ways_out(asked) if not page.total else []
    can_buy, picked = _can_buy(), _ids("ids")
    return htmx.show(
        "search/results.html",
        part="search/_list.html",
        asked=asked,
        page=page,
        cards=cards,
        panel=_panel(
            spoken(), request.script_root, asked, tuple(page.facets.values()), page.facet_stats.get(FacetName.PRICE), page.total,
            _buys_in(),
        ),
        chips=forms.chips(asked, page, names, _address),
        sorts=_sorts(spoken(), request.script_root, asked),
        clear=_address(Asked(q=asked.q, sort=asked.sort, table=asked.table)),
        prev=_address(asked.but(trail=asked.trail[:-1])) if asked.trail else None,
        next=_address(asked.but(trail=(*asked.trail, page.next_page))) if page.next_page else None,
        first=len(asked.trail) * forms.PAGE + 1,
        crumbs=_crumbs(asked.categories[0]) if len(asked.categories) == 1 else [],
        leaves=leaves,
        ways=ways,
        told=urlencode(asked.but().params(), doseq=True),
        told_pairs=[(name, each) for name, value in asked.params().items() for each in (value if isinstance(value, list) else (value,))],
        address=_address,
        ask=lambda q: _address(asked.but(q=q)),
        other_view=_address(asked.but(table=not asked.table, trail=asked.trail)),
        can_buy=can_buy,
        picked=picked,
        drawn=None if asked.table else _draw(cards, can_buy, picked),
    )


def for_engine(session: Session, asked: Asked) -> tuple[Asked, Asked]:
    """The question without unknown categories and without what the reader cannot order, and the same with the codes of the index."""
    categories, codes = queries.leaves(session, asked.categories)
    asked = asked.but(categories=categories, without=_not_trading(asked.region), trail=asked.trail)
    return asked, asked.but(categories=codes, trail=asked.trail)


@bp.get("/suggest")
@public
def suggest() -> ResponseReturnValue:
    """Options of the search box for what is typed so far."""
    typed = " ".join(request.args.get("q", "").split())[:100]
    found = engine().suggest(typed, 10) if typed else ()
    return render_template("search/_suggest.html", typed=typed, options=[(each, Markup(each.text_html), _leads_to(each)) for each in found])  # noqa: S704 - escaped by the engine  # nosec B704


@bp.get("/products/<int:product_id>")
@public
def product(product_id: int) -> ResponseReturnValue:
    """One product with the offer chosen, what others ask for it, and how its price went."""
    session = db.session()
    offers = listings.offers_for_product(session, product_id, _buys_in())
    if not offers:
        return _not_on_offer(product_id)
    wanted = request.args.get("offer", "")
    lowest = next((offer for offer in offers if offer.stock), offers[0])
    chosen = next((offer for offer in offers if str(offer.listing_id) == wanted), lowest)
    stats, of_category = quartiles_of([offer.price_fen for offer in offers]), None
    if len(offers) < FEW:
        of_category = prices.quartiles(session, category=chosen.category_code)
    points = prices.steps(prices.versions_of(session, chosen.listing_id), chosen.price_fen, clock.today())
    actor = maybe_me()
    on = clock.today()
    region = actor.region if actor else regions.PROVINCE
    return htmx.show(
        "search/product.html",
        offer=chosen,
        offers=offers,
        lowest=offers[0].price_fen,
        stats=stats,
        of_category=of_category,
        changed=(min(each.updated_at for each in offers), max(each.updated_at for each in offers)),
        points=points,
        since=points[0][0] if points else on,
        today=on,
        read_at=clock.now(),
        mall=taxonomy.mall_row(session, chosen.category_code, region, on),
        region=regions.by_code(region),
        crumbs=_crumbs(chosen.category_code),
        category=taxonomy.category(session, chosen.category_code),
        serves=side_by_side.places(chosen),
        attributes=[
            (name, side_by_side.in_words(value))
            for name, value in arranged(profiles.of(session, chosen.category_code, on), chosen.spec)
        ],
        proofs=list(product_rules.documents(chosen.proven, product_id, on).values()),
        fact_names=FACT_NAMES,
        counts_names=COUNTS_NAMES,
        counts_tones=COUNTS_TONES,
        scale=gettext(SCALE_NAMES[chosen.scale]),
        can_buy=_can_buy(),
        may_compare=actor is None or actor.may(Permission.CATALOGUE_BROWSE),
    )


@bp.get("/compare")
@public
def compare() -> ResponseReturnValue:
    """Two to four offers side by side."""
    wanted = _ids("ids")[:COMPARE_MOST]
    session = db.session()
    found = listings.shown(session, wanted)
    hidden = _not_trading()
    offers = [found[each] for each in wanted if each in found and found[each].is_live and found[each].supplier_id not in hidden]
    stats = prices.quartiles_by_product(session, [offer.product_id for offer in offers])
    rows = side_by_side.rows(session, offers)
    only = request.args.get("only") == "1"
    return htmx.show(
        "search/compare.html",
        offers=offers,
        stats=stats,
        rows=[row for row in rows if not only or not row[2]],
        only=only,
        read_at=clock.now(),
        same=sum(row[2] for row in rows),
        lowest=min((offer.price_fen for offer in offers), default=0),
        alike=len({offer.unit for offer in offers}) <= 1,
        without=lambda gone: _side_by_side([each for each in offers if each.listing_id != gone], only=only),
        switch=_side_by_side(offers, only=not only),
        can_buy=_can_buy(),
        lost=len(wanted) - len(offers),
        suppliers=len({offer.supplier_id for offer in offers}),
        stars={key: starred for key, (_, _, starred) in _with_stars([offer.listing_id for offer in offers]).items()},
    )


def offers_of_supplier(supplier_id: int) -> str:
    """The latest offers of a supplier, for the slot of its page."""
    wanted = Filters(suppliers=(supplier_id,), without=_not_trading())
    page = engine().search(SearchRequest(filters=wanted, facets=(FacetName.CAT3,), sort=Sort.SALES, limit=8))
    can_buy, cards = _can_buy(), _cards(page.hits)
    return render_template(
        "search/_of_supplier.html", page=page, cards=cards, drawn=_draw(cards, can_buy), supplier_id=supplier_id, can_buy=can_buy
    )


def _buys_in() -> str | None:
    """The region where the reader buys; None for whoever only looks."""
    actor = maybe_me()
    return actor.region if actor and actor.is_unit else None


def _not_trading(region: str | None = None) -> tuple[int, ...]:
    """The suppliers whose offers the reader cannot order, where he buys or in the region asked for."""
    return queries.not_trading(db.session(), maybe_me(), region)


def _note_miss(asked: Asked, actor: Actor | None) -> None:
    """Count a question that has no answer, for whoever looks after the words; who asked is not kept."""
    question = " ".join(analysis.parse(asked.q))
    if not question or asked.trail or asked.is_filtered:
        return
    on, reader = clock.today(), str(actor.person_id) if actor else f"{request.remote_addr} {request.user_agent}"
    with commit(db.session()) as session:
        vocabulary.note(session, question, on, vocabulary_rules.mark(str(current_app.secret_key), on, question, reader))


def _sample(asked: Asked, page: SearchPage, cards: Sequence[Card], actor: Actor | None) -> None:
    """Leave what is shown for those who watch over the order, when this search is drawn; only region and role of the reader are kept."""
    if not exposures.drawn(db.session(), clock.today()):
        return
    settings: Settings = current_app.config["SETTINGS"]
    question = " ".join(analysis.parse(asked.q))
    first = len(asked.trail) * forms.PAGE + 1
    exposures.keep(
        settings.folder(EXPOSURES),
        question=question if not question or vocabulary_rules.worth_keeping(question) else None,
        conditions=urlencode(asked.but(q="").params(), doseq=True),
        sort=asked.sort.value,
        engine=page.engine,
        generation=page.generation,
        version=ranking.VERSION,
        region=actor.region if actor else "",
        role=min(actor.roles, default="") if actor else "",
        total=page.total,
        hits=[
            Sampled(first + at, card.offer.listing_id, card.offer.supplier_id, card.offer.category_code) for at, card in enumerate(cards)
        ],
    )


def _not_on_offer(product_id: int) -> ResponseReturnValue:
    """A product that nobody offers now still has a page: orders and comparisons lead here. A merged one leads to the other."""
    found = products.by_id(db.session(), product_id)
    if found.id != product_id:
        return redirect(url_for("search.product", product_id=found.id), 301)
    return htmx.show("search/product_gone.html", product=found, crumbs=_crumbs(found.category_code), status=404)


def _cards(hits: Sequence[Hit]) -> list[Card]:
    """Hits with their figures from the database, in one statement; what cannot be bought any more is left out."""
    rows = _with_stars([hit.pk for hit in hits])
    products_at = url_for("search.product", product_id=0).removesuffix("0")
    return [
        Card(
            title=Markup(hit.title_html),  # noqa: S704 - escaped by the engine  # nosec B704
            offer=offer,
            stats=stats,
            href=f"{products_at}{offer.product_id}?offer={offer.listing_id}",
            starred=starred,
        )
        for hit in hits
        if hit.pk in rows
        for offer, stats, starred in [rows[hit.pk]]
        if offer.is_live
    ]


def _with_stars(listing_ids: Sequence[int]) -> dict[int, tuple[Shown, Quartiles | None, bool | None]]:
    """Offers with their spreads and whether the reader's star is on them; None for whoever has no cart, or where nobody keeps stars."""
    actor, mark = maybe_me(), current_app.extensions.get("mall.stars")
    if mark and actor and actor.person_id and _can_buy(actor):
        return dict(listings.cards_marked(db.session(), listing_ids, mark, actor.person_id))
    return {key: (*found, None) for key, found in listings.cards(db.session(), listing_ids).items()}


def _draw(cards: Sequence[Card], can_buy: bool | None, picked: Sequence[int] | None = None) -> Markup:
    """The cards of a page for its reader; `picked` are those ticked for a comparison, None where nothing is compared."""
    language, root = spoken(), request.script_root
    parts: list[str] = []
    for card in cards:
        ticked = None if picked is None else card.offer.listing_id in picked
        before, after = _around(language, root, card.href, card.offer, card.stats, can_buy, ticked, card.starred)
        parts += (before, card.title, after)
    return Markup("".join(parts))  # noqa: S704 - a template's output and the engine's  # nosec B704


@lru_cache(maxsize=4096)
def _around(  # whatever shows in a card is part of its key
    language: str, root: str, href: str, offer: Shown, stats: Quartiles | None, can_buy: bool | None, ticked: bool | None, starred: bool | None  # noqa: ARG001, E501
) -> tuple[str, str]:
    """A card up to its title, which shows what was searched for, and behind it. Kept by its contents, so what changed is drawn anew."""
    macros: Any = current_app.jinja_env.get_template("search/_card.html").module
    before, _, after = macros.card(_TITLE, href, offer, stats, can_buy, ticked, starred).partition(_TITLE)
    return before, after


_TITLE: Final = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Where the title of a card goes; no text of an offer comes before it."""


@lru_cache(maxsize=1024)
def _panel(
    language: str, root: str, asked: Asked, facets: tuple[Facet, ...], prices: FacetStats | None, total: int, own_region: str | None  # noqa: ARG001
) -> Markup:
    """The conditions beside the hits, kept by what they say: the counts of a question seldom change from one reader to the next."""
    template = current_app.jinja_env.get_template("search/_facets.html")
    groups = forms.groups(asked, {facet.name: facet for facet in facets}, own_region)
    return Markup(template.render(asked=asked, groups=groups, prices=prices, total=total))  # noqa: S704 - a template's output  # nosec B704


@lru_cache(maxsize=1024)
def _sorts(language: str, root: str, asked: Asked) -> list[tuple[str, str, bool]]:  # noqa: ARG001
    """The orders of the list, kept by what is asked."""
    return forms.sorts(asked, _address)


def _address(asked: Asked) -> str:
    """The page of these conditions; a list has twenty such links, so the rule of the address is looked up once a request."""
    if "search_address" not in g:
        g.search_address = url_for("search.results")
    told = urlencode(asked.params(), doseq=True)
    return f"{g.search_address}?{told}" if told else g.search_address


def _leads_to(found: Suggestion) -> str:
    if found.kind is SuggestionKind.CATEGORY:
        return url_for("search.results", category=found.value)
    if found.kind is SuggestionKind.BRAND:
        return url_for("search.results", brand=found.value)
    return url_for("search.product", product_id=found.value)


def _crumbs(code: str) -> list[tuple[str, str | None]]:
    """The way through the catalogue down to a category, each step a search."""
    steps: list[tuple[str, str | None]] = [(gettext("首页"), url_for("search.home"))]
    for row in taxonomy.ancestors(db.session(), code)[1:]:
        steps.append((f"{row.code.rstrip('0') if not row.leaf else row.code} {row.name}", url_for("search.results", category=row.code)))
    return steps


def _ways_out(asked: Asked) -> list[tuple[str, str, int]]:
    """What would find something: each condition left out on its own."""
    session = db.session()
    others = [
        (gettext("品目"), asked.but(categories=())) if asked.categories else None,
        (gettext("品牌"), asked.but(brands=())) if asked.brands else None,
        (gettext("供应商"), asked.but(suppliers=())) if asked.suppliers else None,
        (gettext("单价"), asked.but(low_fen=None, high_fen=None)) if asked.low_fen is not None or asked.high_fen is not None else None,
        (gettext("供货区域"), asked.but(region=None)) if asked.region else None,
        (gettext("承诺送达"), asked.but(days=None)) if asked.days is not None else None,
        (gettext("政策功能与库存"), asked.but(flags=())) if asked.flags else None,
    ]
    found = []
    for label, other in filter(None, others):
        codes = tuple(code for each in other.categories for code in queries.searchable(session, each))
        total = engine().search(other.but(categories=codes).request(facets=(), disjunctive=(), limit=1, highlight=False)).total
        if total:
            found.append((gettext("去掉“%(what)s”条件", what=label), _address(other), total))
    return found


def _side_by_side(offers: Sequence[Shown], *, only: bool) -> str:
    return url_for("search.compare", ids=[offer.listing_id for offer in offers], only=1 if only else None)


def _ids(name: str) -> list[int]:
    """Numbers given once or several times, separated by commas or not."""
    texts = ",".join(request.args.getlist(name)).split(",")
    return list(dict.fromkeys(int(text) for text in texts if text.isdecimal() and len(text) < 18))


def _can_buy(actor: Actor | None = None) -> bool | None:
    """Whether the reader has a cart; None for nobody signed in, who may sign in first."""
    who = actor or maybe_me()
    return None if who is None else who.may(Permission.CART_USE)
