"""Commands of suppliers on their listings, each through the gate. Stock moves by one guarded update, however many listings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.db import connection_of
from app.kernel.errors import N_, Missing
from app.policy import SYSTEM, Actor, Permission
from catalog.listings import gate, queries
from catalog.listings.events import (
    ListingChanged,
    ListingCreated,
    ListingEdited,
    ListingMoved,
    ListingRepriced,
    ListingRestocked,
    ListingShelved,
    ListingUnshelved,
)
from catalog.listings.gate import Wish
from catalog.listings.moves import (
    ask,
    ask_all,
    facts_of,
    follow_prices,
    keep_all,
    move,
    next_version,
    own,
    record,
    record_all,
    set_price,
    stream_of,
    take_back,
    take_back_all,
    version_row,
)
from catalog.listings.rules import (
    ChangedMeanwhile,
    InReview,
    ListingFrozen,
    OutOfStock,
    SkuTaken,
    StockSold,
    areas,
    check_price,
    check_stock,
    eased,
    is_held,
    refused,
)
from catalog.listings.states import STEP_TO, Action, Shelf, next_step
from catalog.listings.tables import Listing, ListingVersion
from catalog.listings.verdicts import Verdict
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
    """An offer to be made; `regions` are codes of the regions served, none means the whole province. The price in fen.

    `verdicts` are the checks that let it on the shelf, or hold it in review.
    """

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
    verdicts: tuple[Verdict, ...] = ()


def create(session: Session, actor: Actor, new: NewListing) -> Listing:
    """Make an offer for the actor's own supplier; one meant for the shelf passes the gate, or waits for the catalogue keeper.

    Raises GateRefused, DuplicateListing, SkuTaken, BadPrice, BadStock, UnknownArea.
    """
    supplier_id = _supplier_of(session, actor)
    new = replace(new, product_id=products.by_id(session, new.product_id).id)
    if session.scalar(select(Listing.id).where(Listing.supplier_id == supplier_id, Listing.sku == new.sku)) is not None:
        raise SkuTaken(sku=new.sku)
    check_price(new.price_fen)
    wanted = new.shelf
    verdicts: tuple[Verdict, ...] = ()
    if wanted is Shelf.ON_SHELF:
        verdicts = _through_the_gate(session, supplier_id, Wish(product_id=new.product_id, price_fen=new.price_fen))
        wanted = Shelf.REVIEW if is_held(verdicts) else wanted
    (made,) = create_all(session, actor, [replace(new, supplier_id=supplier_id, shelf=wanted, verdicts=verdicts)])
    return session.get_one(Listing, made)


def create_all(session: Session, actor: Actor, offers: Sequence[NewListing], *, batch: int = 1000) -> list[int]:
    """Make many offers (import, demonstration) with a handful of statements for each thousand; ids in the order given.

    Each names its supplier, and brings what the gate said of it: the gate is not asked here (`gate.judge_goods` judges many at once).
    One in review is laid before the catalogue keeper. The unique keys of the table still hold.
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
        keep_all(session, [(made_id, 1, new.verdicts) for made_id, new in zip(made, part, strict=True) if new.verdicts])
        facts = [
            {
                "listing_id": made_id, "supplier_id": row["supplier_id"], "product_id": row["product_id"], "title": row["title"],
                "price_fen": row["price_fen"], "stock": row["stock"], "shelf": row["shelf"].value, "listing_version": 1,
            }
            for made_id, row in zip(made, rows, strict=True)
        ]  # fmt: skip
        held = [(each, new.price_fen, new.verdicts) for each, new in zip(facts, part, strict=True) if new.shelf is Shelf.REVIEW]
        changes: list[ListingChanged] = [ListingCreated(**each) for each in facts]
        changes += ask_all(session, actor, held)
        outbox.record_all(
            session,
            actor,
            [
                outbox.Entry(fact, stream_of(fact.listing_id), 1 if place < len(made) else 2, owner_id=fact.supplier_id)
                for place, fact in enumerate(changes)
            ],
        )
        ids += made
    follow_prices(session, {new.product_id for new in offers})
    return ids


def reprice(session: Session, actor: Actor, listing_id: int, *, price_fen: int, version: int | None = None) -> Listing:
    """Set another price. On the shelf it passes the same gate: buyers see it at once, or the old one until the keeper has decided.

    Raises Missing, ChangedMeanwhile, ListingFrozen, InReview, GateRefused, BadPrice.
    """
    check_price(price_fen)
    listing = own(session, actor, listing_id, version)
    _refuse_in_review(listing)
    if listing.price_fen == price_fen:
        return listing
    verdicts: tuple[Verdict, ...] = ()
    if listing.shelf is Shelf.ON_SHELF:
        wish = Wish(product_id=listing.product_id, price_fen=price_fen)
        verdicts = _through_the_gate(session, listing.supplier_id, wish, of=listing)
        take_back(session, actor, listing)
        if is_held(verdicts):
            ask(session, actor, listing, price_fen, verdicts)
            return listing
    set_price(session, actor, listing, price_fen, verdicts)
    return listing


