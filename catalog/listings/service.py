"""Commands on listings. Stock moves by one guarded update, however many listings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.db import connection_of
from app.kernel.errors import Missing
from app.kernel.rows import insert_rows
from app.policy import Actor, Permission
from catalog.listings import queries
from catalog.listings.events import (
    ListingChanged,
    ListingCreated,
    ListingEdited,
    ListingRepriced,
    ListingRestocked,
    ListingShelved,
    ListingUnshelved,
)
from catalog.listings.rules import (
    ChangedMeanwhile,
    DuplicateListing,
    ListingFrozen,
    OutOfStock,
    Quartiles,
    SkuTaken,
    StockSold,
    areas,
    check_price,
    check_stock,
)
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion, PriceSpread
from catalog.products import queries as products
from catalog.suppliers import queries as suppliers

_TAKE: Final = (
    update(Listing.__table__)  # type: ignore[arg-type]
    .where(Listing.id == bindparam("listing"), Listing.stock >= bindparam("pieces"), Listing.shelf == Shelf.ON_SHELF)
    .values(stock=Listing.stock - bindparam("pieces"), updated_at=bindparam("at"))
)
_SETTLE: Final = (
    update(Listing.__table__)  # type: ignore[arg-type]
    .where(Listing.id == bindparam("listing"))
    .values(stock=Listing.stock + bindparam("returned"), sold=Listing.sold + bindparam("sold"), updated_at=bindparam("at"))
)


def take_stock(session: Session, wanted: Mapping[int, int]) -> None:
    """Take pieces (by listing id) off the shelf, one row after the other in id order. Raises OutOfStock: another was faster."""
    at = clock.now()
    rows = [{"listing": listing_id, "pieces": pieces, "at": at} for listing_id, pieces in sorted(wanted.items())]
    if connection_of(session).execute(_TAKE, rows).rowcount < len(rows):
        raise OutOfStock()


def settle(session: Session, *, sold: Mapping[int, int] | None = None, returned: Mapping[int, int] | None = None) -> None:
    """Count pieces (by listing id) as sold, and put others back on the shelf; one row after the other in id order.

    Pieces sold order the search.
    """
    sold, returned, at = sold or {}, returned or {}, clock.now()
    rows = [
        {"listing": listing_id, "sold": sold.get(listing_id, 0), "returned": returned.get(listing_id, 0), "at": at}
        for listing_id in sorted(sold.keys() | returned.keys())
    ]
    if rows:
        connection_of(session).execute(_SETTLE, rows)


def give_stock_back(session: Session, pieces: Iterable[tuple[int, int]]) -> None:
    """Put pieces of (listing id, quantity) back on the shelf."""
    returned: dict[int, int] = defaultdict(int)
    for listing_id, quantity in pieces:
        returned[listing_id] += quantity
    settle(session, returned=returned)


@dataclass(frozen=True, kw_only=True)
class NewListing:
    """An offer to be made; `regions` are codes of the regions served, none means the whole province. The price in fen."""

    product_id: int
    sku: str
    title: str
    price_fen: int
    stock: int
    delivery_days: int = 5
    regions: Sequence[str] = ()
    warranty_months: int = 12
    shelf: Shelf = Shelf.ON_SHELF
    supplier_id: int | None = None
    created_at: datetime | None = None
    sold: int = 0


def create(session: Session, actor: Actor, new: NewListing) -> Listing:
    """Make an offer for the actor's own supplier. Raises DuplicateListing, SkuTaken, BadPrice, BadStock, UnknownArea."""
    supplier_id = _supplier_of(session, actor)
    products.by_id(session, new.product_id)
    if session.scalar(select(Listing.id).where(Listing.supplier_id == supplier_id, Listing.sku == new.sku)) is not None:
        raise SkuTaken(sku=new.sku)
    if new.shelf is Shelf.ON_SHELF:
        _refuse_duplicate(session, supplier_id, new.product_id)
    (made,) = create_all(session, actor, [replace(new, supplier_id=supplier_id)])
    return session.get_one(Listing, made)


