"""Reads of brands; they are public."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

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
