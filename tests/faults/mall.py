"""The mall under fire: the web server of `mall serve` and its job worker, started again when they die.

A nursery (`tests.faults.nursery`) loads the product once and forks both, so that a kill costs a small machine no import.
PostgreSQL is a durable server of its own.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.config import Settings
from app.kernel.db import make_engine
from app.kernel.outbox import Event
from supervision.journal import service as log
from supervision.journal.tables import Leaf
from tests import databases, postgresql
from tests.benchmarks.processes import free_port
from tests.peers import ROOT

WEB_WORKERS = 4
NOT_UP_SECONDS = 240.0


def parents() -> dict[int, int]:
    """The parent of every process there is."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    found[int(folder.name)] = int(fields[1])
    return found


def children(pid: int) -> list[int]:
    return sorted(child for child, parent in parents().items() if parent == pid)


@dataclass
class Database:
    """Where the mall keeps its data; PostgreSQL with the folder of its server."""

    kind: str
    url: str
    cluster: Path | None = None
    port: int = 0

    @property
    def postmaster(self) -> int:
        assert self.cluster is not None
        return int((self.cluster / "data/postmaster.pid").read_text().split("\n")[0])

    def backends(self) -> list[int]:
        """Processes of the server that serve a client."""
        found = []
        for pid in children(self.postmaster):
            with contextlib.suppress(OSError):
                if b"postgres: mall " in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def start_again(self) -> None:
        assert self.cluster is not None
        postgresql.start_again(self.cluster, self.port)


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """A migrated database with the reference data."""
    if kind == "sqlite":
        yield Database(kind, databases.fresh_sqlite(folder))
        return
    address, cluster = postgresql.start(owner_pid=os.getpid(), settings=postgresql.DURABLE)
    try:
        databases.administer(address, "CREATE DATABASE mall_under_fire")
        url = f"{address}/mall_under_fire"
        databases.fill(url)
        yield Database(kind, url, cluster, int(address.rpartition(":")[2]))
    finally:
        postgresql.stop(cluster)


@dataclass
class Mall:
    """Processes of the running mall, and the thread that keeps them running."""

    database: Database
    folder: Path
    settings: Settings
    nursery: subprocess.Popen[bytes]
    engine: Engine
    stopping: threading.Event = field(default_factory=threading.Event)
    heads: dict[str, None] = field(default_factory=dict)
    """Checkpoints that were published meanwhile, as a witness would have kept them."""

    @property
    def journal(self) -> Path:
        return self.settings.data_dir / "journal"

    def sessions(self) -> Session:
        return Session(self.engine)

    def born(self) -> dict[str, int]:
        """The web server and the job worker that the nursery keeps, as far as they live."""
        try:
            told: dict[str, int] = json.loads((self.folder / "pids").read_text())
        except FileNotFoundError:
            return {}
        living = children(self.nursery.pid)
        return {name: pid for name, pid in told.items() if pid in living}

    def web_workers(self) -> list[int]:
        """The processes that answer requests; not the one that keeps them."""
        server = self.born().get("web")
        return children(server) if server else []

    def job_worker(self) -> int | None:
        return self.born().get("worker")

    def is_sequencing(self) -> bool:
        """Whether somebody holds the sequencer's lock at this moment."""
        with contextlib.suppress(FileNotFoundError), (self.journal / "sequencer.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def witness(self) -> None:
        """Keep a copy of every checkpoint that is seen."""
        while not self.stopping.wait(0.1):
            with contextlib.suppress(OSError):
                self.heads[(self.journal / "checkpoint").read_text()] = None

    def wait_until_well(self) -> None:
        """Until the web server answers that its database answers. Raises TimeoutError with the end of the log."""
        until = time.monotonic() + NOT_UP_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.settings.address}/healthz", timeout=5, trust_env=False).status_code == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"the mall did not come up:\n{(self.folder / 'mall.log').read_text()[-3000:]}")

    def wait_until_sealed(self, seconds: float = 60.0) -> bool:
        """Whether every event got its leaf within this time, by the running job worker itself."""
        until = time.monotonic() + seconds
        unsealed = select(func.count(Event.id)).outerjoin(Leaf, Leaf.event_id == Event.id).where(Leaf.event_id.is_(None))
        while time.monotonic() < until:
            with contextlib.suppress(DBAPIError), self.sessions() as session:
                if session.scalar(unsealed) == 0 and self.job_worker() is not None:
                    return True
            time.sleep(0.2)
        return False

    def end(self) -> None:
        """At once, the keepers before the kept: what is settled must not need a farewell."""
        kept = children(self.nursery.pid)
        for pid in (self.nursery.pid, *kept, *(pid for child in kept for pid in children(child))):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.nursery.wait()

    def cut_database(self) -> int:
        """Have PostgreSQL end all its connections but this one; returns how many."""
        engine = create_engine(self.database.url, poolclass=NullPool)
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with engine.connect() as connection:
            return int(connection.scalar(text(ended)) or 0)


@contextlib.contextmanager
def serving(where: Database, folder: Path) -> Iterator[Mall]:
    """Serve the mall until the block ends; whatever was started here is gone afterwards."""
    settings = Settings(data_dir=folder / "data", database_url=where.url, port=free_port(), web_workers=WEB_WORKERS, web_threads=4, demo_traffic=0)
    settings.data_dir.mkdir()
    log.create_key(settings.journal_key_path, settings.journal_origin)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALL_")}
    given = {"DATA_DIR": settings.data_dir, "DATABASE_URL": where.url, "PORT": settings.port, "WEB_WORKERS": WEB_WORKERS, "DEMO_TRAFFIC": 0}
    environment |= {f"MALL_{name}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "tests.faults.nursery", str(folder / "pids")]
    with (folder / "mall.log").open("ab") as output:
        nursery = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    mall = Mall(where, folder, settings, nursery, make_engine(where.url))
    witness = threading.Thread(target=mall.witness, name="witness", daemon=True)
    witness.start()
    try:
        mall.wait_until_well()
        yield mall
    finally:
        mall.stopping.set()
        witness.join(10)
        mall.end()
        mall.engine.dispose()
