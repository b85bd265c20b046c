"""Working days of the State Council's yearly notices, and the law's bare rule for years not yet announced.

A deadline that crosses into a year without a notice is provisional: it is computed from 全国年节及纪念日放假办法 (2024)
and must be computed again once `Calendar` knows that year.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

_DATA: Final = files("app.kernel") / "data"
_FIXED: Final = ((1, 1, "元旦"), (5, 1, "劳动节"), (5, 2, "劳动节"), (10, 1, "国庆节"), (10, 2, "国庆节"), (10, 3, "国庆节"))
_LUNAR: Final = (("qingming", "清明节"), ("dragon_boat", "端午节"), ("mid_autumn", "中秋节"))
_DAY: Final = timedelta(days=1)


class Unit(StrEnum):
    """What a period is counted in: working days or calendar days."""

    WORKDAYS = "wd"
    DAYS = "d"


@dataclass(frozen=True, order=True)
class Deadline:
    """The last day of a period; provisional when a year it crosses has no notice yet."""

    on: date
    provisional: bool = False


@dataclass(frozen=True)
class Notice:
    """One year's arrangement: days off and make-up working days, with the names of the holidays."""

    year: int
    off: Mapping[date, str]
    work: Mapping[date, str]

    @classmethod
    def from_json(cls, text: str) -> "Notice":
        """Read the project's own form of a yearly notice (`data/holidays/<year>.json`)."""
        raw = json.loads(text)
        off, work = ({date.fromisoformat(day): name for day, name in raw[side].items()} for side in ("off", "work"))
        return cls(year=raw["year"], off=off, work=work)


@dataclass
class Calendar:
    """Answers whether a day is a working day; knows which years are announced."""

    notices: Mapping[int, Notice]
    lunar: Mapping[int, Mapping[str, date]]
    _off: dict[date, str] = field(init=False)
    _work: dict[date, str] = field(init=False)
    _ruled: dict[int, dict[date, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._off = {day: name for notice in self.notices.values() for day, name in notice.off.items()}
        self._work = {day: name for notice in self.notices.values() for day, name in notice.work.items()}

    def announced(self, year: int) -> bool:
        """Whether the State Council's notice for this year is loaded."""
        return year in self.notices

    def holiday(self, day: date) -> str | None:
        """The holiday a day off belongs to; None on other days, plain weekends included."""
        if day in self._work:
            return None
        return self._off.get(day) or (None if self.announced(day.year) else self._by_rule(day.year).get(day))

    def is_workday(self, day: date) -> bool:
        """Whether public bodies work on this day."""
        if day in self._work:
            return True
        return day.weekday() < 5 and self.holiday(day) is None

    def add_workdays(self, start: date, n: int) -> Deadline:
        """The n-th working day after ``start``, which itself is not counted (民法典 201); n = 0 gives ``start``."""
        if n < 0:
            raise ValueError(f"a period of {n} working days")
        day = start
        while n:
            day += _DAY
            n -= self.is_workday(day)
        return Deadline(day, self._provisional(start, day))

    def add_days(self, start: date, n: int) -> Deadline:
        """The n-th calendar day after ``start``; a last day that is a holiday moves to the next working day (民法典 203)."""
        if n < 0:
            raise ValueError(f"a period of {n} days")
        day = start + timedelta(days=n)
        while n and not self.is_workday(day):
            day += _DAY
        return Deadline(day, self._provisional(start, day))

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and including ``end``; negative when ``end`` comes first."""
        if end < start:
            return -self.workdays_between(end, start)
        return sum(self.is_workday(start + timedelta(days=i)) for i in range(1, (end - start).days + 1))

    def _provisional(self, start: date, end: date) -> bool:
        return any(not self.announced(year) for year in range(start.year, end.year + 1))

    def _by_rule(self, year: int) -> dict[date, str]:
        """The statutory holidays alone; one on a weekend is made up on the next working days (放假办法 2, 6)."""
        if year not in self._ruled:
            named = sorted(self._statutory(year))
            off = dict(named)
            for day, name in named:
                if day.weekday() < 5:
                    continue
                makeup = day
                while makeup.weekday() >= 5 or makeup in off:
                    makeup += _DAY
                off[makeup] = name
            self._ruled[year] = off
        return self._ruled[year]

    def _statutory(self, year: int) -> Iterator[tuple[date, str]]:
        for month, day, name in _FIXED:
            yield date(year, month, day), name
        moon = self.lunar.get(year, {})
        if moon:
            for offset in range(-1, 3):
                yield moon["spring_festival"] + timedelta(days=offset), "春节"
        fixed = {date(year, month, day) for month, day, _ in _FIXED}
        for key, name in _LUNAR:
            if moon and moon[key] not in fixed:
                yield moon[key], name


@cache
def calendar() -> Calendar:
    """The calendar of all notices shipped with the product."""
    notices = [Notice.from_json(f.read_text("utf-8")) for f in (_DATA / "holidays").iterdir() if f.name.endswith(".json")]
    moon = json.loads((_DATA / "lunar.json").read_text("utf-8"))
    lunar = {int(year): {key: date.fromisoformat(day) for key, day in days.items()} for year, days in moon.items()}
    return Calendar({notice.year: notice for notice in notices}, lunar)


def is_workday(day: date) -> bool:
    """Whether public bodies work on this day; see `Calendar.is_workday`."""
    return calendar().is_workday(day)


def holiday(day: date) -> str | None:
    """The name of the holiday a day off belongs to, if any."""
    return calendar().holiday(day)


def add_workdays(start: date, n: int) -> Deadline:
    """The n-th working day after ``start``; see `Calendar.add_workdays`."""
    return calendar().add_workdays(start, n)


def add_days(start: date, n: int) -> Deadline:
    """The n-th calendar day after ``start``, moved off holidays; see `Calendar.add_days`."""
    return calendar().add_days(start, n)


def after(start: date, n: int, unit: Unit) -> Deadline:
    """The end of a period counted in working or calendar days, as dated term rows give it."""
    return add_workdays(start, n) if unit is Unit.WORKDAYS else add_days(start, n)


def workdays_between(start: date, end: date) -> int:
    """Working days after ``start`` up to and including ``end``; see `Calendar.workdays_between`."""
    return calendar().workdays_between(start, end)