def create_all(session: Session, actor: Actor, offers: Sequence[NewListing], *, batch: int = 1000) -> list[int]:
    """Make many offers (import, demonstration): three statements for each thousand; ids in the order given.

    Each names its supplier. Duplicates are not looked for: the unique keys of the table still hold.
    """
    actor.must(Permission.LISTING_KEEP)
    ids: list[int] = []
    for start in range(0, len(offers), batch):
        part = offers[start : start + batch]
        rows = [_row(new) for new in part]
        made = list(session.scalars(insert(Listing).returning(Listing.id, sort_by_parameter_order=True), rows))
        session.execute(
            insert(ListingVersion),
            [
                {
                    "listing_id": made_id, "version": 1, "title": row["title"], "price_fen": row["price_fen"], "shelf": row["shelf"],
                    "delivery_days": row["delivery_days"], "actor_id": actor.person_id, "at": row["created_at"],
                }
                for made_id, row in zip(made, rows, strict=True)
            ],
        )
        outbox.record_all(
            session,
            actor,
            [
                outbox.Entry(
                    ListingCreated(
                        listing_id=made_id, supplier_id=row["supplier_id"], product_id=row["product_id"], title=row["title"],
                        price_fen=row["price_fen"], stock=row["stock"], shelf=row["shelf"].value, listing_version=1,
                    ),
                    stream_of(made_id), 1, owner_id=row["supplier_id"],
                )
                for made_id, row in zip(made, rows, strict=True)
            ],
        )
        ids += made
    follow_prices(session, {new.product_id for new in offers})
    return ids


def reprice(session: Session, actor: Actor, listing_id: int, *, price_fen: int, version: int | None = None) -> Listing:
    """Set another price; buyers see it at once. Raises Missing, ChangedMeanwhile, ListingFrozen, BadPrice."""
    check_price(price_fen)
    listing = _own(session, actor, listing_id, version)
    if listing.price_fen == price_fen:
        return listing
    previous, listing.price_fen = listing.price_fen, price_fen
    _next_version(session, actor, listing)
    _record(session, actor, ListingRepriced(**_facts(listing), previous_fen=previous))
    follow_prices(session, [listing.product_id])
    return listing


def restock(session: Session, actor: Actor, listing_id: int, *, stock: int, seen: int | None = None) -> Listing:
    """Set the stock; pieces sold since the supplier saw the figure `seen` stay sold. Raises StockSold, BadStock, Missing."""
    check_stock(stock)
    listing = _own(session, actor, listing_id, None, frozen_too=True)
    previous = listing.stock
    change = Listing.stock + (stock - seen) if seen is not None else stock
    moved = session.execute(
        update(Listing)
        .where(Listing.id == listing_id, *([Listing.stock + (stock - seen) >= 0] if seen is not None else []))
        .values(stock=change, updated_at=clock.now())
        .returning(Listing.stock),
        execution_options={"synchronize_session": False},
    ).first()
    session.refresh(listing)
    if moved is None:
        raise StockSold(stock=listing.stock)
    if listing.stock != previous:
        _record(session, actor, ListingRestocked(**_facts(listing), previous=previous))
    return listing


def put_on_shelf(session: Session, actor: Actor, listing_id: int, *, version: int | None = None) -> Listing:
    """Let the offer be bought. Raises Missing, ChangedMeanwhile, ListingFrozen, DuplicateListing."""
    listing = _own(session, actor, listing_id, version)
    if listing.shelf is not Shelf.ON_SHELF:
        _refuse_duplicate(session, listing.supplier_id, listing.product_id, but=listing.id)
        listing.shelf = Shelf.ON_SHELF
        _next_version(session, actor, listing)
        _record(session, actor, ListingShelved(**_facts(listing)))
        follow_prices(session, [listing.product_id])
    return listing


def take_off_shelf(session: Session, actor: Actor, listing_id: int, *, version: int | None = None) -> Listing:
    """Take the offer out of sight; orders made stay valid. Raises Missing, ChangedMeanwhile, ListingFrozen."""
    listing = _own(session, actor, listing_id, version)
    if listing.shelf is Shelf.ON_SHELF:
        listing.shelf = Shelf.OFF_SHELF
        _next_version(session, actor, listing)
        _record(session, actor, ListingUnshelved(**_facts(listing)))
        follow_prices(session, [listing.product_id])
    return listing


def edit(
    session: Session,
    actor: Actor,
    listing_id: int,
    *,
    title: str,
    delivery_days: int,
    regions: Sequence[str],
    warranty_months: int,
    version: int | None = None,
) -> Listing:
    """Say something else about the offer. Raises Missing, ChangedMeanwhile, ListingFrozen, UnknownArea."""
    listing = _own(session, actor, listing_id, version)
    said = (title, delivery_days, areas(regions), warranty_months)
    if (listing.title, listing.delivery_days, listing.regions, listing.warranty_months) != said:
        listing.title, listing.delivery_days, listing.regions, listing.warranty_months = said
        _next_version(session, actor, listing)
        _record(session, actor, ListingEdited(**_facts(listing)))
    return listing


