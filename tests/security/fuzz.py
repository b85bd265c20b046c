"""Throws cases at the whole application as somebody, and keeps count: how many, which answers, how slow, what was wrong."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SLOWEST_SECONDS = 2.0
ACCESS = "mall.access"


class Complaints(logging.Handler):
    """Collects what the application logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Tally:
    """What came back."""

    cases: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    busiest: tuple[float, str] = (0.0, "")
    """The same in seconds of work, which other programs on the machine do not lengthen."""
    wrong: dict[str, str] = field(default_factory=dict)
    """The first case of every kind of failure, by kind."""

    def note(self, what: str, status: int, seconds: float, busy: float) -> None:
        """One more case was answered, after so many seconds, so many of them of work."""
        self.cases += 1
        self.answers[status] += 1
        self.slowest = max(self.slowest, (seconds, what))
        self.busiest = max(self.busiest, (busy, what))
        if status >= 500:
            self.blame(f"{status} {what}", "")

    def blame(self, kind: str, how: str) -> None:
        """Something was wrong with an answer."""
        self.wrong.setdefault(kind, how)

    def __str__(self) -> str:
        seconds, what = self.slowest
        return f"{self.cases} cases, answers {dict(sorted(self.answers.items()))}, slowest {seconds:.2f} s ({what}), {len(self.wrong)} wrong"


@contextmanager
def quiet() -> Iterator[Complaints]:
    """No access lines meanwhile, and every logged error is kept."""
    complaints, access = Complaints(), logging.getLogger(ACCESS)
    watched = [logging.getLogger(name) for name in ("mall", "wsgi", "werkzeug", "sqlalchemy")]
    level = access.level
    access.setLevel(logging.CRITICAL)
    for logger in watched:
        logger.addHandler(complaints)
    try:
        yield complaints
    finally:
        access.setLevel(level)
        for logger in watched:
            logger.removeHandler(complaints)
