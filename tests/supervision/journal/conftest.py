from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.supervision.journal.world import World, bare_engine


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A journal on a database of its own, without triggers."""
    engine = bare_engine(tmp_path)
    yield World(engine, tmp_path)
    engine.dispose()


@pytest.fixture
def real(engine: Engine, tmp_path: Path) -> World:
    """A journal on the product's migrated database, on SQLite and on PostgreSQL."""
    return World(engine, tmp_path)
