"""The one clock. Everything that asks for the time asks here.

Times are aware UTC; days are calendar days in Henan (Asia/Shanghai). The training province may run ahead of the real
time by an offset kept in a file that every process reads (`mall demo advance`); production never sets one.
"""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


class _Offset:
    """Seconds ahead of real time, re-read from its file at most once a second."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.seconds = 0.0
        self.read_at = 0.0

    def current(self) -> float:
        if self.path is None:
            return self.seconds
        if (tick := time.monotonic()) - self.read_at >= 1.0:
            self.read_at = tick
            self.seconds = float(self.path.read_text() or 0) if self.path.exists() else 0.0
        return self.seconds


_offset = _Offset()


def use_offset_file(path: Path | None) -> None:
    """Read the offset from this file from now on; None runs on real time."""
    _offset.path, _offset.seconds, _offset.read_at = path, 0.0, 0.0


def advance(step: timedelta) -> None:
    """Move the shared clock forward (training province and tests only)."""
    seconds = _offset.current() + step.total_seconds()
    if _offset.path is not None:
        draft = _offset.path.with_suffix(".new")
        draft.write_text(str(seconds))
        draft.replace(_offset.path)
    _offset.seconds, _offset.read_at = seconds, time.monotonic()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=_offset.current())


def wall_now() -> datetime:
    """Real time, whatever the training province pretends: sessions, tokens and one-time codes live by it."""
    return datetime.now(UTC)


def local(moment: datetime) -> datetime:
    """The same moment on a Henan wall clock."""
    return moment.astimezone(LOCAL)


def today() -> date:
    """The calendar day in Henan."""
    return local(now()).date()


def start_of_day(day: date) -> datetime:
    """The first moment of a Henan day, in UTC: when what is set from a day on begins."""
    return datetime.combine(day, datetime.min.time(), LOCAL).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The last moment of a Henan day, in UTC: when a deadline counted in days runs out."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), LOCAL).astimezone(UTC) - timedelta(seconds=1)
