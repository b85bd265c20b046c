"""Commands on connections, and what the clock's answers change. Listings change through their own service alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Missing, Refusal
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Actor, Permission
from catalog.connections import events, queries, rules
from catalog.connections.rules import Access, Good
from catalog.connections.states import ConnectionState, Job
from catalog.connections.tables import ConnectedGood, Connection
from catalog.listings import desk
from catalog.listings import queries as listings
from catalog.listings import rules as listing_rules
from catalog.listings import service as listing
from catalog.listings.rules import BadPrice, GateRefused, InReview
from catalog.listings.states import ReviewState, Shelf
from catalog.products import service as products
from catalog.suppliers import queries as suppliers
from catalog.suppliers.service import stream_of

Entry = TypeVar("Entry")
DONE = {Job.POOL: "pool_done_at", Job.PRICE: "price_done_at", Job.STOCK: "stock_done_at"}
DUE = {Job.POOL: "pool_due_at", Job.PRICE: "price_due_at", Job.STOCK: "stock_due_at"}


# ---------------------------------------------------------------- the supplier's own


def connect(
    session: Session, actor: Actor, door: Door, seal: Seal, *, base_url: str, client_id: str, secret: str, regions: Sequence[str]
) -> Connection:
    """Say how the own shop is reached; everything is asked for anew. Without a secret the one that is kept stays.

    Raises Forbidden, Missing, BadAddress, AddressClosed, SecretMissing, UnknownArea.
    """
    actor.must(Permission.SUPPLIER_ADMINISTER)
    supplier = suppliers.by_id(session, actor.organisation_id or 0)
    said, now = door.check(base_url.strip().rstrip("/")), clock.now()
    served = listing_rules.areas(regions or [actor.region])
    row = session.get(Connection, supplier.organisation_id)
    if not secret and (row is None or row.base_url != said):
        raise rules.SecretMissing()
    facts = {
        "base_url": said, "client_id": client_id.strip(), "regions": served, "token": None, "token_until": None, "failures": 0,
        "rest_until": None, "trouble": None, "pool_due_at": now, "price_due_at": now, "stock_due_at": now,
        "connected_by": actor.person_id or 0, "connected_at": now, **({"secret": seal.close(secret)} if secret else {}),
    }  # fmt: skip
    if row is None:
        row = Connection(supplier_id=supplier.organisation_id, **facts)
        session.add(row)
    else:
        for name, value in facts.items():
            setattr(row, name, value)
    session.flush()
    fact = events.ConnectionSet(
        supplier_id=row.supplier_id, base_url=said, client_id=row.client_id, regions=tuple(served.split(","))
    )
    _record(session, actor, row, fact)
    return row


def switch(session: Session, actor: Actor, *, on: bool) -> None:
    """Call the own shop, or no longer; listings stay as they are. Raises Forbidden, NoConnection."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    row = queries.own(session, actor)
    if row is None:
        raise rules.NoConnection()
    wanted = ConnectionState.ACTIVE if on else ConnectionState.OFF
    if row.state is wanted:
        return
    row.state, row.failures, row.rest_until = wanted, 0, None
    _record(session, actor, row, events.ConnectionSwitched(supplier_id=row.supplier_id, state=wanted.value))


def ask_now(session: Session, actor: Actor) -> None:
    """Ask the own shop for everything at once. Raises Forbidden, NoConnection."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    row = queries.own(session, actor)
    if row is None or row.state is not ConnectionState.ACTIVE:
        raise rules.NoConnection()
    now = clock.now()
    row.pool_due_at, row.price_due_at, row.stock_due_at, row.rest_until = now, now, now, None


def actor_of(session: Session, supplier_id: int) -> Actor:
    """In whose name the shop's word is entered: the supplier, by the administrator who connected it. Raises Missing."""
    row, supplier = queries.by_supplier(session, supplier_id), suppliers.by_id(session, supplier_id)
    return rules.link_actor(supplier_id, supplier.name, row.regions.split(",")[0], row.connected_by)


