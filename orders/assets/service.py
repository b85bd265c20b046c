"""Asset cards: drafted at acceptance, completed by the asset manager, registered when the goods are paid. Values in fen."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox
from app.policy import SYSTEM, Actor, Permission
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import CategoryKind, What, needs_card
from orders.assets import events, queries, rules
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.contracts.rules import unit_side
from orders.deliveries import queries as deliveries
from orders.deliveries.rules import serials_of
from orders.purchases import queries as purchases
from orders.purchases import service as purchase
from orders.purchases.states import Action, State
from orders.purchases.tables import Order, OrderLine


def follow(session: Session, order_number: str) -> None:
    """Bring the cards of an order up to date with its acceptances and its payment; close the order when nothing is left.

    Does the same however often and in whatever order it is called.
    """
    order = session.scalars(
        select(Order).where(Order.number == order_number).with_for_update().execution_options(populate_existing=True)
    ).one()
    draft_missing(session, order)
    if order.state is State.PAID:
        for card in queries.cards_of(session, order):
            if card.state is CardState.STORED:
                _register(session, SYSTEM, order, card)
        _close_if_done(session, order)


def draft_missing(session: Session, order: Order) -> list[AssetCard]:
    """Draft cards for pieces that a person accepted and that have none, where the category and value need one.

    What was only deemed accepted makes no card: nobody has seen the goods.
    """
    signed = deliveries.signed_pieces(session, order)
    if not signed:
        return []
    lines = {line.id: line for line in purchases.lines_of(session, order)}
    least = taxonomy.limit(session, What.ASSET_VALUE, order.region, CategoryKind.GOODS, clock.today())
    carded = queries.carded(session, order)
    drafted: list[AssetCard] = []
    for line_id, line in lines.items():
        mine = [pieces for pieces in signed if pieces.order_line_id == line_id]
        accepted = sum(pieces.accepted for pieces in mine)
        if accepted <= carded.get(line_id, 0) or not needs_card(line.category_code, line.price_fen, least.amount_fen):
            continue
        left = carded.get(line_id, 0)
        for pieces in mine:
            for bundle in rules.bundles(pieces.accepted, serials_of(pieces.serials), carded=min(left, pieces.accepted)):
                drafted.append(_draft(session, order, line, bundle))
            left -= min(left, pieces.accepted)
    return drafted


def _draft(session: Session, order: Order, line: OrderLine, bundle: rules.Bundle) -> AssetCard:
    card = AssetCard(
        number=numbers.new("ZC", at=clock.today()),
        order_id=order.id,
        order_line_id=line.id,
        unit_id=order.unit_id,
        class_code=line.category_code,
        name=line.title,
        brand=line.brand,
        model=line.model,
        serial=bundle.serial,
        quantity=bundle.quantity,
        value_fen=bundle.quantity * line.price_fen,
        acquired_on=clock.today(),
        version=1,
    )
    session.add(card)
    session.flush()
    _record(session, SYSTEM, order, card, events.CardDrafted)
    return card


def store(session: Session, actor: Actor, card: AssetCard, order: Order, *, keeper: str, place: str, serial: str = "") -> None:
    """Say who keeps the asset and where, and take it into store; if the order is paid the card is registered at once.

    Raises Forbidden, Missing, NotADraft, KeeperMissing.
    """
    actor.must(Permission.ASSET_KEEP)
    unit_side(actor, order.unit_id)
    session.refresh(order, with_for_update=True)
    session.refresh(card)
    if card.state is not CardState.DRAFT:
        raise rules.NotADraft(card=card.number)
    if not keeper.strip() or not place.strip():
        raise rules.KeeperMissing()
    card.keeper, card.place, card.serial = keeper.strip(), place.strip(), serial.strip() or card.serial
    card.state, card.version = CardState.STORED, card.version + 1
    session.flush()
    _record(session, actor, order, card, events.CardStored)
    if order.state is State.PAID:
        _register(session, actor, order, card)
        _close_if_done(session, order)


def _register(session: Session, actor: Actor, order: Order, card: AssetCard) -> None:
    card.voucher = queries.voucher_of(session, order)
    card.state, card.version, card.registered_at = CardState.REGISTERED, card.version + 1, clock.now()
    session.flush()
    _record(session, actor, order, card, events.CardRegistered)


def _close_if_done(session: Session, order: Order) -> None:
    """Close a paid order when none of its cards waits."""
    waiting = [card for card in queries.cards_of(session, order) if card.state in {CardState.DRAFT, CardState.STORED}]
    if order.state is State.PAID and not waiting:
        purchase.move(session, SYSTEM, order, Action.CLOSE)


def _record(session: Session, actor: Actor, order: Order, card: AssetCard, fact: type[events.CardChanged]) -> None:
    told = fact(
        card=card.number,
        order=order.number,
        unit_id=card.unit_id,
        class_code=card.class_code,
        name=card.name,
        quantity=card.quantity,
        value_fen=card.value_fen,
        voucher=card.voucher,
    )
    outbox.record(session, actor, told, stream=card.number, version=card.version, region=order.region, owner_id=card.unit_id)
