"""Many payments in bad weather while processes are killed, and what must hold afterwards.

Nothing here knows how the product pays: orders are brought to their applications by its services, the rest is done by its own
processes, and the verdict compares the books of two sides that never saw each other's.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from orders.budgets.states import ControlKind, Pool
from orders.budgets.tables import Control, Move
from orders.contracts import service as contracts
from orders.deliveries import queries as parcels
from orders.deliveries import service as deliveries
from orders.deliveries.rules import Judgement, Piece
from orders.deliveries.tables import Acceptance
from orders.payments import service as payments
from orders.payments.simulator.app import Simulator
from orders.payments.simulator.faults import ANSWERS, WEBHOOKS, Fault
from orders.payments.states import OPEN, ApplicationState
from orders.payments.tables import PaymentApplication
from orders.purchases import service as purchase
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.states import Action, State
from orders.purchases.tables import Order
from orders.thread.audit import audit
from tests import factories
from tests.factories import World
from tests.orders import steps
from tests.orders.payments.mortals import Town

CYCLE = timedelta(seconds=60)
"""Nothing may stay undecided longer than this after the gateway is well again."""
WEATHER = (*ANSWERS, Fault.SLOW, Fault.REFUSED, *WEBHOOKS)
RATE = 0.2
MORTAL = ("worker", "treasury", "web")


class Storm:
    """One run: `payments` applications, `kills` kills, a seed; every step goes into `history.txt` of its folder."""

    def __init__(
        self, town: Town, engine: Engine, folder: Path, *, seed: int, payments: int, kills: int, mortal: Sequence[str] = MORTAL
    ) -> None:
        self.town, self.engine, self.folder = town, engine, folder
        self.seed, self.payments, self.kills, self.mortal = seed, payments, kills, tuple(mortal)
        self.chance = random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.worlds: list[World] = []
        self.took_s = 0.0

    def note(self, what: str) -> None:
        """Keep a step for whoever must find out why."""
        with (self.folder / "history.txt").open("a") as history:
            history.write(f"{time.monotonic():.3f} {clock.now().isoformat()} {what}\n")

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    # --- the business ------------------------------------------------------------------------------------------

    def open_worlds(self, count: int) -> None:
        """Units with money and suppliers with paper; every supplier is paid by its own unit."""
        with self.session() as session, commit(session):
            self.worlds = [factories.world(session) for _ in range(count)]

    def apply(self, count: int, *, together: int = 5) -> None:
        """So many orders, each brought from the cart to its payment application by the product's services; at most 60 wait at once."""
        for begun in range(0, count, together):
            self.wait(lambda: self.undecided() < 60, 60)
            with self.session() as session, commit(session):
                for number in range(begun, min(begun + together, count)):
                    world = self.worlds[number % len(self.worlds)]
                    self.note(f"applied {_applied(session, world, 1 + number % 3)}")

    def apply_again(self) -> int:
        """A new application for every order whose first one was returned; how many."""
        with self.session() as session, commit(session):
            orders = session.scalars(select(Order).where(Order.state == State.INVOICED)).all()
            units = {world.unit.id: world for world in self.worlds}
            for order in orders:
                made = payments.apply(session, units[order.unit_id].actor(Role.FINANCE), order)
                self.note(f"applied again {made.number} for {order.number}")
        return len(orders)

    # --- the storm ---------------------------------------------------------------------------------------------

    def undecided(self) -> int:
        """Applications that wait."""
        with self.session() as session:
            return session.scalar(select(func.count()).where(PaymentApplication.state.in_(OPEN))) or 0

    def decided(self) -> int:
        with self.session() as session:
            return session.scalar(select(func.count()).where(PaymentApplication.state.not_in(OPEN))) or 0

    def rage(self, *, patience_s: float) -> None:
        """Applications are made while one process after another is killed, evenly over the run; each starts again at once."""
        business = threading.Thread(target=self.apply, args=(self.payments,))
        business.start()
        for kill in range(1, self.kills + 1):
            wanted = self.payments * kill // (self.kills + 2)
            self.wait(lambda wanted=wanted: self.decided() >= wanted, patience_s)
            name = self._victim(kill)
            self.town.people[name].kill()
            self.note(f"killed {name} at {self.decided()} decided")
            self.killed[name.split("-")[0]] += 1
            self.town.people[name].start()
        business.join()
        self.wait(lambda: self.decided() >= self.payments * 98 // 100, patience_s)  # the rest is the storm's own, not a backlog

    def _victim(self, kill: int) -> str:
        """Every kind has its turn; which of the workers, and who else, is left to chance."""
        kind = self.mortal[kill - 1] if kill <= len(self.mortal) else self.chance.choice(("worker", *self.mortal))
        return self.chance.choice([name for name in self.town.people if name.startswith(kind)])

    def wait(self, until: object, patience_s: float) -> bool:
        """Until it holds, or patience ends."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if until():  # type: ignore[operator]
                return True
            time.sleep(0.1)
        return False

    def heal(self, *, skip: timedelta = timedelta()) -> timedelta:
        """Fine weather: how long, on the mall's clock, until nothing waits any more and no money is blocked (at most one cycle).

        `skip` lets the clock run ahead, where a test cannot wait for leases to run out.
        """
        self.town.books.fine_weather()
        healed = clock.now()
        self.note(f"healed with {self.undecided()} undecided")
        clock.advance(skip)
        self.wait(lambda: self.undecided() == 0 and not self.town.books.waiting(), (CYCLE - skip).total_seconds())
        took = clock.now() - healed
        self.note(f"{self.undecided()} undecided after {took}")
        return took

    # --- the verdict -------------------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """Everything that is not as it must be, in words; empty when all is well."""
        with self.session() as session:
            return [*_stuck(session), *_charged(session, self.town.books), *_ledgers(session, self.town.books), *map(str, audit(session))]

    def told(self) -> str:
        """What happened, for the failure's message."""
        return f"seed {self.seed}, killed {dict(self.killed)}, history and logs in {self.folder}"


def _applied(session: Session, world: World, reams: int) -> str:
    """One order from the cart to the application; returns the application's number."""
    wish = Wish(
        listing_id=world.paper.id, quantity=reams, seen_price_fen=world.paper.price_fen, plan_line_id=world.lines[1].id, address_id=None
    )
    made = submission.submit(session, world.actor(Role.BUYER), [wish], key=factories.serial("key-"))
    order = session.get_one(Order, made.orders[0].id)
    clerk, acceptor = world.actor(Role.ORDER_CLERK), world.actor(Role.ACCEPTOR)
    purchase.move(session, world.actor(Role.APPROVER), order, Action.APPROVE)
    contracts.confirm(session, clerk, order)
    (line,) = steps.lines(session, order)
    deliveries.ship(session, clerk, order, [Piece(line.id, reams)], carrier="顺丰", tracking=factories.serial("SF"))
    (parcel,) = parcels.parcels_of(session, order)
    deliveries.receive(session, acceptor, order, parcel.shipment.number)
    deliveries.accept(session, acceptor, order, [Judgement(line_id=line.id, accepted=reams, returned=0, reason="", serials="")])
    payments.invoice(session, clerk, order, steps.invoice_input(session, world, order))
    return payments.apply(session, world.actor(Role.FINANCE), order).number


def _charges(books: Simulator) -> Iterator[dict]:
    with books.store.open() as open_books:
        for (body,) in open_books.sql.execute("SELECT body FROM things WHERE kind = 'charge' ORDER BY n").fetchall():
            charge = json.loads(body)
            if charge["captured"]:
                yield charge


def _stuck(session: Session) -> Iterator[str]:
    for row in session.scalars(select(PaymentApplication).where(PaymentApplication.state.in_(OPEN))):
        yield f"stuck: {row.number} is {row.state.value}, trouble {row.trouble}, intent {row.intent}"


def _charged(session: Session, books: Simulator) -> Iterator[str]:
    """At most one captured charge for an application and for an order; none without acceptance; no money left blocked."""
    accepted = set(session.scalars(select(Order.number).join(Acceptance, Acceptance.order_id == Order.id)))
    charges = list(_charges(books))
    for mark in ("application", "order"):
        for number, times in Counter(charge["metadata"][mark] for charge in charges).items():
            if times > 1:
                yield f"double: {mark} {number} was charged {times} times"
    for charge in charges:
        if charge["metadata"]["order"] not in accepted:
            yield f"paid without acceptance: {charge['metadata']['order']}"
    for intent in books.waiting():
        yield f"blocked: {intent['id']} for {intent['metadata']['application']} was never captured nor let go"


def _ledgers(session: Session, books: Simulator) -> Iterator[str]:
    """Our paid applications, the budget's moves on both kinds of controls, and the treasury's books, to the fen."""
    query = select(PaymentApplication.payee_account, func.sum(PaymentApplication.amount_fen)).where(
        PaymentApplication.state == ApplicationState.PAID
    )
    ours = {account: int(fen) for account, fen in session.execute(query.group_by(PaymentApplication.payee_account))}
    theirs = {account: fen for account, fen in books.totals().items() if fen}
    if ours != theirs:
        yield f"suppliers: we say {ours}, the treasury says {theirs}"
    for kind in (ControlKind.PLAN_LINE, ControlKind.ALLOTMENT):
        paid = session.scalar(select(func.sum(Control.paid_fen)).where(Control.kind == kind)) or 0
        moved = session.scalar(
            select(func.sum(Move.amount_fen))
            .join(Control, Control.id == Move.control_id)
            .where(Control.kind == kind, Move.source == Pool.ACCRUED, Move.target == Pool.PAID)
        )
        if not int(paid) == int(moved or 0) == sum(theirs.values()):
            yield f"budget, {kind.value}: counters {paid}, moves {moved}, treasury {sum(theirs.values())}"
