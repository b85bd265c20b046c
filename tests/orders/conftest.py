"""A small world in the database of the test, and the whole application on such a database."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.db import commit
from tests import factories
from tests.factories import World
from tests.orders.visits import Shop


@pytest.fixture
def world(session: Session) -> World:
    """One unit, one supplier, 100,000 yuan with 50,000 planned for printers at 1,000 each."""
    with commit(session):
        return factories.world(session)


@pytest.fixture
def late() -> Callable[..., None]:
    """Lets the clock run ahead (`late(days=20)`)."""
    return lambda **step: clock.advance(timedelta(**step))


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """The application with a small world of its own; `shop.visitor(role)` and `shop.caller(role)` go in."""
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url))
    shop = Shop(app, database_url)
    yield shop
    shop.engine.dispose()
    with app.app_context():
        db.engine.dispose()
