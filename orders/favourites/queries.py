"""Reads of one's own favourites, searches and awaited things; nobody sees another's."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Missing
from app.policy import Actor
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.products import queries as products
from catalog.search.port import MAX_PAGE, Filters, SearchEngine, SearchRequest, Sort
from catalog.taxonomy import queries as taxonomy
from orders.favourites import rules
from orders.favourites.tables import Awaited, Favourite, SavedSearch


def terms(session: Session) -> rules.Terms:
    """How much a person keeps today, and how his searches are looked through."""
    return rules.Terms.of(taxonomy.parameters(session, rules.RULE, clock.today()))


@dataclass(frozen=True, kw_only=True)
class Starred:
    """A product with a star, its lowest offer that the reader's region can buy now, and how many of those there are."""

    id: int
    product: Any
    lowest: Shown | None
    offers: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Something awaited with its product."""

    row: Awaited
    product: Any


def starred(session: Session, actor: Actor) -> list[Starred]:
    """The actor's favourites, the latest first; three statements."""
    rows = list(session.scalars(select(Favourite).where(Favourite.person_id == actor.person_id).order_by(Favourite.id.desc())))
    ids = [row.product_id for row in rows]
    known, offers = products.by_ids(session, ids), listings.offers_for_products(session, ids)
    here = {each: [offer for offer in offers[each] if offer.stock and offer.serves(actor.region)] for each in ids}
    return [
        Starred(id=row.id, product=known[row.product_id], lowest=next(iter(here[row.product_id]), None), offers=len(here[row.product_id]))
        for row in rows
    ]


def stars_on(session: Session, actor: Actor, product_ids: Iterable[int]) -> set[int]:
    """Those of these products that have the actor's star; one statement."""
    wanted = set(product_ids)
    query = select(Favourite.product_id).where(Favourite.person_id == actor.person_id, Favourite.product_id.in_(wanted))
    return set(session.scalars(query)) if wanted else set()


def waiting(session: Session, actor: Actor, *, told: bool | None = None) -> list[Waiting]:
    """What the actor waits for, or was told of, the latest first."""
    query = select(Awaited).where(Awaited.person_id == actor.person_id)
    if told is not None:
        query = query.where(Awaited.told_at.is_not(None) if told else Awaited.told_at.is_(None))
    rows = list(session.scalars(query.order_by(Awaited.id.desc())))
    known = products.by_ids(session, [row.product_id for row in rows])
    return [Waiting(row=row, product=known[row.product_id]) for row in rows]


def searches(session: Session, actor: Actor, *, with_news: bool = False) -> list[SavedSearch]:
    """The actor's saved searches, the latest first; only those with something new when asked so."""
    query = select(SavedSearch).where(SavedSearch.person_id == actor.person_id)
    if with_news:
        query = query.where(SavedSearch.fresh + SavedSearch.cheaper > 0)
    return list(session.scalars(query.order_by(SavedSearch.id.desc())))


Kept = TypeVar("Kept", Favourite, Awaited, SavedSearch)


def one(session: Session, actor: Actor, table: type[Kept], row_id: int) -> Kept:
    """One of the actor's own rows. Raises Missing."""
    found = session.get(table, row_id)
    if found is None or found.person_id != actor.person_id:
        raise Missing()
    return found


def how_many(session: Session, actor: Actor, table: type[Favourite] | type[Awaited] | type[SavedSearch]) -> int:
    """How many rows of a kind the actor has."""
    return session.scalar(select(func.count()).select_from(table).where(table.person_id == actor.person_id)) or 0


def written(request: SearchRequest) -> str:
    """What is asked, as it is kept."""
    return json.dumps({"q": request.q, "sort": request.sort.value, "filters": asdict(request.filters)}, ensure_ascii=False)


def read(text: str, hits: int) -> SearchRequest:
    """What was kept, as the engine is asked: one page of so many hits without facets."""
    kept = json.loads(text)
    filters: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept["filters"].items()}
    return SearchRequest(q=kept["q"], sort=Sort(kept["sort"]), filters=Filters(**filters), limit=min(hits, MAX_PAGE), highlight=False)


def prices(session: Session, engine: SearchEngine, kept: str) -> dict[int, int]:
    """What a kept search finds now, among its first hits, with the prices of the database (fen). Raises SearchUnavailable."""
    found = engine.search(read(kept, terms(session).hits))
    rows = listings.shown(session, [hit.pk for hit in found.hits])
    return {listing_id: row.price_fen for listing_id, row in rows.items() if row.is_live}


def known(search: SavedSearch) -> dict[int, int]:
    """The prices of the last look by listing."""
    return {int(listing_id): price for listing_id, price in json.loads(search.known).items()}


def due(session: Session, at: datetime) -> Sequence[int]:
    """The saved searches that were not looked through for as long as a dated row says."""
    before = at - timedelta(seconds=terms(session).every_s)
    query = select(SavedSearch.id).where(or_(SavedSearch.refreshed_at.is_(None), SavedSearch.refreshed_at <= before))
    return list(session.scalars(query.order_by(SavedSearch.id)))
