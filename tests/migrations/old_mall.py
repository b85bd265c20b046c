"""A mall of an older version, filled: walks the chain of migrations and puts rows into every table as soon as a migration has made it.

The rows are those of a small training province, so that figures, references and the journal agree. A table that the province leaves empty gets
one row made up from its columns; so does a column that is gone by now. What was put in is kept aside, in the schema `kept`, for comparison.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.kernel.db import Base, make_engine
from migrations import tables as _all_tables  # noqa: F401 - the metadata is whole
from tests.peers import ROOT

MADE_UP: dict[str, dict[str, object]] = {}
"""Values for a made-up row that its constraints ask for: table, column, value."""
ONCE: dict[str, dict[str, object]] = {
    "decision_records": {"inputs": "{}", "threshold": "{}", "facts": "{}", "outcome": "pass"},
    "products": {"energy_saving": False, "environment": False},
}
"""Values for columns that are gone by now, where any text would not do: table, column, value."""
GATHERED: dict[str, set[str]] = {"price_spreads": {"at"}}
"""Tables that their migration fills from others, with the columns that may say something else than in the source."""
OWN = {"alembic_version"}


def revisions() -> list[str]:
    """Every revision, oldest first. Raises when the chain has two ends."""
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert script.get_current_head() is not None
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]


def upgrade(url: str, revision: str) -> None:
    """Bring a database up to a revision with the product's own migrations."""
    configuration = Config()
    configuration.set_main_option("script_location", str(ROOT / "migrations"))
    engine = make_engine(url)
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
        connection.commit()
    engine.dispose()


def value_for(column: sa.Column[Any], connection: sa.Connection) -> object:
    """Something that a column takes."""
    for key in column.foreign_keys:
        return connection.scalar(sa.select(sa.func.min(key.column)))
    if isinstance(column.type, sa.Enum):
        return column.type.enums[0]
    kind = column.type.python_type
    if kind in {int, float, bool}:
        return kind(1)
    made = {"datetime": "2026-03-05 07:30:00.000000", "date": "2026-03-05", "bytes": b"made up", "dict": "{}", "list": "[]"}
    return made.get(kind.__name__, "made-up"[: getattr(column.type, "length", None)])


def no_table_empty(file: Path) -> None:
    """Give each empty table of a database at the newest version one row."""
    engine = make_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if connection.scalar(sa.select(sa.func.count()).select_from(table)):
                continue
            wanted = [column for column in table.columns if not column.nullable]
            row = {column.name: value_for(column, connection) for column in wanted} | MADE_UP.get(table.name, {})
            names = ", ".join(f'"{name}"' for name in row)
            connection.execute(sa.text(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    engine.dispose()


class OldMall:
    """One database on its way through the versions, filled from `source`, a SQLite file at the newest version."""

    def __init__(self, url: str, source: Path) -> None:
        self.url, self.source = url, source
        self.engine = make_engine(url)
        self.filled: dict[str, list[str]] = {}

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def step(self, revision: str) -> list[str]:
        """Upgrade once and fill the tables that are new; returns their names."""
        upgrade(self.url, revision)
        with self._connection() as connection:
            old = sa.MetaData()
            old.reflect(connection)
            new = [table for table in old.tables.values() if table.name not in {*self.filled, *OWN}]
            held = sqlite3.connect(self.source)
            for table in new:
                self._fill(connection, held, table)
            held.close()
        return [table.name for table in new]

    def _fill(self, connection: sa.Connection, held: sqlite3.Connection, table: sa.Table) -> None:
        known = {row[1] for row in held.execute(f"PRAGMA table_info({table.name})")}
        shared = [column.name for column in table.columns if column.name in known]
        gone = [c for c in table.columns if c.name not in known and not c.nullable and c.server_default is None]
        once = ONCE.get(table.name, {})
        extra = {column.name: once.get(column.name, value_for(column, connection)) for column in gone}
        names = [*shared, *extra]
        quoted = ", ".join(f'"{name}"' for name in names)
        if not shared:
            return
        into = table.name
        if table.name in GATHERED:
            names = shared = [name for name in shared if name not in GATHERED[table.name]]
            quoted, into = ", ".join(f'"{name}"' for name in names), f"kept.{table.name}"
            connection.execute(sa.text(f"CREATE TABLE {into} AS SELECT {quoted} FROM {table.name} WHERE 1 = 0"))
        query = f"SELECT {', '.join(shared)} FROM {table.name}"
        rows: Iterator[Sequence[Any]] = ((*row, *extra.values()) for row in held.execute(query))
        raw: Any = connection.connection.driver_connection
        if self.is_sqlite:
            raw.executemany(f"INSERT INTO {into} ({quoted}) VALUES ({', '.join('?' * len(names))})", rows)
        else:
            with raw.cursor() as cursor, cursor.copy(f"COPY {into} ({quoted}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            for column in table.primary_key.columns:
                sequence = connection.scalar(sa.text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name})
                if sequence:
                    connection.execute(sa.text(f"SELECT setval('{sequence}', (SELECT max({column.name}) FROM {table.name}))"))
        if table.name not in GATHERED:
            connection.execute(sa.text(f"CREATE TABLE kept.{table.name} AS SELECT {quoted} FROM {table.name}"))
        self.filled[table.name] = names

    def empty_tables(self) -> list[str]:
        """Tables without a row."""
        with self._connection() as connection:
            names = [name for name in sa.inspect(connection).get_table_names() if name not in OWN]
            return sorted(name for name in names if not connection.scalar(sa.text(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1) AS one")))

    def differences(self) -> dict[str, tuple[int, int, int]]:
        """Tables whose rows are not what was put in, in the columns that still exist: rows then, rows now, rows changed."""
        found = {}
        with self._connection() as connection:
            for name, put in self.filled.items():
                there = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(name)}
                columns = ", ".join(f'CAST("{each}" AS TEXT)' if isinstance(there[each], sa.JSON) else f'"{each}"' for each in put if each in there)
                then = connection.scalar(sa.text(f"SELECT count(*) FROM kept.{name}"))
                now = connection.scalar(sa.text(f"SELECT count(*) FROM {name}"))
                changed = connection.scalar(
                    sa.text(f"SELECT count(*) FROM (SELECT {columns} FROM kept.{name} EXCEPT SELECT {columns} FROM {name}) AS lost")
                )
                if then != now or changed:
                    found[name] = (then, now, changed)
        return found

    def close(self) -> None:
        self.engine.dispose()

    def _connection(self) -> Any:
        return _Open(self)


class _Open:
    """A connection that sees the schema `kept`, checks no references and fires no triggers; commits at the end."""

    def __init__(self, of: OldMall) -> None:
        self.of = of

    def __enter__(self) -> sa.Connection:
        self.connection = self.of.engine.connect()
        raw: Any = self.connection.connection.driver_connection
        if self.of.is_sqlite:
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute(f"ATTACH DATABASE '{self.of.engine.url.database}.kept' AS kept")
        else:
            raw.execute("SET session_replication_role = replica")
            raw.execute("CREATE SCHEMA IF NOT EXISTS kept")
        return self.connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.connection.commit() if kind is None else self.connection.rollback()
        self.connection.invalidate()
        self.connection.close()
