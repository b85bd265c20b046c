"""The migrations lead from nothing to the mapped classes and back, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from app.kernel.db import Base, make_engine
from app.kernel.verdicts import read
from orders.purchases.verdicts import Verdict
from tests import databases
from tests.migrations.old_mall import upgrade

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


@pytest.mark.both_databases
def test_the_checks_of_a_submission_are_gathered_in_one_row_and_spread_again(empty_url):
    check = {"rule_version": "2026.11", "inputs": '{"wanted_fen": 5}', "threshold": "{}", "facts": '{"控制": "指标"}', "at": "2026-03-05 07:30:00.000000"}
    told = [("TJ1", "B01", "1", "pass"), ("TJ2", "B01", "1", "pass"), ("TJ1", "S02", "unit", "hold"), ("TJ1", "B11", "1", "watch")]
    rows = [check | {"id": number, "submission": s, "rule": r, "subject": of, "outcome": o} for number, (s, r, of, o) in enumerate(told, start=1)]
    names = ", ".join(rows[0])
    upgrade(empty_url, "0004")
    engine = make_engine(empty_url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"INSERT INTO decision_records ({names}) VALUES ({', '.join(f':{name}' for name in rows[0])})"), rows)
        upgrade(empty_url, "0005")
        with engine.connect() as connection:
            found = connection.execute(text("SELECT submission, findings, verdicts FROM decision_records ORDER BY id")).all()
        assert [(row.submission, row.findings) for row in found] == [("TJ1", 2), ("TJ2", 0)]
        assert [(each.rule, each.subject, each.outcome.value) for each in read(Verdict, found[0].verdicts)] == [each[1:] for each in told if each[0] == "TJ1"]
        databases.migrate(empty_url, "0004")
        with engine.connect() as connection:
            back = connection.execute(text("SELECT submission, rule, subject, outcome, rule_version, inputs, threshold, facts FROM decision_records")).all()
    finally:
        engine.dispose()
    assert sorted(back) == sorted((*each, check["rule_version"], check["inputs"], check["threshold"], check["facts"]) for each in told)


@pytest.mark.both_databases
def test_what_suppliers_claimed_stays_a_claim_and_is_a_plain_yes_again_on_the_way_back(empty_url):
    row = "INSERT INTO products (id, category_code, brand, model, title, unit, attributes, origin, energy_saving, environment, created_at) VALUES "
    leaf = "INSERT INTO categories (code, name, level, parent_code, leaf, kind) VALUES ('A02021003', 'A4 黑白打印机', 4, NULL, true, 'goods')"
    told = "(1, 'A02021003', 'HP 惠普', 'Ｐ 1-2', 'a', '台', '{}', 'domestic', true, false, '2026-03-05 07:30:00'), (2, 'A02021003', '奔图', 'P2', 'b', '台', '{}', 'domestic', false, true, '2026-03-05 07:30:00')"
    upgrade(empty_url, "0006")
    engine = make_engine(empty_url)
    try:
        with engine.begin() as connection:
            connection.execute(text(leaf))
            connection.execute(text(row + told))
        upgrade(empty_url, "0007")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT brand_key, model_key, proven FROM products ORDER BY id")).all() == [("hp惠普", "p12", "{}"), ("奔图", "p2", "{}")]
            assert connection.execute(text("SELECT product_id, kind, number FROM product_facts ORDER BY product_id")).all() == [(1, "energy", ""), (2, "environment", "")]
        databases.migrate(empty_url, "0006")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT energy_saving, environment FROM products ORDER BY id")).all() == [(True, False), (False, True)]
    finally:
        engine.dispose()
