"""Reads of brands; they are public."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from app.kernel import paging
from app.kernel.db import among
from catalog.brands.rules import UnknownBrand, key_of
from catalog.brands.tables import Brand


def by_id(session: Session, brand_id: int) -> Brand:
    """The brand with this id, an alias too. Raises UnknownBrand."""
    row = session.get(Brand, brand_id)
    if row is None:
        raise UnknownBrand()
    return row


def meant(session: Session, names: Iterable[str]) -> dict[str, Brand]:
    """The brands that these names stand for, by the name as given; names nobody has used are left out. One statement."""
    keys = {name: key_of(name) for name in names}
    written, main = aliased(Brand), aliased(Brand)
    query = (
        select(written.key, main)
        .join(main, (main.id == written.stands_for_id) | ((written.stands_for_id.is_(None)) & (main.id == written.id)))
        .where(written.key.in_(sorted(set(keys.values()))))
    )
    found = {row[0]: row[1] for row in session.execute(query)} if keys else {}
    return {name: found[key] for name, key in keys.items() if key in found}


def keys_of(session: Session, names: Iterable[str]) -> dict[str, str]:
    """The keys to look products up by: of the brand that a name stands for, else of the name itself."""
    wanted = list(names)
    known = meant(session, wanted)
    return {name: known[name].key if name in known else key_of(name) for name in wanted}


def page(session: Session, *, q: str = "", cursor: str | None = None, limit: int = 30) -> paging.Page[Brand]:
    """One page of brands by name; words find a brand by any of its names."""
    query = select(Brand).where(Brand.stands_for_id.is_(None))
    if q:
        named = aliased(Brand)
        under = select(func.coalesce(named.stands_for_id, named.id)).where(
            or_(named.name.icontains(q, autoescape=True), named.key.contains(key_of(q), autoescape=True))
        )
        query = query.where(Brand.id.in_(under))
    order = paging.Key(Brand.name, descending=False), paging.Key(Brand.id)
    return paging.page(session, query, order, cursor=cursor, limit=limit)


def aliases_of(session: Session, brand_ids: Sequence[int]) -> dict[int, list[Brand]]:
    """The other names of these brands, by brand."""
    found: dict[int, list[Brand]] = {brand_id: [] for brand_id in brand_ids}
    if brand_ids:
        query = select(Brand).where(among(Brand.stands_for_id, "brands")).order_by(Brand.name)
        for row in session.scalars(query, {"brands": list(brand_ids)}):
            found[row.stands_for_id or 0].append(row)
    return found
