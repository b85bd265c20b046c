"""The one step of a listing: its version, its event, the checks that allowed it, and the review it may wait for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.listings.events import ListingChanged, ListingProposed, ListingRepriced, ListingReviewed
from catalog.listings.rules import ChangedMeanwhile, ListingFrozen, ReviewClosed
from catalog.listings.states import REVIEW_NAMES, Action, ReviewState, Shelf, next_step
from catalog.listings.tables import Listing, ListingReview, ListingVerdict, ListingVersion
from catalog.listings.verdicts import RULESET, Outcome, Verdict, findings, that, written


def stream_of(listing_id: int) -> str:
    """The name of a listing's stream of events."""
    return f"listing/{listing_id}"


def own(session: Session, actor: Actor, listing_id: int, version: int | None, *, frozen_too: bool = False) -> Listing:
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


def move(
    session: Session, actor: Actor, listing: Listing, action: Action, verdicts: Sequence[Verdict] = (), *, reason: str | None = None
) -> None:
    """Take one step of the table, as a new version, with the reason that the supplier reads. Raises ShelfNotNow, Forbidden."""
    step = next_step(listing.shelf, action, listing.title)
    actor.must(step.permission)
    listing.shelf, listing.shelf_reason = step.target, reason
    next_version(session, actor, listing, verdicts)


def set_price(session: Session, actor: Actor, listing: Listing, price_fen: int, verdicts: Sequence[Verdict]) -> None:
    """Let the listing cost so much (fen) from now on, by the checks that allowed it."""
    previous, listing.price_fen = listing.price_fen, price_fen
    next_version(session, actor, listing, verdicts)
    record(session, actor, ListingRepriced(**facts_of(listing), previous_fen=previous))


def next_version(session: Session, actor: Actor, listing: Listing, verdicts: Sequence[Verdict] = ()) -> None:
    """Write down for good what the listing says from now on, and the checks that let it."""
    listing.version += 1
    listing.updated_at = clock.now()
    session.add(
        ListingVersion(
            listing_id=listing.id, version=listing.version, title=listing.title, price_fen=listing.price_fen, shelf=listing.shelf,
            delivery_days=listing.delivery_days, actor_id=actor.person_id, at=listing.updated_at,
        )
    )
    session.flush()
    if verdicts:
        keep(session, listing, verdicts)


def keep(session: Session, listing: Listing, verdicts: Sequence[Verdict]) -> None:
    """Store the checks that let the listing's present version stand."""
    session.add(
        ListingVerdict(
            listing_id=listing.id, version=listing.version, rule_version=RULESET, verdicts=written(verdicts),
            findings=len(findings(verdicts)), at=clock.now(),
        )
    )
    session.flush()


def facts_of(listing: Listing) -> dict[str, Any]:
    """How the listing stands, for its events."""
    return {
        "listing_id": listing.id, "supplier_id": listing.supplier_id, "product_id": listing.product_id, "title": listing.title,
        "price_fen": listing.price_fen, "stock": listing.stock, "shelf": listing.shelf.value, "listing_version": listing.version,
    }


def record(session: Session, actor: Actor, fact: ListingChanged) -> None:
    """Leave an event on the listing's stream."""
    outbox.record(session, actor, fact, stream=stream_of(fact.listing_id), region=actor.region, owner_id=fact.supplier_id)


def ask(session: Session, actor: Actor, listing: Listing, price_fen: int, verdicts: Sequence[Verdict]) -> None:
    """Lay the offer, or the price asked for, before the catalogue keeper."""
    holding = tuple(verdict.rule for verdict in that(Outcome.HOLD, verdicts))
    review = ListingReview(
        listing_id=listing.id, listing_version=listing.version, supplier_id=listing.supplier_id, price_fen=price_fen,
        state=ReviewState.WAITING, rules=",".join(holding), verdicts=written(verdicts), asked_by=actor.person_id, asked_at=clock.now(),
    )  # fmt: skip
    session.add(review)
    session.flush()
    record(session, actor, ListingProposed(**facts_of(listing), review=review.id, rules=holding, wanted_fen=price_fen))


def close_review(
    session: Session, actor: Actor, review: ListingReview, decision: ReviewState, listing: Listing, *, reason: str | None = None
) -> None:
    """End a review that still waits. Raises ReviewClosed: somebody else was faster."""
    closed = session.execute(
        update(ListingReview)
        .where(ListingReview.id == review.id, ListingReview.state == ReviewState.WAITING)
        .values(state=decision, decided_by=actor.person_id, decided_at=clock.now(), reason=reason)
        .returning(ListingReview.id),
        execution_options={"synchronize_session": False},
    ).first()
    session.refresh(review)
    if closed is None:
        raise ReviewClosed(title=listing.title, state=REVIEW_NAMES[review.state])
    decided = ListingReviewed(**facts_of(listing), review=review.id, decision=decision.value, wanted_fen=review.price_fen, reason=reason)
    record(session, actor, decided)


def take_back(session: Session, actor: Actor, listing: Listing) -> None:
    """Withdraw what still waits for the keeper, if anything does."""
    query = select(ListingReview).where(ListingReview.listing_id == listing.id, ListingReview.state == ReviewState.WAITING)
    if (review := session.scalar(query)) is not None:
        close_review(session, actor, review, ReviewState.WITHDRAWN, listing)
