"""The live stream as text/event-stream: one thread for each process watches how far the log has come.

Whoever watches reads his own lines with his own filter from the database when that thread says that there are new ones.
So there is one filter, in SQL, no buffer that could overflow, and a resumed stream is the same question again.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.policy import Actor
from supervision.dashboard import queries
from supervision.dashboard.queries import Filter, StreamEntry
from supervision.dashboard.rules import StreamFull

EVERY_S = 0.3
BEAT_S = 15.0
"""A comment line this often shows a client that is gone."""

LONGEST_S = 120.0
"""A stream is cut after so long and resumed by the browser, so that signing out and lost permissions take effect."""

RETRY_MS = 1000

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Read = Callable[[int], tuple[list[dict[str, Any]], int]]
"""Lines above an index, and how far the answer reaches."""


class Broadcaster:
    """Knows the newest index of this process and wakes those who wait for it; the thread lives while somebody does."""

    def __init__(self, sessions: Callable[[], Session], *, most: int) -> None:
        self.sessions, self.most = sessions, most
        self.head = -1
        self.seats = 0
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    def take_seat(self) -> "Seat":
        """A place for one stream. Raises StreamFull."""
        with self.changed:
            if self.seats >= self.most:
                raise StreamFull()
            self.seats += 1
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._look, name="stream-head", daemon=True)
                self.thread.start()
        return Seat(self)

    def wait(self, seen: int, seconds: float) -> int:
        """The newest index, as soon as it is above the one seen, or after so many seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.head > seen, seconds)
            return self.head

    def _look(self) -> None:
        while True:
            try:
                with self.sessions() as session:
                    head = queries.head(session)
            except DBAPIError:  # the database is away: those who wait get their heartbeat, and the next look may succeed
                head = self.head
            with self.changed:
                if self.seats == 0:
                    self.thread = None
                    return
                if head != self.head:
                    self.head = head
                    self.changed.notify_all()
            time.sleep(EVERY_S)


class Seat:
    """One stream's place; given back once, however often that is asked."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self.broadcaster = broadcaster
        self.taken = True

    def give_back(self) -> None:
        """Make room for another stream."""
        with self.broadcaster.changed:
            if self.taken:
                self.taken = False
                self.broadcaster.seats -= 1


_first = threading.Lock()


def shared(registry: dict[str, Any], engine: Engine, *, threads: int) -> Broadcaster:
    """The one broadcaster of this process; at most a quarter of its threads are given to streams."""
    with _first:
        found: Broadcaster | None = registry.get("mall.broadcaster")
        if found is None:
            found = registry["mall.broadcaster"] = Broadcaster(lambda: Session(engine), most=max(1, threads // 4))
        return found


def reader(engine: Engine, actor: Actor, wanted: Filter, show: Callable[[StreamEntry], dict[str, Any]]) -> Read:
    """Reads the lines of one watcher, each time in a session of its own, so that no connection is held while waiting."""

    def read(index: int) -> tuple[list[dict[str, Any]], int]:
        with Session(engine) as session:
            found, reached = queries.after(session, actor, wanted, index)
            return [show(each) for each in found], reached

    return read


def start_at(engine: Engine, index: int | None) -> int:
    """Where a stream begins: after the index given, or with what comes next; never beyond the log."""
    with Session(engine) as session:
        head = queries.head(session)
    return head if index is None else min(max(index, -1), head)


def frames(broadcaster: Broadcaster, read: Read, start: int, *, longest: float = LONGEST_S, beat: float = BEAT_S) -> Iterator[str]:
    """The stream from an index on: each line once, in order; `after` in each tells up to where nothing is missing.

    An `entry` is a line; a `head` moves the sequence on when the last leaves were none of the watcher's.
    """
    began, position = time.monotonic(), start
    yield f"retry: {RETRY_MS}\n\n"
    while time.monotonic() - began < longest:
        items, reached = read(position)
        for item in items:
            yield _frame("entry", item["leaf_index"], {**item, "after": position})
            position = item["leaf_index"]
        if reached > position:
            yield _frame("head", reached, {"after": position, "head": reached})
            position = reached
        if broadcaster.wait(position, beat) <= position:
            yield ": still here\n\n"


def _frame(event: str, index: int, content: dict[str, Any]) -> str:
    return f"event: {event}\nid: {index}\ndata: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"
