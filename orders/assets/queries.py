"""Reads of asset cards: the own unit's, or a supervised region's."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.errors import N_, Missing
from app.policy import Actor, Permission
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.budgets import queries as budgets
from orders.payments import queries as payments
from orders.payments.states import ApplicationState
from orders.purchases.queries import ActionLink
from orders.purchases.tables import Order

__all__ = ["AssetCard"]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The cards an actor may see; a supplier sees none."""
    if not actor.may(Permission.ASSET_READ):
        return false()
    return budgets.visible_to(actor, AssetCard.unit_id)


def cards(
    session: Session,
    actor: Actor,
    *,
    state: CardState | None = None,
    words: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> paging.Page[AssetCard]:
    """Cards the actor may see, the latest first; `words` looks into number, name, model and serial number."""
    query = select(AssetCard).where(visible_to(actor))
    if state is not None:
        query = query.where(AssetCard.state == state)
    for word in words.split():
        texts = (AssetCard.number, AssetCard.name, AssetCard.model, AssetCard.serial, AssetCard.class_code)
        query = query.where(func.coalesce(texts[0], "").icontains(word, autoescape=True) | _in_any(texts[1:], word))
    return paging.page(session, query, (paging.Key(AssetCard.id),), cursor=cursor, limit=limit)


def _in_any(columns: Sequence[object], word: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = false()
    for column in columns:
        found = found | func.coalesce(column, "").icontains(word, autoescape=True)
    return found


def counts(session: Session, actor: Actor) -> dict[CardState, int]:
    """How many of the cards the actor may see stand where."""
    rows = session.execute(select(AssetCard.state, func.count()).where(visible_to(actor)).group_by(AssetCard.state))
    return {row[0]: row[1] for row in rows}


def by_number(session: Session, actor: Actor, number: str) -> tuple[AssetCard, Order]:
    """A card and its order, if the actor may see the card. Raises Missing."""
    query = select(AssetCard, Order).join(Order, Order.id == AssetCard.order_id).where(AssetCard.number == number, visible_to(actor))
    found = session.execute(query).first()
    if found is None:
        raise Missing()
    return found[0], found[1]


def cards_of(session: Session, order: Order) -> list[AssetCard]:
    """The cards of an order, oldest first."""
    return list(session.scalars(select(AssetCard).where(AssetCard.order_id == order.id).order_by(AssetCard.id)))


def carded(session: Session, order: Order) -> dict[int, int]:
    """Pieces that have a card, by order line id."""
    rows = session.execute(
        select(AssetCard.order_line_id, func.sum(AssetCard.quantity))
        .where(AssetCard.order_id == order.id, AssetCard.state != CardState.VOID)
        .group_by(AssetCard.order_line_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def voucher_of(session: Session, order: Order) -> str | None:
    """The treasury's receipt of an order, once it is paid."""
    paid = (row for row in payments.applications_of(session, order) if row.state is ApplicationState.PAID)
    return next((row.receipt_number for row in paid), None)


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the actor may do with the cards of an order now."""
    if actor.organisation_id != order.unit_id or not actor.may(Permission.ASSET_KEEP):
        return []
    drafted = and_(AssetCard.order_id == order.id, AssetCard.state == CardState.DRAFT)
    number = session.scalar(select(func.min(AssetCard.number)).where(drafted))
    return [ActionLink(label=N_("完善资产卡片"), url=f"/assets/{number}", primary=True)] if number else []
