"""A little business, so that the stream lives: carts are sent off, some refused, and orders go their way through the real services.

Bounded: so many carts a second, so many orders at once, only plan lines that have money, never the unit of the tour, and
nothing while the switch file says off.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people import queries as people
from app.accounts.people.tables import Person, Post
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.policy import Actor, Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from orders.approvals import service as approvals
from orders.budgets.tables import Allotment, Control
from orders.comparisons import service as comparisons
from orders.comparisons.queries import as_cited
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import Gate, SubmissionRefused
from orders.purchases.states import FINAL, State
from orders.purchases.tables import Order, Submission
from supervision.training import guide
from supervision.training.hands import Hands

log = logging.getLogger("mall.traffic")

KEY: Final = "traffic-"
MOST_OPEN: Final = 120
MOST_FEN: Final = 900_00
"""A cart of the traffic is small, so that a unit's money lasts."""
REFUSED_SHARE: Final = 0.07
SENT_BACK_SHARE: Final = 0.25
PAUSE_S: Final = 0.25
HURRIES: Final = ("月底前要装机", "现有设备已停用", "会议周三召开，须先送到")
"""Why somebody takes a dearer offer: it arrives sooner."""


def switch(folder: Path) -> Path:
    """The file whose presence turns the traffic off."""
    return folder / "traffic.off"


@dataclass(frozen=True)
class Purse:
    """A plan line with its control and what its allotment has left, in fen."""

    plan_line: PlanLine
    control: Control
    allotment_free_fen: int


