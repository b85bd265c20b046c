"""The migrations lead from nothing to the mapped classes and back, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from app.kernel.db import Base, make_engine
from tests import databases

TRIGGERS = {
    "sqlite": "SELECT tbl_name || '.' || name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT DISTINCT event_object_table || '.' || trigger_name FROM information_schema.triggers",
}


@pytest.fixture
def empty_url(database_kind: str, tmp_path: Path) -> Iterator[str]:
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    url = databases.empty_postgresql()
    yield url
    databases.drop(url)


def shape(url: str) -> tuple[set[str], set[str]]:
    """Tables and triggers, as the database knows them."""
    engine = make_engine(url)
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
        triggers = set(connection.scalars(text(TRIGGERS[engine.dialect.name])))
    engine.dispose()
    return tables, triggers


@pytest.mark.both_databases
def test_up_down_and_up_again_gives_the_same_tables_and_triggers(empty_url):
    databases.migrate(empty_url)
    first = shape(empty_url)
    databases.migrate(empty_url, "base")
    assert shape(empty_url) == (set(), set())
    databases.migrate(empty_url)
    assert shape(empty_url) == first
    assert first[0] == set(Base.metadata.tables)


@pytest.mark.both_databases
def test_the_migrations_end_where_the_mapped_classes_are(database_url):
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


@pytest.mark.both_databases
def test_what_is_append_only_is_guarded_by_triggers(database_url):
    guarded = {trigger.partition(".")[0] for trigger in shape(database_url)[1]}
    assert guarded >= {"events", "budget_moves", "journal_leaves", "journal_checkpoints"}
