"""Fresh databases, quickly: each is a copy of a template that the real migrations and reference data made once per run."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel.db import commit, make_engine
from catalog.onboarding.service import load_agreement
from catalog.qualifications.service import load_requirements
from catalog.taxonomy.service import load_reference
from tests import postgresql
from tests.peers import OWNER, ROOT, SHARED


def fresh_sqlite(folder: Path) -> str:
    """The address of a new database file, migrated and with the reference data in it."""
    template = once("sqlite-template", _make_sqlite_template)
    file = folder / "mall.sqlite"
    shutil.copyfile(template, file)
    return f"sqlite:///{file}"


def fresh_postgresql() -> str:
    """The address of a new database on the tests' own server, migrated and with the reference data in it."""
    template = once("postgresql-template", _make_postgresql_template)
    name = f"mall_{secrets.token_hex(6)}"
    administer(server(), f'CREATE DATABASE {name} TEMPLATE "{template}"')
    return f"{server()}/{name}"


def empty_postgresql() -> str:
    """The address of a new database without any table, for the tests of the migrations themselves."""
    name = f"mall_{secrets.token_hex(6)}"
    administer(server(), f"CREATE DATABASE {name}")
    return f"{server()}/{name}"


def drop(url: str) -> None:
    """Drop a database made here, whoever is still connected to it."""
    administer(server(), f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


def server() -> str:
    """The address of the server, started at the first call of the run."""
    return once("postgresql", lambda: "\n".join(map(str, postgresql.start(owner_pid=int(os.environ[OWNER]))))).split("\n")[0]


def stop_server(shared: Path) -> None:
    """Stop what `server()` started, if anything."""
    started = shared / "postgresql"
    if started.exists():
        postgresql.stop(Path(started.read_text().split("\n")[1]))


def once(name: str, make: Callable[[], str]) -> str:
    """Make something once for all workers of the run; the others wait and read what came out."""
    answer = Path(os.environ[SHARED]) / name
    if not answer.exists():
        with answer.with_suffix(".lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            failed = answer.with_suffix(".failed")
            if failed.exists():
                raise RuntimeError(f"{name} could not be made, see the first test that asked for it: {failed.read_text()}")
            if not answer.exists():
                try:
                    made = make()
                except BaseException as error:
                    failed.write_text(repr(error))
                    raise
                draft = answer.with_suffix(".new")
                draft.write_text(made)
                draft.rename(answer)
    return answer.read_text()


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database up, or down, to a revision with the product's own migrations."""
    configuration = Config()
    configuration.set_main_option("script_location", str(ROOT / "migrations"))
    engine = make_engine(url)
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(configuration, revision)
        connection.commit()
    engine.dispose()


def _make_sqlite_template() -> str:
    folder = Path(os.environ[SHARED]) / "sqlite"
    folder.mkdir(exist_ok=True)
    file = folder / "mall.sqlite"
    file.unlink(missing_ok=True)
    fill(f"sqlite:///{file}", afterwards="PRAGMA wal_checkpoint(TRUNCATE)")
    return str(file)


def _make_postgresql_template() -> str:
    name = "mall_template"
    administer(server(), f"DROP DATABASE IF EXISTS {name}")
    administer(server(), f"CREATE DATABASE {name}")
    fill(f"{server()}/{name}")
    return name


def fill(url: str, *, afterwards: str = "ANALYZE") -> None:
    """Migrate an empty database and give it the reference data."""
    migrate(url)
    engine = make_engine(url)
    with Session(engine) as session, commit(session):
        load_reference(session, supplement=True)
        load_requirements(session)
        load_agreement(session)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(afterwards))
    engine.dispose()


def administer(server: str, statement: str) -> None:
    """Run a statement about databases, outside any of them."""
    engine = make_engine(f"{server}/postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
