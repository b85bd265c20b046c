"""The price index of a category: a chained median of what the same products were bought for.

For every product bought in a month t that was also bought in an earlier month s, not more than `gap_months` back, its latest such s:

    the index as this product tells it  =  index(s) × price(t) / price(s)

and the index of t is the median of what the products tell. With s the month before for all of them this is the index of the month before
times the median of the price relatives, that is, a chained matched-model index (the consumer price index manual of ILO and others, 2004,
chapters 20 and 21, builds elementary indices of matched items so). Three choices differ from the usual geometric mean, each for a reason:
only the same product is compared, so that dearer models bought in one month do not look like inflation; the median is taken because a
category of a mall has few products and one wrong or odd price must not move it; and a product that pauses for a month is compared with
when it was last bought, because few are bought every month. Everything is whole numbers, rounded half up: the same rows give the same
index on every machine. The first month with enough products is 100.00.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

RULE: Final = "PI"
"""The dated parameters: `gap_months`, `least_products` (matched products below which the index stays as it was) and `open_days`
(days into the next month for which a month is worked out again, as contracts may still end)."""
BASE_BP: Final = 10_000


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def months_back(month: date, count: int) -> date:
    """The first day of the month so many months before."""
    at = month.year * 12 + month.month - 1 - count
    return date(at // 12, at % 12 + 1, 1)


def following(month: date) -> date:
    """The first day of the next month."""
    return month_of(month + timedelta(days=31))


def median(values: Sequence[int]) -> int:
    """Of whole numbers; the mean of the two in the middle rounded half up. At least one."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low + high + 1) // 2


@dataclass(frozen=True, kw_only=True)
class Traded:
    """A product's median price in a month, in fen."""

    product_id: int
    month: date
    median_fen: int


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a month adds to the chain."""

    index_bp: int
    matched: int


def link(now: Iterable[Traded], before: Iterable[Traded], index_bp: Mapping[date, int], *, least: int) -> Link | None:
    """The index of the month of `now`; None before there is a first month. `before` are the months of the gap, `index_bp` the chain so far.

    With fewer than `least` matched products the chain stays where it was.
    """
    latest: dict[int, Traded] = {}
    for each in before:
        if each.month in index_bp and (each.product_id not in latest or each.month > latest[each.product_id].month):
            latest[each.product_id] = each
    bought = {each.product_id: each for each in now}
    told = [
        (2 * index_bp[old.month] * new.median_fen + old.median_fen) // (2 * old.median_fen)
        for product_id, new in bought.items()
        if (old := latest.get(product_id)) is not None
    ]
    if not index_bp:
        return Link(index_bp=BASE_BP, matched=0) if len(bought) >= least else None
    if len(told) < max(least, 1):
        return Link(index_bp=index_bp[max(index_bp)], matched=len(told))
    return Link(index_bp=max(median(told), 1), matched=len(told))
