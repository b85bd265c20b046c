"""Commands on one's own cart, and sending it off. Nothing here is a promise until it is sent off."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock
from app.kernel.errors import Conflict, Missing
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.listings.rules import Offer, OutOfStock
from orders.budgets.rules import OverBudget, OverQuantity
from orders.carts import queries
from orders.carts.rules import MOST_LINES, BadQuantity, CartFull, NothingRejected, check_quantity, check_split
from orders.carts.tables import CartItem
from orders.comparisons import queries as comparisons
from orders.comparisons import service as freezing
from orders.comparisons.queries import Comparison
from orders.comparisons.rules import check_reasons
from orders.plans import queries as plans
from orders.plans import service as filing
from orders.plans.tables import Plan
from orders.purchases import queries as purchases
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import EmptySubmission, Gate, SubmissionRefused
from orders.purchases.states import FINAL
from orders.purchases.submission import Sent
from orders.purchases.tables import Order

OVERTAKEN = (OverBudget, OverQuantity, OutOfStock)
"""Another buyer was faster between the check and the update."""

KEEP = object()
"""Leave as it is."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What is sent off: the lines as the buyer saw them, under a key of his own."""

    wishes: tuple[Wish, ...]
    key: str
    invoice_title_id: int | None = None
    reason: str | None = None
    items: tuple[int, ...] = ()
    """The cart items the lines came from; they leave the cart with the submission."""
    comparison: str | None = None
    """The number of the frozen comparison that is cited."""


def add(
    session: Session,
    actor: Actor,
    listing_id: int,
    quantity: int,
    *,
    seen_price_fen: int | None = None,
    plan_line_id: int | None = None,
    address_id: int | None = None,
) -> CartItem:
    """Put pieces of a listing into the cart, on the plan line given or the one that fits best; same line, same place: merged.

    Raises Forbidden, BadQuantity, CartFull, Missing.
    """
    actor.must(Permission.CART_USE)
    check_quantity(quantity)
    offer = _offer(session, actor, listing_id)
    _own_places(session, actor, plan_line_id, address_id)
    items = queries.items_of(session, actor)
    if plan_line_id is None:
        plan_line_id = next((item.plan_line_id for item in items if item.listing_id == listing_id), None)
    if plan_line_id is None:
        amount = offer.price_fen * quantity
        best = queries.best_line(plans.lines_open_for(session, actor, offer.category), offer, quantity, amount)
        plan_line_id = best.line.id if best else None
    seen = offer.price_fen if seen_price_fen is None else seen_price_fen
    for item in items:
        if (item.listing_id, item.plan_line_id, item.address_id) == (listing_id, plan_line_id, address_id):
            check_quantity(item.quantity + quantity)
            item.quantity += quantity
            item.seen_price_fen, item.seen_version, item.chosen = seen, offer.version, True
            session.flush()
            return item
    if len(items) >= MOST_LINES:
        raise CartFull()
    item = CartItem(
        person_id=actor.person_id,
        listing_id=listing_id,
        quantity=quantity,
        seen_price_fen=seen,
        seen_version=offer.version,
        plan_line_id=plan_line_id,
        address_id=address_id,
        added_at=clock.now(),
    )
    session.add(item)
    session.flush()
    return item


def change(
    session: Session,
    actor: Actor,
    item_id: int,
    *,
    quantity: int | None = None,
    plan_line_id: int | object | None = KEEP,
    address_id: int | object | None = KEEP,
    chosen: bool | None = None,
) -> CartItem:
    """Change quantity, plan line, place or choice of a line; None clears plan line or place. Raises Forbidden, BadQuantity, Missing."""
    actor.must(Permission.CART_USE)
    item = queries.item(session, actor, item_id)
    if quantity is not None:
        check_quantity(quantity)
        item.quantity = quantity
    if plan_line_id is None or isinstance(plan_line_id, int):
        if plan_line_id != item.plan_line_id:
            _own_places(session, actor, plan_line_id, None)
        item.plan_line_id = plan_line_id
    if address_id is None or isinstance(address_id, int):
        if address_id != item.address_id:
            _own_places(session, actor, None, address_id)
        item.address_id = address_id
    if chosen is not None:
        item.chosen = chosen
    session.flush()
    return item


