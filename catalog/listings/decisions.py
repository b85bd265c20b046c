"""Decisions on listings by those who keep the catalogue, by those who supervise it, and by rules that come to forbid them."""

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Missing
from app.policy import SYSTEM, Actor, Permission
from catalog.listings import gate
from catalog.listings.events import ListingChanged, ListingReleased, ListingShelved, ListingStopped, ListingUnshelved
from catalog.listings.gate import Wish
from catalog.listings.moves import (
    close_review,
    facts_of,
    follow_prices,
    keep_all,
    move,
    record,
    record_all,
    set_price,
    take_back,
    take_back_all,
    version_row,
)
from catalog.listings.rules import ReasonMissing, ReviewClosed, leaving, on_record, refused
from catalog.listings.states import REVIEW_NAMES, Action, ReviewState, Shelf, next_step
from catalog.listings.tables import Listing, ListingReview, ListingVersion


def approve(session: Session, actor: Actor, review_id: int) -> Listing:
    """Let an offer stand on the shelf, or a price hold, although a rule held it; what blocks by now still blocks.

    Raises Missing, ReviewClosed, GateRefused, DuplicateListing.
    """
    actor.must(Permission.LISTING_REVIEW)
    review, listing = _under_review(session, review_id)
    wish = Wish(product_id=listing.product_id, price_fen=review.price_fen)
    (verdicts,) = gate.judge_all(session, listing.supplier_id, [wish], but=listing.id)
    if refusal := refused(verdicts):
        raise refusal
    if listing.shelf is Shelf.ON_SHELF:
        set_price(session, actor, listing, review.price_fen, verdicts)
    else:
        move(session, actor, listing, Action.APPROVE, verdicts)
        record(session, actor, ListingShelved(**facts_of(listing)))
    close_review(session, actor, review, ReviewState.APPROVED, listing)
    return listing


def approve_all(session: Session, actor: Actor, review_ids: Sequence[int]) -> int:
    """Approve several, all or none; returns how many. Raises what `approve` raises."""
    for review_id in sorted(set(review_ids)):
        approve(session, actor, review_id)
    return len(set(review_ids))


def send_back(session: Session, actor: Actor, review_id: int, *, reason: str) -> Listing:
    """Give an offer back as a draft, or leave the old price in force, with a reason. Raises Missing, ReviewClosed, ReasonMissing."""
    actor.must(Permission.LISTING_REVIEW)
    reason = _stated(reason)
    review, listing = _under_review(session, review_id)
    if listing.shelf is Shelf.REVIEW:
        move(session, actor, listing, Action.SEND_BACK, reason=reason)
    close_review(session, actor, review, ReviewState.RETURNED, listing, reason=reason)
    return listing


def suspend(session: Session, actor: Actor, listing_id: int, *, reason: str) -> Listing:
    """Take an offer out of sale until the supplier has mended it. Raises Missing, ShelfNotNow, ReasonMissing."""
    return _stop(session, actor, listing_id, Action.SUSPEND, reason)


def freeze(session: Session, actor: Actor, listing_id: int, *, reason: str) -> Listing:
    """Leave an offer as it stands, out of sight, until supervision has decided. Raises Missing, ShelfNotNow, ReasonMissing."""
    return _stop(session, actor, listing_id, Action.FREEZE, reason)


def lift(session: Session, actor: Actor, listing_id: int, *, reason: str) -> Listing:
    """Let a suspended offer be sold again. Raises Missing, ShelfNotNow, ReasonMissing."""
    return _release(session, actor, listing_id, Action.LIFT, reason)


def thaw(session: Session, actor: Actor, listing_id: int, *, reason: str) -> Listing:
    """Give a frozen offer back to its supplier, off the shelf. Raises Missing, ShelfNotNow, ReasonMissing."""
    return _release(session, actor, listing_id, Action.THAW, reason)


def take_off_barred(session: Session, supplier_id: int, listing_ids: Sequence[int]) -> int:
    """Take those of a supplier's offers off the shelf that a rule forbids there by now (K01, K05, P08); how many.

    The supplier reads why, the checks stay with the version, and the gate lets the offer back when the reason is gone. A handful of
    statements for all of them.
    """
    query = select(Listing).where(Listing.id.in_(listing_ids), Listing.supplier_id == supplier_id, Listing.shelf == Shelf.ON_SHELF)
    rows = list(session.scalars(query.order_by(Listing.id).with_for_update().execution_options(populate_existing=True)))
    judged = gate.judge_all(session, supplier_id, [Wish(product_id=row.product_id, price_fen=None) for row in rows]) if rows else []
    barred = [(row, found) for row, verdicts in zip(rows, judged, strict=True) if (found := leaving(verdicts))]
    if not barred:
        return 0
    taken_back, at = take_back_all(session, SYSTEM, [row for row, _ in barred]), clock.now()
    changes: list[ListingChanged] = []
    for row, found in barred:
        reason = on_record(found)
        row.shelf, row.shelf_reason = next_step(row.shelf, Action.TAKE_OFF, row.title).target, reason
        row.version, row.updated_at = row.version + 1, at
        changes += [taken_back[row.id]] if row.id in taken_back else []
        changes.append(ListingUnshelved(**facts_of(row), reason=reason))
    session.flush()
    session.execute(insert(ListingVersion), [version_row(row, SYSTEM) for row, _ in barred])
    keep_all(session, [(row.id, row.version, found) for row, found in barred])
    record_all(session, SYSTEM, changes)
    follow_prices(session, {row.product_id for row, _ in barred})
    return len(barred)


def _stop(session: Session, actor: Actor, listing_id: int, action: Action, reason: str) -> Listing:
    reason, listing = _stated(reason), _locked(session, listing_id)
    move(session, actor, listing, action, reason=reason)
    take_back(session, actor, listing)
    record(session, actor, ListingStopped(**facts_of(listing), reason=reason))
    return listing


def _release(session: Session, actor: Actor, listing_id: int, action: Action, reason: str) -> Listing:
    reason, listing = _stated(reason), _locked(session, listing_id)
    move(session, actor, listing, action)
    record(session, actor, ListingReleased(**facts_of(listing), reason=reason))
    return listing


def _stated(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing()
    return reason.strip()


def _locked(session: Session, listing_id: int) -> Listing:
    query = select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    listing = session.scalar(query)
    if listing is None:
        raise Missing()
    return listing


def _under_review(session: Session, review_id: int) -> tuple[ListingReview, Listing]:
    """A review that waits, and its listing. Raises Missing, ReviewClosed."""
    review = session.get(ListingReview, review_id)
    if review is None:
        raise Missing()
    listing = _locked(session, review.listing_id)
    session.refresh(review)
    if review.state is not ReviewState.WAITING:
        raise ReviewClosed(title=listing.title, state=REVIEW_NAMES[review.state])
    return review, listing