def follow_prices(session: Session, product_ids: Iterable[int]) -> None:
    """Write down anew how the live offers of these products are spread; every change of a price, a shelf or a standing is followed.

    The rows are taken in id order before the offers are counted: whoever changes another offer of the product at the same time
    counts after this transaction, and so counts what it wrote.
    """
    wanted = sorted(set(product_ids))
    for start in range(0, len(wanted), SPREADS_AT_ONCE):
        part, at = wanted[start : start + SPREADS_AT_ONCE], clock.now()
        rows = [{**_UNKNOWN, "product_id": product_id, "at": at} for product_id in part]
        insert_rows(session, _spreads, rows, (PriceSpread.product_id,), once=PriceSpread.product_id)  # type: ignore[arg-type]
        session.execute(select(_spreads.c.product_id).where(_spreads.c.product_id.in_(part)).order_by(_spreads.c.product_id).with_for_update())
        found = queries.quartiles_by_product(session, part)
        connection_of(session).execute(_FOLLOW, [{"product": each, "then": at, **_figures(found.get(each))} for each in part])


SPREADS_AT_ONCE: Final = 500
_spreads: Any = PriceSpread.__table__
_UNKNOWN: Final = {"n": 0, "min_fen": 0, "q1_fen": 0, "median_fen": 0, "q3_fen": 0, "max_fen": 0}
_FOLLOW: Final = (
    update(_spreads)
    .where(_spreads.c.product_id == bindparam("product"))
    .values(at=bindparam("then"), **{name: bindparam(f"told_{name}") for name in _UNKNOWN})
)


def _figures(stats: Quartiles | None) -> dict[str, int]:
    told = (stats.n, stats.min, stats.q1, stats.median, stats.q3, stats.max) if stats else (0,) * 6
    return {f"told_{name}": figure for name, figure in zip(_UNKNOWN, told, strict=True)}
@dataclass(frozen=True, kw_only=True)
class Saying:
    """How a listing is to stand after a bulk edit. The price in fen; `stock` is the new figure, `seen` the one it was set against."""

    listing_id: int
    title: str
    price_fen: int
    stock: int
    seen: int
    delivery_days: int
    regions: Sequence[str]
    warranty_months: int
    shelf: Shelf


def edit_all(session: Session, actor: Actor, sayings: Sequence[Saying]) -> None:
    """Let many listings of the actor's own supplier say something else, each change with its version and event as single edits have.

    A handful of statements for all of them. Raises Missing, ListingFrozen, StockSold, BadPrice, BadStock, UnknownArea.
    """
    actor.must(Permission.LISTING_KEEP)
    wanted = {each.listing_id: each for each in sayings}
    query = select(Listing).where(Listing.id.in_(wanted)).order_by(Listing.id).with_for_update().execution_options(populate_existing=True)
    rows = list(session.scalars(query))
    if len(rows) < len(wanted) or any(row.supplier_id != actor.organisation_id and not actor.is_system for row in rows):
        raise Missing()
    versions: list[dict[str, Any]] = []
    changes: list[ListingChanged] = []
    now = clock.now()
    for row in rows:
        for fact in _said_anew(row, wanted[row.id]):
            row.updated_at = now
            if not isinstance(fact, ListingRestocked):
                versions.append(_version_row(row, actor))
            changes.append(fact)
    session.flush()
    if not changes:
        return
    if versions:
        session.execute(insert(ListingVersion), versions)
    streams = [stream_of(row.id) for row in rows]
    last = outbox.versions_of(session, streams)
    entries = []
    for fact in changes:
        stream = stream_of(fact.listing_id)
        last[stream] = last.get(stream, 0) + 1
        entries.append(outbox.Entry(fact, stream, last[stream], actor.region, fact.supplier_id))
    outbox.record_all(session, actor, entries)
    follow_prices(session, {row.product_id for row in rows})


