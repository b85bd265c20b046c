"""Reading the log into the stream and the figures of regions: each leaf once, in the order of the log."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.outbox import Event
from catalog.taxonomy import queries as taxonomy
from supervision.dashboard import queries, rules
from supervision.dashboard.tables import RegionDay, StreamCursor, StreamEntry
from supervision.journal import queries as journal

STREAM = "stream"
BATCH = 500


def catch_up(session: Session, most: int = BATCH) -> int:
    """Take over the next leaves; returns how many. Two workers never take the same: the cursor moves first, or not at all."""
    at = queries.head(session)
    leaves = journal.events_after(session, at, most)
    if not leaves or not _move_cursor(session, at, leaves[-1][0]):
        return 0
    shown = [(index, event, json.loads(event.body)) for index, event in leaves if rules.is_shown(event.type) and event.region]
    earlier = queries.rules_of(session, {event.stream for _, event, _ in shown if event.version > 1})
    rows: list[dict[str, Any]] = []
    sums: dict[tuple[str, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index, event, body in shown:
        line = rules.line_of(event.type, body, earlier.get(event.stream, ()))
        earlier[event.stream] = line.rules
        rows.append(_row(session, index, event, line))
        for name, count in rules.tally(event.type, line).items():
            sums[event.region or "", clock.local(event.at).date()][name] += count
    if rows:
        session.execute(insert(StreamEntry), rows)
    _add(session, sums)
    return len(leaves)


def _move_cursor(session: Session, before: int, after: int) -> bool:
    if before < 0:
        upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
        made = upsert(StreamCursor).values(name=STREAM, leaf_index=after).on_conflict_do_nothing(index_elements=[StreamCursor.name])
        return session.execute(made.returning(StreamCursor.name)).first() is not None
    moved = update(StreamCursor).where(StreamCursor.name == STREAM, StreamCursor.leaf_index == before).values(leaf_index=after)
    return session.execute(moved.returning(StreamCursor.name), execution_options={"synchronize_session": False}).first() is not None


def _row(session: Session, index: int, event: Event, line: rules.Line) -> dict[str, Any]:
    return {
        "leaf_index": index,
        "event_id": event.id,
        "at": event.at,
        "type": event.type,
        "number": event.stream,
        "region": event.region,
        "unit_id": line.unit_id,
        "supplier_id": line.supplier_id,
        "unit_name": line.unit_name,
        "supplier_name": line.supplier_name,
        "category": _named(session, line.categories),
        "amount_fen": line.amount_fen,
        "mode": line.mode,
        "state": line.state,
        "risk": line.risk.value,
        "rules": " ".join(line.rules),
    }


def _named(session: Session, codes: Iterable[str]) -> str:
    """The names of the categories as the catalogue has them, at most three."""
    found = list(codes)
    names = taxonomy.names(session, found)
    return "、".join(names.get(code, code) for code in found[:3]) + ("…" if len(found) > 3 else "")


def _add(session: Session, sums: dict[tuple[str, date], dict[str, int]]) -> None:
    """Add to the figures, one upsert for each region and day, in a fixed order."""
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    names = [column.name for column in RegionDay.__table__.columns if column.name not in {"region", "day"}]
    for (region, day), found in sorted(sums.items()):
        statement = upsert(RegionDay).values(region=region, day=day, **{name: found.get(name, 0) for name in names})
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[RegionDay.region, RegionDay.day],
                set_={name: RegionDay.__table__.c[name] + found[name] for name in names if found.get(name)} or {"region": region},
            )
        )
