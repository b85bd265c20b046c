"""How much a place is seen, and how a supplier's share of what was shown stands against its share of what is offered."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

RULE: Final = "Q02"
"""The dated parameters: `share_bp` (how many of ten thousand searches are kept), `keep_days`, `least_shown` (hits shown in a category
from which its shares are judged) and `high_percent` (the share of exposure, in percent of the share of offers, worth a look)."""
FULL: Final = 10_000


class Shown(NamedTuple):
    """A hit of a sampled page; places begin with 1 and go on over the pages."""

    place: int
    listing_id: int
    supplier_id: int
    category_code: str


def weight(place: int) -> int:
    """How much a place is seen, in ten-thousandths of the first: 1 / log2(1 + place), the discount of the nDCG measure
    (Järvelin and Kekäläinen 2002), which reading of result lists roughly follows.
    """
    return round(FULL / math.log2(1 + place))


@dataclass(frozen=True, kw_only=True)
class Share:
    """One supplier in one category. Shares in ten-thousandths."""

    supplier_id: int
    offers: int
    offers_bp: int
    shown: int
    shown_bp: int
    exposure_bp: int
    """Share of what was shown, each hit weighed by its place."""
    percent: int | None
    """Exposure in percent of the share of offers: 100 is even. None without an offer now."""
    is_high: bool


def shares(offers: Mapping[int, int], shown: Mapping[int, tuple[int, int]], *, least_shown: int, high_percent: int) -> list[Share]:
    """The suppliers of a category, the most favoured first. `offers` counts live offers, `shown` hits with their weights."""
    all_offers, all_shown, all_weight = sum(offers.values()), sum(n for n, _ in shown.values()), sum(w for _, w in shown.values())
    found = []
    for supplier_id in {*offers, *shown}:
        n, (hits, seen) = offers.get(supplier_id, 0), shown.get(supplier_id, (0, 0))
        # One half-up rounding of seen / all_weight over n / all_offers, in whole percent.
        percent = (200 * seen * all_offers + all_weight * n) // (2 * all_weight * n) if n and all_weight else None
        found.append(
            Share(
                supplier_id=supplier_id, offers=n, offers_bp=part(n, all_offers), shown=hits, shown_bp=part(hits, all_shown),
                exposure_bp=part(seen, all_weight), percent=percent,
                is_high=percent is not None and all_shown >= least_shown and percent >= high_percent,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (-(one.percent or 0), -one.exposure_bp, one.supplier_id))


def part(of: int, whole: int) -> int:
    """A share in ten-thousandths, rounded half up; nothing of nothing is 0."""
    return (2 * FULL * of + whole) // (2 * whole) if whole else 0


def summed(hits: Iterable[Shown]) -> dict[tuple[str, int], tuple[int, int]]:
    """Hits and weights of a page by category and supplier."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for hit in hits:
        n, seen = found.get((hit.category_code, hit.supplier_id), (0, 0))
        found[hit.category_code, hit.supplier_id] = (n + 1, seen + weight(hit.place))
    return found
