"""Reads of what waits for the catalogue keeper, and of the checks behind a listing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, false, func, select, true
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.errors import Missing
from app.kernel.verdicts import read
from app.policy import Actor, Permission
from catalog.listings.rules import leaving, on_record
from catalog.listings.states import ReviewState, Shelf
from catalog.listings.tables import Listing, ListingReview, ListingVerdict
from catalog.listings.verdicts import Verdict
from catalog.products.tables import Product
from catalog.suppliers.tables import Supplier


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A review with what it is about; prices in fen."""

    id: int
    listing_id: int
    listing_version: int
    state: ReviewState
    price_fen: int
    rules: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    asked_at: datetime
    decided_at: datetime | None
    reason: str | None
    shelf: Shelf
    title: str
    sku: str
    price_now_fen: int
    product_id: int
    category_code: str
    brand: str
    model: str
    unit: str
    supplier_id: int
    supplier_name: str

    @property
    def is_price_alone(self) -> bool:
        """Whether the offer stays on the shelf at its old price meanwhile."""
        return self.shelf is Shelf.ON_SHELF


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The reviews somebody may see: the keepers all, a supplier its own."""
    if actor.may(Permission.LISTING_REVIEW):
        return true()
    if actor.is_supplier and actor.may(Permission.LISTING_KEEP):
        return ListingReview.supplier_id == actor.organisation_id
    return false()


def waiting(
    session: Session, actor: Actor, *, rule: str = "", q: str = "", cursor: str | None = None, limit: int = 30
) -> paging.Page[Reviewed]:
    """What waits for the keeper, the oldest first; of one rule, or with these words in title or supplier."""
    query = _whole().where(visible_to(actor), ListingReview.state == ReviewState.WAITING)
    if rule:
        query = query.where(("," + ListingReview.rules + ",").contains(f",{rule},", autoescape=True))
    if q:
        query = query.where(Listing.title.icontains(q, autoescape=True) | Supplier.name.icontains(q, autoescape=True))
    keys = (paging.Key(ListingReview.asked_at, descending=False), paging.Key(ListingReview.id, descending=False))
    found = paging.rows(session, query, keys, cursor=cursor, limit=limit)
    return paging.Page(rows=[_reviewed(row) for row in found.rows], next=found.next, prev=found.prev)


def waiting_by_rule(session: Session, actor: Actor) -> dict[str, int]:
    """How many reviews wait, by the rules that hold them; all of them under the empty name."""
    query = (
        select(ListingReview.rules, func.count())
        .where(visible_to(actor), ListingReview.state == ReviewState.WAITING)
        .group_by(ListingReview.rules)
    )
    counts = {"": 0}
    for rules, number in session.execute(query):
        counts[""] += number
        for rule in filter(None, rules.split(",")):
            counts[rule] = counts.get(rule, 0) + number
    return counts


def review(session: Session, actor: Actor, review_id: int) -> Reviewed:
    """One review as the actor may see it. Raises Missing."""
    row = session.execute(_whole().where(ListingReview.id == review_id, visible_to(actor))).first()
    if row is None:
        raise Missing()
    return _reviewed(row)


def prices_waiting(session: Session, listing_ids: Sequence[int]) -> dict[int, int]:
    """The prices (fen) that the keeper has been asked for and has not decided on, by listing; one statement."""
    query = select(ListingReview.listing_id, ListingReview.price_fen)
    rows = session.execute(query.where(ListingReview.listing_id.in_(listing_ids), ListingReview.state == ReviewState.WAITING))
    return {row.listing_id: row.price_fen for row in rows}


def reviews_of(session: Session, actor: Actor, listing_id: int, *, most: int = 5) -> list[Reviewed]:
    """The latest reviews of a listing, the newest first."""
    query = _whole().where(ListingReview.listing_id == listing_id, visible_to(actor))
    return [_reviewed(row) for row in session.execute(query.order_by(ListingReview.id.desc()).limit(most))]


def verdicts_of(session: Session, listing_id: int) -> tuple[int, tuple[Verdict, ...]]:
    """The version of a listing that was judged last, and its checks; version 0 when none ever was."""
    query = select(ListingVerdict).where(ListingVerdict.listing_id == listing_id).order_by(ListingVerdict.version.desc()).limit(1)
    row = session.scalar(query)
    return (row.version, read(Verdict, row.verdicts)) if row else (0, ())


@dataclass(frozen=True)
class Reason:
    """Why an offer is not for sale, as it stands in the record, and the checks that said so when a rule did it."""

    text: str
    checks: tuple[Verdict, ...] = ()


def reason_of(session: Session, listing_id: int) -> Reason | None:
    """Why a listing was sent back, taken off, suspended or frozen."""
    text = session.scalar(select(Listing.shelf_reason).where(Listing.id == listing_id))
    return _reason(session, listing_id, text) if text else None


def _reason(session: Session, listing_id: int, text: str) -> Reason:
    checks = leaving(verdicts_of(session, listing_id)[1])
    return Reason(text, checks if on_record(checks) == text else ())


@dataclass(frozen=True, kw_only=True)
class TakenOff:
    """Offers of a supplier that are not for sale, and the reason that they share."""

    shelf: Shelf
    reason: Reason
    count: int


def taken_off(session: Session, actor: Actor, *, most: int = 5) -> list[TakenOff]:
    """Why offers of the actor's supplier were taken out of sale, the reason behind most of them first."""
    if not (actor.is_supplier and actor.may(Permission.LISTING_KEEP)):
        return []
    query = select(Listing.shelf, Listing.shelf_reason, func.min(Listing.id).label("one"), func.count().label("number")).where(
        Listing.supplier_id == actor.organisation_id, Listing.shelf.in_(STOPPED), Listing.shelf_reason.is_not(None)
    )
    rows = session.execute(query.group_by(Listing.shelf, Listing.shelf_reason).order_by(func.count().desc()).limit(most))
    return [TakenOff(shelf=row.shelf, reason=_reason(session, row.one, row.shelf_reason), count=row.number) for row in rows]


STOPPED: Final = (Shelf.OFF_SHELF, Shelf.SUSPENDED, Shelf.FROZEN)
"""Where an offer stands that somebody else than its supplier took out of sale, if it has a reason."""

_COLUMNS: Sequence[Any] = (
    ListingReview.id, ListingReview.listing_id, ListingReview.listing_version, ListingReview.state, ListingReview.price_fen,
    ListingReview.rules, ListingReview.verdicts, ListingReview.asked_at, ListingReview.decided_at, ListingReview.reason,
    Listing.shelf, Listing.title, Listing.sku, Listing.price_fen.label("price_now_fen"), Listing.product_id,
    Product.category_code, Product.brand, Product.model, Product.unit, ListingReview.supplier_id, Supplier.name.label("supplier_name"),
)  # fmt: skip


def _whole() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Listing, Listing.id == ListingReview.listing_id)
        .join(Product, Product.id == Listing.product_id)
        .join(Supplier, Supplier.organisation_id == ListingReview.supplier_id)
    )


def _reviewed(row: Row[Any]) -> Reviewed:
    facts = {name: getattr(row, name) for name in Reviewed.__dataclass_fields__}
    return Reviewed(**facts | {"rules": tuple(filter(None, row.rules.split(","))), "verdicts": read(Verdict, row.verdicts)})
