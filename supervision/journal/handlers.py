"""The sequencer follows the clock, not the outbox: every event gets its leaf, whoever else follows it."""

from app.config import Settings
from app.kernel.outbox import Consumer, Timer
from supervision.journal import service

EVERY_S = 0.5


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who follows which events."""
    return ()


def timers(settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("journal", EVERY_S, service.turns(settings.folder("journal"), settings.journal_key_path), lane="fast"),)