def choose(session: Session, actor: Actor, item_ids: Collection[int]) -> None:
    """Choose exactly these lines of the cart."""
    actor.must(Permission.CART_USE)
    for item in queries.items_of(session, actor):
        item.chosen = item.id in item_ids
    session.flush()


def split(session: Session, actor: Actor, item_id: int, pieces: int | None = None) -> CartItem:
    """Take some pieces (half, unless told) into a line of their own, for another plan line or place. Raises CannotSplit, CartFull."""
    actor.must(Permission.CART_USE)
    item = queries.item(session, actor, item_id)
    pieces = item.quantity // 2 if pieces is None else pieces
    check_split(item.quantity, pieces)
    if len(queries.items_of(session, actor)) >= MOST_LINES:
        raise CartFull()
    item.quantity -= pieces
    part = CartItem(
        person_id=item.person_id,
        listing_id=item.listing_id,
        quantity=pieces,
        seen_price_fen=item.seen_price_fen,
        seen_version=item.seen_version,
        plan_line_id=item.plan_line_id,
        address_id=item.address_id,
        chosen=item.chosen,
        added_at=clock.now(),
    )
    session.add(part)
    session.flush()
    return part


def remove(session: Session, actor: Actor, item_id: int) -> None:
    """Take a line out of the cart. Raises Missing."""
    actor.must(Permission.CART_USE)
    session.delete(queries.item(session, actor, item_id))
    session.flush()


def clear(session: Session, actor: Actor) -> None:
    """Empty the cart."""
    actor.must(Permission.CART_USE)
    session.execute(delete(CartItem).where(CartItem.person_id == actor.person_id))


def accept_prices(session: Session, actor: Actor, item_ids: Collection[int] | None = None) -> int:
    """Take the prices of now as seen (按新价确认), of these lines or all; returns how many had changed. Raises Missing."""
    actor.must(Permission.CART_USE)
    items = [item for item in queries.items_of(session, actor) if item_ids is None or item.id in item_ids]
    if item_ids is not None and len(items) < len(set(item_ids)):
        raise Missing()
    offers = listings.offers(session, (item.listing_id for item in items), actor.region, clock.today())
    changed = 0
    for item in items:
        offer = offers[item.listing_id]
        changed += offer.price_fen != item.seen_price_fen
        item.seen_price_fen, item.seen_version = offer.price_fen, offer.version
    session.flush()
    return changed


def file_plan(
    session: Session,
    actor: Actor,
    item_id: int,
    *,
    amount_fen: int | None = None,
    quantity: int | None = None,
    budget_line_id: int | None = None,
    name: str | None = None,
) -> Plan:
    """File a plan for a line of the cart on the spot (就地备案), for just what it needs unless told more, and draw on it.

    Raises Forbidden, Missing, NothingFits, PlanRefused.
    """
    item = queries.item(session, actor, item_id)
    offer = _offer(session, actor, item.listing_id, any_state=True)
    plan = filing.file_on_spot(
        session,
        actor,
        category_code=offer.category,
        quantity=item.quantity if quantity is None else quantity,
        amount_fen=offer.price_fen * item.quantity if amount_fen is None else amount_fen,
        budget_line_id=budget_line_id,
        name=name,
    )
    item.plan_line_id = queries.first_line_of(session, plan)
    session.flush()
    return plan


