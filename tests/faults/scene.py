"""Where the fire breaks out: units with little money and much to buy, two suppliers, a token for each who acts.

Everything is so cheap that no limit of the law is met, however many orders are placed: what refuses is money and stock.
"""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, Organisation
from app.accounts.people.service import issue_token
from app.kernel.db import commit, make_engine
from app.policy import Permission, Role
from tests import factories

PRICE_FEN = 1_00
PLENTY, SCARCE = 10**6, 150


@dataclass(frozen=True)
class Desk:
    """One unit: its buyer and approver, its two plan lines under one allotment, where it wants its goods."""

    unit_id: int
    buyer_id: int
    buyer_token: str
    approver_token: str
    allotment_control_id: int
    plan_lines: list[int]
    address_id: int


@dataclass(frozen=True)
class Scene:
    """What clients and the checker must know."""

    desks: list[Desk]
    clerks: dict[str, str]
    """The token of each supplier's order clerk."""
    stocks: dict[str, int]
    """Pieces of each listing at the beginning."""
    budget_fen: int
    price_fen: int = PRICE_FEN

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(**{**found, "desks": [Desk(**desk) for desk in found["desks"]]})


def build(url: str, *, units: int, allotment_fen: int) -> Scene:
    """Fill a migrated database; the whole budget is `units` allotments of so many fen, each planned to the last fen."""
    engine = make_engine(url)
    with Session(engine, expire_on_commit=False) as session, commit(session):
        clerks, stocks = {}, {}
        for _ in range(2):
            seller = factories.supplier(session)
            shop = session.get_one(Organisation, seller.organisation_id)
            clerk = factories.actor(session, factories.person(session, shop, Role.ORDER_CLERK))
            clerks[str(shop.id)] = _token(session, clerk, Permission.CONTRACT_CONFIRM)
            for stock in (PLENTY, PLENTY, SCARCE):
                offer = factories.listing(session, seller, factories.product(session), price_fen=PRICE_FEN, stock=stock)
                stocks[str(offer.id)] = stock
        desks = [_desk(session, allotment_fen) for _ in range(units)]
    engine.dispose()
    return Scene(desks=desks, clerks=clerks, stocks=stocks, budget_fen=units * allotment_fen)


def _desk(session: Session, allotment_fen: int) -> Desk:
    unit = factories.unit(session)
    people = factories.staff(session, unit, factories.UNIT_ROLES)
    money = factories.allotment(session, unit, amount_fen=allotment_fen)
    halves = [factories.budget_line(session, money, quantity=10**6, amount_fen=allotment_fen // 2) for _ in range(2)]
    filed = factories.plan(session, people[Role.FINANCE], *halves)
    buyer = people[Role.BUYER]
    assert buyer.person_id is not None
    return Desk(
        unit_id=unit.id,
        buyer_id=buyer.person_id,
        buyer_token=_token(session, buyer, Permission.ORDER_SUBMIT),
        approver_token=_token(session, people[Role.APPROVER], Permission.ORDER_APPROVE),
        allotment_control_id=money.control_id,
        plan_lines=[line.id for line in factories.plan_lines(session, filed)],
        address_id=session.scalars(select(Address.id).where(Address.organisation_id == unit.id)).one(),
    )


def _token(session: Session, actor: Any, *scopes: Permission) -> str:
    return issue_token(session, actor, name="faults", scopes=scopes, ttl=timedelta(hours=4))[1]
