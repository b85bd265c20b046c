"""Where a supplier's own prices stand among those of everybody who offers the same product. Others have no name here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from app.kernel import paging
from app.kernel.errors import Missing
from app.policy import Actor
from catalog.listings import prices
from catalog.listings.rules import Quartiles
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, PriceSpread
from catalog.products.tables import Product
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier

BATCH: Final = 1_000


class Stand(StrEnum):
    """Which of the own offers are looked at."""

    ALL = "all"
    ABOVE = "above"
    """Dearer than the median of the product."""
    LOWEST = "lowest"
    """Nobody asks less, and somebody else offers it too."""
    BEATEN = "beaten"
    """Somebody asks less."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """One own offer among those of its product; prices in fen."""

    listing_id: int
    product_id: int
    title: str
    sku: str
    category_code: str
    price_fen: int
    stats: Quartiles | None
    spread_at: datetime | None
    """When the spread last changed."""
    cheaper: int
    """Offers that ask less; equal prices share a place."""

    @property
    def rank(self) -> int:
        """From 1, the lowest price."""
        return self.cheaper + 1


def _of(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The actor's own offers on the shelf, each with its spread and how many ask less; nothing for anybody but a supplier."""
    other, seller = aliased(Listing), aliased(Supplier)
    cheaper = (
        select(func.count())
        .select_from(other)
        .join(seller, seller.organisation_id == other.supplier_id)
        .where(other.product_id == Listing.product_id, other.price_fen < Listing.price_fen)
        .where(other.shelf == Shelf.ON_SHELF, seller.standing == Standing.ACTIVE)
        .correlate(Listing)
        .scalar_subquery()
    )
    return (
        select(
            Listing.id, Listing.product_id, Listing.title, Listing.sku, Listing.price_fen, Product.category_code, *prices.KEPT,
            PriceSpread.at, cheaper.label("cheaper"),
        )
        .join(Product, Product.id == Listing.product_id)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
        .outerjoin(PriceSpread, PriceSpread.product_id == Listing.product_id)
        .where(Listing.supplier_id == (actor.organisation_id if actor.is_supplier else None), prices.live())
    )  # fmt: skip


def _standing(query: Select[*tuple[Any, ...]], stand: Stand) -> Select[*tuple[Any, ...]]:
    if stand is Stand.ABOVE:
        return query.where(Listing.price_fen > PriceSpread.median_fen)
    if stand is Stand.LOWEST:
        return query.where(and_(Listing.price_fen <= PriceSpread.min_fen, PriceSpread.n > 1))
    if stand is Stand.BEATEN:
        return query.where(Listing.price_fen > PriceSpread.min_fen)
    return query


def page(session: Session, actor: Actor, stand: Stand, *, cursor: str | None = None, limit: int = 30) -> paging.Page[Position]:
    """One page of the own offers, the newest first; one statement. Raises BadCursor."""
    found = paging.rows(session, _standing(_of(actor), stand), (paging.Key(Listing.id),), cursor=cursor, limit=limit)
    return paging.Page(rows=[_position(row) for row in found.rows], next=found.next, prev=found.prev)


def everything(session: Session, actor: Actor, stand: Stand) -> Iterator[Position]:
    """The same without end, read in batches, in the order of their making."""
    last = 0
    while True:
        query = _standing(_of(actor), stand).where(Listing.id > last).order_by(Listing.id).limit(BATCH)
        rows = session.execute(query).all()
        yield from map(_position, rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def counts(session: Session, actor: Actor) -> dict[Stand, int]:
    """How many own offers stand so, in one statement."""
    query = (
        select(
            func.count(),
            func.count().filter(Listing.price_fen > PriceSpread.median_fen),
            func.count().filter(and_(Listing.price_fen <= PriceSpread.min_fen, PriceSpread.n > 1)),
            func.count().filter(Listing.price_fen > PriceSpread.min_fen),
        )
        .select_from(Listing)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
        .outerjoin(PriceSpread, PriceSpread.product_id == Listing.product_id)
        .where(Listing.supplier_id == (actor.organisation_id if actor.is_supplier else None), prices.live())
    )
    every, above, lowest, beaten = session.execute(query).one()
    return {Stand.ALL: every, Stand.ABOVE: above, Stand.LOWEST: lowest, Stand.BEATEN: beaten}


def one(session: Session, actor: Actor, listing_id: int) -> Position:
    """One of the own offers on the shelf. Raises Missing, for a foreign one too."""
    row = session.execute(_of(actor).where(Listing.id == listing_id)).first()
    if row is None:
        raise Missing()
    return _position(row)


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One live offer of the product without its supplier's name."""

    price_fen: int
    rank: int
    is_own: bool


def rivals(session: Session, position: Position) -> list[Rival]:
    """Every live offer of the product, the lowest first."""
    query = (
        select(Listing.id, Listing.price_fen)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
        .where(Listing.product_id == position.product_id, prices.live())
        .order_by(Listing.price_fen, Listing.id)
    )
    found: list[Rival] = []
    for place, row in enumerate(session.execute(query), start=1):
        rank = found[-1].rank if found and found[-1].price_fen == row.price_fen else place
        found.append(Rival(price_fen=row.price_fen, rank=rank, is_own=row.id == position.listing_id))
    return found


def _position(row: Any) -> Position:
    return Position(
        listing_id=row.id, product_id=row.product_id, title=row.title, sku=row.sku, category_code=row.category_code,
        price_fen=row.price_fen, stats=prices.kept(row[6:12]) if row.n is not None else None, spread_at=row.at, cheaper=row.cheaper,
    )  # fmt: skip
