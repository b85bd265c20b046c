"""A crowd of buyers with more money than they can spend, so that only speed decides."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address
from app.accounts.people.service import issue_token
from app.kernel.db import commit, make_engine
from app.policy import Permission, Role
from tests import factories

PRICE_FEN = 1_00
"""So cheap that no limit of the law is met, however many orders are placed."""


@dataclass(frozen=True)
class Buyer:
    """One buyer of a unit of its own, and what he sends: five lines of one supplier."""

    token: str
    plan_line_id: int
    address_id: int
    listings: tuple[int, ...]

    @property
    def lines(self) -> list[dict[str, int]]:
        return [
            {
                "listing_id": listing, "quantity": 1, "seen_price_fen": PRICE_FEN,
                "plan_line_id": self.plan_line_id, "address_id": self.address_id,
            }
            for listing in self.listings
        ]


def seat(url: str, buyers: int) -> list[Buyer]:
    """Add so many units, each with a buyer, an approver, a filed plan, and one supplier for all of them."""
    engine = make_engine(url)
    with Session(engine) as session, commit(session):
        seller = factories.supplier(session)
        goods = [factories.listing(session, seller, factories.product(session), price_fen=PRICE_FEN, stock=10**9) for _ in range(5)]
        listings = tuple(listing.id for listing in goods)
        seated = [_seat_one(session, listings) for _ in range(buyers)]
    engine.dispose()
    return seated


def _seat_one(session: Session, listings: tuple[int, ...]) -> Buyer:
    unit = factories.unit(session)
    people = factories.staff(session, unit, factories.UNIT_ROLES)
    money = factories.allotment(session, unit, amount_fen=10**12)
    line = factories.budget_line(session, money, quantity=10**6, amount_fen=10**11)
    plan = factories.plan(session, people[Role.FINANCE], line)
    address = session.scalars(select(Address.id).where(Address.organisation_id == unit.id)).one()
    _, token = issue_token(session, people[Role.BUYER], name="bench", scopes=[Permission.ORDER_SUBMIT], ttl=timedelta(days=1))
    return Buyer(token, factories.plan_lines(session, plan)[0].id, address, listings)
