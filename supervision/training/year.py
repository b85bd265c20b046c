"""A year of the training province, played in the order of time: what people do next stands in a queue by its moment."""

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

from app.kernel import clock
from orders.purchases.states import FINAL, State
from orders.ratings.states import Side
from supervision.training import hours
from supervision.training.cast import Unit
from supervision.training.deals import Deal, Want
from supervision.training.fulfilment import Fulfilment
from supervision.training.market import Article, Market
from supervision.training.notices import Press
from supervision.training.purses import Planned, Purse, Purses
from supervision.training.watch import Watch

MOST_FEN: Final = 44_000_00
"""Ordinary orders stay well below the direct ceiling, so that only planted ones come near it (rule S04)."""

PRAISE: Final = ("包装完好，送货及时。", "与描述一致，安装人员很专业。", "质量不错。", None, None, None)
THANKS: Final = ("验收及时，付款快。", "沟通顺畅。", None, None)
REASONS: Final = ("年度办公用品补充", "新进人员配备", "设备更新", "学期开学准备", "部门申领", None, None, None, None)
NOT_NEEDED: Final = ("库存尚够，确无需要", "价格偏高，另选商品", "本季度预算安排已调整")
DAMAGED: Final = ("外包装破损，屏幕有划痕", "型号与订单不符", "开机异常，无法使用", "数量短少，退回破损件")


