"""Triggers that let nobody change or take away a row of a table, on both databases.

Alembic's batch mode on SQLite makes a table anew and loses its triggers without a word: a migration that alters one of
these tables drops the triggers first and creates them again afterwards; tests/migrations looks after every step.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, inspect, text

TABLES: Final = ("events", "journal_leaves", "journal_checkpoints", "budget_moves", "listing_versions", "comparisons")
"""What happened stays as it was written."""

ACTIONS: Final = ("UPDATE", "DELETE")
_FUNCTION: Final = "refuse_change"


def create(connection: Connection, tables: Iterable[str] = TABLES) -> None:
    """Put the triggers on those of these tables that are there yet; on PostgreSQL also against TRUNCATE."""
    tables = _there(connection, tables)
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'append-only: % on %', TG_OP, TG_TABLE_NAME; END $$"
            )
        )
        for table in tables:
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                    f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
                )
            )
        return
    for table in tables:
        for action in ACTIONS:
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append-only: {action} on {table}'); END"
                )
            )


def drop(connection: Connection, tables: Iterable[str] = TABLES, *, function: bool = False) -> None:
    """Take the triggers off; with `function` also what they call on PostgreSQL, once no table uses it any more."""
    tables = _there(connection, tables)
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}"))
        if function:
            connection.execute(text(f"DROP FUNCTION IF EXISTS {_FUNCTION}()"))
        return
    for table in tables:
        for action in ACTIONS:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{action.lower()}"))


def _there(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Those of these tables that the step in hand knows: a later step brings the others with their triggers."""
    known = set(inspect(connection).get_table_names())
    return [table for table in tables if table in known]


def present(connection: Connection) -> set[str]:
    """The tables that carry their triggers now."""
    if connection.dialect.name == "postgresql":
        query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%\\_append\\_only'"
        return set(connection.scalars(text(query)))
    query = (
        "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND (name LIKE '%_no_update' OR name LIKE '%_no_delete') "
        "GROUP BY tbl_name HAVING count(*) = 2"
    )
    return set(connection.scalars(text(query)))