def _record(session: Session, actor: Actor, row: Connection, fact: events.ConnectionSet | events.ConnectionSwitched) -> None:
    supplier = suppliers.by_id(session, row.supplier_id)
    supplier.version += 1
    outbox.record(session, actor, fact, stream=stream_of(row.supplier_id), region=actor.region, owner_id=row.supplier_id)


# ---------------------------------------------------------------- many goods at once, told by the supplier's system


@dataclass(frozen=True)
class Result:
    """What became of one entry of a batch."""

    sku: str
    listing_id: int | None
    version: int | None
    refusal: Refusal | None = None


def each(
    session: Session, actor: Actor, entries: Sequence[tuple[str, int | None, Entry]], change: Callable[[Session, Actor, int, Entry], int]
) -> list[Result]:
    """Change many listings of the actor's own supplier, (sku, listing, entry) each; what is refused keeps no other one back."""
    actor.must(Permission.LISTING_KEEP)
    results = []
    for sku, listing_id, entry in entries:
        try:
            if listing_id is None:
                raise Missing()
            with session.begin_nested():
                version = change(session, actor, listing_id, entry)
        except Refusal as refused:
            results.append(Result(sku, listing_id, None, refused))
        else:
            results.append(Result(sku, listing_id, version))
    return results


# ---------------------------------------------------------------- the line to a shop


def access(session: Session, supplier_id: int, seal: Seal) -> Access | None:
    """How the shop is reached now; None when it is switched off or left alone for a while. Raises SealBroken."""
    row = queries.active(session, supplier_id)
    if row is None or (row.rest_until is not None and row.rest_until > clock.now()):
        return None
    token = seal.open(row.token) if row.token else None
    return Access(row.base_url, row.client_id, seal.open(row.secret), queries.terms(session).timeout_s, token, row.token_until)


def keep_token(session: Session, supplier_id: int, seal: Seal, token: str, until: datetime) -> None:
    """Keep a token for all processes."""
    row = queries.by_supplier(session, supplier_id)
    row.token, row.token_until = seal.close(token), until


def answered(session: Session, supplier_id: int) -> None:
    """The shop is there, whatever it said."""
    row = queries.by_supplier(session, supplier_id)
    row.failures, row.rest_until, row.trouble = 0, None, None


def failed(session: Session, supplier_id: int, trouble: str) -> None:
    """Count a call that got no usable answer; after some of them in a row the shop is left alone for a while."""
    row = queries.by_supplier(session, supplier_id)
    row.failures, row.trouble = row.failures + 1, trouble[:60]
    rest = queries.terms(session).rest(row.failures)
    row.rest_until = clock.now() + rest if rest else None


def take(session: Session, supplier_id: int, job: Job) -> bool:
    """Take a job that is due; false when another worker was faster."""
    now, terms = clock.now(), queries.terms(session)
    every = {Job.POOL: terms.pool_every_s, Job.PRICE: terms.price_every_s, Job.STOCK: terms.stock_every_s}[job]
    due, rest = queries.DUE[job], or_(Connection.rest_until.is_(None), Connection.rest_until <= now)
    taken = session.execute(
        update(Connection)
        .where(Connection.supplier_id == supplier_id, Connection.state == ConnectionState.ACTIVE, due <= now, rest)
        .values({DUE[job]: now + timedelta(seconds=every)})
        .returning(Connection.supplier_id),
        execution_options={"synchronize_session": False},
    ).first()
    return taken is not None


def done(session: Session, supplier_id: int, job: Job) -> None:
    """Note that a job went through."""
    setattr(queries.by_supplier(session, supplier_id), DONE[job], clock.now())


def hurry(session: Session, supplier_id: int, job: Job) -> None:
    """Do a job next instead of at its time, because what is known is known to be out of date."""
    setattr(queries.by_supplier(session, supplier_id), DUE[job], clock.now())


# ---------------------------------------------------------------- listings follow