def restock(session: Session, actor: Actor, listing_id: int, *, stock: int, seen: int | None = None) -> Listing:
    """Set the stock; pieces sold since the supplier saw the figure `seen` stay sold. Raises StockSold, BadStock, Missing."""
    check_stock(stock)
    listing = own(session, actor, listing_id, None, frozen_too=True)
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
        record(session, actor, ListingRestocked(**facts_of(listing), previous=previous))
    return listing


def put_on_shelf(session: Session, actor: Actor, listing_id: int, *, version: int | None = None) -> Listing:
    """Let the offer be bought: at once when the gate passes it, after the keeper's review when a rule holds it.

    Raises Missing, ChangedMeanwhile, ListingFrozen, GateRefused, DuplicateListing.
    """
    listing = own(session, actor, listing_id, version)
    if listing.shelf in {Shelf.ON_SHELF, Shelf.REVIEW}:
        return listing
    wish = Wish(product_id=listing.product_id, price_fen=listing.price_fen)
    verdicts = _through_the_gate(session, listing.supplier_id, wish, of=listing)
    if is_held(verdicts) or listing.shelf is Shelf.SUSPENDED:
        move(session, actor, listing, Action.PROPOSE, verdicts)
        ask(session, actor, listing, listing.price_fen, verdicts)
    else:
        move(session, actor, listing, Action.SHELVE, verdicts)
        record(session, actor, ListingShelved(**facts_of(listing)))
    return listing


def take_off_shelf(session: Session, actor: Actor, listing_id: int, *, version: int | None = None) -> Listing:
    """Take the offer out of sight; orders made stay valid. Raises Missing, ChangedMeanwhile, ListingFrozen."""
    listing = own(session, actor, listing_id, version)
    if listing.shelf is Shelf.ON_SHELF:
        take_back(session, actor, listing)
        move(session, actor, listing, Action.TAKE_OFF)
        record(session, actor, ListingUnshelved(**facts_of(listing)))
    return listing


def withdraw(session: Session, actor: Actor, listing_id: int) -> Listing:
    """Take back what waits for the keeper: the offer is a draft again, a price asked for is forgotten. Raises Missing, ListingFrozen."""
    listing = own(session, actor, listing_id, None)
    if listing.shelf is Shelf.REVIEW:
        move(session, actor, listing, Action.WITHDRAW)
    take_back(session, actor, listing)
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
    """Say something else about the offer. Raises Missing, ChangedMeanwhile, ListingFrozen, InReview, UnknownArea."""
    listing = own(session, actor, listing_id, version)
    _refuse_in_review(listing)
    said = (title, delivery_days, areas(regions), warranty_months)
    if (listing.title, listing.delivery_days, listing.regions, listing.warranty_months) != said:
        listing.title, listing.delivery_days, listing.regions, listing.warranty_months = said
        next_version(session, actor, listing)
        record(session, actor, ListingEdited(**facts_of(listing)))
    return listing


@dataclass(frozen=True, kw_only=True)
class Saying:
    """How a listing is to stand after a bulk edit. The price in fen; `stock` is the new figure, `seen` the one it was set against.

    `verdicts` are what the gate said of its price or of its way to the shelf, judged against `version`; `held_fen` is a price
    that waits for the catalogue keeper while the listing keeps the one it has.
    """

    listing_id: int
    version: int
    title: str
    price_fen: int
    stock: int
    seen: int
    delivery_days: int
    regions: Sequence[str]
    warranty_months: int
    shelf: Shelf
    held_fen: int | None = None
    verdicts: tuple[Verdict, ...] = ()


def edit_all(session: Session, actor: Actor, sayings: Sequence[Saying]) -> None:
    """Let many listings of the actor's own supplier say something else, each change with its version and event as single edits have.

    A handful of statements for all of them. The gate is not asked: what it said comes with each.
    Raises Missing, ChangedMeanwhile, ListingFrozen, InReview, ShelfNotNow, StockSold, BadPrice, BadStock, UnknownArea.
    """
    actor.must(Permission.LISTING_KEEP)
    wanted = {each.listing_id: each for each in sayings}
    query = select(Listing).where(Listing.id.in_(wanted)).order_by(Listing.id).with_for_update().execution_options(populate_existing=True)
    rows = list(session.scalars(query))
    if len(rows) < len(wanted) or any(row.supplier_id != actor.organisation_id and not actor.is_system for row in rows):
        raise Missing()
    for row in rows:
        if row.version != wanted[row.id].version:
            raise ChangedMeanwhile(title=row.title)
    versions: list[dict[str, Any]] = []
    changes: list[ListingChanged] = []
    now = clock.now()
    taken_back = take_back_all(session, actor, [row for row in rows if _ends_waiting(row, wanted[row.id])])
    for row in rows:
        changes += [taken_back[row.id]] if row.id in taken_back else []
        for fact in _said_anew(row, wanted[row.id]):
            row.updated_at = now
            if not isinstance(fact, ListingRestocked):
                versions.append(version_row(row, actor))
            changes += [fact] if fact is not None else []
    session.flush()
    if versions:
        session.execute(insert(ListingVersion), versions)
    said = [(row, wanted[row.id]) for row in rows if wanted[row.id].verdicts]
    keep_all(session, [(row.id, row.version, new.verdicts) for row, new in said if new.held_fen is None])
    held = [(row, new) for row, new in said if new.held_fen is not None or new.shelf is Shelf.REVIEW]
    changes += ask_all(session, actor, [(facts_of(row), new.held_fen or row.price_fen, new.verdicts) for row, new in held])
    if changes:
        record_all(session, actor, changes)
        follow_prices(session, {row.product_id for row in rows})


