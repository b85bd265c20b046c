"""Reads of a unit's lists and of the offers that their lines, or typed codes, mean today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.listings import queries as listings
from catalog.listings.queries import Shown
from catalog.products import queries as products
from catalog.taxonomy import queries as taxonomy
from orders.reorders import rules
from orders.reorders.rules import Choice, Fate
from orders.reorders.tables import ReorderLine, ReorderList


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The lists of the actor's own unit, for those who fill carts; nobody else's."""
    if not actor.is_unit or not actor.may(Permission.CART_USE):
        return false()
    return ReorderList.unit_id == (actor.organisation_id or 0)


def most_lists(session: Session) -> int:
    """How many lists a unit keeps today (a dated row)."""
    return int(taxonomy.parameters(session, rules.RULE, clock.today())[rules.MOST_LISTS])


def by_id(session: Session, actor: Actor, list_id: int) -> ReorderList:
    """A list of the actor's unit. Raises Missing."""
    found = session.scalar(select(ReorderList).where(ReorderList.id == list_id, visible_to(actor)))
    if found is None:
        raise Missing()
    return found


def lists_of(session: Session, actor: Actor) -> list[tuple[ReorderList, int, int]]:
    """The unit's lists by name, each with its lines and what they came to when they were put there (fen)."""
    lines, worth = func.count(ReorderLine.id), func.coalesce(func.sum(ReorderLine.quantity * ReorderLine.price_fen), 0)
    rows = session.execute(
        select(ReorderList, lines, worth)
        .outerjoin(ReorderLine, ReorderLine.list_id == ReorderList.id)
        .where(visible_to(actor))
        .group_by(ReorderList.id)
        .order_by(ReorderList.name)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def lines_of(session: Session, found: ReorderList) -> list[ReorderLine]:
    """The lines of a list in the order in which they were put there."""
    return list(session.scalars(select(ReorderLine).where(ReorderLine.list_id == found.id).order_by(ReorderLine.id)))


def line(session: Session, actor: Actor, list_id: int, line_id: int) -> ReorderLine:
    """One line of a list of the unit. Raises Missing."""
    of = by_id(session, actor, list_id)
    found = session.scalar(select(ReorderLine).where(ReorderLine.id == line_id, ReorderLine.list_id == of.id))
    if found is None:
        raise Missing()
    return found


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line as its page shows it: the product, and the offer that would be taken now."""

    line: ReorderLine
    title: str
    brand: str
    model: str
    unit: str
    offer: Shown | None
    fate: Fate


def rows(session: Session, actor: Actor, lines: Sequence[ReorderLine]) -> list[Row]:
    """What each line would become in the cart today; two statements."""
    offers = here(session, actor, (each.product_id for each in lines))
    known = products.by_ids(session, (each.product_id for each in lines))
    found = []
    for each in lines:
        product, live = known[each.product_id], offers[each.product_id]
        taken, fate = rules.fate(each.listing_id, each.price_fen, each.quantity, [choice(offer) for offer in live])
        chosen = next((offer for offer in live if taken is not None and offer.listing_id == taken.listing_id), None)
        found.append(
            Row(line=each, title=product.title, brand=product.brand, model=product.model, unit=product.unit, offer=chosen, fate=fate)
        )
    return found


def here(session: Session, actor: Actor, product_ids: Iterable[int]) -> dict[int, list[Shown]]:
    """The live offers of these products that are delivered to the actor's region, the lowest price first."""
    found = listings.offers_for_products(session, product_ids, actor.region)
    return {product_id: [each for each in offers if each.serves(actor.region)] for product_id, offers in found.items()}


def by_codes(session: Session, actor: Actor, codes: Iterable[str]) -> dict[str, list[Shown]]:
    """The live offers that typed codes mean, of those that are delivered to the actor's region; one statement."""
    found = listings.by_codes(session, codes, actor.region)
    return {code: [each for each in offers if each.serves(actor.region)] for code, offers in found.items()}


def choice(offer: Shown) -> Choice:
    """An offer as the rules look at it."""
    return Choice(listing_id=offer.listing_id, price_fen=offer.price_fen, stock=offer.stock, areas=offer.areas)
