"""JSON ways in for a supplier's system that calls the mall: many goods at once, by the supplier's own numbers.

One good at a time, orders, contracts and parcels have their ways in with their chapters.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import Blueprint
from pydantic import Field
from sqlalchemy.orm import Session

from app.kernel import regions
from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Actor, Permission
from app.web.errors import sentence
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Fen, Model, Problem, spec, titled
from catalog.connections import service
from catalog.connections.service import Result
from catalog.listings import queries as listings
from catalog.listings import service as listing
from catalog.listings.states import Shelf

api = Blueprint("connections_api", __name__, url_prefix="/api/v1/listings")
TAG = ("listings",)
MOST = 500


class Numbered(Model):
    """One good by the supplier's own number."""

    sku: str = Field(min_length=1, max_length=40)


Item = TypeVar("Item", bound=Numbered)


class PriceOf(Numbered):
    """Another price of one good."""

    price_fen: Fen
    version: int | None = Field(default=None, description=N_("读到的版本；已有更新时拒绝"))


class StockOf(Numbered):
    """Another stock of one good."""

    stock: int = Field(ge=0, le=10_000_000)
    seen: int | None = Field(default=None, ge=0, le=10_000_000, description=N_("读到的库存；期间售出的件数照减"))


class ShelfOf(Numbered):
    """One good on the shelf or off it."""

    on_shelf: bool
    version: int | None = None


class PriceBatch(Model):
    """Other prices of many goods."""

    items: list[PriceOf] = Field(min_length=1, max_length=MOST)


class StockBatch(Model):
    """Other stocks of many goods."""

    items: list[StockOf] = Field(min_length=1, max_length=MOST)


class ShelfBatch(Model):
    """Many goods on the shelf or off it."""

    items: list[ShelfOf] = Field(min_length=1, max_length=MOST)


class ResultOut(Model):
    """What became of one entry: `code` is null when it was done, else that of the refusal; the others went on."""

    sku: str
    listing_id: int | None
    version: int | None
    code: str | None
    title: str | None


class BatchOut(Model):
    """What became of each entry, in the order given."""

    done: int
    refused: int
    items: list[ResultOut]


class AvailabilityQuery(Model):
    """Where to, and which goods (repeat the name; all of the supplier's when none is given)."""

    region: str = Field(pattern=r"^\d{6}$", description=N_("市或县的行政区划代码"))
    sku: list[str] = Field(default_factory=list, max_length=MOST)


class AvailableOut(Model):
    """Pieces of one good that can be sent to the region: none where the offer does not serve it or is off the shelf."""

    sku: str
    listing_id: int
    pieces: int
    serves: bool
    shelf: Shelf
    price_fen: Fen


class AvailabilityOut(Model):
    """Goods in one region, by number."""

    region: str
    items: list[AvailableOut]


@api.put("/prices")
@titled(N_("批量改价"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=BatchOut, HTTP_422=Problem), tags=TAG)
def reprice(json: PriceBatch) -> BatchOut:
    """Set many prices; each entry stands by itself."""

    def change(session: Session, actor: Actor, listing_id: int, item: PriceOf) -> int:
        return listing.reprice(session, actor, listing_id, price_fen=item.price_fen, version=item.version).version

    return _batch(json.items, change)


@api.put("/stocks")
@titled(N_("批量改库存"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=BatchOut, HTTP_422=Problem), tags=TAG)
def restock(json: StockBatch) -> BatchOut:
    """Set many stocks; each entry stands by itself."""

    def change(session: Session, actor: Actor, listing_id: int, item: StockOf) -> int:
        return listing.restock(session, actor, listing_id, stock=item.stock, seen=item.seen).version

    return _batch(json.items, change)


@api.put("/shelves")
@titled(N_("批量上架、下架"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=BatchOut, HTTP_422=Problem), tags=TAG)
def shelve(json: ShelfBatch) -> BatchOut:
    """Put many offers on the shelf or take them off; each entry stands by itself."""

    def change(session: Session, actor: Actor, listing_id: int, item: ShelfOf) -> int:
        move = listing.put_on_shelf if item.on_shelf else listing.take_off_shelf
        return move(session, actor, listing_id, version=item.version).version

    return _batch(json.items, change)


@api.get("/availability")
@titled(N_("按地区的库存"))
@requires(Permission.LISTING_KEEP)
@spec.validate(resp=Answers(HTTP_200=AvailabilityOut, HTTP_404=Problem, HTTP_422=Problem), tags=TAG)
def availability(query: AvailabilityQuery) -> AvailabilityOut:
    """What buyers of a city or county can have of the supplier's goods."""
    session, region = db.session(), regions.by_code(query.region).code
    ids = listings.ids_by_sku(session, me(), query.sku) if query.sku else {}
    wanted = list(ids.values()) if query.sku else listings.of_supplier(session, me().organisation_id or 0)[:MOST]
    rows = sorted(listings.shown(session, wanted).values(), key=lambda row: row.sku)
    return AvailabilityOut(
        region=region,
        items=[
            AvailableOut(
                sku=row.sku, listing_id=row.listing_id, serves=row.serves(region),
                pieces=row.stock if row.serves(region) and row.is_live else 0, shelf=row.shelf, price_fen=row.price_fen,
            )
            for row in rows
        ],
    )  # fmt: skip


def _batch(items: Sequence[Item], change: Callable[[Session, Actor, int, Item], int]) -> BatchOut:
    with commit(db.session()) as session:
        ids = listings.ids_by_sku(session, me(), [item.sku for item in items])
        results = service.each(session, me(), [(item.sku, ids.get(item.sku), item) for item in items], change)
    out = [_result(each) for each in results]
    done = sum(each.code is None for each in out)
    return BatchOut(done=done, refused=len(out) - done, items=out)


def _result(each: Result) -> ResultOut:
    refused = each.refusal
    return ResultOut(
        sku=each.sku, listing_id=each.listing_id, version=each.version, code=refused.code if refused else None,
        title=sentence(refused) if refused else None,
    )  # fmt: skip
