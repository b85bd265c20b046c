"""The database floor: mapped types, the engine, and the one way to commit."""

import contextlib
import fcntl
import json
import math
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, mapped_column, registry
from sqlalchemy.orm.properties import MappedColumn
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

Int = BigInteger().with_variant(Integer, "sqlite")
"""Fen and ids: 64 bits on both databases (a plain Integer overflows at 21.47 million yuan on PostgreSQL)."""

Kind = TypeVar("Kind", bound=StrEnum)
SessionLike = TypeVar("SessionLike", bound=Session)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time. SQLite stores it without a zone, so it is attached again on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What keyset cursors decode into."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Every mapped class of the product subclasses this directly."""

    registry = registry(metadata=MetaData(naming_convention=NAMING), type_annotation_map={int: Int, datetime: Moment})


def enum_column(kind: type[Kind], *, check: str = "", **options: Any) -> MappedColumn[Kind]:
    """A StrEnum stored by value with a CHECK, the same on both databases; two of one kind in a table name their checks."""
    return mapped_column(enum_type(kind, check=check), **options)


def enum_type(kind: type[StrEnum], *, check: str = "") -> Enum:
    """The column type of a StrEnum: text with a named CHECK over its values."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=check or f"known_{kind.__name__.lower()}",
        values_callable=lambda members: [member.value for member in members],
    )


LONG_REST_S = 1.0
"""Seconds after which a connection is asked whether it still lives."""


class _Gate:
    """A process-wide and machine-wide queue before SQLite's single writer.

    SQLite's own busy handler sleeps and polls, so under load some writers starve for seconds; `flock` hands the turn
    on as soon as it is free. Threads of one process queue on a lock first, since flock is held per open file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self.turn = threading.Lock()
        self.holder: int | None = None
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def open_again(self) -> None:
        """An open file of our own after a fork, or both processes would share one lock."""
        os.close(self.descriptor)
        self._open()

    def __enter__(self) -> None:
        if self.holder == threading.get_ident():
            raise RuntimeError("a command was begun inside another command")
        self.turn.acquire()
        self.holder = threading.get_ident()
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        self.holder = None
        self.turn.release()

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


def make_engine(url: str, **options: Any) -> Engine:
    """An engine for SQLite (WAL, full synchronous, foreign keys, explicit transactions) or PostgreSQL (psycopg 3)."""
    engine = create_engine(url, **engine_options(url), **options)
    prepare_engine(engine)
    return engine


def engine_options(url: str) -> dict[str, Any]:
    """The engine options that belong to a database address."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": 30, "check_same_thread": False}}
    return {"pool_size": 10, "max_overflow": 20}


def serving_options(url: str) -> dict[str, Any]:
    """The engine options of the process that answers requests: there, outside a command, every statement stands on its own.

    PostgreSQL shows each statement of a transaction what was committed before it, so a transaction around reads promises nothing;
    it costs two more journeys to the server, and psycopg forgets its prepared statements at the ROLLBACK that ends it.
    """
    options = engine_options(url)
    return options if make_url(url).get_backend_name() == "sqlite" else {**options, "isolation_level": "AUTOCOMMIT"}


def prepare_engine(engine: Engine) -> None:
    """Attach what every connection of this engine needs; safe to call once per engine."""
    if engine.dialect.name != "sqlite":
        _ask_the_rested(engine)
        return
    database = engine.url.database
    if database and database != ":memory:":
        _gates[engine] = _Gate(str(Path(database).with_suffix(".gate")))

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")


def _ask_the_rested(engine: Engine) -> None:
    """Ask a connection that lay idle whether it still lives, before work is begun on it: the server may have been restarted.

    SQLAlchemy's own `pool_pre_ping` asks at every use, which costs a busy process two journeys to the server for each request.
    """

    @event.listens_for(engine, "checkin")
    def rest(_connection: object, record: Any) -> None:
        record.info["rested_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rested_at", math.inf) < LONG_REST_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise InvalidatePoolError from gone


_gates: weakref.WeakKeyDictionary[Engine, _Gate] = weakref.WeakKeyDictionary()


def _open_gates_again() -> None:
    for gate in list(_gates.values()):
        gate.open_again()


# In the child, before it has a second thread: two that both found the gate to be their parent's would both open it, and the one
# that came first would give back a lock that is not the one it took.
os.register_at_fork(after_in_child=_open_gates_again)


def run(session: Session, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] = ()) -> CursorResult[Any]:
    """Run a statement made beforehand on plain columns, as the busiest pages and commands do.

    Making a statement costs more than running it, and so does what the ORM does around entities; what is pending in the
    session is written first, as the ORM would.
    """
    session.flush()
    return connection_of(session).execute(statement, values or None)


class _Several(TypeDecorator[Sequence[Any]]):
    """A list as one value: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, numbers: bool) -> None:
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.numbers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else json.dumps(value)


class _Among(FunctionElement[bool]):
    """See `among`."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: object = None) -> Self:
        """Stand alone in a condition: SQLAlchemy would write `… = 1` for SQLite, which then looks at every row."""
        return self


@compiles(_Among)
def _among_json(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - names made by the compiler  # nosec B608


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} = ANY ({values})"


def among(column: ColumnElement[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """Whether a column has one of the values, a list given for `name` when the statement is run.

    The list travels as one value, so lists of every length share one text of a statement, which is made once and which each
    connection to PostgreSQL plans once. An IN has a parameter for each value and is made, read and planned for each length.
    """
    return _Among(column, bindparam(name, type_=_Several(isinstance(column.type, Integer | BigInteger))))


def connection_of(session: Session) -> Connection:
    """The connection a session works on; inside a command it is at hand, where the session would look for it anew each time."""
    return session.info.get(_COMMAND) or session.connection()


_COMMAND = "connection of the command"
_COMMAND_OPTIONS: Mapping[str, Mapping[str, Any]] = {"sqlite": {"write": True}, "postgresql": {"isolation_level": "READ COMMITTED"}}


def analyse(engine: Engine) -> None:
    """Let the database count its rows anew and plan by what is there; called when many were written at once."""
    with Session(engine) as session, commit(session):
        session.execute(text("ANALYZE"))


@contextlib.contextmanager
def commit(session: SessionLike) -> Iterator[SessionLike]:
    """Run one command: all of it is committed, or a refusal rolls all of it back.

    The open read transaction is ended first. On SQLite the write lock is then taken at once behind the gate: a transaction that first
    reads and then writes would fail with SQLITE_BUSY_SNAPSHOT, however long it waits.
    """
    engine = session.get_bind().engine
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("unsaved changes were made before the command began")
    if session.in_transaction():
        session.rollback()
    with _gates.get(engine) or contextlib.nullcontext():
        try:
            _begin(session)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info.pop(_COMMAND, None)


def settle(session: Session) -> None:
    """Inside a command whose parts may stand alone: commit what is done, and go on. SQLite's gate stays with the command."""
    session.commit()
    _begin(session)


def _begin(session: Session) -> None:
    session.info[_COMMAND] = session.connection(execution_options=_COMMAND_OPTIONS[session.get_bind().dialect.name])
