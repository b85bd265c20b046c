"""A crowd of buyers with more money than they can spend, so that only speed decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, Organisation
from app.accounts.people.service import issue_token
from app.kernel.db import commit, make_engine
from app.policy import Actor, Permission, Role
from catalog.suppliers.tables import Supplier
from tests import factories

PRICE_FEN = 1_00
"""So cheap that no limit of the law is met, however many orders are placed."""


@dataclass(frozen=True)
class Buyer:
    """One buyer, and what he sends: five lines of one supplier."""

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
    """Add so many units, each with a buyer, an approver, a filed plan, and goods of its own from one supplier for all of them."""
    with _writing(url) as session:
        seller = factories.supplier(session)
        houses = [_house(session) for _ in range(buyers)]
        return [_buyer(session, house, _budget(session, house), _goods(session, seller)) for house in houses]


def seat_together(url: str, buyers: int) -> tuple[list[Buyer], list[Buyer]]:
    """Add one unit with so many buyers: once all of them draw on one budget, once each on his own.

    Nothing else differs. Everybody buys goods of his own, or they would wait for each other at the stock.
    """
    with _writing(url) as session:
        house, seller = _house(session), factories.supplier(session)
        one = _budget(session, house)
        own = [_buyer(session, house, _budget(session, house), _goods(session, seller)) for _ in range(buyers)]
        return [replace(buyer, plan_line_id=one) for buyer in own], own


@contextmanager
def _writing(url: str) -> Iterator[Session]:
    engine = make_engine(url)
    with Session(engine) as session, commit(session):
        yield session
    engine.dispose()


@dataclass(frozen=True)
class _House:
    unit: Organisation
    finance: Actor
    address_id: int


def _house(session: Session) -> _House:
    """A unit with somebody for every role that an order needs."""
    unit = factories.unit(session)
    people = factories.staff(session, unit, factories.UNIT_ROLES)
    address = session.scalars(select(Address.id).where(Address.organisation_id == unit.id)).one()
    return _House(unit, people[Role.FINANCE], address)


def _budget(session: Session, house: _House) -> int:
    """An allotment with one plan line under it; the id of the line."""
    money = factories.allotment(session, house.unit, amount_fen=10**12)
    line = factories.budget_line(session, money, quantity=10**6, amount_fen=10**11)
    return factories.plan_lines(session, factories.plan(session, house.finance, line))[0].id


def _goods(session: Session, seller: Supplier) -> tuple[int, ...]:
    goods = [factories.listing(session, seller, factories.product(session), price_fen=PRICE_FEN, stock=10**9) for _ in range(5)]
    return tuple(listing.id for listing in goods)


def _buyer(session: Session, house: _House, plan_line_id: int, listings: tuple[int, ...]) -> Buyer:
    who = factories.actor(session, factories.person(session, house.unit, Role.BUYER))
    _, token = issue_token(session, who, name="bench", scopes=[Permission.ORDER_SUBMIT], ttl=timedelta(days=1))
    return Buyer(token, plan_line_id, house.address_id, listings)