def rebuild(session: Session, actor: Actor, order: Order) -> int:
    """Put back into the cart what an order of the actor's did not bring: rejected lines, or all when it ended unfulfilled.

    Prices are those of now. Returns how many lines came back. Raises Forbidden, Missing, NothingRejected.
    """
    actor.must(Permission.CART_USE)
    if order.unit_id != actor.organisation_id:
        raise Missing()
    ended = order.state in FINAL
    wanted = [(line, (line.quantity - line.accepted) if ended else line.rejected) for line in purchases.lines_of(session, order)]
    wanted = [(line, pieces) for line, pieces in wanted if pieces > 0]
    if not wanted:
        raise NothingRejected(number=order.number)
    known = listings.offers(session, (line.listing_id for line, _ in wanted), actor.region, clock.today())
    back = [(line, pieces) for line, pieces in wanted if known[line.listing_id].on_shelf]
    for line, pieces in back:
        add(session, actor, line.listing_id, pieces, plan_line_id=line.plan_line_id)
    return len(back)


def freeze_comparison(session: Session, actor: Actor) -> Comparison:
    """Freeze what is offered of the products chosen in the cart. Raises Forbidden, EmptySubmission, NothingToFreeze."""
    actor.must(Permission.CART_USE)
    chosen = [item.listing_id for item in queries.items_of(session, actor) if item.chosen]
    if not chosen:
        raise EmptySubmission()
    offers = listings.offers(session, chosen, actor.region, clock.today())
    return freezing.freeze_products(session, actor, [offers[each].product_id for each in chosen])


# ---------------------------------------------------------------- sending off


def send_off(session: Session, actor: Actor, sending: Sending, gates: Sequence[Gate] = ()) -> Sent:
    """Submit the lines and take them out of the cart, in one transaction.

    Raises what `submission.submit` raises, UnknownReason, ReasonTooLong, and Missing for a comparison that is not the unit's.
    """
    actor.must(Permission.ORDER_SUBMIT)
    if any(not 0 < wish.quantity < MOST_LINES * 1_000_000 for wish in sending.wishes):
        raise BadQuantity()
    check_reasons([(wish.why, wish.words) for wish in sending.wishes])
    made = submission.submit(
        session,
        actor,
        sending.wishes,
        key=sending.key,
        invoice_title_id=sending.invoice_title_id,
        reason=sending.reason,
        gates=gates,
        cited=comparisons.cited(session, actor, sending.comparison),
    )
    if sending.items:
        session.execute(
            delete(CartItem).where(CartItem.person_id == actor.person_id, CartItem.id.in_(sending.items)),
            execution_options={"synchronize_session": False},
        )
    return made


def remember_refusal(session: Session, actor: Actor, refused: Conflict, sending: Sending, gates: Sequence[Gate] = ()) -> SubmissionRefused:
    """Record a refused sending-off, in a transaction of its own after the rollback, and give the refusal with its number.

    Who was overtaken by another buyer gets the verdicts of now; when these would let him through, the refusal stands as it was.
    """
    cited = comparisons.cited(session, actor, sending.comparison)
    if not isinstance(refused, SubmissionRefused):
        assessment = submission.assess(
            session, actor, sending.wishes, invoice_title_id=sending.invoice_title_id, gates=gates, cited=cited
        )
        if not assessment.blocks:
            raise refused
        refused = SubmissionRefused(count=len(assessment.blocks), verdicts=assessment.verdicts)
    refused.attempt = submission.record_attempt(
        session, actor, refused, sending.wishes, key=sending.key, reason=sending.reason, cited=cited
    )
    return refused


def _offer(session: Session, actor: Actor, listing_id: int, *, any_state: bool = False) -> Offer:
    """The listing as it stands now. Raises Missing."""
    offer = listings.offers(session, [listing_id], actor.region, clock.today()).get(listing_id)
    if offer is None or not (offer.on_shelf or any_state):
        raise Missing()
    return offer


def _own_places(session: Session, actor: Actor, plan_line_id: int | None, address_id: int | None) -> None:
    """Refuse plan lines and addresses of other units. Raises Missing."""
    if plan_line_id is not None and plan_line_id not in purchases.fundings(session, actor, [plan_line_id]):
        raise Missing()
    if address_id is not None:
        organisations.address(session, actor, address_id)