class Traffic:
    """Who buys next, and whose turn it is with the orders under way."""

    def __init__(self, sessions: Callable[[], Session], rng: Random, gates: Sequence[Gate] = ()) -> None:
        self.sessions = sessions
        self.rng = rng
        self.gates = tuple(gates)
        self.hands = Hands(sessions, rng)
        self.buyers: list[Actor] = []
        self.open: list[int] = []
        self.sent = 0
        self.refused = 0
        self.steps = 0

    def begin(self) -> None:
        """Learn who buys, and take up the orders that an earlier run left."""
        with self.sessions() as session:
            tour = select(Person.organisation_id).where(Person.login == guide.LOGINS[Role.BUYER]).scalar_subquery()
            found = (
                select(Person.id)
                .join(Post, Post.person_id == Person.id)
                .join(Organisation, Organisation.id == Person.organisation_id)
                .where(Post.role == Role.BUYER, Person.organisation_id != tour, Person.login.like("buyer.%"))
                .order_by(Person.id)
                .limit(500)
            )
            self.buyers = [people.actor_of(session, person) for person in session.scalars(found).all()]
            left = (
                select(Order.id)
                .join(Submission, Submission.id == Order.submission_id)
                .where(Submission.key.startswith(KEY), Order.state.not_in(FINAL))
                .limit(MOST_OPEN)
            )
            self.open = list(session.scalars(left))

    def buy(self) -> None:
        """Somebody sends a small cart off, now and then one that must be refused."""
        if not self.buyers or len(self.open) >= MOST_OPEN:
            return
        buyer, key = self.rng.choice(self.buyers), f"{KEY}{self.rng.getrandbits(64):016x}"
        with self.sessions() as session:
            wish = self._wish(session, buyer, wrong=self.rng.random() < REFUSED_SHARE)
            if wish is None:
                return
            try:
                with commit(session):
                    product = session.scalars(select(Listing.product_id).where(Listing.id == wish.listing_id)).one()
                    sheet = as_cited(comparisons.freeze_products(session, buyer, [product]))
                    made = submission.submit(session, buyer, [wish], key=key, gates=self.gates, cited=sheet)
                    self.open += list(session.scalars(select(Order.id).where(Order.submission_id == made.id)))
                self.sent += 1
            except SubmissionRefused as refused:
                with commit(session):
                    submission.record_attempt(session, buyer, refused, [wish], key=key)
                self.refused += 1

    def _wish(self, session: Session, buyer: Actor, *, wrong: bool) -> Wish | None:
        """One line on a plan line with money, of an offer that is there; a wrong one asks for more than there is."""
        for purse in self._purses(session, buyer):
            found = self._offer(session, purse)
            if found is None:
                continue
            offer, pieces = found
            left = (purse.control.quantity or 0) - purse.control.ordered
            return Wish(
                listing_id=offer.id,
                quantity=left + 1 if wrong else self.rng.randint(1, pieces),
                seen_price_fen=offer.price_fen,
                plan_line_id=purse.plan_line.id,
                address_id=None,
                why="delivery",
                words=self.rng.choice(HURRIES),
            )
        return None

    def _offer(self, session: Session, purse: Purse) -> tuple[Listing, int] | None:
        """A cheap offer for a plan line, and how many pieces of it the money and the plan allow."""
        offers = session.scalars(
            select(Listing)
            .join(Product, Product.id == Listing.product_id)
            .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
            .where(
                Product.category_code == purse.plan_line.category_code,
                Listing.shelf == Shelf.ON_SHELF,
                Listing.regions == "410000",
                Listing.stock > 3,
                Listing.price_fen <= min(purse.control.free_fen, MOST_FEN),
                Supplier.standing == Standing.ACTIVE,
            )
            .limit(40)
        ).all()
        if not offers:
            return None
        offer = self.rng.choice(offers)
        left = (purse.control.quantity or 0) - purse.control.ordered
        money = min(purse.control.free_fen, purse.allotment_free_fen, MOST_FEN)
        pieces = min(left, money // offer.price_fen, 3, offer.stock)
        return (offer, pieces) if pieces > 0 else None

    def _purses(self, session: Session, buyer: Actor) -> list[Purse]:
        """The buyer's plan lines that have money and pieces left, in any order."""
        money = Control.__table__.alias("money")
        free = money.c.amount_fen - money.c.reserved_fen - money.c.committed_fen - money.c.accrued_fen - money.c.paid_fen
        rows = session.execute(
            select(PlanLine, Control, free.label("allotment_free_fen"))
            .join(Plan, Plan.id == PlanLine.plan_id)
            .join(Control, Control.id == PlanLine.control_id)
            .join(Allotment, Allotment.id == PlanLine.allotment_id)
            .join(money, money.c.id == Allotment.control_id)
            .where(
                PlanLine.unit_id == buyer.organisation_id,
                PlanLine.year == clock.today().year,
                Plan.state == PlanState.FILED,
                Control.free_fen > 50_00,
                Control.ordered < Control.quantity,
                free > 50_00,
            )
        ).all()
        purses = [Purse(row.PlanLine, row.Control, row.allotment_free_fen) for row in rows]
        self.rng.shuffle(purses)
        return purses

    def advance(self) -> None:
        """Whoever is next with one of the open orders does his part; a quarter of the orders is sent back by the approver."""
        if not self.open:
            return
        order = self.rng.choice(self.open)
        if self._send_back(order):
            self.open.remove(order)
            return
        state = self.hands.step(order)
        if state is not None:
            self.steps += 1
        if state in FINAL or (state is None and self._has_ended(order)):
            self.open.remove(order)

    def _send_back(self, order_id: int) -> bool:
        if self.rng.random() >= SENT_BACK_SHARE:
            return False
        with self.sessions() as session:
            order = session.get_one(Order, order_id)
            if order.state is not State.SUBMITTED:
                return False
            with commit(session):
                order = session.get_one(Order, order_id)
                approvals.reject(session, self.hands.actor(session, Role.APPROVER, order.unit_id), order, "本月已统一申领")
        return True

    def _has_ended(self, order_id: int) -> bool:
        with self.sessions() as session:
            return session.get_one(Order, order_id).state in FINAL


def run(traffic: Traffic, folder: Path, per_second: float, stopped: Callable[[], bool]) -> None:
    """Until told to stop: so many carts a second, and about six steps of orders for each."""
    traffic.begin()
    next_cart = next_step = time.monotonic()
    while not stopped():
        time.sleep(PAUSE_S)
        if switch(folder).exists() or per_second <= 0:
            continue
        now = time.monotonic()
        try:
            if now >= next_cart:
                next_cart = now + traffic.rng.expovariate(per_second)
                traffic.buy()
            if now >= next_step:
                next_step = now + traffic.rng.expovariate(per_second * 6)
                traffic.advance()
        except Refusal as refused:  # somebody else was faster, or a supplier was suspended meanwhile: business goes on
            log.info("a step was refused", extra={"code": refused.code})
