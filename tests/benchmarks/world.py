"""The product with its demonstration data, ready to be measured: one per database."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from app.kernel.db import make_engine
from catalog.listings.tables import Listing
from tests import postgresql
from tests.benchmarks import bare_page, crowd, growth, yardstick
from tests.benchmarks.crowd import Buyer
from tests.benchmarks.load import Leg, Requests, drive
from tests.benchmarks.processes import Server, gunicorn
from tests.databases import administer
from tests.peers import ROOT

BUYERS = 64
"""Many, so that no unit's purchases look split."""


@dataclass(frozen=True)
class World:
    """Where the product and the yardstick keep their data, and who may sign in."""

    database: str
    folder: Path
    mall_url: str
    yardstick_url: str
    database_pid: int | None
    buyers: list[Buyer] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.folder, self.mall_url)

    @contextmanager
    def mall(self, application: str = "wsgi:app", **options: Any) -> Iterator[Server]:
        """The product as served in production, without its own traffic."""
        with gunicorn(application, self.environment, self.folder / "mall.log", **options) as server:
            yield server

    @contextmanager
    def bare_page(self, size: int, **options: Any) -> Iterator[Server]:
        """The bare page, about so many bytes long."""
        own = {"YARDSTICK_URL": self.yardstick_url, "YARDSTICK_BYTES": str(size)}
        with gunicorn("tests.benchmarks.bare_page:page()", own, self.folder / "yardstick.log", **options) as server:
            yield server

    def load(self, servers: Server | Sequence[Server], requests: Requests, *, clients: int = 1) -> Leg:
        """Ask servers that work on this world's database; each gets as many of the clients."""
        asked = [servers] if isinstance(servers, Server) else servers
        addresses, pids = [server.address for server in asked], [server.pid for server in asked]
        return drive(addresses, requests, clients=clients, server_pids=pids, database_pid=self.database_pid)

    @contextmanager
    def grown(self, times: int) -> Iterator["World"]:
        """A copy of this world with so many times the catalogue, indexed; nobody may be at the database meanwhile."""
        with tempfile.TemporaryDirectory(prefix="mall-bench-") as name:
            folder = Path(name)
            server, _, database = self.mall_url.rpartition("/")
            if self.database == "sqlite":
                large = replace(self, folder=folder, mall_url=f"sqlite:///{folder / 'mall.db'}")
                with closing(sqlite3.connect(self.folder / "mall.db")) as from_here, closing(sqlite3.connect(folder / "mall.db")) as to_there:
                    from_here.backup(to_there)
            else:
                large = replace(self, folder=folder, mall_url=f"{server}/{database}_grown")
                administer(server, f"CREATE DATABASE {database}_grown TEMPLATE {database}")
            try:
                growth.multiply(large.mall_url, times)
                mall(large, "index", "rebuild")
                settle(large)
                yield large
            finally:
                if self.database != "sqlite":
                    administer(server, f"DROP DATABASE {database}_grown WITH (FORCE)")

    def offers(self) -> int:
        """How many there are in the catalogue."""
        engine = make_engine(self.mall_url)
        with engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(Listing)) or 0
        engine.dispose()
        return count


def environment(folder: Path, url: str) -> dict[str, str]:
    clean = {name: "" for name in os.environ if name.startswith("MALL_")}
    return {**clean, "MALL_DATA_DIR": str(folder), "MALL_DATABASE_URL": url, "MALL_MODE": "demo", "MALL_DEMO_TRAFFIC": "0"}


@contextmanager
def world(database: str, scale: str) -> Iterator[World]:
    """Make the demonstration world on SQLite or on a durable PostgreSQL of its own; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mall-bench-") as name:
        folder = Path(name)
        if database == "sqlite":
            yield _fill(World(database, folder, f"sqlite:///{folder / 'mall.db'}", yardstick.sqlite_url(folder), None), scale)
            return
        address, cluster = postgresql.start(owner_pid=os.getpid(), settings=postgresql.DURABLE)
        try:
            for owner in ("mall", "yardstick"):
                administer(address, f"CREATE DATABASE bench_{owner}")
            pid = int((cluster / "data/postmaster.pid").read_text().split()[0])
            yield _fill(World(database, folder, f"{address}/bench_mall", f"{address}/bench_yardstick", pid), scale)
        finally:
            postgresql.stop(cluster)


def _fill(made: World, scale: str) -> World:
    yardstick.fill(made.yardstick_url)
    bare_page.fill(made.yardstick_url)
    mall(made, "demo", "--scale", scale)
    buyers = crowd.seat(made.mall_url, BUYERS)
    mall(made, "index", "rebuild")
    settle(made)
    return replace(made, buyers=buyers)


def settle(where: World) -> None:
    """What PostgreSQL does by itself within a minute of so many rows: SQLite plans without."""
    if where.database == "sqlite":
        return
    engine = make_engine(where.mall_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def mall(where: World, *arguments: str) -> str:
    """Run one command of the product. Returns what it printed."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mall", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **where.environment}, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout
