"""When people of the training province work: on working days, from nine to half past five, with a break at noon."""

from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final

from app.kernel import workdays
from app.kernel.clock import LOCAL, local

OPENS, CLOSES = time(8, 45), time(17, 40)
DAY: Final = timedelta(hours=8, minutes=55)


@cache
def _is_workday(day: date) -> bool:
    return workdays.is_workday(day)


@cache
def _next_workday(day: date) -> date:
    day += timedelta(days=1)
    while not _is_workday(day):
        day += timedelta(days=1)
    return day


def in_office(at: datetime) -> datetime:
    """This moment if the offices are open, else when they open next."""
    here = local(at)
    day = here.date()
    if _is_workday(day) and OPENS <= here.time() <= CLOSES:
        return at
    if not _is_workday(day) or here.time() > CLOSES:
        day = _next_workday(day)
    return datetime.combine(day, OPENS, LOCAL).astimezone(at.tzinfo)


def later(at: datetime, rng: Random, low: float, high: float) -> datetime:
    """So many office hours later, give or take."""
    rest = timedelta(hours=rng.uniform(low, high))
    at = in_office(at)
    while True:
        here = local(at)
        closing = datetime.combine(here.date(), CLOSES, LOCAL)
        if here + rest <= closing:
            return (here + rest).astimezone(at.tzinfo)
        rest -= closing - here
        day = _next_workday(here.date())
        at = datetime.combine(day, OPENS, LOCAL).astimezone(at.tzinfo) + timedelta(seconds=rng.uniform(0, 900))
        rest = max(rest - (at - datetime.combine(day, OPENS, LOCAL).astimezone(at.tzinfo)), timedelta())


def any_moment(day: date, rng: Random) -> datetime:
    """Some office moment of a day."""
    opens = datetime.combine(day, OPENS, LOCAL)
    return opens + DAY * rng.random()


def working_days(first: date, last: date) -> list[date]:
    """The working days from the first to the last day."""
    return [day for i in range((last - first).days + 1) if _is_workday(day := first + timedelta(days=i))]
