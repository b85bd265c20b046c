"""Working out the price index. No events: it follows from the orders, and anybody with the rows comes to the same figures."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.kernel import clock
from catalog.taxonomy import queries as taxonomy
from orders.purchases import queries as purchases
from supervision.prices import rules
from supervision.prices.rules import RULE, Traded
from supervision.prices.tables import IndexPoint, TradedMonth

PLAIN: Final = {"synchronize_session": False}


def bring_up_to_date(session: Session, on: date) -> int:
    """Work out every month that is still open or was never worked out; returns how many points were written.

    Costs the lines of those months and the gap before them, not the whole history. Without its parameters nothing is done.
    """
    known = taxonomy.parameters(session, RULE, on)
    if not {"gap_months", "least_products", "open_days"} <= known.keys():
        return 0
    month = _first_open(session, on, int(known["open_days"]))
    written = 0
    while month is not None and month <= on:
        written += _work_out(session, month, gap=int(known["gap_months"]), least=int(known["least_products"]))
        month = rules.following(month)
    return written


def _first_open(session: Session, on: date, open_days: int) -> date | None:
    """The first month to be worked out; None while nothing was ever bought."""
    worked = session.scalar(select(func.max(TradedMonth.month)))
    if worked is None:
        first = purchases.first_concluded(session)
        return rules.month_of(clock.local(first).date()) if first else None
    last: date = worked
    return min(last, rules.month_of(on - timedelta(days=open_days)))


def _work_out(session: Session, month: date, *, gap: int, least: int) -> int:
    end = rules.following(month)
    bought = purchases.traded_between(session, clock.start_of_day(month), clock.start_of_day(end))
    session.execute(delete(TradedMonth).where(TradedMonth.month == month), execution_options=PLAIN)
    session.execute(delete(IndexPoint).where(IndexPoint.month == month), execution_options=PLAIN)
    if not bought:
        return 0
    rows = [
        {"product_id": each.product_id, "month": month, "category_code": each.category_code, "median_fen": each.median_fen, "lines": each.n}
        for each in bought
    ]
    session.execute(insert(TradedMonth), rows)
    before = _before(session, rules.months_back(month, gap), month)
    chains = _chains(session, month)
    at = clock.now()
    points = []
    now: defaultdict[str, list[Traded]] = defaultdict(list)
    lines: defaultdict[str, int] = defaultdict(int)
    for each in bought:
        now[each.category_code].append(Traded(product_id=each.product_id, month=month, median_fen=each.median_fen))
        lines[each.category_code] += each.n
    for code, traded in sorted(now.items()):
        found = rules.link(traded, before.get(code, []), chains.get(code, {}), least=least)
        if found is not None:
            points.append(
                {
                    "category_code": code, "month": month, "index_bp": found.index_bp, "matched": found.matched, "products": len(traded),
                    "lines": lines[code], "at": at,
                }
            )  # fmt: skip
    if points:
        session.execute(insert(IndexPoint), points)
    return len(points)


def _before(session: Session, first: date, month: date) -> dict[str, list[Traded]]:
    """What was bought in the months of the gap, by category."""
    query = select(TradedMonth).where(TradedMonth.month >= first, TradedMonth.month < month)
    found: defaultdict[str, list[Traded]] = defaultdict(list)
    for row in session.scalars(query):
        found[row.category_code].append(Traded(product_id=row.product_id, month=row.month, median_fen=row.median_fen))
    return dict(found)


def _chains(session: Session, month: date) -> dict[str, dict[date, int]]:
    """The index of every category before a month."""
    query = select(IndexPoint.category_code, IndexPoint.month, IndexPoint.index_bp).where(IndexPoint.month < month)
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for code, at, index_bp in session.execute(query):
        found[code][at] = index_bp
    return dict(found)