def take_up(
    session: Session, supplier_id: int, good: Good, *, price_fen: int, stock: Mapping[str, int], on_shelf: bool, images: Sequence[str]
) -> int | None:
    """A good of the shop as a listing: made now, or followed; the listing's id, or None when the mall's rules refused it.

    `stock` is by region. The refusal is kept with the good, for the supplier to read. What the gate before the shelf holds waits in
    review; what it blocks is a draft.
    """
    row = session.scalar(select(ConnectedGood).where(ConnectedGood.supplier_id == supplier_id, ConnectedGood.sku == good.sku))
    if row is None:
        row = ConnectedGood(supplier_id=supplier_id, sku=good.sku, title=good.title, seen_at=clock.now())
        session.add(row)
    row.title, row.images, row.seen_at = good.title, json.dumps(list(images)), clock.now()
    session.flush()
    actor, before = actor_of(session, supplier_id), row.trouble
    try:
        if row.listing_id is None:
            with session.begin_nested():
                product = products.find_or_define(session, actor, _definition(good))
                shelf = Shelf.ON_SHELF if on_shelf else Shelf.OFF_SHELF
                row.listing_id, row.trouble = _make(session, actor, _offer(good, product.id, price_fen, stock, shelf))
                session.flush()
        else:
            with session.begin_nested():
                _follow_words(session, actor, row.listing_id, good=good, regions=_served(stock))
            with session.begin_nested():
                stayed = _follow_shelf(session, actor, row.listing_id, on_shelf=on_shelf)
            row.trouble = before if stayed and before in rules.OF_PRICE else _waits(session, actor, row.listing_id)
    except Refusal as refused:
        session.expire(row)
        row.trouble = refused.code
        return None
    return row.listing_id


def follow_price(session: Session, supplier_id: int, sku: str, listing_id: int, price_fen: int) -> bool:
    """Let a listing have the shop's price; whether that changed anything.

    A price that the gate holds leaves the old one until the catalogue keeper has decided, and is asked for once.
    """

    def change(actor: Actor, trouble: str | None) -> str | None:
        shown = listings.by_id(session, actor, listing_id)
        if shown.shelf is not Shelf.ON_SHELF:
            listing.reprice(session, actor, listing_id, price_fen=price_fen)
            return None if trouble in {BadPrice.code, InReview.code} else trouble
        if price_fen == shown.price_fen:
            listing.withdraw(session, actor, listing_id)  # the shop no longer asks what waits
            return None
        if (asked := _asked(session, actor, listing_id)) and asked.price_fen == price_fen:
            if asked.state is ReviewState.WAITING:
                return InReview.code
            if asked.state is ReviewState.RETURNED:
                raise rules.SentBack(title=shown.title)
        listing.reprice(session, actor, listing_id, price_fen=price_fen)
        return _waits(session, actor, listing_id)

    return _kept(session, supplier_id, sku, change, listing_id)


def follow_stock(session: Session, supplier_id: int, sku: str, listing_id: int, stock: Mapping[str, int]) -> bool:
    """Let a listing have the shop's stock, and serve the regions that the shop can send to; whether that changed anything."""

    def change(actor: Actor, trouble: str | None) -> str | None:
        listing.restock(session, actor, listing_id, stock=_pieces(stock))
        served = _served(stock)
        shown = listings.by_id(session, actor, listing_id)
        if served and listing_rules.areas(served) != ",".join(shown.areas):
            _say(session, actor, shown, served)
        return trouble

    return _kept(session, supplier_id, sku, change, listing_id)


def leave(session: Session, supplier_id: int, sku: str, listing_id: int) -> bool:
    """Take a listing off the shelf, because the shop no longer offers the good."""

    def change(actor: Actor, _trouble: str | None) -> None:
        _follow_shelf(session, actor, listing_id, on_shelf=False)

    return _kept(session, supplier_id, sku, change, listing_id)


def _kept(session: Session, supplier_id: int, sku: str, change: Callable[[Actor, str | None], str | None], listing_id: int) -> bool:
    """Change a listing, told the trouble that stands beside its good; what the change gives back, or its refusal, stands there then."""
    actor = actor_of(session, supplier_id)
    row = session.scalars(select(ConnectedGood).where(ConnectedGood.supplier_id == supplier_id, ConnectedGood.sku == sku)).one()
    before = listings.by_id(session, actor, listing_id)
    try:
        with session.begin_nested():
            trouble = change(actor, row.trouble)
    except Refusal as refused:
        row.trouble = refused.code
        return False
    row.trouble = trouble
    session.flush()
    return listings.by_id(session, actor, listing_id).updated_at != before.updated_at


