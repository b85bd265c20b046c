"""The sequencer: gives every event its leaf, writes the tiles, signs the checkpoint. One at a time, under a lock.

    T1  events without a leaf → leaves and salts          commit
    F   full tiles and bundles, partial ones, the checkpoint file last
    T2  the checkpoint row                                 commit

Killed anywhere, it starts again from the leaves. It never signs a smaller size, nor another root for a signed size.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from supervision.journal import leaf, tiles, tree
from supervision.journal.note import Head, Signer, head_of
from supervision.journal.tables import Checkpoint, FieldSalts, Leaf

Sessions = Callable[[], Session]

SETTLED_SECONDS = 600.0
"""No transaction stays open this long, so all events numbered before it are visible: the search may start above them."""
FULL_SEARCH_SECONDS = 3600.0
BULK = 8192
ADVISORY_KEY = 0x6A6F75726E616C
CHUNK = 10_000
HOLD = "held.json"
"""Lies beside the log after a restore, until it is decided how the log goes on."""


class Busy(RuntimeError):
    """Another sequencer holds the lock."""


class Forked(RuntimeError):
    """The leaves lead to another root than the one signed. Nothing more is signed; restore or audit first."""


class Behind(RuntimeError):
    """More was signed than the database holds, as after restoring an old backup. Nothing is signed until resolved."""


class Held(RuntimeError):
    """The log was restored from a backup, and nobody has said yet whether more was published after it. Nothing is signed until then."""


class Sequencer:
    """The one writer of the log, as a context manager that holds the lock.

    With a large backlog each batch goes on behind the one before, but every `whole_look_s` everything not yet settled is looked at again:
    an event may be committed after one with a higher number.

    It may be entered again: what it knows of the tree is kept between turns and checked against the rows. While the log is
    held it raises Held, unless the hold is what it was made to end.
    """

    def __init__(
        self, sessions: Sessions, directory: Path, signer: Signer, *, batch: int = 256, ends_hold: bool = False, whole_look_s: float = 0.0
    ) -> None:
        self.sessions, self.signer, self.batch, self.ends_hold, self.whole_look_s = sessions, signer, batch, ends_hold, whole_look_s
        self.directory = directory
        self.shelf = tiles.Shelf(directory)
        self.edge = tree.Edge()
        self.tail: list[bytes] = []
        self.signed = -1
        self.ready = False
        self._lock: contextlib.ExitStack | None = None
        self._floor = 0
        self._behind: int | None = None
        self._looked_at = float("-inf")
        self._marks: list[tuple[float, int]] = []
        self._searched_at = 0.0

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            descriptor = os.open(self.directory / "sequencer.lock", os.O_RDWR | os.O_CREAT, 0o600)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy("another sequencer is at work on this directory") from error
            if not self.ends_hold and (self.directory / HOLD).exists():
                raise Held("the log was restored from a backup: see mall journal continue --help")
            with self.sessions() as session:
                engine = session.get_bind().engine
            if engine.dialect.name == "postgresql":
                connection = held.enter_context(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
                if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_KEY}):
                    raise Busy("another sequencer is at work on this database")
                held.callback(_unlock, connection)
            if self.ready:
                self.ready = self._is_current()
            self._lock = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def drain(self) -> int:
        """Give every waiting event its leaf and sign; returns how many there were."""
        done = 0
        while taken := self.step():
            done += taken
        return done

    def step(self) -> int:
        """One batch from event to signed checkpoint; returns how many events, 0 when none was waiting."""
        with self._sound():
            with self.sessions() as session:
                newest = session.scalar(select(func.max(Event.id))) or 0
                whole = self._behind is None or time.monotonic() >= self._looked_at + self.whole_look_s
                taken = self._take(session, self._floor if whole or self._behind is None else self._behind, self.batch)
                if whole:
                    more_are_late = taken is not None and taken[0] < (self._behind or 0)
                    self._looked_at = float("-inf") if more_are_late else time.monotonic()
                    if taken is None:
                        self._mark(newest)
                self._behind = max(self._behind or 0, taken[0] if taken else newest)
                self._sign(session)
            return taken[1] if taken else 0

    def first(self, event_id: int) -> None:
        """Give this one event its leaf before all others that wait, and sign."""
        with self._sound(), self.sessions() as session:
            self._take(session, event_id - 1, 1)
            self._sign(session)

    def bulk(self, progress: Callable[[int], None] | None = None, *, sign_every: int = 131_072) -> int:
        """Sequence a large backlog: full tiles as they fill, partial ones and a checkpoint only now and then."""
        done = 0
        with self._sound(), self.sessions() as session:
            after: int | None = self._floor
            while after is not None:
                taken = self._take(session, after, BULK)
                after = taken[0] if taken else None
                if taken:
                    done += taken[1]
                    if progress:
                        progress(taken[1])
                if taken is None or self.edge.size - self.signed >= sign_every:
                    self._sign(session)
        return done + self.drain()

    @contextlib.contextmanager
    def _sound(self) -> Any:
        """Work on a restored state; whatever goes wrong, the next call restores it again from the leaves."""
        if self._lock is None:
            raise RuntimeError("the sequencer works inside its lock only")
        try:
            if not self.ready:
                self._restore()
                self.ready = True
            yield
        except BaseException:
            self.ready = False
            raise

    def _is_current(self) -> bool:
        """Whether nobody has written since the last turn; the rows only grow, so two numbers tell."""
        with self.sessions() as session:
            last, signed = session.scalar(select(func.max(Leaf.idx))), session.scalar(select(func.max(Checkpoint.size)))
        return (-1 if last is None else last) == self.edge.size - 1 and (-1 if signed is None else signed) == self.signed

    def _take(self, session: Session, after: int, limit: int) -> tuple[int, int] | None:
        """T1: leaves for events that have none; returns the last event's id and how many, or None."""
        events = session.execute(
            select(*Event.__table__.columns)
            .outerjoin(Leaf, (Leaf.event_id == Event.id) & (Leaf.event_id > after))
            .where(Event.id > after, Leaf.event_id.is_(None))
            .order_by(Event.id)
            .limit(limit)
        ).all()
        if not events:
            session.rollback()
            return None
        at = clock.now()
        leaves, salts = [], []
        for place, event in enumerate(events, start=self.edge.size):
            secret = leaf.new_salts(len(leaf.fields_of(event)))
            entry = leaf.entry_of(event, secret)
            leaves.append(
                {"idx": place, "event_id": event.id, "leaf_hash": tree.leaf_hash(entry), "entry": entry, "at": at}
            )
            salts.append({"event_id": event.id, "salts": secret})
        with commit(session):
            session.execute(insert(Leaf), leaves)
            session.execute(insert(FieldSalts), salts)
        for row in leaves:
            self._append(row["leaf_hash"], row["entry"])
        return events[-1].id, len(events)

    def _append(self, leaf_hash: bytes, entry: bytes, *, write: bool = True) -> None:
        self.tail.append(entry)
        for level, n, hashes in self.edge.append(leaf_hash):
            if write:
                if level == 0:
                    self.shelf.put(tiles.path(tiles.ENTRIES, n), tiles.bundle(self.tail))
                self.shelf.put(tiles.path(level, n), b"".join(hashes))
            if level == 0:
                self.tail = []

    def _sign(self, session: Session) -> None:
        """F for what is partial, then the checkpoint, then T2; does nothing when the size is signed already."""
        size = self.edge.size
        if size == self.signed:
            return
        if size < self.signed:
            raise Behind(f"size {self.signed} is signed, the leaves end at {size}")
        self._put_partial()
        root = self.edge.root()
        note = self.signer.sign(Head(self.signer.name, size, root).text)
        self.shelf.publish(note)
        self._record(session, size, root, note)
        self._tidy(max(self.signed, 0), size)
        self.signed = size

    def _put_partial(self) -> None:
        if self.tail:
            self.shelf.put(tiles.path(tiles.ENTRIES, self.edge.size // tree.WIDTH, len(self.tail)), tiles.bundle(self.tail))
        for level, n, hashes in self.edge.partial():
            self.shelf.put(tiles.path(level, n, len(hashes)), b"".join(hashes))

    def _record(self, session: Session, size: int, root: bytes, note: str) -> None:
        with commit(session):
            session.execute(insert(Checkpoint), {"size": size, "root": root, "note": note, "at": clock.now()})

    def _tidy(self, old: int, new: int) -> None:
        for level in range(len(self.edge.levels)):
            first, last = old >> (8 * (level + 1)), new >> (8 * (level + 1))
            for n in range(first, last):
                self.shelf.drop_partial(level, n)
                if level == 0:
                    self.shelf.drop_partial(tiles.ENTRIES, n)

    def _restore(self) -> None:
        """Rebuild the right edge from the leaves and hold it against everything signed before."""
        self.edge, self.tail, self._behind = tree.Edge(), [], None
        with self.sessions() as session:
            stored = session.execute(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1)).scalar_one_or_none()
            note = self.shelf.checkpoint()
            published = head_of(note, self.signer.verifier) if note is not None else None
            signed = {stored.size: stored.root} if stored else {}
            if published:
                if signed.get(published.size, published.root) != published.root:
                    raise Forked(f"the checkpoint row and the checkpoint file differ at size {published.size}")
                signed[published.size] = published.root
            sound = min(stored.size if stored else 0, published.size if published else 0)
            self._rebuild(session, signed, write_from=sound - sound % tree.WIDTH)
            session.rollback()
            self.signed = max(signed, default=-1)
            if published and note and (stored is None or published.size > stored.size):
                self._record(session, published.size, published.root, note)
            elif stored and (published is None or stored.size > published.size):
                self.shelf.publish(stored.note)

    def _rebuild(self, session: Session, signed: dict[int, bytes], *, write_from: int) -> None:
        self._check(signed)
        after = -1
        while rows := self._leaves(session, after, write_from):
            for row in rows:
                if row.idx != self.edge.size:
                    raise Forked(f"leaf {self.edge.size} is missing")
                self._append(row.leaf_hash, row.entry, write=row.idx >= write_from)
                self._check(signed)
                if self.edge.size in signed:
                    self._put_partial()
            after = rows[-1].idx
        if self.edge.size < max(signed, default=0):
            raise Behind(f"size {max(signed)} is signed, the leaves end at {self.edge.size}")

    def _leaves(self, session: Session, after: int, write_from: int) -> Sequence[Any]:
        """The next leaves; entries only where they are still to be written."""
        entry = Leaf.entry if after + 1 >= write_from else func.substr(Leaf.entry, 1, 0).label("entry")
        query = select(Leaf.idx, Leaf.leaf_hash, entry).where(Leaf.idx > after).order_by(Leaf.idx).limit(CHUNK)
        if after + 1 < write_from:
            query = query.where(Leaf.idx < write_from)
        rows = session.execute(query).all()
        return rows or (self._leaves(session, write_from - 1, write_from) if after + 1 < write_from else rows)

    def _check(self, signed: dict[int, bytes]) -> None:
        known = signed.get(self.edge.size)
        if known is not None and known != self.edge.root():
            raise Forked(f"the leaves lead to another root at the signed size {self.edge.size}")

    def _mark(self, newest: int) -> None:
        """Nothing is waiting: once all transactions of now have ended, the search may start above `newest`."""
        now = time.monotonic()
        if now - self._searched_at > FULL_SEARCH_SECONDS:  # belt and braces: look at everything once an hour
            self._searched_at, self._floor, self._marks = now, 0, []
        if not self._marks or now - self._marks[-1][0] > SETTLED_SECONDS / 10:
            self._marks.append((now, newest))
        while self._marks and now - self._marks[0][0] > SETTLED_SECONDS:
            self._floor = self._marks.pop(0)[1]


def _unlock(connection: Connection) -> None:
    with contextlib.suppress(SQLAlchemyError):
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_KEY})
