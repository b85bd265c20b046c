"""The lists of P08 and P13 follow their documents in a mall that has them already; a list that somebody has set is left alone."""

import json
from datetime import date

import pytest
from sqlalchemy import text

from app.kernel.db import make_engine
from tests import databases
from tests.migrations.old_mall import upgrade
from tests.migrations.test_both_ways import empty_url

__all__ = ["empty_url"]

OLD_P08 = ["A02010105", "A02010108", "A02010109", "A02021001", "A02021002", "A02021003", "A02021004", "A02021006", "A02021104", "A02061804", "A02061819", "A02091001"]
OLD_P13 = ["A02010104", "A02010105", "A02010108"]


def rows(engine) -> list[tuple]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT rule, valid_from, value FROM rule_parameters WHERE name = 'categories' ORDER BY rule, valid_from"))
        return [(rule, str(valid_from), json.loads(value)) for rule, valid_from, value in found]


def put(engine, rule: str, valid_from: date, value: list[str]) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO rule_parameters (rule, name, value, valid_from, doc_no) VALUES (:rule, 'categories', :value, :valid_from, '')"),
            {"rule": rule, "value": json.dumps(value), "valid_from": valid_from},
        )


@pytest.mark.both_databases
def test_shipped_lists_are_brought_to_their_documents_and_back(empty_url):
    upgrade(empty_url, "0013")
    engine = make_engine(empty_url)
    try:
        put(engine, "P08", date(2019, 4, 2), OLD_P08)
        put(engine, "P13", date(2025, 12, 1), OLD_P13)
        before = rows(engine)
        databases.migrate(empty_url)
        found = rows(engine)
        assert [(rule, day) for rule, day, _ in found] == [("P08", "2019-04-02"), ("P13", "2023-12-27"), ("P13", "2025-03-11")]
        assert set(found[0][2]) - set(OLD_P08) == {"A02052301", "A02052305", "A02052309", "A02060900", "A05020105", "A05020106"}
        assert found[1][2] == found[2][2] == ["A02010104", "A02010105", "A02010106", "A02010107", "A02010108"]
        databases.migrate(empty_url, "0013")
        assert rows(engine) == before
    finally:
        engine.dispose()


@pytest.mark.both_databases
def test_a_list_that_the_province_has_set_itself_stays(empty_url):
    upgrade(empty_url, "0013")
    engine = make_engine(empty_url)
    try:
        put(engine, "P08", date(2019, 4, 2), ["A02010105"])
        put(engine, "P13", date(2025, 12, 1), ["A02010105"])
        before = rows(engine)
        databases.migrate(empty_url)
        assert rows(engine) == before
    finally:
        engine.dispose()
