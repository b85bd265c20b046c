"""The worker's lane for imports: it looks for files that wait, and does one batch after the other."""

from app.bulk.engine import Engine
from app.config import Settings
from app.kernel.outbox import Consumer, Timer


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return ()


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("bulk", 0.0, Engine().turn, lane="bulk"),)
