"""What a newcomer finds on the pages of the buying aids and of the suppliers' own systems, so that none of them is empty at first.

The tour's buyer keeps a list, stars, an alert and a search, and has ordered from a frozen comparison; the first supplier has a shop and a
receiver of notices, both switched off, so that nothing leaves this machine. All of it goes through the product's own services; only
what an outside system would have answered is written down here.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import product
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.people import queries as people
from app.accounts.people.tables import Person
from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from app.policy import Actor, Role
from catalog.connections import rules as shop_rules
from catalog.connections import service as connections
from catalog.connections.rules import PushedLine
from catalog.connections.tables import ConnectedGood
from catalog.listings import queries as listings
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from catalog.search.port import SearchEngine, SearchRequest
from orders.comparisons import service as comparisons
from orders.comparisons.queries import as_cited
from orders.dispatch import rules as dispatch_rules
from orders.dispatch.states import DispatchState
from orders.dispatch.tables import Dispatch
from orders.favourites import service as favourites
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import Gate, SubmissionRefused
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine
from orders.reorders import service as reorders
from orders.webhooks import service as webhooks
from orders.webhooks.rules import Outcome
from orders.webhooks.tables import WebhookDelivery, WebhookEndpoint
from supervision.training import guide

Sessions = Callable[[], Session]

SHOP: Final = "https://shop.example.com/api"
RECEIVERS: Final = {Role.SUPPLIER_ADMIN: "https://erp.example.com/mall", Role.UNIT_ADMIN: "https://oa.example.com/mall"}
TOLD: Final = ("order.approved", "order.confirmed", "order.shipped", "order.accepted", "order.paid")
NOTICES: Final = 5
GOODS: Final = 12
SEARCHED: Final = "复印纸"


def fill(sessions: Sessions, settings: Settings, engine: SearchEngine, gates: Sequence[Gate]) -> None:
    """Everything, once the index is built."""
    with sessions() as session:
        found = {role: session.scalar(select(Person.id).where(Person.login == guide.LOGINS[role])) for role in (Role.BUYER, *RECEIVERS)}
        actors = {role: people.actor_of(session, person, stepped_up=True) for role, person in found.items() if person is not None}
    if len(actors) < len(found):
        return
    buyer, seller = actors[Role.BUYER], actors[Role.SUPPLIER_ADMIN]
    _buy_from_a_comparison(sessions, buyer, gates)
    with sessions() as session, commit(session):
        _keep(session, buyer, engine)
        for role, url in RECEIVERS.items():
            _tell(session, actors[role], settings, url)
        _connect(session, seller, settings)


def _buy_from_a_comparison(sessions: Sessions, buyer: Actor, gates: Sequence[Gate]) -> bool:
    """One piece of what the unit has planned, from the sheet with all offers of it; the tour's own line comes last."""
    with sessions() as session:
        lines = [line for line in guide.budget_lines(session) if line["pieces_left"] and line["free_fen"] > 0]
        lines.sort(key=lambda line: line["name"] == guide.SEARCH)
        wanted = [(line, product_id) for line in lines for product_id in _compared(session, line["category"])]
    for number, (least, (line, product_id)) in enumerate(product((3, 2), wanted)):
        with sessions() as session:
            found = listings.offers_for_products(session, [product_id], buyer.region)[product_id]
            offers = [each for each in found if each.stock and each.serves(buyer.region)]
            offer = next((each for each in offers if each.price_fen <= line["free_fen"]), None)
            if offer is None or len({each.supplier_id for each in offers}) < least:
                continue
            facts: dict[str, Any] = {"seen_price_fen": offer.price_fen, "plan_line_id": line["plan_line_id"], "address_id": None}
            try:
                with commit(session):
                    sheet = as_cited(comparisons.freeze_products(session, buyer, [product_id]))
                    wishes = [Wish(listing_id=offer.listing_id, quantity=1, **facts)]
                    submission.submit(session, buyer, wishes, key=f"training-sheet-{number}", gates=gates, cited=sheet)
                return True
            except SubmissionRefused:
                continue
    return False


def _compared(session: Session, category: str) -> list[int]:
    """The products of a category that most suppliers offer, at least three."""
    query = (
        select(Listing.product_id)
        .join(Product, Product.id == Listing.product_id)
        .where(Product.category_code == category, Listing.shelf == Shelf.ON_SHELF, Listing.stock > 0)
        .group_by(Listing.product_id)
        .having(func.count(Listing.id) >= 3)
        .order_by(func.count(Listing.id).desc(), Listing.product_id)
        .limit(3)
    )
    return list(session.scalars(query))


