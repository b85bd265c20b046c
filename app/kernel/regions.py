"""Regions of Henan: the province, its cities, counties, districts and functional zones.

``parent`` is the administrative superior. ``fiscal_parent`` is where budgets come from and plans are reported to: the
province itself for 济源 and the ten counties that its treasury manages directly (实施条例 78).
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from app.kernel.errors import N_, Missing

PROVINCE: Final = "410000"


class Level(StrEnum):
    """The rank that limits and deadlines are set for."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


class Kind(StrEnum):
    """What a region is in the administrative division."""

    PROVINCE = "province"
    CITY = "city"
    PROVINCE_MANAGED_CITY = "province_managed_city"
    DISTRICT = "district"
    COUNTY = "county"
    COUNTY_LEVEL_CITY = "county_level_city"
    FUNCTIONAL_ZONE = "functional_zone"


_LEVELS: Final = {
    Kind.PROVINCE: Level.PROVINCE,
    Kind.CITY: Level.CITY,
    Kind.PROVINCE_MANAGED_CITY: Level.CITY,
}


class UnknownRegion(Missing):
    """No region of the province has this code."""

    code = "region.unknown"
    message = N_("没有代码为 %(region)s 的行政区划")
    region: str


@dataclass(frozen=True)
class Region:
    """One region with a finance department of its own."""

    code: str
    name: str
    kind: Kind
    parent: str | None
    fiscal_parent: str | None
    pinyin: str

    @property
    def level(self) -> Level:
        """The rank that limits and deadlines are set for; 济源 counts as a city, zones as counties."""
        return _LEVELS.get(self.kind, Level.COUNTY)

    @property
    def managed_by_province(self) -> bool:
        """Whether the province's treasury deals with it past the city it lies in."""
        return self.fiscal_parent == PROVINCE and self.parent != PROVINCE


def _read() -> dict[str, Region]:
    text = (files("app.kernel") / "data" / "regions.csv").read_text("utf-8")
    return {
        row["code"]: Region(
            code=row["code"],
            name=row["name"],
            kind=Kind(row["kind"]),
            parent=row["parent"] or None,
            fiscal_parent=row["fiscal_parent"] or None,
            pinyin=row["pinyin"],
        )
        for row in csv.DictReader(text.splitlines())
    }


#: Every region by code, in code order; the province comes first.
REGIONS: Final = _read()


def by_code(code: str) -> Region:
    """The region with this code. Raises UnknownRegion."""
    try:
        return REGIONS[code]
    except KeyError:
        raise UnknownRegion(region=code) from None


@cache
def children(code: str, *, fiscal: bool = False) -> tuple[Region, ...]:
    """The regions directly below, administratively or, with ``fiscal``, by where their money comes from."""
    return tuple(r for r in REGIONS.values() if (r.fiscal_parent if fiscal else r.parent) == code)


@cache
def path(code: str, *, fiscal: bool = False) -> tuple[Region, ...]:
    """The way from the province down to the region itself. Raises UnknownRegion."""
    region = by_code(code)
    above = region.fiscal_parent if fiscal else region.parent
    return (*path(above, fiscal=fiscal), region) if above else (region,)


def within(code: str, ancestor: str, *, fiscal: bool = False) -> bool:
    """Whether the region is the ancestor or lies below it; unknown codes lie nowhere."""
    return code in REGIONS and any(region.code == ancestor for region in path(code, fiscal=fiscal))


@cache
def below(code: str, *, fiscal: bool = False) -> frozenset[str]:
    """The codes of the region and of everything below it: what a supervisor of the region may see."""
    return frozenset(other for other in REGIONS if within(other, code, fiscal=fiscal))


def full_name(code: str) -> str:
    """The name as addresses write it, with the regions above: 河南省郑州市金水区."""
    return "".join(region.name for region in path(code))
