"""The job worker: follows events and the clock until it is told to stop."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.outbox import Consumer, Event, Timer, raise_floor, step

log = logging.getLogger("mall.worker")

IDLE = 0.2
LOOK_AGAIN = 1.0
"""A consumer that had nothing to do is asked again when the log has grown, and anyhow after so many seconds: an event may be
committed after one with a higher number, and a lease runs out without a new event."""
HOUSEKEEPING = 300.0
NICENESS: Final = 5
"""How far the worker's process stands behind that of the pages when both want the processor: a third of the share. Further back it
would hold the one writer of SQLite for longer than people wait."""

Sessions = Callable[[], Session]


def step_aside() -> None:
    """Let whoever answers people have the processor first; for the rest of this process, and as far as the system allows it.

    Linux may share the processor among sessions before it looks at processes, so the session steps aside too.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


class Worker:
    """One thread per lane, so that a slow document never keeps the journal or the search index waiting."""

    def __init__(self, sessions: Sessions, consumers: Sequence[Consumer], timers: Sequence[Timer]) -> None:
        self.sessions, self.consumers, self.timers = sessions, tuple(consumers), tuple(timers)
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop()`; returns when every lane has finished the step it was in."""
        lanes = sorted({c.lane for c in self.consumers} | {t.lane for t in self.timers})
        threads = [threading.Thread(target=self._lane, args=(lane,), name=f"lane-{lane}") for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """Ask every lane to finish; safe to call from a signal handler."""
        self.stopping.set()

    def drain(self, rounds: int = 1000) -> int:
        """Run everything that is due, in this thread, until nothing is left (tests, bulk loads); returns the count."""
        total = 0
        for _ in range(rounds):
            done = sum(step(self.sessions, consumer) for consumer in self.consumers)
            done += sum(timer.run(self.sessions) for timer in self.timers)
            total += done
            if not done:
                return total
        raise RuntimeError("work keeps making new work")

    def _lane(self, lane: str) -> None:
        consumers = [consumer for consumer in self.consumers if consumer.lane == lane]
        due = {timer: 0.0 for timer in self.timers if timer.lane == lane}
        tidy_at = time.monotonic() + HOUSEKEEPING
        quiet_at, quiet_until = -1, 0.0
        while not self.stopping.is_set():
            done = 0
            end = self._guarded("log", self._end_of_log) if consumers else 0
            if end != quiet_at or time.monotonic() >= quiet_until:
                for consumer in consumers:
                    done += self._guarded(consumer.name, lambda c=consumer: step(self.sessions, c))  # type: ignore[misc]
                quiet_at, quiet_until = (-1 if done else end), time.monotonic() + LOOK_AGAIN
            for timer, at in due.items():
                if time.monotonic() >= at:
                    done += self._guarded(timer.name, lambda t=timer: t.run(self.sessions))  # type: ignore[misc]
                    due[timer] = time.monotonic() + timer.every
            if time.monotonic() >= tidy_at:
                self._guarded("housekeeping", lambda: self._tidy(consumers))
                tidy_at = time.monotonic() + HOUSEKEEPING
            if not done:
                self.stopping.wait(IDLE)

    def _end_of_log(self) -> int:
        with self.sessions() as session:
            return session.scalar(select(func.max(Event.id))) or 0

    def _tidy(self, consumers: Sequence[Consumer]) -> int:
        with self.sessions() as session:
            for consumer in consumers:
                with commit(session):
                    raise_floor(session, consumer)
        return 0

    def _guarded(self, name: str, job: Callable[[], int]) -> int:
        """A database that is away, or one broken timer, must not end the worker."""
        try:
            return job()
        except DBAPIError:
            log.exception("database did not answer", extra={"job": name})
        except Exception:
            log.exception("job failed", extra={"job": name})
        self.stopping.wait(1.0)
        return 0
