"""Shape of what the stream and the board are asked for: filters and periods live in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from app.kernel import clock
from app.kernel.errors import N_, Refusal
from app.kernel.money import parse_yuan, yuan
from supervision.dashboard.queries import Filter
from supervision.dashboard.states import LINE_STATES, Kind, Risk

LARGEST = 2**63 - 1


class Period(StrEnum):
    """The days that a board adds up."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


PERIOD_NAMES: dict[Period, str] = {Period.DAY: N_("今日"), Period.MONTH: N_("本月"), Period.YEAR: N_("本年")}


@dataclass(frozen=True)
class Span:
    """First and last day, both included."""

    since: date
    until: date


def period_of(text: str | None) -> Period:
    """The period asked for; today when none or nonsense."""
    return Period(text) if text in set(Period) else Period.DAY


def span_of(period: Period, today: date) -> Span:
    """The days of a period up to today."""
    first = {Period.DAY: today, Period.MONTH: today.replace(day=1), Period.YEAR: today.replace(month=1, day=1)}[period]
    return Span(first, today)


def days_back(today: date, days: int) -> list[date]:
    """So many days up to today, the oldest first."""
    return [today - timedelta(days=n) for n in range(days - 1, -1, -1)]


def index_of(text: str | None) -> int | None:
    """A place in the log as given by a client, or None."""
    words = (text or "").strip()
    digits = words.removeprefix("-")
    return int(words) if digits.isascii() and digits.isdecimal() and int(digits) <= LARGEST else None


def filter_of(given: Mapping[str, str], region: str | None) -> Filter:
    """The filter of an address; what is not understood is left out. `region` has been checked by the caller."""
    return Filter(
        region=region,
        own_level=given.get("own") == "1",
        risk=Risk(given["risk"]) if given.get("risk") in set(Risk) else None,
        kind=Kind(given["kind"]) if given.get("kind") in set(Kind) else None,
        state=given["state"] if given.get("state") in LINE_STATES else None,
        least_fen=_fen(given.get("least")),
        text=given.get("q", "").strip()[:100],
        unit_id=index_of(given.get("unit")),
        since=_day(given.get("from")),
        until=_day(given.get("to")),
    )


def address_of(wanted: Filter) -> dict[str, str]:
    """The same filter as the arguments of an address."""
    found: dict[str, Any] = {
        "region": wanted.region,
        "own": "1" if wanted.own_level else None,
        "risk": wanted.risk,
        "kind": wanted.kind,
        "state": wanted.state,
        "least": yuan(wanted.least_fen).replace(",", "").removesuffix(".00") if wanted.least_fen else None,
        "q": wanted.text,
        "unit": wanted.unit_id,
        "from": wanted.since.isoformat() if wanted.since else None,
        "to": wanted.until.isoformat() if wanted.until else None,
    }
    return {name: str(value) for name, value in found.items() if value}


def is_live(wanted: Filter) -> bool:
    """Whether anything new can still match: the last day asked for is not over."""
    return wanted.until is None or wanted.until >= clock.today()


def _fen(text: str | None) -> int | None:
    try:
        return parse_yuan(text) if text and text.strip() else None
    except Refusal:
        return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
