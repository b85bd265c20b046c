"""Many rows with one statement, on the paths where every millisecond counts."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import JSON, Insert, Text, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import Column, Table

from app.kernel.db import connection_of


def is_first(session: Session, row: object) -> bool:
    """Write a new or changed row out; False when a unique constraint says that its like was there a moment earlier.

    For rows whose like was looked for in vain: between that look and this one another transaction may have been faster. A new row
    is then taken back and nothing else; after a changed one the caller has to refuse, for the transaction is over.
    """
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def insert_rows(
    session: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    returning: tuple[Column[Any], ...],
    *,
    once: Column[Any] | None = None,
) -> Sequence[Any]:
    """Insert rows, all with the same names, and give back these columns of those that were inserted, in no promised order.

    With `once`, a row whose value of that unique column is already there is left out. On PostgreSQL the rows travel as one JSON
    value: a long statement with a parameter for every value is read anew by the driver each time, which costs more than the
    insertion itself.
    """
    session.flush()
    connection, names = connection_of(session), tuple(rows[0])
    if connection.dialect.name == "postgresql":
        return connection.execute(_from_json(table, names, returning, once), {"rows": _encode(rows)}).all()
    return connection.execute(_from_values(table, returning, once), rows).all()


@cache
def _from_json(table: Table, names: tuple[str, ...], returning: tuple[Column[Any], ...], once: Column[Any] | None) -> Insert:
    told = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    row = told.table_valued(*(column(name, table.c[name].type) for name in names), name="told").render_derived(with_types=True)
    statement = postgresql_insert(table).from_select(names, select(*row.c), include_defaults=False)
    if once is not None:
        statement = statement.on_conflict_do_nothing(index_elements=[once])
    return statement.returning(*returning)


@cache
def _from_values(table: Table, returning: tuple[Column[Any], ...], once: Column[Any] | None) -> Insert:
    if once is None:
        return insert(table).returning(*returning)
    return sqlite_insert(table).on_conflict_do_nothing(index_elements=[once]).returning(*returning)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not travel as JSON")


_encode: Final = json.JSONEncoder(ensure_ascii=False, default=_plain).encode
