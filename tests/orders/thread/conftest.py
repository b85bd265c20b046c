"""The application over a small world, with counters of statements."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from app.config import Settings
from tests.catalog.conftest import Shop


class Office(Shop):
    """A shop that counts what is asked of the database."""

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[str]]:
        from app.web.extensions import db

        asked: list[str] = []

        def note(_connection, _cursor, statement, *_more):
            if not statement.startswith("BEGIN"):
                asked.append(statement)

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url))
    office = Office(app, database_url)
    yield office
    app.extensions["mall.search"].close()
    office.engine.dispose()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def asked(engine):
    """Counts what a session of this test asks of the database."""

    @contextlib.contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection, _cursor, statement, *_more):
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield statements
        event.remove(engine, "before_cursor_execute", note)

    return counting
