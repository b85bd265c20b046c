"""Keyset pages: a list is read from a sort key on, never from an offset.

The cursor that a reader hands back is opaque text holding the direction and the sort key of a row; whatever happens to
the list meanwhile, no row is shown twice or skipped. Sort keys end with a unique column and none of them is NULL.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.kernel.errors import N_, Invalid

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]

FORWARD, BACK = "n", "p"
LARGEST = 2**63 - 1


class BadCursor(Invalid):
    """The cursor was not made by this list."""

    code = "cursor.bad"
    message = N_("翻页位置无效，请从第一页重新开始")


@dataclass(frozen=True)
class Key:
    """One column of the sort order, largest first unless said otherwise."""

    column: ColumnElement[Any] | InstrumentedAttribute[Any]
    descending: bool = True


@dataclass(frozen=True)
class Page(Generic[T]):
    """The rows of one page and the cursors of its neighbours (None where there is none)."""

    rows: list[T]
    next: str | None = None
    prev: str | None = None


def page(session: Session, query: Select[T], keys: Sequence[Key], *, cursor: str | None = None, limit: int = 50) -> Page[T]:
    """One page of a select of one entity or column, in the order of the keys. Raises BadCursor."""
    return _read(session, query, keys, cursor, limit, pick=lambda row: row[0])


def rows(session: Session, query: AnySelect, keys: Sequence[Key], *, cursor: str | None = None, limit: int = 50) -> Page[Any]:
    """One page of a select of several columns; the sort keys stand behind the row's own columns. Raises BadCursor."""
    return _read(session, query, keys, cursor, limit, pick=lambda row: row)


def encode(values: Sequence[Any], direction: str = FORWARD) -> str:
    """The cursor for a row with this sort key."""
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    text = json.dumps([direction, *plain], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, kinds: Sequence[type]) -> tuple[str, tuple[Any, ...]]:
    """Direction and sort key of a cursor, each value of the kind its column holds. Raises BadCursor."""
    try:
        direction, *plain = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        values = tuple(_value(value, kind) for value, kind in zip(plain, kinds, strict=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadCursor(field="cursor") from error
    if direction not in (FORWARD, BACK):
        raise BadCursor(field="cursor")
    return direction, values


def beyond(keys: Sequence[Key], values: Sequence[Any], *, back: bool = False) -> ColumnElement[bool]:
    """The condition for rows that come after (or before) the one with this sort key."""
    either: list[ColumnElement[bool]] = []
    for depth, key in enumerate(keys):
        smaller = key.descending is not back
        step = key.column < values[depth] if smaller else key.column > values[depth]
        either.append(and_(*(other.column == values[i] for i, other in enumerate(keys[:depth])), step))
    return or_(false(), *either)


def _read(
    session: Session, query: AnySelect, keys: Sequence[Key], cursor: str | None, limit: int, *, pick: Callable[[Any], T]
) -> Page[T]:
    back = False
    if cursor:
        direction, values = decode(cursor, [key.column.type.python_type for key in keys])
        back = direction == BACK
        query = query.where(beyond(keys, values, back=back))
    order = [key.column.desc() if key.descending is not back else key.column.asc() for key in keys]
    found = list(session.execute(query.add_columns(*(key.column for key in keys)).order_by(None).order_by(*order).limit(limit + 1)))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    has_next, has_prev = (bool(cursor), more) if back else (more, bool(cursor))
    width = len(keys)
    return Page(
        rows=[pick(row) for row in found],
        next=encode(tuple(found[-1])[-width:]) if found and has_next else None,
        prev=encode(tuple(found[0])[-width:], BACK) if found and has_prev else None,
    )


def _value(value: Any, kind: type) -> Any:
    if issubclass(kind, datetime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a naive time")
        return moment
    if issubclass(kind, date):
        return date.fromisoformat(value)
    if kind is int and type(value) is int and abs(value) <= LARGEST:
        return value
    if kind is float and type(value) in (int, float):
        return float(value)
    if issubclass(kind, str) and isinstance(value, str) and "\0" not in value:
        return value
    raise ValueError(f"{type(value).__name__} where {kind.__name__} is meant")
