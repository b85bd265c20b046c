"""Freezing: what was found is put on record with its versions and prices, and its digest in the journal."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.taxonomy import queries as taxonomy
from orders.comparisons import events, queries, rules
from orders.comparisons.queries import Found
from orders.comparisons.rules import BadPick, Kind, NothingToFreeze
from orders.comparisons.tables import Comparison

FEWEST_PICKED, MOST_PICKED = 2, 4


def freeze(session: Session, actor: Actor, found: Found) -> Comparison:
    """Put what was found on record: every listing with its version, price, stock, delivery and supplier at this moment (fen, days).

    What cannot be bought any more is left out. Raises Forbidden, NothingToFreeze.
    """
    actor.must(Permission.CART_USE)
    rows = listings.shown(session, found.listing_ids)
    live = [rows[each] for each in found.listing_ids if each in rows and rows[each].is_live]
    if not live:
        raise NothingToFreeze()
    at, number = clock.now(), numbers.new("BX", at=clock.today())
    names = taxonomy.names(session, {row.category_code for row in live})
    words = found.words or live[0].title
    content = {
        "comparison": number,
        "at": at.isoformat(timespec="microseconds"),
        "unit": {"id": actor.organisation_id, "name": actor.organisation_name},
        "by": {"id": actor.person_id, "name": actor.name},
        "kind": found.kind.value,
        "words": words,
        "question": dict(found.question),
        "engine": dict(found.engine) if found.engine is not None else None,
        "total": max(found.total, len(live)),
        "exact": found.exact,
        "hits": [_hit(no, row, names[row.category_code]) for no, row in enumerate(live, start=1)],
    }
    text = rules.canonical(content)
    sheet = Comparison(
        number=number,
        unit_id=actor.organisation_id,
        region=actor.region,
        person_id=actor.person_id,
        kind=found.kind.value,
        words=words[:200],
        hits=len(live),
        total=max(found.total, len(live)),
        suppliers=len({row.supplier_id for row in live}),
        content=text,
        sha256=rules.digest(text),
        at=at,
    )
    session.add(sheet)
    session.flush()
    fact = events.ComparisonFrozen(
        comparison=number,
        unit_id=actor.organisation_id or 0,
        unit_name=actor.organisation_name,
        kind=sheet.kind,
        hits=sheet.hits,
        total=sheet.total,
        suppliers=sheet.suppliers,
        sha256=sheet.sha256,
    )
    outbox.record(session, actor, fact, stream=number, version=1, region=actor.region, owner_id=actor.organisation_id)
    return sheet


def freeze_offers(session: Session, actor: Actor, listing_ids: Sequence[int]) -> Comparison:
    """The two to four offers that stand side by side. Raises Forbidden, BadPick, NothingToFreeze."""
    wanted = tuple(dict.fromkeys(listing_ids))
    if not FEWEST_PICKED <= len(wanted) <= MOST_PICKED:
        raise BadPick(count=len(wanted))
    return freeze(session, actor, Found(kind=Kind.OFFERS, words="", listing_ids=wanted, total=len(wanted)))


def freeze_products(session: Session, actor: Actor, product_ids: Sequence[int]) -> Comparison:
    """All that is offered of these products to the buyer's region, the lowest first. Raises Forbidden, NothingToFreeze."""
    actor.must(Permission.CART_USE)
    most = queries.most_hits(session)
    ids = queries.offers_of_products(session, product_ids, actor.region, most + 1)
    found = Found(kind=Kind.PRODUCTS, words="", listing_ids=ids[:most], total=len(ids), exact=len(ids) <= most)
    return freeze(session, actor, found)


def _hit(no: int, row: Shown, category_name: str) -> dict[str, Any]:
    return {
        "no": no,
        "listing": row.listing_id,
        "version": row.version,
        "product": row.product_id,
        "category": row.category_code,
        "category_name": category_name,
        "title": row.title,
        "brand": row.brand,
        "model": row.model,
        "unit": row.unit,
        "price_fen": row.price_fen,
        "stock": row.stock,
        "days": row.delivery_days,
        "supplier": row.supplier_id,
        "supplier_name": row.supplier_name,
        "facts": sorted(kind.value for kind in row.facts),
        "sme": row.is_sme,
        "imported": row.is_imported,
    }
