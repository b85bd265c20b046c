"""Reads of what was shown: for those who supervise a region, and of the public's searches."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.kernel import regions
from app.policy import Actor, Permission, Reach, scope_of
from catalog.exposures import rules
from catalog.exposures.rules import Share, Shown
from catalog.exposures.tables import ExposureDay, SearchSample
from catalog.listings import prices
from catalog.taxonomy import queries as taxonomy

BATCH: Final = 500


def visible_to(actor: Actor, region: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Searches from the region that the actor supervises and below, and those of the public, who have none; nothing for anybody else."""
    scope = scope_of(actor)
    if not actor.may(Permission.EXPOSURE_READ):
        return false()
    if scope.reach is Reach.EVERYWHERE or scope.region == regions.PROVINCE:
        return true()
    if scope.reach is Reach.REGION and scope.region is not None:
        return or_(region == "", region.in_(regions.below(scope.region)))
    return false()


@dataclass(frozen=True, kw_only=True)
class Category:
    """A category with the hits shown of it."""

    code: str
    shown: int


def categories(session: Session, actor: Actor, since: date, limit: int = 100) -> list[Category]:
    """The categories of which anything was shown since a day, the most shown first."""
    total = func.sum(ExposureDay.shown)
    query = (
        select(ExposureDay.category_code, total.label("shown"))
        .where(visible_to(actor, ExposureDay.region), ExposureDay.day >= since)
        .group_by(ExposureDay.category_code)
        .order_by(total.desc(), ExposureDay.category_code)
        .limit(limit)
    )
    return [Category(code=row.category_code, shown=int(row.shown)) for row in session.execute(query)]


def shares(session: Session, actor: Actor, code: str, since: date, on: date) -> list[Share]:
    """Every supplier of a category: its share of what was shown since a day against its share of what is offered now."""
    query = (
        select(ExposureDay.supplier_id, func.sum(ExposureDay.shown).label("shown"), func.sum(ExposureDay.weight).label("weight"))
        .where(visible_to(actor, ExposureDay.region), ExposureDay.day >= since, ExposureDay.category_code == code)
        .group_by(ExposureDay.supplier_id)
    )
    shown = {row.supplier_id: (int(row.shown), int(row.weight)) for row in session.execute(query)}
    known = taxonomy.parameters(session, rules.RULE, on)
    offers = prices.offers_by_supplier(session, code) if shown else {}
    return rules.shares(
        offers, shown, least_shown=int(known.get("least_shown", 0)), high_percent=int(known.get("high_percent", rules.FULL))
    )


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How many searches were kept, and from when to when."""

    samples: int
    first: datetime | None
    last: datetime | None


def taken(session: Session, actor: Actor, since: date) -> Taken:
    """The samples since a day."""
    query = select(func.count(), func.min(SearchSample.at), func.max(SearchSample.at)).where(
        visible_to(actor, SearchSample.region), SearchSample.day >= since
    )
    samples, first, last = session.execute(query).one()
    return Taken(samples=samples, first=first, last=last)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One search as it was drawn."""

    row: SearchSample
    hits: tuple[Shown, ...]


def latest(session: Session, actor: Actor, limit: int = 20) -> list[Sample]:
    """The samples, the newest first."""
    query = select(SearchSample).where(visible_to(actor, SearchSample.region)).order_by(SearchSample.id.desc()).limit(limit)
    return [_read(row) for row in session.scalars(query)]


def exported(session: Session, actor: Actor, since: date) -> Iterator[Sample]:
    """Every sample since a day, oldest first, read in batches."""
    last = 0
    while True:
        query = select(SearchSample).where(visible_to(actor, SearchSample.region), SearchSample.day >= since, SearchSample.id > last)
        rows = session.scalars(query.order_by(SearchSample.id).limit(BATCH)).all()
        yield from map(_read, rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def _read(row: SearchSample) -> Sample:
    hits: list[list[Any]] = json.loads(row.hits)
    return Sample(row=row, hits=tuple(Shown(*hit) for hit in hits))
