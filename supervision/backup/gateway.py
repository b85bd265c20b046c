"""Copies of a database that is in use: SQLite's own VACUUM INTO, PostgreSQL's pg_dump. Both copy one moment, nobody waits."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, literal, select, table, text
from sqlalchemy.orm import Session

from supervision.backup.rules import DATABASES, ToolFailed, ToolMissing

MAGIC = b"SQLite format 3\0"
INSTALLED = Path("/usr/lib/postgresql")


@contextlib.contextmanager
def copied(engine: Engine, folder: Path) -> Iterator[Session]:
    """Copy the database into the folder; the session reads exactly what was copied. Raises ToolMissing, ToolFailed."""
    target = folder / DATABASES[engine.dialect.name]
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
            run("pg_dump", engine, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}")
            with Session(connection) as session:
                yield session
        return
    copy_sqlite(Path(str(engine.url.database)), target)
    copy = create_engine(f"sqlite:///file:{target}?immutable=1&uri=true")
    try:
        with Session(copy) as session:
            yield session
    finally:
        copy.dispose()


def load(engine: Engine, folder: Path) -> None:
    """Bring the copy in the folder into an empty database. Raises ToolMissing, ToolFailed."""
    source = folder / DATABASES[engine.dialect.name]
    if engine.dialect.name == "postgresql":
        run("pg_restore", engine, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source))
        return
    engine.dispose()
    load_sqlite(source, Path(str(engine.url.database)))


def copy_sqlite(source: Path, target: Path) -> None:
    """One moment of a SQLite database, as a new file; writers go on meanwhile."""
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=30)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def load_sqlite(source: Path, target: Path) -> None:
    """Put a copy in the place of a database that may be open elsewhere."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?immutable=1", uri=True)) as connection,
        contextlib.closing(sqlite3.connect(target, timeout=30)) as place,
    ):
        connection.backup(place)


def is_sqlite(file: Path) -> bool:
    """Whether the file is a SQLite database."""
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def is_blank(file: Path) -> bool:
    """Whether no table of the SQLite database holds a row."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            names = inspect(connection).get_table_names()
            return not any(connection.scalar(select(literal(1)).select_from(table(name)).limit(1)) for name in names)
    finally:
        engine.dispose()


def is_empty(engine: Engine) -> bool:
    """Whether the database holds no tables."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return True
    return not inspect(engine).get_table_names()


def tool(name: str) -> str:
    """PostgreSQL's program of this name: the one on PATH, else the newest installed one. Raises ToolMissing."""
    installed = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda file: file.parent.parent.name.zfill(4), reverse=True)
    usable = shutil.which(name) or next((str(file) for file in installed if os.access(file, os.X_OK)), None)
    if usable is None:
        raise ToolMissing(tool=name)
    return usable


def run(name: str, engine: Engine, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database of the engine; the password goes by the environment, never by argument."""
    url = engine.url
    environment = {
        **os.environ,
        "PGHOST": url.host or "", "PGPORT": str(url.port or ""), "PGUSER": url.username or "", "PGPASSWORD": str(url.password or ""),
    }  # fmt: skip
    passed = {"host", "port", "sslmode", "sslrootcert"} & set(url.query)
    environment.update({f"PG{name.upper()}": str(url.query[name]) for name in passed})
    command = [tool(name), f"--dbname={url.database}", *arguments]
    done = subprocess.run(command, env={k: v for k, v in environment.items() if v}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolFailed(tool=name, said=done.stderr.strip()[-2000:])
