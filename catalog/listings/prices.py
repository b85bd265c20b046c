"""What is asked for the same thing: the spread of the live offers, the lowest that a region could buy at, and what a listing said before.

All prices in fen.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, join, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.kernel import clock, regions
from app.kernel.db import among, run
from catalog.listings.rules import Quartiles
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion, PriceSpread
from catalog.products.tables import Product
from catalog.suppliers import queries as suppliers
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier

HISTORY_DAYS = 90
"""How far back a price history goes."""


def live() -> ColumnElement[bool]:
    """The offers that can be bought; needs the supplier joined."""
    return and_(Listing.shelf == Shelf.ON_SHELF, Supplier.standing == Standing.ACTIVE)


def sold_in(region: str | None) -> tuple[ColumnElement[bool], ...]:
    """The offers that a buyer of the region can buy, the stock and the places of delivery aside; needs the supplier joined.

    Without a region whatever can be bought somewhere.
    """
    above = [each.code for each in regions.path(region)] if region else []
    return (live(), ~suppliers.barred_in(above)) if above else (live(),)


def comparable() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Of the offers of the same product that the region could buy now: the lowest price, and how many suppliers (rules P03, P04).

    A supplier that may not trade in the region is no rival there, as it can sell nothing there.
    """
    other, seller = aliased(Listing), aliased(Supplier)
    served = or_(*(other.regions.contains(bindparam(name)) for name in WHERE))  # codes are all of one length
    found = (
        select()
        .select_from(other)
        .join(seller, seller.organisation_id == other.supplier_id)
        .where(other.product_id == Listing.product_id, other.shelf == Shelf.ON_SHELF, seller.standing == Standing.ACTIVE)
        .where(other.stock > 0, served, ~suppliers.barred_where(among(suppliers.StandingDecision.region, "above"), seller.organisation_id))
        .correlate(Listing)
    )
    lowest = found.add_columns(func.min(other.price_fen)).scalar_subquery()
    return lowest.label("lowest_fen"), found.add_columns(func.count(other.supplier_id.distinct())).scalar_subquery().label("rivals")


WHERE: Final = ("county", "city", "province")
"""The region that asks and those above it; the widest is repeated where there are fewer. `above` is the list of them all."""


def kept(row: Sequence[Any]) -> Quartiles | None:
    """The spread in these columns; None where nothing can be bought."""
    n, least, q1, median, q3, most = row
    return Quartiles(n=n, min=least, q1=q1, median=median, q3=q3, max=most) if n else None


KEPT: Final = (
    PriceSpread.n, PriceSpread.min_fen, PriceSpread.q1_fen, PriceSpread.median_fen, PriceSpread.q3_fen, PriceSpread.max_fen,
)  # fmt: skip
"""The spread that is kept of a product, as columns; `kept` reads them."""


def versions_of(session: Session, listing_id: int, *, since: datetime | None = None) -> list[ListingVersion]:
    """What a listing said, oldest first, and the last version before `since` (90 days ago unless told) to begin with."""
    start = since or clock.now() - timedelta(days=HISTORY_DAYS)
    before = (
        select(func.max(ListingVersion.version))
        .where(ListingVersion.listing_id == listing_id, ListingVersion.at < start)
        .scalar_subquery()
    )
    query = (
        select(ListingVersion)
        .where(ListingVersion.listing_id == listing_id, ListingVersion.version >= func.coalesce(before, 0))
        .order_by(ListingVersion.version)
    )
    return list(session.scalars(query))


def points(versions: Sequence[ListingVersion], now_fen: int, since: datetime) -> list[tuple[date, int]]:
    """Days and prices of the last 90 days, one for each change, beginning with what held before."""
    start = clock.today().toordinal() - HISTORY_DAYS
    points: list[tuple[date, int]] = []
    for version in versions:
        on = date.fromordinal(max(clock.local(version.at).date().toordinal(), start))
        if points and points[-1][0] == on:
            points.pop()
        if not points or points[-1][1] != version.price_fen:
            points.append((on, version.price_fen))
    return points or [(clock.local(since).date(), now_fen)]


def quartiles(session: Session, *, product_id: int | None = None, category: str | None = None) -> Quartiles | None:
    """The spread of the live offers of a product or of a category; None when there is none. One statement."""
    if product_id is not None:
        return quartiles_by_product(session, [product_id]).get(product_id)
    return next(iter(_spread(session, _SPREAD_OF_CATEGORIES, [category]).values()), None)


def quartiles_by_product(session: Session, product_ids: Iterable[int]) -> dict[int, Quartiles]:
    """The spread of the live offers of each of these products; one statement."""
    wanted = sorted(set(product_ids))
    return _spread(session, _SPREAD_OF_PRODUCTS, wanted) if wanted else {}


def _spread(session: Session, query: Select[Any], keys: Sequence[Any], **values: Any) -> dict[Any, Quartiles]:
    return {
        row.key: Quartiles(n=row.n, min=row.min, q1=row.q1, median=(row.low + row.high) // 2, q3=row.q3, max=row.max)
        for row in run(session, query, {"keys": list(keys), **values})
    }


def quartiles_of_others(session: Session, product_ids: Iterable[int], supplier_id: int) -> dict[int, Quartiles]:
    """The spread of the live offers of each of these products by all other suppliers; one statement."""
    wanted = sorted(set(product_ids))
    return _spread(session, _SPREAD_OF_OTHERS, wanted, but=supplier_id) if wanted else {}


def _spread_by(key: InstrumentedAttribute[Any], *more: ColumnElement[bool]) -> Select[Any]:
    """Nearest ranks, the same figures as `rules.quartiles_of`, on either database in whole fen."""
    wanted = live(), among(key, "keys"), *more
    offers = join(Listing, Supplier, Supplier.organisation_id == Listing.supplier_id)
    if key.class_ is Product:
        offers = join(offers, Product, Product.id == Listing.product_id)
    rows = (
        select(
            key.label("key"),
            Listing.price_fen.label("price"),
            func.row_number().over(partition_by=key, order_by=(Listing.price_fen, Listing.id)).label("place"),
            func.count().over(partition_by=key).label("n"),
        )
        .select_from(offers)
        .where(*wanted)
        .subquery()
    )
    n, place, price = rows.c.n, rows.c.place, rows.c.price

    def at(wanted: ColumnElement[int]) -> ColumnElement[int]:
        return func.max(case((place == wanted, price)))

    return select(
        rows.c.key, func.max(n).label("n"), func.min(price).label("min"), func.max(price).label("max"),
        at((n + 3) // 4).label("q1"), at((3 * n + 3) // 4).label("q3"),
        at((n + 1) // 2).label("low"), at(n // 2 + 1).label("high"),
    ).group_by(rows.c.key)  # fmt: skip


_SPREAD_OF_PRODUCTS, _SPREAD_OF_CATEGORIES = _spread_by(Listing.product_id), _spread_by(Product.category_code)
_SPREAD_OF_OTHERS = _spread_by(Listing.product_id, Listing.supplier_id != bindparam("but"))