def _ends_waiting(row: Listing, new: Saying) -> bool:
    """Whether a price that waits for the keeper is overtaken: another one is asked for, or the offer leaves the shelf."""
    return row.shelf is Shelf.ON_SHELF and (new.held_fen is not None or (row.price_fen, row.shelf) != (new.price_fen, new.shelf))


def _said_anew(row: Listing, new: Saying) -> Iterator[ListingChanged | None]:
    """Change a listing step by step, giving the fact of each step as it stands then; None for the way into review, which asks."""
    check_price(new.price_fen)
    check_stock(new.stock)
    said = (new.title, new.delivery_days, areas(new.regions), new.warranty_months)
    edited = (row.title, row.delivery_days, row.regions, row.warranty_months) != said
    changes = edited or row.price_fen != new.price_fen or new.shelf is not row.shelf
    if row.shelf is Shelf.FROZEN and changes:
        raise ListingFrozen(title=row.title)
    if changes:
        _refuse_in_review(row)
    if edited:
        row.title, row.delivery_days, row.regions, row.warranty_months = said
        row.version += 1
        yield ListingEdited(**facts_of(row))
    if row.price_fen != new.price_fen:
        previous, row.price_fen = row.price_fen, new.price_fen
        row.version += 1
        yield ListingRepriced(**facts_of(row), previous_fen=previous)
    if new.stock != new.seen:
        before, row.stock = row.stock, row.stock + new.stock - new.seen
        if row.stock < 0:
            raise StockSold(stock=before)
        yield ListingRestocked(**facts_of(row), previous=before)
    if new.shelf is not row.shelf:
        row.shelf, row.shelf_reason = next_step(row.shelf, STEP_TO[new.shelf], row.title).target, None
        row.version += 1
        facts = facts_of(row)
        yield None if new.shelf is Shelf.REVIEW else ListingShelved(**facts) if new.shelf is Shelf.ON_SHELF else ListingUnshelved(**facts)


MERGED: Final = N_("与货号 %(sku)s 的产品定义已合并，同品牌同型号只上架一条")
"""Why the second offer of a merged product came off the shelf, as it is stored."""


def follow_merge(session: Session, product_id: int, into_id: int) -> int:
    """Bring the offers of a merged product to the one it became; how many. Of a supplier's two on the shelf the moved one comes off."""
    moving = list(session.scalars(select(Listing).where(Listing.product_id == product_id).order_by(Listing.id).with_for_update()))
    for listing in moving:
        listing.product_id = into_id
        twin = queries.duplicates(session, listing.supplier_id, [into_id], but=listing.id).get(into_id)
        if listing.shelf is Shelf.ON_SHELF and twin is not None:
            take_back(session, SYSTEM, listing)
            move(session, SYSTEM, listing, Action.TAKE_OFF, reason=MERGED % {"sku": twin})
            record(session, SYSTEM, ListingUnshelved(**facts_of(listing), reason=listing.shelf_reason))
        else:
            next_version(session, SYSTEM, listing)
        record(session, SYSTEM, ListingMoved(**facts_of(listing), previous_product_id=product_id))
    follow_prices(session, [product_id, into_id])
    return len(moving)


def _supplier_of(session: Session, actor: Actor) -> int:
    """The actor's own supplier in the library. Raises Forbidden, Missing."""
    actor.must(Permission.LISTING_KEEP)
    if actor.organisation_id is None or not actor.is_supplier:
        raise Missing()
    return suppliers.by_id(session, actor.organisation_id).organisation_id


def _refuse_in_review(listing: Listing) -> None:
    if listing.shelf is Shelf.REVIEW:
        raise InReview(title=listing.title)


def _through_the_gate(session: Session, supplier_id: int, wish: Wish, *, of: Listing | None = None) -> tuple[Verdict, ...]:
    """The verdicts on a wish that nothing blocks. Raises GateRefused, DuplicateListing.

    A price below the one on the shelf can only do good: no rule of prices stops it.
    """
    (verdicts,) = gate.judge_all(session, supplier_id, [wish], but=of.id if of else None)
    if of is not None and of.shelf is Shelf.ON_SHELF and wish.price_fen is not None and wish.price_fen < of.price_fen:
        verdicts = eased(verdicts)
    if refusal := refused(verdicts):
        raise refusal
    return verdicts


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