def _said_anew(row: Listing, new: Saying) -> Iterator[ListingChanged]:
    """Change a listing step by step, giving the fact of each step as it stands then."""
    check_price(new.price_fen)
    check_stock(new.stock)
    said = (new.title, new.delivery_days, areas(new.regions), new.warranty_months)
    edited = (row.title, row.delivery_days, row.regions, row.warranty_months) != said
    if row.shelf is Shelf.FROZEN and (edited or row.price_fen != new.price_fen or new.shelf is not row.shelf):
        raise ListingFrozen(title=row.title)
    if edited:
        row.title, row.delivery_days, row.regions, row.warranty_months = said
        row.version += 1
        yield ListingEdited(**_facts(row))
    if row.price_fen != new.price_fen:
        previous, row.price_fen = row.price_fen, new.price_fen
        row.version += 1
        yield ListingRepriced(**_facts(row), previous_fen=previous)
    if new.stock != new.seen:
        before, row.stock = row.stock, row.stock + new.stock - new.seen
        if row.stock < 0:
            raise StockSold(stock=before)
        yield ListingRestocked(**_facts(row), previous=before)
    if new.shelf is not row.shelf:
        row.shelf = new.shelf
        row.version += 1
        yield ListingShelved(**_facts(row)) if new.shelf is Shelf.ON_SHELF else ListingUnshelved(**_facts(row))


def stream_of(listing_id: int) -> str:
    """The name of a listing's stream of events."""
    return f"listing/{listing_id}"


def _supplier_of(session: Session, actor: Actor) -> int:
    """The actor's own supplier in the library. Raises Forbidden, Missing."""
    actor.must(Permission.LISTING_KEEP)
    if actor.organisation_id is None or not actor.is_supplier:
        raise Missing()
    return suppliers.by_id(session, actor.organisation_id).organisation_id


def _own(session: Session, actor: Actor, listing_id: int, version: int | None, *, frozen_too: bool = False) -> Listing:
    """A listing of the actor's own supplier, as it stands now. Raises Missing, ChangedMeanwhile, ListingFrozen."""
    actor.must(Permission.LISTING_KEEP)
    listing = session.scalar(
        select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    )
    if listing is None or not (actor.is_system or listing.supplier_id == actor.organisation_id):
        raise Missing()
    if version is not None and listing.version != version:
        raise ChangedMeanwhile(title=listing.title)
    if listing.shelf is Shelf.FROZEN and not frozen_too:
        raise ListingFrozen(title=listing.title)
    return listing


def _refuse_duplicate(session: Session, supplier_id: int, product_id: int, *, but: int | None = None) -> None:
    if sku := queries.duplicates(session, supplier_id, [product_id], but=but).get(product_id):
        raise DuplicateListing(sku=sku)


def _row(new: NewListing) -> dict[str, Any]:
    check_price(new.price_fen)
    check_stock(new.stock)
    if new.supplier_id is None:
        raise ValueError("a listing made in bulk names its supplier")
    at = new.created_at or clock.now()
    return {
        "supplier_id": new.supplier_id, "product_id": new.product_id, "sku": new.sku, "title": new.title, "price_fen": new.price_fen,
        "stock": new.stock, "shelf": new.shelf, "delivery_days": new.delivery_days, "regions": areas(new.regions),
        "warranty_months": new.warranty_months, "version": 1, "sold": new.sold, "created_at": at, "updated_at": at,
    }


def _next_version(session: Session, actor: Actor, listing: Listing) -> None:
    """Write down for good what the listing says from now on."""
    listing.version += 1
    listing.updated_at = clock.now()
    session.add(ListingVersion(**_version_row(listing, actor)))
    session.flush()


def _version_row(listing: Listing, actor: Actor) -> dict[str, Any]:
    return {
        "listing_id": listing.id, "version": listing.version, "title": listing.title, "price_fen": listing.price_fen,
        "shelf": listing.shelf, "delivery_days": listing.delivery_days, "actor_id": actor.person_id, "at": listing.updated_at,
    }


def _facts(listing: Listing) -> dict[str, Any]:
    return {
        "listing_id": listing.id, "supplier_id": listing.supplier_id, "product_id": listing.product_id, "title": listing.title,
        "price_fen": listing.price_fen, "stock": listing.stock, "shelf": listing.shelf.value, "listing_version": listing.version,
    }


def _record(session: Session, actor: Actor, fact: ListingChanged) -> None:
    outbox.record(session, actor, fact, stream=stream_of(fact.listing_id), region=actor.region, owner_id=fact.supplier_id)
