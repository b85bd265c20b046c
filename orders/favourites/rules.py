"""When somebody who waits is told, and what is new in a search. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.kernel.errors import N_, Conflict, Invalid

RULE: Final = "FV"


@dataclass(frozen=True)
class Terms:
    """How much one person keeps, and how his searches are looked through (dated parameters of rule FV)."""

    most: int
    """Favourites, searches and awaited things of one person, each."""
    hits: int
    """Of a saved search, so many of the first hits are watched."""
    every_s: int
    """Seconds between two looks at a saved search."""

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Terms":
        """As the parameters of a day say."""
        return cls(**{name: int(parameters[name]) for name in cls.__dataclass_fields__})


class TooMany(Conflict):
    """More than anybody looks at."""

    code = "favourite.too_many"
    message = N_("每人最多保存 %(most)s 项")
    way_out = N_("请先删去不用的")
    most: int


class BadBound(Invalid):
    """A price to wait for is above nothing and below a hundred million yuan."""

    code = "favourite.bad_bound"
    message = N_("提醒价须大于零且小于 1 亿元")
    way_out = N_("请填写以元为单位的金额，例如 980 或 980.50")
    field: str | None = "below"


def check_bound(below_fen: int | None) -> None:
    """Raises BadBound."""
    if below_fen is not None and not 0 < below_fen < 10_000_000_000:
        raise BadBound()


def fulfilled(below_fen: int | None, price_fen: int, stock: int) -> bool:
    """Whether an offer that can be bought is what was waited for: in stock, and not above the price if one was said."""
    return stock > 0 and (below_fen is None or price_fen <= below_fen)


def news(known: Mapping[int, int], now: Mapping[int, int]) -> tuple[int, int]:
    """How many listings were not there at the last look, and how many cost less than then."""
    return sum(each not in known for each in now), sum(each in known and price < known[each] for each, price in now.items())
