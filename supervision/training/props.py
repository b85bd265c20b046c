"""What the tricks are played with: real people, plan lines and offers of the tour's unit, and orders brought as far as needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address
from app.accounts.people import queries as people
from app.accounts.people import service as people_service
from app.kernel import clock, numbers, regions
from app.kernel.errors import N_, Conflict
from app.policy import Actor, Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.tables import Product
from catalog.suppliers.states import Standing
from catalog.suppliers.tables import Supplier
from catalog.taxonomy.rules import covers
from orders.budgets.tables import Control
from orders.plans import service as plans
from orders.plans.tables import PlanLine
from orders.purchases import submission
from orders.purchases.queries import Wish
from orders.purchases.rules import Gate
from orders.purchases.states import State
from orders.purchases.tables import Order
from supervision.training import guide
from supervision.training.forgery import Log
from supervision.training.hands import Hands

SHORT_PLAN: Final = "试着违规用：额度比单价少一分"
SPLIT_FEN: Final = 30_000_00
"""Each half of the split purchase comes to at least this."""


class NoProps(Conflict):
    """The province has nothing left that this trick could be played with."""

    code = "training.no_props"
    message = N_("演示数据里没有可供这一招使用的%(what)s")
    way_out = N_("请以经办人身份备案一条计划，或重新生成演示数据")
    what: str


@dataclass
class Props:
    """Looks things up in the caller's transaction; whatever it prepares there is rolled back by the caller."""

    session: Session
    log: Log
    gates: Sequence[Gate] = ()
    rng: Random = field(default_factory=Random)

    def someone(self, role: Role) -> Actor:
        """The person whom the sign-in page offers for a role."""
        return people.actor_of(self.session, people.by_login(self.session, guide.LOGINS[role]).id, stepped_up=True)

    @cached_property
    def buyer(self) -> Actor:
        """The buyer of the tour's unit."""
        return self.someone(Role.BUYER)

    def also(self, actor: Actor, role: Role) -> Actor:
        """The same person after the unit's administrator gave him one more role."""
        people_service.grant(self.session, self.someone(Role.UNIT_ADMIN), actor.person_id or 0, role)
        return people.actor_of(self.session, actor.person_id or 0, stepped_up=True)

    def places(self) -> list[int]:
        """The unit's addresses."""
        query = select(Address.id).where(Address.organisation_id == self.buyer.organisation_id, Address.active.is_(True))
        return list(self.session.scalars(query.order_by(Address.id)))

    def plan_lines(self, category: str | None = None) -> list[dict[str, Any]]:
        """The unit's plan lines of this year that still let something be ordered, the richest first."""
        lines = [line for line in guide.budget_lines(self.session) if line["pieces_left"] > 0 and line["free_fen"] > 0]
        return [line for line in lines if line["name"] != SHORT_PLAN and (category is None or covers(line["category"], category))]

    def offers(self, *conditions: Any, categories: Sequence[str] = (), limit: int = 8) -> list[Any]:
        """Live offers that are delivered to the unit, the cheapest first: listing and category."""
        query = (
            select(Listing, Product.category_code)
            .join(Product, Product.id == Listing.product_id)
            .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
            .where(Listing.shelf == Shelf.ON_SHELF, Supplier.standing == Standing.ACTIVE, Listing.stock > 0, *conditions)
            .order_by(Listing.price_fen, Listing.id)
        )
        if categories:
            query = query.where(Product.category_code.in_(categories))
        found = self.session.execute(query.limit(200))
        here = [row for row in found if any(regions.within(self.buyer.region, area) for area in row.Listing.regions.split(","))]
        return here[:limit]

    def plain_wish(self) -> Wish:
        """One piece that nothing stands against. Raises NoProps."""
        for wish in self._wishes():
            found = submission.assess(self.session, self.buyer, [wish], gates=self.gates)
            if not found.blocks and not found.holds:
                return wish
        raise NoProps(what=N_("可以正常提交的商品与计划"))

    def _wishes(self) -> Iterator[Wish]:
        for line in self.plan_lines():
            for row in self.offers(Listing.price_fen <= line["free_fen"], categories=[line["category"]], limit=3):
                yield wish_for(row.Listing, plan_line_id=line["plan_line_id"])

    def order(self, state: State) -> Order:
        """A fresh order of the buyer, brought to this state by the people whose turn it is. Raises NoProps."""
        made = submission.submit(self.session, self.buyer, [self.plain_wish()], key=numbers.new("SY"), gates=self.gates)
        order = self.session.scalars(select(Order).where(Order.submission_id == made.id)).one()
        hands = Hands(lambda: self.session, self.rng)
        while order.state is not state:
            if not hands.forward(self.session, order):
                raise NoProps(what=N_("可以办到这一步的订单"))
            self.session.refresh(order)
        return order

    def short_line(self) -> tuple[int, Listing] | None:
        """A plan line that is one fen short of one piece, and the offer that it is short of."""
        lines = self.session.execute(
            select(PlanLine.id, PlanLine.category_code, Control.free_fen)
            .join(Control, Control.id == PlanLine.control_id)
            .where(PlanLine.name == SHORT_PLAN, PlanLine.year == clock.today().year, Control.ordered == 0)
            .where(PlanLine.unit_id == self.buyer.organisation_id)
            .order_by(PlanLine.id.desc())
        )
        for line in lines:
            offers = self.offers(Listing.price_fen == line.free_fen + 1, categories=[line.category_code], limit=1)
            if offers:
                return line.id, offers[0].Listing
        return None

    def file_short_plan(self) -> None:
        """File the plan that is one fen short, unless there is one; it stays, and no order ever takes from it. Raises NoProps."""
        if self.short_line() is not None:
            return
        categories = dict.fromkeys(line["category"] for line in self.plan_lines())
        cheapest = [row for category in categories for row in self.offers(Listing.price_fen > 1_00, categories=[category], limit=1)]
        for row in sorted(cheapest, key=lambda row: row.Listing.price_fen):
            try:
                with self.session.begin_nested():
                    short_fen = row.Listing.price_fen - 1
                    plans.file_on_spot(
                        self.session, self.buyer, category_code=row.category_code, quantity=1, amount_fen=short_fen, name=SHORT_PLAN
                    )
            except Conflict:
                continue  # the budget line of this category has too little left: the next one
            return
        raise NoProps(what=N_("可以备案的预算明细"))

    def split_wishes(self) -> list[Wish]:
        """60,000 yuan and more from one supplier on two lines, two places, and two plan lines where there are two. Raises NoProps."""
        rows, plan_lines = (
            self.offers(Listing.price_fen.between(1_000_00, SPLIT_FEN), Product.category_code.startswith("A"), limit=200),
            self.plan_lines(),
        )

        def fitting(row: Any) -> list[dict[str, Any]]:
            return [line for line in plan_lines if covers(line["category"], row.category_code)]

        best = max(rows, key=lambda row: sum(line["free_fen"] for line in fitting(row)), default=None)
        if best is None:
            raise NoProps(what=N_("价格合适的商品"))
        lines, places = [line["plan_line_id"] for line in fitting(best)] or [None], self.places()
        pieces = -(-SPLIT_FEN // best.Listing.price_fen)
        return [
            wish_for(best.Listing, pieces, plan_line_id=line, address_id=place)
            for line, place in ((lines[0], places[0]), (lines[min(1, len(lines) - 1)], places[-1]))
        ]

    def raised(self) -> tuple[Listing, int]:
        """An offer whose supplier raised the price, and the price that stood before. Raises NoProps."""
        query = (
            select(ListingVersion.listing_id, ListingVersion.price_fen)
            .join(Listing, Listing.id == ListingVersion.listing_id)
            .where(ListingVersion.price_fen < Listing.price_fen, ListingVersion.version < Listing.version)
            .order_by(ListingVersion.listing_id, ListingVersion.version.desc())
        )
        before = {row.listing_id: row.price_fen for row in reversed(self.session.execute(query).all())}
        categories = [line["category"] for line in self.plan_lines()]
        rows = self.offers(Listing.id.in_(before), categories=categories, limit=1) or self.offers(Listing.id.in_(before), limit=1)
        if not rows:
            raise NoProps(what=N_("涨过价的商品"))
        return rows[0].Listing, before[rows[0].Listing.id]

    def category_of(self, listing: Listing) -> str:
        """The category of what is offered."""
        return self.session.get_one(Product, listing.product_id).category_code

    def elsewhere(self) -> str:
        """The number of an order of another unit. Raises NoProps."""
        query = select(Order.number).where(Order.unit_id != self.buyer.organisation_id).order_by(Order.id.desc()).limit(1)
        number = self.session.scalar(query)
        if number is None:
            raise NoProps(what=N_("其他单位的订单"))
        return number


def wish_for(listing: Listing, quantity: int = 1, *, plan_line_id: int | None = None, address_id: int | None = None) -> Wish:
    """A line of a cart at the price of now."""
    return Wish(
        listing_id=listing.id, quantity=quantity, seen_price_fen=listing.price_fen, plan_line_id=plan_line_id, address_id=address_id
    )
