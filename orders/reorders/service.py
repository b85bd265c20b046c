"""Commands on a unit's lists, and putting many lines into one's cart at once.

A list is a note among colleagues: it binds nobody, reserves nothing and is read by no one outside the unit, so it leaves no events.
What is bought from it goes through the cart and is judged and recorded there like everything else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Missing
from app.kernel.rows import is_first
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from orders.carts import service as carts
from orders.carts.rules import MOST_LINES, CartFull, check_quantity
from orders.purchases import queries as purchases
from orders.purchases.tables import Order
from orders.reorders import queries, rules
from orders.reorders.rules import Fate, ListFull, NameTaken, NothingTyped, TooManyLists
from orders.reorders.tables import ReorderLine, ReorderList


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of one line: its title, pieces, and what a piece cost then and costs now (fen)."""

    title: str
    supplier: str
    quantity: int
    then_fen: int | None
    now_fen: int | None
    fate: Fate


def create(session: Session, actor: Actor, name: str) -> ReorderList:
    """A new, empty list of the actor's unit. Raises Forbidden, BadName, NameTaken, TooManyLists."""
    actor.must(Permission.CART_USE)
    text = rules.check_name(name)
    _free(session, actor, text)
    if (session.scalar(select(func.count(ReorderList.id)).where(queries.visible_to(actor))) or 0) >= (most := queries.most_lists(session)):
        raise TooManyLists(most=most)
    made = ReorderList(unit_id=actor.organisation_id, name=text, person_id=actor.person_id, created_at=clock.now())
    if not is_first(session, made):
        raise NameTaken(name=text)
    return made


def rename(session: Session, actor: Actor, list_id: int, name: str) -> None:
    """Another name. Raises Forbidden, Missing, BadName, NameTaken."""
    actor.must(Permission.CART_USE)
    found, text = queries.by_id(session, actor, list_id), rules.check_name(name)
    if text == found.name:
        return
    _free(session, actor, text)
    found.name = text
    if not is_first(session, found):
        raise NameTaken(name=text)


def discard(session: Session, actor: Actor, list_id: int) -> None:
    """Take a list away with its lines. Raises Forbidden, Missing."""
    actor.must(Permission.CART_USE)
    found = queries.by_id(session, actor, list_id)
    session.execute(delete(ReorderLine).where(ReorderLine.list_id == found.id))
    session.delete(found)
    session.flush()


def put(session: Session, actor: Actor, list_id: int, wanted: Sequence[tuple[int, int]]) -> None:
    """Put the products of offers (listing, pieces) on a list; one that stands there already gets this offer and so many more.

    Raises Forbidden, Missing, BadQuantity, ListFull; then nothing of it stands on the list.
    """
    actor.must(Permission.CART_USE)
    found = queries.by_id(session, actor, list_id)
    offers = listings.offers(session, [listing_id for listing_id, _ in wanted], actor.region, clock.today())
    if not offers.keys() >= {listing_id for listing_id, _ in wanted}:
        raise Missing()
    entries = ((offers[listing_id], quantity) for listing_id, quantity in wanted)
    _put(session, found, [(offer.product_id, offer.listing_id, quantity, offer.price_fen) for offer, quantity in entries])


def _put(session: Session, found: ReorderList, entries: Iterable[tuple[int, int, int, int]]) -> None:
    """Enter (product, listing, pieces, price in fen); everything that is on the list already is looked up once."""
    lines = {line.product_id: line for line in queries.lines_of(session, found)}
    for product_id, listing_id, quantity, price_fen in entries:
        line = lines.get(product_id)
        check_quantity(quantity)
        if line is not None:
            check_quantity(line.quantity + quantity)
            line.quantity, line.listing_id, line.price_fen = line.quantity + quantity, listing_id, price_fen
            continue
        if len(lines) >= MOST_LINES:
            raise ListFull()
        lines[product_id] = line = ReorderLine(
            list_id=found.id, product_id=product_id, listing_id=listing_id, quantity=quantity, price_fen=price_fen
        )
        session.add(line)
    session.flush()


