"""Reads of public notices. Everybody may read all of them."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.kernel import clock, paging, regions
from app.kernel.errors import Missing
from supervision.disclosure.states import NoticeKind
from supervision.disclosure.tables import Notice

__all__ = ["Notice"]


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a reader looks for; days are Henan days, both included."""

    text: str = ""
    region: str | None = None
    kind: NoticeKind | None = None
    since: date | None = None
    until: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL; every word must be there."""
        found: list[ColumnElement[bool]] = [
            Notice.search_text.contains(word, autoescape=True) for word in self.text.lower().split()[:8]
        ]
        if self.region and self.region != regions.PROVINCE:
            found.append(Notice.region.in_(regions.below(self.region)))
        if self.kind is not None:
            found.append(Notice.kind == self.kind)
        if self.since is not None:
            found.append(Notice.published_at > clock.end_of_day(self.since - timedelta(days=1)))
        if self.until is not None:
            found.append(Notice.published_at <= clock.end_of_day(self.until))
        return found


def listing(session: Session, search: Search, *, cursor: str | None = None, limit: int = 30) -> paging.Page[Notice]:
    """Notices, the latest first."""
    keys = (paging.Key(Notice.published_at), paging.Key(Notice.id))
    return paging.page(session, select(Notice).where(*search.conditions()), keys, cursor=cursor, limit=limit)


def by_number(session: Session, number: str) -> Notice:
    """The notice with this number. Raises Missing."""
    found = session.scalar(select(Notice).where(Notice.number == number))
    if found is None:
        raise Missing()
    return found


def of_contract(session: Session, contract: str, kind: NoticeKind = NoticeKind.CONTRACT) -> Notice | None:
    """The notice of a contract, once it is published."""
    return session.scalar(select(Notice).where(Notice.contract_number == contract, Notice.kind == kind))


def named(session: Session, number: str) -> Notice | None:
    """The contract notice that somebody means by the number of a contract, an order or a notice."""
    for column in (Notice.contract_number, Notice.order_number, Notice.number):
        found = session.scalar(select(Notice).where(column == number).order_by(Notice.id).limit(1))
        if found is not None:
            return found
    return None


def body_of(notice: Notice) -> dict[str, Any]:
    """What the notice says."""
    found: dict[str, Any] = json.loads(notice.body)
    return found


@dataclass(frozen=True)
class Sums:
    """Contracts published in some days; amounts in fen."""

    contracts: int = 0
    amount_fen: int = 0
    sme_fen: int = 0
    terminated: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.contracts + other.contracts,
            self.amount_fen + other.amount_fen,
            self.sme_fen + other.sme_fen,
            self.terminated + other.terminated,
        )


def sums(session: Session, search: Search) -> dict[str, Sums]:
    """The sums by region; one statement, and all of them together are the whole."""
    concluded = Notice.kind == NoticeKind.CONTRACT
    amount = case((concluded, Notice.amount_fen), else_=0)
    query = select(
        Notice.region,
        func.sum(case((concluded, 1), else_=0)).label("contracts"),
        func.sum(amount).label("fen"),
        func.sum(case((Notice.is_sme, amount), else_=0)).label("sme"),
        func.sum(case((concluded, 0), else_=1)).label("ended"),
    ).where(*search.conditions())
    rows = session.execute(query.group_by(Notice.region))
    return {row.region: Sums(int(row.contracts), int(row.fen), int(row.sme), int(row.ended)) for row in rows}


def by_city(found: dict[str, Sums]) -> list[tuple[str, Sums]]:
    """The sums of the province's own level and of each city with all below it, in code order; empty ones are left out."""
    cities: dict[str, Sums] = {}
    for region, each in found.items():
        way = regions.path(region)
        city = way[1].code if len(way) > 1 else way[0].code
        cities[city] = cities.get(city, Sums()) + each
    return sorted(cities.items())


def total(found: dict[str, Sums]) -> Sums:
    """All together."""
    return sum(found.values(), Sums())
