"""What the simulated treasury remembers: one SQLite file shared by every process that opens it.

Each request is one `BEGIN IMMEDIATE` transaction: effects, the answer kept under the idempotency key, events and their
deliveries are all written, or none, also when the process is killed in between.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

Thing = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS things (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
    parent TEXT, state TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS things_by_kind ON things (kind, n);
CREATE INDEX IF NOT EXISTS things_by_parent ON things (parent, kind, n);
CREATE INDEX IF NOT EXISTS things_by_state ON things (kind, state, created);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (done, due);
CREATE TABLE IF NOT EXISTS faults (
    n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, route TEXT NOT NULL, remaining INTEGER NOT NULL,
    options TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Books:
    """The file inside one open transaction."""

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self.sql = connection
        self.now = now
        self.second = int(now.timestamp())

    def add(self, kind: str, prefix: str, body: Thing, *, parent: str | None = None, id: str | None = None) -> Thing:  # noqa: A002
        """Store something new under a fresh id; `created` is filled in."""
        id = id or f"{prefix}_{secrets.token_hex(12)}"  # noqa: A001
        thing = {"id": id, "object": kind, "created": self.second, "livemode": False, **body}
        self.sql.execute(
            "INSERT INTO things (id, kind, created, parent, state, body) VALUES (?, ?, ?, ?, ?, ?)",
            (id, kind, self.second, parent, body.get("status"), json.dumps(thing)),
        )
        return thing

    def save(self, thing: Thing) -> None:
        """Write a changed thing back."""
        self.sql.execute("UPDATE things SET state = ?, body = ? WHERE id = ?", (thing.get("status"), json.dumps(thing), thing["id"]))

    def one(self, kind: str, id: str) -> Thing | None:  # noqa: A002
        """The thing of that kind and id, if there is one."""
        row = self.sql.execute("SELECT body FROM things WHERE id = ? AND kind = ?", (id, kind)).fetchone()
        return None if row is None else json.loads(row[0])

    def page(
        self,
        kind: str,
        *,
        limit: int,
        after: str | None = None,
        parent: str | None = None,
        metadata: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        created: Mapping[str, int] | None = None,
    ) -> list[Thing]:
        """Things of a kind, newest first; `created` bounds by the words gt, gte, lt, lte."""
        where, values = ["kind = ?"], [kind]
        if after is not None:
            where.append("n < (SELECT n FROM things WHERE id = ?)")
            values.append(after)
        if parent is not None:
            where.append("parent = ?")
            values.append(parent)
        for path, wanted in [(f"$.metadata.{json.dumps(n)}", v) for n, v in (metadata or {}).items()] + [
            (f"$.{name}", value) for name, value in (fields or {}).items()
        ]:
            where.append("CAST(json_extract(body, ?) AS TEXT) = ?")
            values += [path, wanted]
        for word, second in (created or {}).items():
            where.append(f"created {COMPARISONS[word]} CAST(? AS INTEGER)")
            values.append(str(second))
        query = f"SELECT body FROM things WHERE {' AND '.join(where)} ORDER BY n DESC LIMIT {int(limit)}"  # noqa: S608 - the clauses are texts of ours, every value is bound  # nosec B608
        return [json.loads(row[0]) for row in self.sql.execute(query, values)]

    def in_state(self, kind: str, state: str, before: int) -> list[Thing]:
        """Things in a state that were made at or before that second, oldest first."""
        rows = self.sql.execute("SELECT body FROM things WHERE kind = ? AND state = ? AND created <= ? ORDER BY n", (kind, state, before))
        return [json.loads(row[0]) for row in rows]

    def emit(self, type: str, about: Thing) -> None:  # noqa: A002
        """Record an event and put its webhook in the queue."""
        body: Thing = {
            "api_version": "2026-10-28.endive",
            "type": type,
            "data": {"object": about},
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
        }
        event = self.add("event", "evt", body, parent=about["id"])
        self.sql.execute("INSERT INTO deliveries (event, due) VALUES (?, ?)", (event["id"], self.now.timestamp()))

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting, or the default."""
        row = self.sql.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set(self, name: str, value: Any) -> None:
        """Keep a setting."""
        self.sql.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, json.dumps(value)))


COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Store:
    """Opens the books; safe to use from several threads and processes."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self.now = now
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def open(self) -> Iterator[Books]:
        """One transaction: kept when the block ends, undone when it raises."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Books(connection, self.now())
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()
