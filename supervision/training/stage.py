"""Where the stories of the training province are played: its year, its people by tag, its days, and the answer key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from app.kernel import clock, workdays
from orders.purchases.states import State
from supervision.training import hours
from supervision.training.cast import Cast, Seller, Unit
from supervision.training.deals import Deal, Want
from supervision.training.key import Key, Planted
from supervision.training.market import Article
from supervision.training.purses import WRONG_CLASS, Planned
from supervision.training.year import Year

DESKTOP: Final = "A02010105"
LASER: Final = "A02021003"
PAPER: Final = "A05040101"
COOLER: Final = "A02061804"


@dataclass
class Stage:
    """What every story needs."""

    year: Year
    cast: Cast
    rng: Random
    now: datetime
    key: Key = field(default_factory=Key)

    def __post_init__(self) -> None:
        self.units = {unit.tag: unit for unit in self.cast.units}
        self.sellers = {seller.tag: seller for seller in self.cast.sellers}
        self.today = clock.local(self.now).date()

    def day(self, ago: int) -> date:
        """The working day so many working days ago; today counts as none if it is one.

        The last two days of a year are left out: what is not concluded by then lapses with the year's money.
        """
        day = self._workday(self.today)
        for _ in range(ago):
            day = self._workday(day - timedelta(days=1))
        while (day.month, day.day) >= (12, 30):
            day = self._workday(day - timedelta(days=1))
        return day

    def _workday(self, day: date) -> date:
        """This day, or the last working day before it."""
        while not workdays.is_workday(day):
            day -= timedelta(days=1)
        return day

    def at(self, ago: int, what: Callable[[datetime], None], *, this_year: bool = False) -> None:
        """Do something on a working day some time ago, at the latest an hour before now; or just now where it must be in this year."""
        moment, lately = hours.any_moment(self.day(ago), self.rng), self.now - timedelta(minutes=50 + self.rng.random() * 30)
        self.year.plan(lately if this_year and moment.year != clock.local(self.now).year else min(moment, lately), what)

    def planned(self, unit: Unit, category: str, at: datetime, economic_class: str | None = None) -> Planned | None:
        """The unit's richest plan line of the category in that year."""
        year = clock.local(at).year
        found = [
            line
            for line in self.year.purses.by_unit[unit.id]
            if line.year == year
            and line.category == category
            and (line.grant.economic_class == economic_class if economic_class else (category, line.grant.economic_class) != WRONG_CLASS)
        ]
        return max(found, key=lambda line: line.purse.free_fen, default=None)

    def fitting(
        self, unit: Unit, category: str, low_fen: int, high_fen: int, at: datetime, taken: Sequence[int] = (), only: Seller | None = None
    ) -> tuple[Article, int] | None:
        """An offer and a number of pieces that cost between two amounts, of a supplier that was not taken yet."""
        shelf = list(self.year.market.by_category.get(category, ()))
        self.rng.shuffle(shelf)
        for article in shelf:
            price = article.price_at(at).price_fen
            if article.seller.id in taken or (only is not None and article.seller is not only):
                continue
            if not article.seller.trades_at(at) or not article.seller.serves(unit.region) or article.prices[0].at >= at:
                continue
            pieces = high_fen // price
            if pieces and low_fen <= pieces * price <= high_fen:
                return article, pieces
        return None

    def want(self, unit: Unit, article: Article, planned: Planned | None, pieces: int, **more: int) -> Want:
        """One line of a cart."""
        return Want(article=article, planned=planned, quantity=pieces, address_id=next(iter(unit.places)), **more)

    def order(
        self,
        unit: Unit,
        category: str,
        at: datetime,
        *,
        low_fen: int = 300_00,
        high_fen: int = 20_000_00,
        taken: Sequence[int] = (),
        only: Seller | None = None,
        economic_class: str | None = None,
        reason: str | None = None,
    ) -> Deal | None:
        """Send off one line and hand back the order, which stays on its plain way when it is told to go on."""
        planned = self.planned(unit, category, at, economic_class)
        found = self.fitting(unit, category, low_fen, high_fen, at, taken, only)
        if planned is None or found is None:
            return None
        article, pieces = found
        room = min(planned.purse.free_fen, planned.grant.purse.free_fen)
        price = article.price_at(at).price_fen
        pieces = min(pieces, room // price, (planned.purse.quantity or 0) - planned.purse.ordered)
        if pieces < 1 or pieces * price < low_fen:
            return None
        deals = self.year.send(unit, [self.want(unit, article, planned, pieces)], at, reason)
        if not deals:
            return None
        deals[0].papers["plain"] = True
        return deals[0]

    def note(self, rule: str, subject: Unit | Seller, what: str) -> Planted:
        """Write something planted into the key."""
        planted = Planted(rule=rule, subject=subject.name, login=subject.tag, region=subject.region, what=what)
        self.key.planted.append(planted)
        return planted

    def stopped(
        self,
        unit: Unit,
        ago: int,
        state: State,
        *,
        category: str = PAPER,
        planted: Planted | None = None,
        then: Callable[[Deal, datetime], None] | None = None,
        only: Seller | None = None,
        high_fen: int = 9_000_00,
        others: list[int] | None = None,
    ) -> None:
        """An order that goes its plain way up to a state and waits there.

        `others` are suppliers it must not go to; its own joins them.
        """

        def go(at: datetime) -> None:
            choices = (category, LASER, DESKTOP, COOLER, "A05010301", "A05040401")
            taken = others or ()
            deal = next((deal for each in choices if (deal := self.order(unit, each, at, only=only, high_fen=high_fen, taken=taken))), None)
            if deal is None:
                return
            if others is not None:
                others.append(deal.seller.id)
            if planted is not None:
                planted.orders.append(deal.number)
            deal.papers["until"] = state
            deal.papers["cards_planned"] = state is State.PAID  # the cards of such an order wait for the asset manager
            self.year.next(deal, at)
            if then is not None:
                then(deal, at)

        waits = planted is None and then is None and state in {State.SUBMITTED, State.PLACED}
        self.at(ago, go, this_year=waits)  # an unconfirmed order of last year would have lapsed with its money