class Year:
    """The queue of things to come, and the plain way of an order."""

    def __init__(self, trade: Fulfilment, market: Market, purses: Purses, rng: Random, now: datetime, watch: Watch, press: Press) -> None:
        self.trade = trade
        self.watch = watch
        self.press = press
        self.market = market
        self.purses = purses
        self.rng = rng
        self.now = now
        self.queue: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self.turn = 0
        self.open: dict[int, Deal] = {}
        self.done = 0
        self.orders = 0
        self.attempts: list[str] = []
        self.unsent: list[int] = []

    def plan(self, at: datetime, what: Callable[[datetime], object]) -> None:
        """Do something at a moment, if that moment comes before now."""
        at = at.astimezone(UTC)
        if at < self.now:
            self.turn += 1
            heapq.heappush(self.queue, (at, self.turn, what))

    def run(self, after_each: Callable[[], None]) -> None:
        """Play until now."""
        while self.queue:
            at, _, what = heapq.heappop(self.queue)
            what(at)
            self._handle_alerts()
            after_each()

    def settle(self, deal: Deal) -> None:
        """Write an order that has ended; nothing of it will change any more."""
        if deal.id in self.open:
            del self.open[deal.id]
            self.trade.write(deal)
            self.done += 1

    def write_open(self) -> None:
        """Write the orders that are still on their way; `unsent` are the events of applications that wait for the treasury."""
        self.unsent = [deal.papers["applied_by_event"] for deal in self.open.values() if deal.state is State.PAYING]
        for deal in sorted(self.open.values(), key=lambda each: each.id):
            self.trade.write(deal)
        self.open.clear()

    # ------------------------------------------------------------ choosing

    def basket(self, unit: Unit, at: datetime) -> list[Want]:
        """What a buyer of the unit puts into the cart: one to four lines of what is planned, at usual quantities."""
        rng, year = self.rng, clock.local(at).year
        open_lines = [
            planned
            for planned in self.purses.by_unit[unit.id]
            if planned.year == year and planned.grant.economic_class in planned_classes(planned, self.market)
        ]
        rng.shuffle(open_lines)
        wants: list[Want] = []
        sums: dict[tuple[int, str], int] = {}
        for planned in open_lines[: rng.choice((1, 1, 1, 2, 2, 3, 4))]:
            article = self.pick(unit, planned.category, at, fewest=[want.article for want in wants])
            if article is None:
                continue
            price = article.price_at(at).price_fen
            key = (article.seller.id, article.seed.category_code[:7])
            room = min(left_fen(planned.purse), left_fen(planned.grant.purse), MOST_FEN - sums.get(key, 0))
            pieces = min(room // price, (planned.purse.quantity or 0) * 7 // 10 - planned.purse.ordered)
            wish = max(round(rng.lognormvariate(0, 0.9) * 5_500_00 / price), 1)
            quantity = min(wish, pieces)
            if quantity < 1:
                continue
            sums[key] = sums.get(key, 0) + quantity * price
            wants.append(Want(article=article, planned=planned, quantity=quantity, address_id=rng.choice(list(unit.places))))
        return wants

    def pick(self, unit: Unit, category: str, at: datetime, fewest: Sequence[Article] = ()) -> Article | None:
        """An offer of the category that is delivered here now; rather of a supplier that is in the cart already, rather cheap."""
        shelf = self.market.by_category[category]
        able = [
            article
            for article in self.rng.sample(shelf, min(len(shelf), 14))
            if article.seller.trades_at(at) and article.seller.serves(unit.region) and article.prices[0].at < at
        ]
        if not able:
            return None
        sellers = {article.seller.id for article in fewest}
        same = [article for article in able if article.seller.id in sellers]
        if same and self.rng.random() < 0.7:
            return same[0]
        return min(able[:5], key=lambda article: article.price_at(at).price_fen)

    def buy(self, unit: Unit) -> Callable[[datetime], None]:
        """A buyer sends an ordinary cart off."""

        def go(at: datetime) -> None:
            wants = self.basket(unit, at)
            if not wants:
                return
            for deal in self.send(unit, wants, at, self.rng.choice(REASONS)):
                self.next(deal, at)

        return go

    def send(self, unit: Unit, wants: Sequence[Want], at: datetime, reason: str | None = None) -> list[Deal]:
        """Send a cart off; the orders it was split into, none when it was refused."""
        sent = self.trade.submit(unit, wants, at, reason)
        if isinstance(sent, str):
            total = sum(want.article.price_at(at).price_fen * want.quantity for want in wants)
            sellers = list(dict.fromkeys(want.article.seller.id for want in wants))
            self.watch.refused(unit, self.trade.verdicts, sent, total, sellers, at)
            self.attempts.append(sent)
            return []
        for deal in sent:
            self.open[deal.id] = deal
            self.orders += 1
            self.watch.submitted(deal, self.trade.verdicts, at)
        return sent

    # ------------------------------------------------------------ steps that others follow

    def approve(self, deal: Deal, at: datetime, out: dict[int, str] | None = None) -> None:
        """The approver lets the order go to its supplier."""
        self.trade.approve(deal, at, out)
        self.watch.approved(deal)

    def confirm(self, deal: Deal, at: datetime) -> None:
        """The contract, and its notice."""
        self.trade.confirm(deal, at)
        deal.papers["deliver_by"] = deal.due_at
        deal.papers["notice"] = self.press.contract(deal.unit.region, at)

    def withdraw(self, deal: Deal, reason: str | None, at: datetime) -> None:
        """The buyer takes the order back."""
        self.trade.withdraw(deal, reason, at)
        self.watch.ended(deal, at)

    def end(self, deal: Deal, at: datetime) -> None:
        """Both sides have signed the end of the contract."""
        self.trade.agree_end(deal, at)
        self.press.termination(deal.papers["notice"], at)
        self.watch.ended(deal, at)

    def refuse(self, deal: Deal, code: str, note: str | None, at: datetime) -> None:
        """The supplier refuses the order."""
        self.trade.refuse(deal, code, note, at)
        self.watch.turned(deal, at)

    def mind(self, deal: Deal) -> None:
        """Let the deadline of the order's present state take effect if nothing happens before it."""
        last = deal.papers["deliver_by"] if deal.state is State.SHIPPED else deal.due_at
        if last is None:
            return
        version, due = deal.version, clock.local(last).date()
        self.plan(last + timedelta(seconds=20), lambda at: self._overdue(deal, version, due, at))

    def mind_payment(self, deal: Deal) -> None:
        """Raise the alarm when the payment clock runs out."""
        due: date = deal.papers["clock"]["due_on"]

        def ring(at: datetime) -> None:
            if deal.state in {State.ACCEPTED, State.INVOICED, State.PAYING}:
                owed = sum(line.price_fen * line.accepted for line in deal.lines)
                self.watch.missed("T04", deal, due, at, owed)

        self.plan(clock.end_of_day(due) + timedelta(seconds=40), ring)

    def _overdue(self, deal: Deal, version: int, due: date, at: datetime) -> None:
        if deal.version != version:
            return
        if deal.state in {State.HELD, State.SUBMITTED, State.PLACED}:
            was_placed = deal.state is State.PLACED
            self.trade.lapse(deal, at)
            if was_placed:
                self.watch.missed("T01", deal, due, at)
                self.watch.turned(deal, at)
            self.next(deal, at)
        elif deal.state in {State.CONFIRMED, State.SHIPPED}:
            self.watch.missed("T02", deal, due, at)
        elif deal.state is State.DELIVERED:
            self.trade.accept(deal, at, deemed=True)
            self.watch.missed("T03", deal, due, at)
            self.next(deal, at)

    def _handle_alerts(self) -> None:
        """The supervisors take the alerts of long ago and conclude them; of the newest some wait for their owner."""
        found, self.watch.found = self.watch.found, []
        for at, row in found:
            age = self.now - at
            if age < timedelta(days=4) or (age < timedelta(days=14) and self.rng.random() < 0.6):
                continue
            taken = hours.later(at, self.rng, 0.5, 12)
            self.plan(taken, lambda moment, row=row: self.watch.claim(row, moment))  # type: ignore[misc]
            if age > timedelta(days=14):
                self.plan(hours.later(taken, self.rng, 60, 120), lambda moment, row=row: self._conclude(row, moment))  # type: ignore[misc]

    def _conclude(self, row: dict[str, Any], at: datetime) -> None:
        """An alert about goods or money that are still owed stays open."""
        waiting = {"T02": {State.CONFIRMED, State.SHIPPED}, "T04": {State.ACCEPTED, State.INVOICED, State.PAYING}}.get(row["rule"], set())
        if not any(deal.number == row["order_number"] and deal.state in waiting for deal in self.open.values()):
            self.watch.conclude(row, at)

    # ------------------------------------------------------------ the way of an order

    def next(self, deal: Deal, at: datetime) -> None:
        """What comes next for an order, and when."""
        if deal.state in FINAL:
            if deal.state is State.CLOSED:
                self._ratings(deal, at)
            else:
                self.settle(deal)
            return
        if deal.papers.get("until") is deal.state:
            self.mind(deal)
            if "clock" in deal.papers:
                self.mind_payment(deal)
            return
        step = self.STEPS[deal.state]
        step(self, deal, at)

    def _then(self, deal: Deal, at: datetime, low: float, high: float, what: Callable[[datetime], Any]) -> None:
        def go(moment: datetime) -> None:
            what(moment)
            self.next(deal, moment)

        if deal.papers.get("plain"):
            high = max(low, high / 2)
        self.plan(hours.later(at, self.rng, low, high), go)

    def _held(self, deal: Deal, at: datetime) -> None:
        words = {hold["rule"]: EXPLANATIONS.get(hold["rule"], "确属工作需要") for hold in deal.holds}
        if all(hold["explanation"] for hold in deal.holds):
            if deal.papers.get("not_cleared"):
                self._then(deal, at, 1, 6, lambda moment: self.trade.unheld(deal, "请改用设备购置指标后重新提交", moment))
            else:
                self._then(deal, at, 1, 7, lambda moment: self.trade.clear(deal, moment))
        elif not deal.papers.get("silent"):
            self._then(deal, at, 0.3, 5, lambda moment: self.trade.explain(deal, words, moment))

    def _submitted(self, deal: Deal, at: datetime) -> None:
        chance = 1.0 if deal.papers.get("plain") else self.rng.random()
        if chance < 0.015 and not deal.holds:
            self._then(deal, at, 1, 8, lambda moment: self.trade.reject(deal, self.rng.choice(NOT_NEEDED), moment))
        elif chance < 0.025:
            self._then(deal, at, 0.2, 3, lambda moment: self.withdraw(deal, None, moment))
        elif chance < 0.065 and len(deal.lines) > 1:
            out = {deal.lines[-1].no: self.rng.choice(NOT_NEEDED)}
            self._then(deal, at, 0.5, 8, lambda moment: self.approve(deal, moment, out))
        else:
            self._then(deal, at, 0.1, 9, lambda moment: self.approve(deal, moment))

    def _placed(self, deal: Deal, at: datetime) -> None:
        self._then(deal, at, 0.2, 9, lambda moment: self.confirm(deal, moment))

    def _confirmed(self, deal: Deal, at: datetime) -> None:
        pieces = [(line, line.quantity - line.rejected) for line in deal.lines if line.quantity > line.rejected]
        if len(pieces) > 1 and self.rng.random() < 0.25:
            self._then(deal, at, 1, 9, lambda moment: self.trade.ship(deal, pieces[:1], moment))
        else:
            self._then(deal, at, 1, 12, lambda moment: self.trade.ship(deal, pieces, moment))

    def _shipped(self, deal: Deal, at: datetime) -> None:
        rest = [(line, line.quantity - line.rejected - line.shipped) for line in deal.lines if line.quantity - line.rejected > line.shipped]
        if rest:
            self._then(deal, at, 1, 6, lambda moment: self.trade.ship(deal, rest, moment))
            return
        parcel = next((row for row, _ in deal.papers["parcels"] if row["received_at"] is None), None)
        if parcel is not None:
            self._then(deal, at, 3, 11, lambda moment: self.trade.receive(deal, parcel, moment))

    def _delivered(self, deal: Deal, at: datetime) -> None:
        back: dict[int, tuple[int, str]] = {}
        several = [line for line in deal.lines if line.delivered > 2]
        if several and self.rng.random() < 0.06:  # never all of it: an order sent back whole counts for rule X02
            back = {self.rng.choice(several).no: (self.rng.choice((1, 1, 2)), self.rng.choice(DAMAGED))}
        self._then(deal, at, 2, 24, lambda moment: self.trade.accept(deal, moment, back=back))

    def _accepted(self, deal: Deal, at: datetime) -> None:
        if deal.papers.get("cards") and not deal.papers.get("cards_planned"):
            deal.papers["cards_planned"] = True
            self.plan(hours.later(at, self.rng, 2, 40), lambda moment: self._store(deal, moment))
        self._then(deal, at, 1, 16, lambda moment: self.trade.invoice(deal, moment))

    def _store(self, deal: Deal, at: datetime) -> None:
        self.trade.store(deal, at)
        if deal.state is State.CLOSED:
            self.next(deal, at)

    def _invoiced(self, deal: Deal, at: datetime) -> None:
        self._then(deal, at, 4, 90, lambda moment: self.trade.apply(deal, moment))

    def _paying(self, deal: Deal, at: datetime) -> None:
        self._then(deal, at, 0.02, 2, lambda moment: self.trade.pay(deal, moment))

    def _paid(self, deal: Deal, at: datetime) -> None:
        """Cards are waiting; the asset manager's turn is in the queue already."""

    def _ratings(self, deal: Deal, at: datetime) -> None:
        if self.rng.random() < 0.45:
            self.plan(hours.later(at, self.rng, 1, 30), lambda moment: self._rate(deal, Side.UNIT, moment))
        elif self.rng.random() < 0.3:
            self.plan(hours.later(at, self.rng, 1, 30), lambda moment: self._rate(deal, Side.SUPPLIER, moment))
        else:
            self.settle(deal)

    def _rate(self, deal: Deal, side: Side, at: datetime) -> None:
        score = self.rng.choice((5, 5, 5, 5, 4, 4, 3))
        words = self.rng.choice(PRAISE if side is Side.UNIT else THANKS) if score > 3 else "送货比约定晚了半天，其他正常。"
        accepted = deal.papers["accepted_on"]
        if clock.local(at).date() <= accepted + timedelta(days=14):
            self.trade.rate(deal, side, score, words, at)
        self.settle(deal)

    STEPS: Final[dict[State, Callable[["Year", Deal, datetime], None]]] = {
        State.HELD: _held,
        State.SUBMITTED: _submitted,
        State.PLACED: _placed,
        State.CONFIRMED: _confirmed,
        State.SHIPPED: _shipped,
        State.DELIVERED: _delivered,
        State.ACCEPTED: _accepted,
        State.INVOICED: _invoiced,
        State.PAYING: _paying,
        State.PAID: _paid,
    }


EXPLANATIONS: Final = {
    "B11": "设备购置指标尚未下达，先从办公费列支，年底调剂。",
    "S02": "各处室需求时间不同，分批采购，非有意拆分；附各处室申请单。",
}


def left_fen(purse: Purse) -> int:
    """What ordinary business may still take: a fifth of everything is left for those who come to try the mall."""
    return purse.free_fen - purse.amount_fen // 5


def planned_classes(planned: Planned, market: Market) -> tuple[str, ...]:
    """The economic classes that may pay for the category of a plan line."""
    article = market.by_category[planned.category][0]
    return article.classes or (planned.grant.economic_class,)
