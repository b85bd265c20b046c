"""How large a training province is: places, units, suppliers, offers, orders."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel import regions


class Size(StrEnum):
    """The sizes that can be asked for."""

    SMALL = "small"
    CITY = "city"
    PROVINCE = "province"


PROVINCE: Final = "410000"
CITIES: Final = ("410100", "410300", "411300")
COUNTIES: Final = ("410105", "410122", "410324", "410327", "411321", "411326")
CITY_OF_THE_TOUR: Final = "410100"

LETTERS: Final = {
    "410000": "hn",
    "410100": "zz",
    "410300": "ly",
    "411300": "ny",
    "410105": "js",
    "410122": "zm",
    "410324": "lc",
    "410327": "yy",
    "411321": "nz",
    "411326": "xc",
}
"""Two letters of a place for the logins of its people (郑州 zz, 洛阳 ly…); other places use their code."""


def letters(region: str) -> str:
    """How logins name a place."""
    return LETTERS.get(region, region)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The figures of one size."""

    size: Size
    places: tuple[str, ...]
    units: int
    suppliers: int
    products: int
    listings: int
    orders: int
    lines_of_budget: int
    atomic: bool
    """Whether everything is one transaction; the largest size is written in many."""


def scale_of(size: Size) -> Scale:
    """The figures of a size."""
    if size is Size.SMALL:
        return Scale(
            size=size,
            places=(PROVINCE, *CITIES, *COUNTIES),
            units=42,
            suppliers=60,
            products=1_000,
            listings=3_000,
            orders=1_500,
            lines_of_budget=14,
            atomic=True,
        )
    if size is Size.CITY:
        inside = tuple(code for code in regions.REGIONS if regions.within(code, CITY_OF_THE_TOUR) or code == PROVINCE)
        return Scale(
            size=size,
            places=tuple(dict.fromkeys((PROVINCE, *inside, *CITIES[1:], *COUNTIES))),
            units=300,
            suppliers=150,
            products=3_000,
            listings=15_000,
            orders=8_000,
            lines_of_budget=12,
            atomic=True,
        )
    return Scale(
        size=size,
        places=tuple(dict.fromkeys((PROVINCE, *CITIES, *COUNTIES, *regions.REGIONS))),
        units=5_000,
        suppliers=1_000,
        products=20_000,
        listings=200_000,
        orders=100_000,
        lines_of_budget=8,
        atomic=False,
    )
