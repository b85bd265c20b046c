"""Commands on brands: named by whoever lists a product first, put in order by the catalogue administrator."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.events import Fact
from app.policy import Actor, Permission
from catalog.brands import events, queries
from catalog.brands.rules import BrandArchived, BrandTaken, checked_name, key_of, shipped
from catalog.brands.tables import Brand


def load_brands(session: Session) -> int:
    """Put the shipped brands and their other names into the database; names that are there stay as they are. How many were new."""
    known = {row.key: row.id for row in session.execute(select(Brand.key, Brand.id))}
    before, at = len(known), clock.now()
    for brand, aliases in shipped().items():
        if (key := key_of(brand)) not in known:
            known[key] = _add(session, brand, None, at)
        for alias in aliases:
            if key_of(alias) not in known:
                known[key_of(alias)] = _add(session, alias, known[key], at)
    return len(known) - before


def named(session: Session, actor: Actor, names: Iterable[str]) -> Mapping[str, Brand]:
    """The brands that these names stand for, by the name as given; new names are kept. Raises BadBrand, BrandArchived."""
    asked = list(dict.fromkeys(names))
    found = queries.meant(session, asked)
    new: dict[str, str] = {}
    for name in asked:
        if name in found:
            if found[name].archived_at is not None:
                raise BrandArchived(brand=found[name].name)
        else:
            new.setdefault(key_of(checked_name(name)), checked_name(name))
    for name in new.values():
        brand_id = _add(session, name, None, clock.now())
        _record(session, actor, brand_id, events.BrandNamed(brand_id=brand_id, name=name))
    return found if not new else queries.meant(session, asked)


def join(session: Session, actor: Actor, brand_id: int, alias: str) -> Brand:
    """Let a name stand for a brand; a brand of that name is joined with it. Raises UnknownBrand, BadBrand, BrandTaken."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    brand = queries.by_id(session, brand_id)
    if brand.stands_for_id is not None:
        raise BrandTaken(name=brand.name, brand=queries.by_id(session, brand.stands_for_id).name)
    name = checked_name(alias)
    row = session.scalar(select(Brand).where(Brand.key == key_of(name)))
    if row is not None and (row.id == brand.id or row.stands_for_id is not None):
        raise BrandTaken(name=name, brand=queries.by_id(session, row.stands_for_id or row.id).name)
    if row is None:
        row = session.get_one(Brand, _add(session, name, brand.id, clock.now()))
    row.stands_for_id = brand.id
    session.flush()
    session.execute(update(Brand).where(Brand.stands_for_id == row.id).values(stands_for_id=brand.id))
    joined = events.BrandJoined(
        brand_id=row.id, name=row.name, key=row.key, into_id=brand.id, into=brand.name, into_key=brand.key
    )
    _record(session, actor, row.id, joined)
    return brand


def set_free(session: Session, actor: Actor, alias_id: int) -> Brand:
    """Make an alias a brand of its own again. Raises UnknownBrand."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    alias = queries.by_id(session, alias_id)
    if alias.stands_for_id is not None:
        of = queries.by_id(session, alias.stands_for_id)
        alias.stands_for_id = None
        _record(session, actor, alias.id, events.BrandSetFree(brand_id=alias.id, name=alias.name, of=of.name))
    return alias


def archive(session: Session, actor: Actor, brand_id: int) -> Brand:
    """Let a brand take no new products; its products stay. Raises UnknownBrand."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    brand = queries.by_id(session, brand_id)
    if brand.archived_at is None:
        brand.archived_at = clock.now()
        _record(session, actor, brand.id, events.BrandArchived(brand_id=brand.id, name=brand.name))
    return brand


def restore(session: Session, actor: Actor, brand_id: int) -> Brand:
    """Let an archived brand take products again. Raises UnknownBrand."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    brand = queries.by_id(session, brand_id)
    if brand.archived_at is not None:
        brand.archived_at = None
        _record(session, actor, brand.id, events.BrandRestored(brand_id=brand.id, name=brand.name))
    return brand


def _add(session: Session, name: str, stands_for: int | None, at: datetime) -> int:
    row = {"name": name, "key": key_of(name), "stands_for_id": stands_for, "created_at": at}
    return session.scalars(insert(Brand).returning(Brand.id), [row]).one()


def _record(session: Session, actor: Actor, brand_id: int, fact: Fact) -> None:
    session.flush()
    outbox.record(session, actor, fact, stream=f"brand/{brand_id}")