def _keep(session: Session, buyer: Actor, engine: SearchEngine) -> None:
    """A list of the unit's; the buyer's stars, alert and search."""
    found = engine.search(SearchRequest(q=SEARCHED, limit=20))
    paper = listings.shown(session, [hit.pk for hit in found.hits])
    offers = [each for each in paper.values() if each.is_live and each.stock and each.serves(buyer.region)]
    products = list({each.product_id: each for each in offers}.values())
    if products:
        kept = reorders.create(session, buyer, "每季办公用纸")
        reorders.put(session, buyer, kept.id, [(each.listing_id, 10) for each in products[:4]])
        for each in products[:3]:
            favourites.star(session, buyer, each.product_id)
        favourites.wait_for(session, buyer, products[0].product_id, products[0].price_fen * 9 // 10)
    favourites.save_search(session, buyer, engine, words=SEARCHED, question=f"q={SEARCHED}", request=SearchRequest(q=SEARCHED))


def _tell(session: Session, admin: Actor, settings: Settings, url: str) -> None:
    """A receiver that took the last notices but one, and then was switched off."""
    endpoint, _ = webhooks.add(session, admin, Door(), Seal(settings.secret_key), url=url, types=TOLD)
    events = session.scalars(select(Event).where(Event.type.in_(TOLD)).order_by(Event.id.desc()).limit(1_500)).all()
    ours = [event for event in events if _concerns(session, event, admin)][:NOTICES]
    endpoint.created_at = min((event.at for event in ours), default=endpoint.created_at)
    webhooks.write(session, ours[::-1], settings.address)
    session.flush()
    mine = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id).order_by(WebhookDelivery.id)
    for number, delivery in enumerate(session.scalars(mine).all(), start=1):
        fails = number == 2
        delivery.attempts = 10 if fails else 1
        webhooks.settle(session, delivery.id, _answer(endpoint, delivery, 503 if fails else 204))
    webhooks.switch(session, admin, endpoint, on=False)


def _concerns(session: Session, event: Event, admin: Actor) -> bool:
    """Whether an order's event is one of the organisation's own."""
    side = Order.supplier_id if admin.is_supplier else Order.unit_id
    return session.scalar(select(Order.id).where(Order.number == event.stream, side == admin.organisation_id)) is not None


def _answer(endpoint: WebhookEndpoint, delivery: WebhookDelivery, status: int) -> Outcome:
    request = f"POST {endpoint.url}\nwebhook-id: {delivery.message_id}\n\n{delivery.body}"
    return Outcome(status, None, 84 if status < 300 else 5_012, request, f"{status}\ncontent-type: text/plain\n\n")


def _connect(session: Session, seller: Actor, settings: Settings) -> None:
    """The supplier's own shop with some of its goods, one of them refused, and the order that it refused because a price had moved."""
    seal, secret = Seal(settings.secret_key), secrets.token_urlsafe(18)
    connections.connect(session, seller, Door(), seal, base_url=SHOP, client_id="mall-zz", secret=secret, regions=[seller.region])
    connections.switch(session, seller, on=False)
    now = clock.now()
    goods = select(Listing).where(Listing.supplier_id == seller.organisation_id, Listing.shelf == Shelf.ON_SHELF).order_by(Listing.id)
    for place, each in enumerate(session.scalars(goods.limit(GOODS)).all()):
        trouble = "connection.sent_back" if place == GOODS - 1 else None
        session.add(
            ConnectedGood(
                supplier_id=seller.organisation_id, sku=each.sku, title=each.title, listing_id=each.id, trouble=trouble, images="[]",
                seen_at=now - timedelta(minutes=4),
            )
        )  # fmt: skip
    for row in _dispatched(session, seller):
        session.add(row)


def _dispatched(session: Session, seller: Actor) -> list[Dispatch]:
    """The supplier's last orders as its shop knows them: those confirmed were taken, one refused met a price that had moved."""
    ours = select(Order).where(Order.supplier_id == seller.organisation_id).order_by(Order.id.desc())
    taken = session.scalars(ours.where(Order.state.in_([State.CONFIRMED, State.SHIPPED, State.DELIVERED])).limit(3)).all()
    refused = session.scalars(ours.where(Order.state == State.REFUSED).limit(1)).all()
    rows = []
    for order in (*refused, *taken):
        said: dict[str, Any] = {"state": DispatchState.CONFIRMED, "shop_order": f"SO{order.id:08d}"}
        if order.state is State.REFUSED:
            said = {"state": DispatchState.REFUSED, "trouble": "price_changed", "note": _drift(session, order)}
        rows.append(
            Dispatch(
                order_id=order.id, trade_no=order.number, supplier_id=order.supplier_id, attempts=1, first_sent_at=order.submitted_at,
                next_at=clock.now(), decided_at=order.submitted_at, **said,
            )
        )  # fmt: skip
    return rows


def _drift(session: Session, order: Order) -> str:
    """What the shop says when its price has risen by a twentieth since the order was placed."""
    query = select(Listing.sku, OrderLine.quantity, OrderLine.price_fen).join(OrderLine, OrderLine.listing_id == Listing.id)
    rows = session.execute(query.where(OrderLine.order_id == order.id))
    lines = [PushedLine(sku=row.sku, quantity=row.quantity, price_fen=row.price_fen) for row in rows]
    told = {"prices": {line.sku: shop_rules.yuan(line.price_fen * 21 // 20) for line in lines}}
    return dispatch_rules.note_of("price_changed", "", told, lines)
