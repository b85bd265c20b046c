"""The shape of what narrows a list of orders, in an address or in a query of the API."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement

from app.kernel import regions
from app.policy import Actor
from orders.budgets.states import BUCKETS, Pool
from orders.purchases.states import State
from orders.thread import desk
from orders.thread.rules import LONGEST_TEXT, BadFilter, Filters
from orders.thread.states import OF_ORDERS, Group, Kind, Sort

Word = TypeVar("Word", bound=StrEnum)

LARGEST_ID = 2**63 - 1


def parse(given: Mapping[str, Any]) -> Filters:
    """The filters of an address; empty values are as good as none. Raises BadFilter."""

    def text(name: str) -> str:
        value = str(given.get(name) or "").strip()
        if "\0" in value or len(value) > LONGEST_TEXT:
            raise BadFilter(field=name, name=name, value=value[:20].replace("\0", ""))
        return value

    def one(name: str, kind: type[Word], allowed: Sequence[Word] | frozenset[Word] | None = None) -> Word | None:
        value = text(name)
        if not value:
            return None
        if value not in {each.value for each in allowed or kind}:
            raise BadFilter(field=name, name=name, value=value)
        return kind(value)

    def number(name: str) -> int | None:
        value = text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()) or int(value) > LARGEST_ID:
            raise BadFilter(field=name, name=name, value=value)
        return int(value)

    def on(name: str) -> date | None:
        value = text(name)
        try:
            day = date.fromisoformat(value) if value else None
        except ValueError as error:
            raise BadFilter(field=name, name=name, value=value) from error
        if day is not None and not 2000 <= day.year <= 2100:
            raise BadFilter(field=name, name=name, value=value)
        return day

    state = text("state")
    if state and state not in {*State, *Group}:
        raise BadFilter(field="state", name="state", value=state)
    return Filters(
        state=(Group(state) if state in set(Group) else State(state)) if state else None,
        q=text("q"),
        since=on("since"),
        until=on("until"),
        unit=number("unit"),
        supplier=number("supplier"),
        region=text("region") or None,
        control=number("control"),
        bucket=one("bucket", Pool, BUCKETS),
        todo=one("todo", Kind, OF_ORDERS),
        due=text("due") not in ("", "0", "False"),
        sort=one("sort", Sort) or Sort.SUBMITTED,
        ascending=text("dir") == "asc",
    )


def narrowing(actor: Actor, given: Mapping[str, Any]) -> tuple[Filters, ColumnElement[bool] | None]:
    """The filters asked for, and the condition of the kind of work they name. Raises BadFilter."""
    filters = parse(given)
    only = desk.waiting(actor, filters.todo) if filters.todo else None
    if filters.todo and only is None:
        raise BadFilter(field="todo", name="todo", value=filters.todo)
    if filters.region and filters.region not in regions.REGIONS:
        raise BadFilter(field="region", name="region", value=filters.region)
    return filters, only
