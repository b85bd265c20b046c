"""The one step of a listing: its version, its event, the checks that allowed it, and the review it may wait for."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.db import connection_of
from app.kernel.errors import Missing
from app.kernel.rows import insert_rows
from app.kernel.verdicts import Outcome, findings, that, written
from app.policy import Actor, Permission
from catalog.listings import prices
from catalog.listings.events import ListingChanged, ListingProposed, ListingRepriced, ListingReviewed
from catalog.listings.rules import ChangedMeanwhile, ListingFrozen, Quartiles, ReviewClosed
from catalog.listings.states import REVIEW_NAMES, Action, ReviewState, Shelf, next_step
from catalog.listings.tables import Listing, ListingReview, ListingVerdict, ListingVersion, PriceSpread
from catalog.listings.verdicts import RULESET, Verdict


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
    follow_prices(session, [listing.product_id])


def set_price(session: Session, actor: Actor, listing: Listing, price_fen: int, verdicts: Sequence[Verdict]) -> None:
    """Let the listing cost so much (fen) from now on, by the checks that allowed it."""
    previous, listing.price_fen = listing.price_fen, price_fen
    next_version(session, actor, listing, verdicts)
    record(session, actor, ListingRepriced(**facts_of(listing), previous_fen=previous))
    follow_prices(session, [listing.product_id])


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
        found = prices.quartiles_by_product(session, part)
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


def next_version(session: Session, actor: Actor, listing: Listing, verdicts: Sequence[Verdict] = ()) -> None:
    """Write down for good what the listing says from now on, and the checks that let it."""
    listing.version += 1
    listing.updated_at = clock.now()
    session.add(ListingVersion(**version_row(listing, actor)))
    session.flush()
    if verdicts:
        keep(session, listing, verdicts)


def version_row(listing: Listing, actor: Actor) -> dict[str, Any]:
    """What the listing says now, as it is written down."""
    return {
        "listing_id": listing.id, "version": listing.version, "title": listing.title, "price_fen": listing.price_fen,
        "shelf": listing.shelf, "delivery_days": listing.delivery_days, "actor_id": actor.person_id, "at": listing.updated_at,
    }  # fmt: skip


def keep(session: Session, listing: Listing, verdicts: Sequence[Verdict]) -> None:
    """Store the checks that let the listing's present version stand."""
    keep_all(session, [(listing.id, listing.version, verdicts)])


def keep_all(session: Session, checked: Iterable[tuple[int, int, Sequence[Verdict]]]) -> None:
    """Store the checks that let versions of listings (id, version, checks) stand; one statement."""
    rows = [
        {
            "listing_id": listing_id, "version": version, "rule_version": RULESET, "verdicts": written(verdicts),
            "findings": len(findings(verdicts)), "at": clock.now(),
        }
        for listing_id, version, verdicts in checked
    ]  # fmt: skip
    if rows:
        session.flush()
        session.execute(insert(ListingVerdict), rows)


def facts_of(listing: Listing) -> dict[str, Any]:
    """How the listing stands, for its events."""
    return {
        "listing_id": listing.id, "supplier_id": listing.supplier_id, "product_id": listing.product_id, "title": listing.title,
        "price_fen": listing.price_fen, "stock": listing.stock, "shelf": listing.shelf.value, "listing_version": listing.version,
    }


def record_all(session: Session, actor: Actor, changes: Sequence[ListingChanged]) -> None:
    """Leave many events, each on the stream of its listing, in the order given."""
    last = outbox.versions_of(session, [stream_of(fact.listing_id) for fact in changes])
    entries = []
    for fact in changes:
        stream = stream_of(fact.listing_id)
        last[stream] = last.get(stream, 0) + 1
        entries.append(outbox.Entry(fact, stream, last[stream], actor.region, fact.supplier_id))
    outbox.record_all(session, actor, entries)


def record(session: Session, actor: Actor, fact: ListingChanged) -> None:
    """Leave an event on the listing's stream."""
    outbox.record(session, actor, fact, stream=stream_of(fact.listing_id), region=actor.region, owner_id=fact.supplier_id)


def ask(session: Session, actor: Actor, listing: Listing, price_fen: int, verdicts: Sequence[Verdict]) -> None:
    """Lay the offer, or the price asked for, before the catalogue keeper."""
    (asked,) = ask_all(session, actor, [(facts_of(listing), price_fen, verdicts)])
    record(session, actor, asked)


def ask_all(session: Session, actor: Actor, held: Sequence[tuple[dict[str, Any], int, Sequence[Verdict]]]) -> list[ListingProposed]:
    """Lay offers (their facts, the price asked for, the checks) before the catalogue keeper; one statement. The events are the caller's."""
    if not held:
        return []
    now, rules = clock.now(), [tuple(verdict.rule for verdict in that(Outcome.HOLD, verdicts)) for *_, verdicts in held]
    rows = [
        {
            "listing_id": facts["listing_id"], "listing_version": facts["listing_version"], "supplier_id": facts["supplier_id"],
            "price_fen": price_fen, "state": ReviewState.WAITING, "rules": ",".join(holding), "verdicts": written(verdicts),
            "asked_by": actor.person_id, "asked_at": now,
        }
        for (facts, price_fen, verdicts), holding in zip(held, rules, strict=True)
    ]  # fmt: skip
    made = session.scalars(insert(ListingReview).returning(ListingReview.id, sort_by_parameter_order=True), rows)
    return [
        ListingProposed(**facts, review=review, rules=holding, wanted_fen=price_fen)
        for review, (facts, price_fen, _), holding in zip(made, held, rules, strict=True)
    ]


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


def take_back_all(session: Session, actor: Actor, listings: Sequence[Listing]) -> dict[int, ListingReviewed]:
    """Withdraw what still waits of these listings; one statement. What happened, by listing: the events are the caller's."""
    by_id = {listing.id: listing for listing in listings}
    if not by_id:
        return {}
    closed = session.execute(
        update(ListingReview)
        .where(ListingReview.listing_id.in_(by_id), ListingReview.state == ReviewState.WAITING)
        .values(state=ReviewState.WITHDRAWN, decided_by=actor.person_id, decided_at=clock.now())
        .returning(ListingReview.id, ListingReview.listing_id, ListingReview.price_fen),
        execution_options={"synchronize_session": False},
    )
    return {
        row.listing_id: ListingReviewed(
            **facts_of(by_id[row.listing_id]), review=row.id, decision=ReviewState.WITHDRAWN.value, wanted_fen=row.price_fen, reason=None
        )
        for row in closed
    }
