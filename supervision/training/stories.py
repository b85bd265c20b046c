"""What is planted in the training province: violations that the rules must find, carts that must be refused, orders in every state.

Each story writes what it planted into the answer key. Ordinary business stays clear of every rule, so the key is complete.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from app.kernel import clock, workdays
from app.policy import Role
from catalog.suppliers.events import SupplierSuspended
from catalog.suppliers.service import stream_of
from orders.purchases.states import State
from supervision.training import hours, refusals
from supervision.training.cast import SUSPENSION, Seller, Unit
from supervision.training.deals import Deal
from supervision.training.key import Planted
from supervision.training.purses import WRONG_CLASS, Wanted
from supervision.training.scales import CITY_OF_THE_TOUR
from supervision.training.stage import DESKTOP, LASER, PAPER, Stage

SPLITTERS: Final = {"zz02": 1, "ly02": 150, "zm01": 45}
"""Units that split, and how many working days ago they finished."""
NEAR: Final = {"zz03": 12, "ny01": 70}
TOUR_STATES: Final = (
    (State.SUBMITTED, 0, PAPER),
    (State.SUBMITTED, 1, LASER),
    (State.PLACED, 1, PAPER),
    (State.CONFIRMED, 2, LASER),
    (State.SHIPPED, 3, PAPER),
    (State.DELIVERED, 4, LASER),
    (State.ACCEPTED, 9, PAPER),
    (State.INVOICED, 12, DESKTOP),
    (State.PAYING, 16, PAPER),
    (State.PAID, 22, DESKTOP),
)
"""Where orders of the unit of the tour stand, since how many working days, and what they are for."""


def wishes_of(tag: str, year: int, this_year: int) -> list[Wanted]:
    """Money that a story needs beyond a unit's usual budget."""
    extra: list[Wanted] = []
    if tag in ("zz01", "js02", "ny03"):
        category, economic_class = WRONG_CLASS
        extra.append(Wanted(category=category, economic_class=economic_class, quantity=6, amount_fen=36_000_00, plan_share=1.0))
    if tag in SPLITTERS:
        extra.append(Wanted(category=DESKTOP, economic_class="31002", quantity=150, amount_fen=800_000_00, plan_share=1.0))
    if tag in NEAR:
        extra.append(Wanted(category=LASER, economic_class="31002", quantity=200, amount_fen=400_000_00, plan_share=1.0))
    if tag == "zz01" and year == this_year:
        extra.append(Wanted(category=LASER, economic_class="31002", quantity=60, amount_fen=120_000_00, plan_share=0.8))
    return extra


