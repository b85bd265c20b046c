"""What every test stands on: the outside programs, fresh databases, and a closing table of what was proved against whom."""

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Session
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from tests.peers import OWNER, PEERS, SHARED

REQUIRE_ALL = os.environ.get("MALL_REQUIRE_ALL") == "1"
KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql")))

for name, kept in {"MALL_MEILI_URL": "MALL_TEST_MEILISEARCH_URL", "MALL_MEILI_KEY": "MALL_TEST_MEILISEARCH_KEY"}.items():
    if name in os.environ:  # the contract of search runs on the server that is named
        os.environ.setdefault(kept, os.environ[name])
for name in [name for name in os.environ if name.startswith("MALL_") and not name.startswith(("MALL_TEST_", "MALL_REQUIRE_"))]:
    del os.environ[name]  # the settings of the person at the keyboard are not the tests'

hypothesis.settings.register_profile("mall", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("mall")


# ---------------------------------------------------------------- one folder for all workers of a run

MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 * 2**30


def _stay_in_memory() -> None:
    """Keep the databases of the tests in memory where there is room, unless told where: thousands of flushes cost half the time.

    Nothing proved here needs the disk: what is killed are processes, never the machine.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return
    os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _stay_in_memory()
        os.environ[SHARED] = tempfile.mkdtemp(prefix="mall-tests-")
        os.environ[OWNER] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    shared = Path(os.environ[SHARED])
    if (shared / "postgresql").exists():
        from tests.databases import stop_server

        stop_server(shared)
    shutil.rmtree(shared, ignore_errors=True)


# ---------------------------------------------------------------- outside programs


def pytest_itemcollected(item: pytest.Item) -> None:
    for mark in item.iter_markers("peer"):
        if mark.args[0] not in PEERS:
            raise pytest.UsageError(f"{item.nodeid}: unknown peer {mark.args[0]!r}; known are {', '.join(PEERS)}")
        item.user_properties.append(("peer", mark.args[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("peer"):
        peer = PEERS[mark.args[0]]
        if peer.find() is None:
            reason = f"{peer.label} is missing: {peer.get}"
            if REQUIRE_ALL and peer.required:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for _, name in (entry for entry in getattr(report, "user_properties", ()) if entry[0] == "peer"):
                if outcome != "skipped":
                    ran[name] += 1
                    continue
                skipped[name] += 1
                if isinstance(report.longrepr, tuple):
                    reasons[name] = report.longrepr[2].removeprefix("Skipped: ")
    if not ran and not skipped:
        return
    rows = [("peer", "ran", "skipped", "why", "how to get it")]
    for name, peer in PEERS.items():
        where = peer.find()
        if skipped[name]:
            why = "missing" if where is None else reasons.get(name, "see above")
        else:
            why = f"used: {where}" if ran[name] else "no test of it was selected"
        rows.append((peer.label, str(ran[name]), str(skipped[name]), why, "" if where else peer.get))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    terminalreporter.section("proved against programs from outside")
    for row in rows:
        cells = [row[column].ljust(widths[column]) for column in range(4)]
        terminalreporter.write_line(" | ".join([*cells, row[4]]).rstrip(" |"), yellow=row[2] not in ("0", "skipped"))


# ---------------------------------------------------------------- what lasts as long as the run


def pytest_collection_finish() -> None:
    """Half a million objects of imported modules stay until the end: the collector need not walk through them after every few tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


_compiled: dict[tuple[object, ...], Any] = {}
_compile_builder = Rule._compile_builder


def _compile_once(rule: Rule, append_unknown: bool = True) -> Any:
    """What builds the addresses of a route depends on its text alone; hundreds of applications with the same routes are made in a run."""
    key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes, append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile_builder(rule, append_unknown)
    return _compiled[key]


Rule._compile_builder = _compile_once  # type: ignore[assignment, method-assign]


_statements: LRUCache[Any, Any] = LRUCache(5_000)
DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]


@event.listens_for(Engine, "engine_connect")
def _compile_statements_once(connection: Connection) -> None:
    """SQLAlchemy keeps compiled statements per engine and dialect object; a run makes thousands of both, all of two kinds."""
    connection.execution_options(compiled_cache=_statements)


# ---------------------------------------------------------------- the clock


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """No test inherits another's clock: an application that one of them built leaves its file of the offset behind."""
    from app.kernel import clock

    clock.use_offset_file(None)
    yield
    clock.use_offset_file(None)


# ---------------------------------------------------------------- databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        both = "any_database" in metafunc.fixturenames or metafunc.definition.get_closest_marker("both_databases")
        overlaps = metafunc.definition.get_closest_marker("only_postgresql")
        metafunc.parametrize("database_kind", KINDS[1:] if overlaps else KINDS if both else KINDS[:1])


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path) -> Iterator[str]:
    """A fresh database, migrated and with the reference data: SQLite, or each in turn when marked `both_databases`."""
    from tests import databases

    if database_kind == "sqlite":
        yield databases.fresh_sqlite(tmp_path)
        return
    url = databases.fresh_postgresql()
    yield url
    databases.drop(url)


@pytest.fixture
def any_database(database_url: str) -> str:
    """The same, always on both databases."""
    return database_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    from app.kernel.db import make_engine

    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """One session on a fresh database."""
    with Session(engine) as session:
        yield session
