"""A mall that takes orders, and an empty place to bring its backup to."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.db import make_engine
from app.policy import Role
from orders.thread.audit import audit as audit_books
from supervision.journal import service as log
from supervision.journal.audit import Report, audit
from supervision.journal.note import Head, head_of
from tests import databases
from tests.orders.visits import Caller, Shop
from tests.peers import postgresql_bin


class Mall:
    """One installation: its application, its people, its log."""

    def __init__(self, folder: Path, url: str) -> None:
        from wsgi import create_app

        self.settings = Settings(data_dir=folder, database_url=url)
        self.app: Flask = create_app(self.settings)
        self.engine = make_engine(url)
        self.worker = self.app.extensions["mall.worker"]()
        self.number = 0

    def run(self, *command: object) -> Result:
        """A command of `flask mall`."""
        return self.app.test_cli_runner().invoke(args=["mall", *map(str, command)])

    def did(self, *command: object) -> str:
        """The same; it must succeed."""
        answer = self.run(*command)
        assert answer.exit_code == 0, answer.output + repr(answer.exception)
        return str(answer.output)

    def refused(self, *command: object) -> str:
        """The same; it must refuse in words."""
        answer = self.run(*command)
        assert answer.exit_code == 1 and answer.output.startswith("Error: "), answer.output + repr(answer.exception)
        return str(answer.output)

    def session(self) -> Session:
        return Session(self.engine)

    @property
    def log(self) -> Path:
        return self.settings.folder("journal")

    def checkpoint(self) -> str:
        return (self.log / "checkpoint").read_text()

    def head(self) -> Head:
        return head_of(self.checkpoint(), log.verifier_at(self.settings.journal_key_path))

    def audit(self) -> Report:
        with self.session() as session:
            return audit(session, self.log, log.verifier_at(self.settings.journal_key_path))

    def is_sound(self) -> bool:
        """Every audit accepts: the log, the budgets, the orders."""
        report = self.audit()
        assert report.findings == []
        with self.session() as session:
            assert audit_books(session) == []
        return True

    def close(self) -> None:
        from app.web.extensions import db

        self.app.extensions["mall.search"].close()
        self.engine.dispose()
        with self.app.app_context():
            db.engine.dispose()


class Customers:
    """The buyers of a mall: each order is one ream of paper, by the API."""

    def __init__(self, mall: Mall) -> None:
        shop = Shop(mall.app, str(mall.settings.database_url))
        log.create_key(mall.settings.journal_key_path, mall.settings.journal_origin)
        self.token = shop.caller(Role.BUYER).token
        world = shop.world
        self.line = {"listing_id": world.paper.id, "quantity": 1, "seen_price_fen": world.paper.price_fen, "plan_line_id": world.lines[1].id}
        self.count = 0
        shop.engine.dispose()

    def order(self, mall: Mall) -> str:
        """Order and return the number."""
        self.count += 1
        headers = {"Idempotency-Key": f"drill-{self.count:04}"}
        body = {"lines": [{**self.line, "address_id": None}], "reason": "日常办公"}
        answer = Caller(mall.app, self.token)("POST", "/api/v1/submissions", json=body, headers=headers)
        assert answer.status_code == 201, answer.get_json()
        return str(answer.get_json()["orders"][0]["number"])


@contextmanager
def busy(*jobs: Callable[[], Any]) -> Iterator[None]:
    """Do these again and again beside what happens in the block; the first error of theirs is raised at its end."""
    stopping = threading.Event()
    failed: list[BaseException] = []

    def repeat(job: Callable[[], Any]) -> None:
        try:
            while not stopping.is_set():
                job()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=repeat, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs that belong to the server of the tests come first."""
    monkeypatch.setenv("PATH", f"{postgresql_bin()}{os.pathsep}{os.environ['PATH']}" if postgresql_bin() else os.environ["PATH"])


@pytest.fixture
def mall(database_url: str, tmp_path: Path, tools: None) -> Iterator[Mall]:
    mall = Mall(tmp_path / "mall", database_url)
    yield mall
    mall.close()


@pytest.fixture
def customers(mall: Mall) -> Customers:
    return Customers(mall)


@pytest.fixture
def elsewhere(database_kind: str, tmp_path: Path) -> Iterator[Callable[[], Mall]]:
    """Makes empty malls on databases without a table."""
    made: list[Mall] = []

    def empty() -> Mall:
        url = databases.empty_postgresql() if database_kind == "postgresql" else f"sqlite:///{tmp_path / f'empty-{len(made)}.sqlite'}"
        made.append(Mall(tmp_path / f"empty-{len(made)}", url))
        return made[-1]

    yield empty
    for mall in made:
        mall.close()
        if database_kind == "postgresql":
            databases.drop(mall.settings.database_url)