def change(session: Session, actor: Actor, list_id: int, line_id: int, quantity: int) -> None:
    """Another quantity, in pieces. Raises Forbidden, Missing, BadQuantity."""
    actor.must(Permission.CART_USE)
    check_quantity(quantity)
    queries.line(session, actor, list_id, line_id).quantity = quantity
    session.flush()


def drop(session: Session, actor: Actor, list_id: int, line_id: int) -> None:
    """Take a line off the list. Raises Forbidden, Missing."""
    actor.must(Permission.CART_USE)
    session.delete(queries.line(session, actor, list_id, line_id))
    session.flush()


def from_order(session: Session, actor: Actor, number: str) -> ReorderList:
    """A list of what an order of the unit ordered, named by its number; the list of before when there is one.

    Raises Forbidden, Missing, TooManyLists.
    """
    actor.must(Permission.CART_USE)
    order = purchases.by_number(session, actor, number)
    if not actor.is_unit or order.unit_id != actor.organisation_id:
        raise Missing()
    known = session.scalar(select(ReorderList).where(ReorderList.name == order.number, queries.visible_to(actor)))
    if known is not None:
        return known
    made = create(session, actor, order.number)
    _put(session, made, [(line.product_id, line.listing_id, line.quantity, line.price_fen) for line in purchases.lines_of(session, order)])
    return made


def to_cart(session: Session, actor: Actor, list_id: int) -> list[Done]:
    """Put every line of a list into the actor's cart as it can be had today, and tell what changed.

    Raises Forbidden, Missing, NothingTyped.
    """
    actor.must(Permission.CART_USE)
    found = queries.by_id(session, actor, list_id)
    rows = queries.rows(session, actor, queries.lines_of(session, found))
    if not rows:
        raise NothingTyped()
    done = []
    for row in rows:
        offer, fate = row.offer, row.fate
        if offer is not None:
            fate = _add(session, actor, offer.listing_id, row.line.quantity, fate)
        done.append(
            Done(
                title=row.title,
                supplier=offer.supplier_name if offer else "",
                quantity=row.line.quantity,
                then_fen=row.line.price_fen,
                now_fen=offer.price_fen if offer else None,
                fate=fate,
            )
        )
    return done


def picked_to_cart(session: Session, actor: Actor, picked: Sequence[tuple[int, int]]) -> list[Done]:
    """Put offers with their quantities into the actor's cart, and tell what became of each.

    Raises Forbidden, NothingTyped, BadQuantity.
    """
    actor.must(Permission.CART_USE)
    if not picked:
        raise NothingTyped()
    offers = listings.offers(session, [listing_id for listing_id, _ in picked], actor.region, clock.today())
    done = []
    for listing_id, quantity in picked:
        check_quantity(quantity)
        offer = offers.get(listing_id)
        there = offer is not None and offer.on_shelf and offer.may_trade and offer.serves(actor.region)
        fate = _add(session, actor, listing_id, quantity, Fate.SAME) if there else Fate.GONE
        done.append(
            Done(
                title=offer.title if offer and there else str(listing_id),
                supplier=offer.supplier_name if offer and there else "",
                quantity=quantity,
                then_fen=None,
                now_fen=offer.price_fen if offer and there else None,
                fate=fate,
            )
        )
    return done


def _add(session: Session, actor: Actor, listing_id: int, quantity: int, fate: Fate) -> Fate:
    try:
        carts.add(session, actor, listing_id, quantity)
    except CartFull:
        return Fate.FULL
    return fate


def keep_order(order: Order, actor: Actor) -> bool:
    """Whether the actor may make a list of an order."""
    return actor.is_unit and actor.may(Permission.CART_USE) and order.unit_id == actor.organisation_id


def _free(session: Session, actor: Actor, name: str) -> None:
    if session.scalar(select(ReorderList.id).where(ReorderList.name == name, queries.visible_to(actor))) is not None:
        raise NameTaken(name=name)
