"""Commands on what one keeps an eye on, and telling those who wait.

These are one person's notes: they bind nobody, move no money and no stock, and nobody else may see them. So they leave no events;
the journal, which others read, would make public what somebody only thinks of buying.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.kernel import clock, regions
from app.kernel.rows import is_first
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.products import queries as products
from catalog.search.port import SearchEngine, SearchRequest
from catalog.suppliers import queries as suppliers
from orders.favourites import queries, rules
from orders.favourites.rules import TooMany
from orders.favourites.tables import Awaited, Favourite, SavedSearch

Row = Favourite | Awaited | SavedSearch


def star(session: Session, actor: Actor, product_id: int) -> bool:
    """Put a star on a product; False when it has one already. Raises Forbidden, Missing, TooMany."""
    actor.must(Permission.CART_USE)
    products.by_id(session, product_id)
    mine = Favourite.person_id == actor.person_id, Favourite.product_id == product_id
    if session.scalar(select(Favourite.id).where(*mine)) is not None:
        return False
    _room(session, actor, Favourite)
    return is_first(session, Favourite(person_id=actor.person_id, product_id=product_id, at=clock.now()))


def unstar(session: Session, actor: Actor, product_id: int) -> bool:
    """Take the star off a product; False when it has none. Raises Forbidden."""
    actor.must(Permission.CART_USE)
    mine = Favourite.person_id == actor.person_id, Favourite.product_id == product_id
    gone = session.execute(delete(Favourite).where(*mine).returning(Favourite.id)).first()
    return gone is not None


def wait_for(session: Session, actor: Actor, product_id: int, below_fen: int | None) -> Awaited:
    """Wait for a price not above this many fen, or for pieces in stock (None); the same wish is kept once.

    Raises Forbidden, Missing, BadBound, TooMany.
    """
    actor.must(Permission.CART_USE)
    rules.check_bound(below_fen)
    products.by_id(session, product_id)
    mine = Awaited.person_id == actor.person_id, Awaited.product_id == product_id, Awaited.told_at.is_(None)
    same = Awaited.below_fen.is_(None) if below_fen is None else Awaited.below_fen.is_not(None)
    found = session.scalar(select(Awaited).where(*mine, same).limit(1))
    if found is None:
        _room(session, actor, Awaited)
        found = Awaited(person_id=actor.person_id, product_id=product_id, region=actor.region, created_at=clock.now())
        session.add(found)
    found.below_fen = below_fen
    session.flush()
    return found


def save_search(
    session: Session, actor: Actor, engine: SearchEngine, *, words: str, question: str, request: SearchRequest
) -> SavedSearch:
    """Keep a search with what it finds now; saved again, it begins anew. Raises Forbidden, TooMany, SearchUnavailable."""
    actor.must(Permission.CART_USE)
    kept = queries.written(request)
    now = queries.prices(session, actor, engine, kept)
    mine = SavedSearch.person_id == actor.person_id, SavedSearch.question == question
    found = session.scalar(select(SavedSearch).where(*mine))
    if found is None:
        _room(session, actor, SavedSearch)
        found = SavedSearch(person_id=actor.person_id, question=question)
    found.words, found.request = words, kept
    _seen(found, now)
    if not is_first(session, found):
        return session.scalars(select(SavedSearch).where(*mine)).one()
    return found


def look(session: Session, actor: Actor, engine: SearchEngine, search_id: int) -> SavedSearch:
    """The search was looked at: what it finds now is no news any more. Raises Missing, SearchUnavailable."""
    found = queries.one(session, actor, SavedSearch, search_id)
    _seen(found, queries.prices(session, actor, engine, found.request))
    session.flush()
    return found


def _seen(found: SavedSearch, now: Mapping[int, int]) -> None:
    found.known, found.fresh, found.cheaper = json.dumps(now), 0, 0
    found.looked_at = found.refreshed_at = clock.now()


def drop(session: Session, actor: Actor, table: type[Any], row_id: int) -> None:
    """Take one's own star, wish, message or search away. Raises Missing."""
    actor.must(Permission.CART_USE)
    session.delete(queries.one(session, actor, table, row_id))
    session.flush()


def tell(session: Session, changed: Mapping[int, datetime]) -> int:
    """Tell everybody who waits for what these offers have become, once; each offer comes with when it changed.

    Nobody is told of a supplier who may not trade where he buys. Returns how many were told. Three statements, however many offers:
    a supplier may bring tens of thousands at once.
    """
    offers = [offer for offer in listings.shown(session, list(changed)).values() if offer.is_live]
    waiting: dict[int, list[Awaited]] = {}
    products = {offer.product_id for offer in offers}
    for row in session.scalars(select(Awaited).where(Awaited.product_id.in_(products), Awaited.told_at.is_(None))):
        waiting.setdefault(row.product_id, []).append(row)
    barred, told = suppliers.barred_regions(session, {offer.supplier_id for offer in offers}), 0
    for offer in sorted(offers, key=lambda each: changed[each.listing_id]):
        for row in waiting.get(offer.product_id, ()):
            if row.told_at is not None or not offer.serves(row.region):
                continue
            if any(each.code in barred.get(offer.supplier_id, ()) for each in regions.path(row.region)):
                continue
            if rules.fulfilled(row.below_fen, offer.price_fen, offer.stock):
                row.told_at, row.listing_id, row.price_fen = changed[offer.listing_id], offer.listing_id, offer.price_fen
                told += 1
    session.flush()
    return told


def refresh(session: Session, engine: SearchEngine, search_id: int) -> bool:
    """Count what is new in a saved search; whether that changed. Raises SearchUnavailable."""
    found = session.get(SavedSearch, search_id)
    if found is None:
        return False
    counted = rules.news(queries.known(found), queries.prices(session, people.actor_of(session, found.person_id), engine, found.request))
    changed = counted != (found.fresh, found.cheaper)
    (found.fresh, found.cheaper), found.refreshed_at = counted, clock.now()
    session.flush()
    return changed


def _room(session: Session, actor: Actor, table: type[Favourite] | type[Awaited] | type[SavedSearch]) -> None:
    if queries.how_many(session, actor, table) >= (most := queries.terms(session).most):
        raise TooMany(most=most)