def _make(session: Session, actor: Actor, offer: listing.NewListing) -> tuple[int, str | None]:
    """A new listing and what stands beside its good: one that the gate blocks is a draft, for the supplier to mend what it lacks."""
    try:
        with session.begin_nested():
            made = listing.create(session, actor, offer).id
        return made, _waits(session, actor, made)
    except GateRefused as refused:
        return listing.create(session, actor, replace(offer, shelf=Shelf.DRAFT)).id, refused.code


def _follow_words(session: Session, actor: Actor, listing_id: int, *, good: Good, regions: Sequence[str]) -> None:
    shown = listings.by_id(session, actor, listing_id)
    if (shown.title, shown.delivery_days, shown.warranty_months) != (good.title, good.delivery_days, good.warranty_months):
        listing.edit(
            session, actor, listing_id, title=good.title, delivery_days=good.delivery_days, warranty_months=good.warranty_months,
            regions=list(regions) or list(shown.areas),
        )  # fmt: skip


def _follow_shelf(session: Session, actor: Actor, listing_id: int, *, on_shelf: bool) -> bool:
    """Let a listing stand where the shop's good stands; whether it was there. Raises SentBack, and what the gate refuses.

    What the keeper sent back or stopped is for the supplier to mend: the shop alone does not ask again.
    """
    shown = listings.by_id(session, actor, listing_id)
    if not on_shelf:
        if shown.shelf is Shelf.REVIEW:
            listing.withdraw(session, actor, listing_id)
        elif shown.shelf is Shelf.ON_SHELF:
            listing.take_off_shelf(session, actor, listing_id)
        return False
    if shown.shelf in {Shelf.ON_SHELF, Shelf.REVIEW}:
        return shown.shelf is Shelf.ON_SHELF
    asked = _asked(session, actor, listing_id)
    returned = asked is not None and asked.state is ReviewState.RETURNED and asked.listing_version == shown.version - 1
    if shown.shelf is Shelf.SUSPENDED or returned:
        raise rules.SentBack(title=shown.title)
    listing.put_on_shelf(session, actor, listing_id)
    return False


def _asked(session: Session, actor: Actor, listing_id: int) -> desk.Reviewed | None:
    """What the keeper was asked about a listing last."""
    return next(iter(desk.reviews_of(session, actor, listing_id, most=1)), None)


def _waits(session: Session, actor: Actor, listing_id: int) -> str | None:
    """The word for a listing, or a price of it, that waits for the keeper."""
    asked = _asked(session, actor, listing_id)
    return InReview.code if asked is not None and asked.state is ReviewState.WAITING else None


def _say(session: Session, actor: Actor, shown: listings.Shown, regions: Sequence[str]) -> None:
    listing.edit(
        session, actor, shown.listing_id, title=shown.title, delivery_days=shown.delivery_days, warranty_months=shown.warranty_months,
        regions=regions,
    )  # fmt: skip


def _definition(good: Good) -> products.Definition:
    return products.Definition(
        category_code=good.category_code, brand=good.brand, model=good.model, title=good.title, unit=good.unit, attributes=good.attributes,
        origin=good.origin, energy_saving=good.energy_saving, environment=good.environment,
    )  # fmt: skip


def _offer(good: Good, product_id: int, price_fen: int, stock: Mapping[str, int], shelf: Shelf) -> listing.NewListing:
    return listing.NewListing(
        product_id=product_id, sku=good.sku, title=good.title, price_fen=price_fen, stock=_pieces(stock), delivery_days=good.delivery_days,
        warranty_months=good.warranty_months, regions=_served(stock) or list(stock), shelf=shelf,
    )  # fmt: skip


def _pieces(stock: Mapping[str, int]) -> int:
    """One figure for all regions that can be served: the least of them, so that none is promised what it cannot get."""
    return min((pieces for pieces in stock.values() if pieces), default=0)


def _served(stock: Mapping[str, int]) -> list[str]:
    return [region for region, pieces in stock.items() if pieces]
