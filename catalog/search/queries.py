"""Listings as the index knows them."""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.kernel.outbox import Event
from app.policy import Actor
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.products.states import FactKind
from catalog.search.port import Category, SearchDocument
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import at_level

BESTSELLER: Final = 10_000
"""Pieces sold from which a listing counts as wholly popular."""


def documents(session: Session, listing_ids: Iterable[int] | None = None) -> Iterator[SearchDocument]:
    """The documents of these listings, or of all; those that cannot be bought have none."""
    rows = listings.all_live(session) if listing_ids is None else listings.shown(session, listing_ids).values()
    for row in rows:
        if row.is_live:
            yield document(session, row)


INDEXED: Final = (
    "listing.", "supplier.suspended", "supplier.lifted",
    "product.proof_recorded", "product.proof_withdrawn", "product.proof_expired", "product.corrected",
)  # fmt: skip
"""Events after which a listing's document may be another."""
MARGIN: Final = timedelta(minutes=2)
"""Events are dated before they are committed: a look back has to begin a little earlier."""


def touched(session: Session, events: Iterable[Event]) -> dict[int, None]:
    """The listings that these events are about, each once, in their order."""
    wanted: dict[int, None] = {}
    for event in events:
        body = json.loads(event.body)
        if event.type.startswith("listing."):
            wanted[body["listing_id"]] = None
        elif event.type.startswith("product."):
            wanted.update(dict.fromkeys(listings.of_products(session, [body["product_id"]])))
        elif event.type.startswith("supplier."):
            wanted.update(dict.fromkeys(listings.of_supplier(session, body["supplier_id"])))
    return wanted


def changed_since(session: Session, moment: datetime) -> dict[int, None]:
    """The listings that changed since then."""
    asked = or_(*(Event.type.startswith(name) for name in INDEXED))
    return touched(session, session.scalars(select(Event).where(Event.at >= moment - MARGIN, asked).order_by(Event.id)).all())


def document(session: Session, row: Shown) -> SearchDocument:
    """One listing as the index knows it."""
    name = taxonomy.category(session, row.category_code).name
    return SearchDocument(
        pk=row.listing_id,
        product_id=row.product_id,
        title=row.title,
        brand=row.brand,
        model=row.model,
        category_code=row.category_code,
        category_name=name,
        category_path=path(session, row.category_code),
        spec=" ".join(str(value) for value in row.spec.values() if not isinstance(value, bool)),
        supplier_id=row.supplier_id,
        supplier_name=row.supplier_name,
        regions=row.areas,
        price_fen=row.price_fen,
        stock=row.stock,
        in_stock=row.stock > 0,
        sales=row.sold,
        created_at=row.created_at,
        delivery_days=row.delivery_days,
        energy=row.energy_saving,
        env=row.environment,
        safe_reliable=FactKind.SAFE_RELIABLE in row.facts,
        domestic_2026=FactKind.DOMESTIC_2026 in row.facts,
        poverty_area=FactKind.POVERTY_AREA in row.facts,
        sme=row.is_sme,
        imported=row.is_imported,
        popularity=min(1.0, math.log1p(row.sold) / math.log1p(BESTSELLER)),
    )


def not_trading(session: Session, actor: Actor | None, region: str | None = None) -> tuple[int, ...]:
    """The suppliers of whom nothing is shown: they may not trade where the reader buys, or where he asks for delivery.

    From the database, so that a suspension hides offers at once; those suspended everywhere are in no index.
    """
    own = actor.region if actor is not None and actor.is_unit else None
    return suppliers.barred_ids(session, [each for each in (own, region) if each])


def path(session: Session, code: str) -> tuple[Category, ...]:
    """Level 2, level 3 and the category itself, so that the third step always is the narrowest; a short code repeats."""
    codes = (at_level(code, 2), at_level(code, 3), code)
    names = taxonomy.names(session, codes)
    return tuple(Category(code=each if each in names else code, name=names.get(each) or names[code]) for each in codes)


def code_meant(session: Session, q: str) -> str | None:
    """The category whose code was typed, whole or without its closing zeros; None for other words."""
    code = q.strip().upper()
    if len(code) < 3 or code[0] not in "ABC" or not (code[1:].isascii() and code[1:].isdigit()):
        return None
    whole = code.ljust(9, "0")
    return whole if taxonomy.exists(session, whole) else None


def searchable(session: Session, code: str) -> tuple[str, ...]:
    """The codes to filter by for a category of any level: the index knows levels 2 and below."""
    row = taxonomy.category(session, code)
    if row.level >= 2:
        return (code,)
    codes: list[str] = []
    for child in taxonomy.children(session, code):
        codes += (child.code,) if child.leaf else searchable(session, child.code)
    return tuple(codes)