class Stories(Stage):
    """Plants everything into a year."""

    def plant(self) -> None:
        """All stories."""
        self.suspended = next(seller for seller in self.cast.sellers if seller.suspended_from is not None)
        shops = [seller for seller in self.cast.sellers if seller.kind == "e-shop"]
        self.bold = next((seller for seller in shops if seller.region == CITY_OF_THE_TOUR), shops[-1])
        self.once = shops[0]
        self.lost = [self.suspended.id, self.bold.id, self.once.id]
        """Suppliers that lose an order in some story; nobody else's silence falls on them, or rule X03 would find more than was planted."""
        for tag, ago in SPLITTERS.items():
            self._split(tag, ago)
        for tag, ago in NEAR.items():
            self._near(tag, ago)
        self._late()
        self._giving_up()
        self._holds()
        refusals.plant(self)
        self._every_state()

    # ------------------------------------------------------------ S02 and S04

    def _split(self, tag: str, ago: int) -> None:
        """One need of 300,000 yuan and more, ordered in pieces from one supplier after another (rule S02)."""
        unit = self.units[tag]
        planted = self.note("S02", unit, "三十日内同一品目多单合计达到商城限额，每单低于限额")
        taken: list[int] = []

        def go(at: datetime) -> None:
            deal = self.order(unit, DESKTOP, at, low_fen=42_900_00, high_fen=47_300_00, taken=taken, reason="各处室分批更新")
            if deal is None:
                return
            taken.append(deal.seller.id)
            planted.orders.append(deal.number)
            if len(taken) == 8 and ago < 3:
                deal.papers["silent"] = True  # nobody has explained the last one yet
            self.year.next(deal, at)
            if deal.papers.get("silent"):
                self.year.mind(deal)

        for no in range(8):
            self.at(ago + 2 * (7 - no), go)

    def _near(self, tag: str, ago: int) -> None:
        """Orders that stay just under the direct ceiling (rule S04)."""
        unit = self.units[tag]
        planted = self.note("S04", unit, "九十日内多单金额距直接订购限额不足百分之五")
        taken: list[int] = []

        def go(at: datetime) -> None:
            deal = self.order(unit, LASER, at, low_fen=47_600_00, high_fen=49_990_00, taken=taken)
            if deal is not None:
                taken.append(deal.seller.id)
                planted.orders.append(deal.number)
                self.year.next(deal, at)

        for no in range(3):
            self.at(ago + 14 * no, go)

    # ------------------------------------------------------------ T01 to T04

    def _late(self) -> None:
        """Deadlines that nobody kept: some long settled, some standing now."""
        for tag, ago in (("zz04", 8), ("ly01", 60), ("hn02", 130)):
            unit = self.units[tag]
            self.stopped(unit, ago, State.PLACED, planted=self.note("T01", unit, "供应商三个工作日内没有确认"), others=self.lost)
        for tag, ago, state in (("zz05", 9, State.CONFIRMED), ("ly03", 10, State.CONFIRMED), ("zz03", 11, State.SHIPPED)):
            unit = self.units[tag]
            self.stopped(unit, ago, state, planted=self.note("T02", unit, "确认后五个工作日内没有送达"))
        unit = self.units["ny02"]
        planted = self.note("T02", unit, "迟到的供货，后来送达")
        self.stopped(unit, 95, State.CONFIRMED, planted=planted, then=lambda deal, at: self._resume(deal, at, 11))
        for tag, ago in (("js01", 11), ("ny04", 75), ("zz04", 14)):
            unit = self.units[tag]
            planted = self.note("T03", unit, "到货后五个工作日内没有验收，系统视同验收")
            self.stopped(unit, ago, State.DELIVERED, planted=planted)
        for tag, ago, state in (("lc01", 48, State.INVOICED), ("zz02", 52, State.ACCEPTED), ("hn03", 45, State.INVOICED)):
            unit = self.units[tag]
            planted = self.note("T04", unit, "付款期限已过仍未支付")
            self.stopped(unit, ago, state, planted=planted, only=self._small_supplier())
        unit = self.units["xc01"]
        self.stopped(
            unit,
            110,
            State.INVOICED,
            planted=self.note("T04", unit, "逾期后补付"),
            then=lambda deal, at: self._resume(deal, at, 40),
            only=self._small_supplier(),
        )

    def _small_supplier(self) -> Seller | None:
        """An e-shop of medium size: its payment clock runs from the acceptance on."""
        able = [seller for seller in self.cast.sellers if seller.is_sme and seller.kind == "e-shop" and seller.suspended_from is None]
        return self.rng.choice(able) if able else None

    def _resume(self, deal: Deal, at: datetime, days: int) -> None:
        """Let a stopped order go on so many working days later."""
        later = workdays.add_workdays(clock.local(at).date(), days).on

        def go(moment: datetime) -> None:
            deal.papers["until"] = None
            self.year.next(deal, moment)

        self.year.plan(hours.any_moment(later, self.rng), go)

    # ------------------------------------------------------------ X02, X03

    def _giving_up(self) -> None:
        unit = self.units["yy01"]
        planted = self.note("X02", unit, "九十日内审批通过后撤回三单")
        for ago, reason in ((30, "需求有变"), (18, "科室已自行解决"), (6, "型号选错，重新采购")):
            self.stopped(unit, ago, State.PLACED, planted=planted, then=lambda deal, at, why=reason: self._withdraw(deal, at, why))  # type: ignore[misc]
        unit = self.units["zz05"]
        planted = self.note("X02", unit, "九十日内撤回两单、合同后终止一单")
        for ago in (70, 62):
            self.stopped(unit, ago, State.PLACED, planted=planted, then=lambda deal, at: self._withdraw(deal, at, "预算调整"))
        self.stopped(unit, 50, State.CONFIRMED, planted=planted, then=self._terminate)
        for tag, ago, last in (("ly04", 100, "需求取消"), ("nz01", 20, "改由主管部门统一配发")):
            self.stopped(self.units[tag], ago, State.PLACED, then=lambda deal, at, why=last: self._withdraw(deal, at, why))  # type: ignore[misc]
        self.stopped(self.units["zz01"], 22, State.CONFIRMED, then=self._terminate)
        suspended, bold = self.suspended, self.bold
        self.year.plan(suspended.suspended_from or self.now, lambda at: self._suspend(suspended, at))
        for seller, agos in ((suspended, (46, 38, 30)), (bold, (24, 16, 9))):
            planted = self.note("X03", seller, "九十日内拒绝三单")
            for ago, tag, code in zip(agos, ("zz02", "js03", "zm02"), ("out_of_stock", "price_error", "cannot_deliver"), strict=True):
                category = next(c for c in sorted(seller.categories) if c in self.year.market.by_category)
                self._refused_by(seller, self.units[tag], ago, code, category, planted)
        self._refused_by(self.once, self.units["zz01"], 26, "out_of_stock", LASER, None)

    def _suspend(self, seller: Seller, at: datetime) -> None:
        """The finance department stops the supplier from trading."""
        until = at + timedelta(days=110)
        fact = SupplierSuspended(supplier_id=seller.id, name=seller.name, reason=SUSPENSION, until=until)
        actor = self.cast.bureaus[seller.region].people[Role.SUPERVISOR]
        self.year.trade.writer.record(
            fact, stream=stream_of(seller.id), version=2, region=seller.region, owner=seller.id, actor=actor, at=at
        )

    def _refused_by(self, seller: Seller, unit: Unit, ago: int, code: str, category: str, planted: Planted | None) -> None:
        def go(at: datetime) -> None:
            for buyer, each in self._chances(unit, category, at):
                deal = self.order(buyer, each, at, only=seller, low_fen=100_00, high_fen=25_000_00)
                if deal is None:
                    continue
                if planted is not None:
                    planted.orders.append(deal.number)
                deal.papers["until"] = State.PLACED
                self.year.next(deal, at)

                def refuse(moment: datetime, deal: Deal = deal) -> None:
                    if deal.state is State.PLACED:
                        self.year.refuse(deal, code, None, moment)
                        self.year.next(deal, moment)

                self.year.plan(hours.later(at, self.rng, 5, 7), refuse)
                return

        self.at(ago, go)

    def _chances(self, unit: Unit, category: str, at: datetime) -> Iterator[tuple[Unit, str]]:
        """Who could order what of a supplier: first this unit this category, then its other lines, then other units."""
        yield unit, category
        for buyer in (unit, *self.cast.units):
            for line in self.year.purses.by_unit[buyer.id]:
                if line.year == clock.local(at).year and (line.category, line.grant.economic_class) != WRONG_CLASS:
                    yield buyer, line.category

    def _withdraw(self, deal: Deal, at: datetime, reason: str) -> None:
        def go(moment: datetime) -> None:
            if deal.state is State.PLACED:
                self.year.withdraw(deal, reason, moment)
                self.year.next(deal, moment)

        self.year.plan(hours.later(at, self.rng, 5, 7), go)

    def _terminate(self, deal: Deal, at: datetime) -> None:
        def propose(moment: datetime) -> None:
            if deal.state is State.CONFIRMED:
                self.year.trade.propose_end(deal, "厂家停产，无法供货，双方协商终止。", moment)

        def agree(moment: datetime) -> None:
            if deal.state is State.CONFIRMED and "termination" in deal.papers:
                self.year.end(deal, moment)
                self.year.next(deal, moment)

        self.year.plan(hours.later(at, self.rng, 19, 21), propose)
        self.year.plan(hours.later(at, self.rng, 24, 27), agree)

    # ------------------------------------------------------------ holds

    def _holds(self) -> None:
        """Desktop computers on office expenses (rule B11): one waits, one was cleared, one was not, one ran out of time."""
        for tag, ago, flag in (("zz01", 0, "silent"), ("js02", 24, ""), ("ny03", 33, "not_cleared"), ("js02", 80, "silent")):

            def go(at: datetime, tag: str = tag, flag: str = flag) -> None:
                category, economic_class = WRONG_CLASS
                deal = self.order(self.units[tag], category, at, high_fen=12_000_00, economic_class=economic_class)
                if deal is None:
                    return
                if flag:
                    deal.papers[flag] = True
                self.year.next(deal, at)
                if flag == "silent":
                    self.year.mind(deal)

            self.at(ago, go)

    # ------------------------------------------------------------ every state

    def _every_state(self) -> None:
        """The unit of the tour has an order in every state to look at."""
        unit = self.units["zz01"]
        for state, ago, category in TOUR_STATES:
            self.stopped(unit, ago, state, category=category)
        for tag in ("zz02", "ly01", "ny01", "hn01", "js01", "zm01"):
            for back, state in ((0, State.SUBMITTED), (1, State.PLACED), (3, State.DELIVERED)):
                self.stopped(self.units[tag], back, state)
        self.stopped(unit, 12, State.SUBMITTED)  # nobody approves in time

        def reject(at: datetime) -> None:
            deal = self.order(unit, PAPER, at)
            if deal is not None:
                later = hours.later(at, self.rng, 2, 5)
                self.year.plan(later, lambda moment: self.year.trade.reject(deal, "价格偏高，另选商品", moment))

        self.at(7, reject)
