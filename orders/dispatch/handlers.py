"""Approved orders go to the supplier's own shop, under their own number, until the shop has answered."""

import json
import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal, Unavailable
from app.kernel.outbox import Consumer, Event, Timer
from app.kernel.outgoing import Door
from app.kernel.sealed import Seal
from catalog.connections.gateway import Shop
from catalog.connections.handlers import Line
from catalog.connections.rules import NotAdmitted, ShopRefused
from orders.dispatch import queries, rules, service
from orders.dispatch.rules import Answer
from orders.dispatch.states import DispatchState
from orders.purchases.states import State
from orders.purchases.tables import Order

log = logging.getLogger("mall.dispatch")
Sessions = Callable[[], Session]
LANE = "dispatch"
LONGEST_PAUSE_S = 60
TELL_EVERY_S, TRACK_EVERY_S = 2.0, 15.0
ENDED = ("order.withdrawn", "order.lapsed", "order.refused", "order.terminated")


class ShopSilent(Exception):
    """The shop gave no answer; the event stays, and the call is made again under the same tradeNO."""


def consumers(settings: Settings) -> tuple[Consumer, ...]:
    """Who brings approved orders to shops, and who notes that an order ended."""
    return (sender(Line(Door(loopback=settings.outgoing_loopback), Seal(settings.secret_key))), ender())


def timers(settings: Settings) -> tuple[Timer, ...]:
    """What shops are told afterwards, and what they are asked."""
    line = Line(Door(loopback=settings.outgoing_loopback), Seal(settings.secret_key))
    return (
        Timer(name="dispatch.tell", every=TELL_EVERY_S, run=lambda sessions: tell(sessions, line), lane=LANE),
        Timer(name="dispatch.track", every=TRACK_EVERY_S, run=lambda sessions: track(sessions, line), lane=LANE),
    )


def sender(line: Line) -> Consumer:
    """One order at a time, so that one shop in trouble keeps no other order waiting."""

    def send(session: Session, events: Sequence[Event]) -> list[tuple[str, Answer]]:
        engine = session.get_bind().engine
        answers = [(event.stream, _sent(session, lambda: Session(engine), line, event.stream)) for event in events]
        return [(number, answer) for number, answer in answers if answer is not None]

    def learn(session: Session, _events: Sequence[Event], answers: list[tuple[str, Answer]]) -> None:
        for number, answer in answers:
            service.learn(session, number, answer)

    return Consumer(
        name="dispatch.shops", types=("order.approved",), outside=send, inside=learn, batch=1, lane=LANE, longest_pause_s=LONGEST_PAUSE_S
    )


def ender() -> Consumer:
    """Notes that an order ended, in the receipt's transaction; the shop is told by the clock."""

    def end(session: Session, events: Sequence[Event], _result: None) -> None:
        for event in events:
            if json.loads(event.body)["state"] != State.ACCEPTED.value:
                service.give_up(session, event.stream)

    return Consumer(name="dispatch.ends", types=ENDED, inside=end, lane="fast")


def _sent(session: Session, sessions: Sessions, line: Line, number: str) -> Answer | None:
    """Place the order at its shop, if it has one. Raises ShopSilent, so that the event is taken up again."""
    order = queries.order_of(session, number)
    pushed = queries.pushed(session, order)
    if pushed is None:
        return None
    with commit(session):
        if service.begin(session, order) is None:
            return None
    order_id, supplier_id = order.id, order.supplier_id
    session.rollback()
    try:
        with line.to(sessions, supplier_id) as shop:
            if shop is None:
                raise ShopSilent("the shop is left alone for a while")
            return Answer(shop_order=shop.create_order(pushed))
    except (Unavailable, NotAdmitted) as silent:
        with commit(session):
            service.note_trouble(session, order_id, rules.trouble_of(silent))
        raise ShopSilent(rules.trouble_of(silent)) from silent
    except ShopRefused as refused:
        note = rules.note_of(refused.shop_code, refused.shop_message, refused.told, pushed.lines)
        return Answer(shop_code=refused.shop_code, note=note)
    except Refusal as closed:
        with commit(session):
            service.note_trouble(session, order_id, rules.trouble_of(closed))
        raise ShopSilent(closed.code) from closed


def tell(sessions: Sessions, line: Line) -> int:
    """Tell shops of contracts that were concluded and of orders that ended, until each has heard it."""

    def say(shop: Shop, order: Order, state: DispatchState) -> int:
        if state is DispatchState.TAKEN:
            shop.confirm_order(order.number)
        else:
            shop.cancel_order(order.number, order.state.value)
        with sessions() as session, commit(session):
            service.told(session, order.id, DispatchState.CONFIRMED if state is DispatchState.TAKEN else DispatchState.CANCELLED)
        return 1

    return _each(sessions, line, (DispatchState.TAKEN, DispatchState.CANCELLING), say)


def track(sessions: Sessions, line: Line) -> int:
    """Ask shops what they have sent; parcels become shipments."""

    def ask(shop: Shop, order: Order, _state: DispatchState) -> int:
        parcels = shop.track(order.number)
        with sessions() as session, commit(session):
            return service.ship(session, order.id, parcels)

    return _each(sessions, line, (DispatchState.CONFIRMED,), ask)


def _each(sessions: Sessions, line: Line, states: tuple[DispatchState, ...], work: Callable[[Shop, Order, DispatchState], int]) -> int:
    """The work for every order of these states that is due; one shop's trouble is noted with its order."""
    done = 0
    with sessions() as session:
        due = queries.due(session, states, clock.now())
    for order_id in due:
        with sessions() as session, commit(session):
            if not service.take(session, order_id, states):
                continue
        with sessions() as session:
            row, order = queries.of_order(session, order_id), session.get_one(Order, order_id)
            session.expunge_all()
        if row is None:
            continue
        try:
            with line.to(sessions, order.supplier_id) as shop:
                if shop is not None:
                    done += work(shop, order, row.state)
        except Refusal as refused:
            with sessions() as session, commit(session):
                service.note_trouble(session, order_id, rules.trouble_of(refused))
        except Exception:
            log.exception("left for the next time", extra={"order": order.number})
    return done
