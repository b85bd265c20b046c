"""Events and the consumers that follow them.

A service leaves its event in the transaction of the change; consumers pick up what has no receipt of theirs. They never
ask for "id greater than the last one seen": ids are given before the commit, so a slower transaction would be lost for
ever. The floor only skips what is so old that no transaction can still be open.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel import clock
from app.kernel.db import Base, commit, run
from app.kernel.events import Fact, body_of

log = logging.getLogger("mall.outbox")

LEASE = timedelta(seconds=30)
SKEW = timedelta(minutes=1)
"""How far the clocks of the mall's machines and of the database may be apart."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SETTLED_AFTER = timedelta(minutes=10)
"""Older events are all visible, unless a transaction of PostgreSQL is open for longer; SQLite gives numbers to one writer at a time."""


WHOLE_LOOK_S = 5.0
"""A consumer with much to do goes on behind what it did last, or each batch would pass by all receipts of those before; so often it
looks at everything again, for an event may be committed after one with a higher number, and a lease may have run out."""


class Event(Base):
    """One fact of one stream, append-only. A stream is named by the number of its order, plan, submission…"""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("stream", "version"),
        ForeignKeyConstraint(["stream", "prev_version"], ["events.stream", "events.version"], name="fk_events_prev"),
        Index("ix_events_type_id", "type", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str]
    version: Mapped[int]
    prev_version: Mapped[int | None]
    type: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    region: Mapped[str | None]
    owner_id: Mapped[int | None]
    actor_id: Mapped[int | None]
    at: Mapped[datetime]


class EventReceipt(Base):
    """This consumer has done its work for this event."""

    __tablename__ = "event_receipts"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class EventLease(Base):
    """A worker has taken this event for this consumer until the lease runs out; the token fences a late worker off."""

    __tablename__ = "event_leases"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str]
    until: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=1)
    error: Mapped[str | None] = mapped_column(Text)


class ConsumerFloor(Base):
    """All events up to this id have receipts of this consumer; moved on by housekeeping only."""

    __tablename__ = "consumer_floors"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[int]


class By(Protocol):
    """Whoever an event is recorded for."""

    @property
    def person_id(self) -> int | None: ...


@dataclass(frozen=True)
class Entry:
    """A fact on its way into the events table."""

    fact: Fact
    stream: str
    version: int
    region: str | None = None
    owner_id: int | None = None


def record(
    session: Session,
    actor: By,
    fact: Fact,
    *,
    stream: str,
    version: int | None = None,
    region: str | None = None,
    owner_id: int | None = None,
) -> int:
    """Leave an event in the current transaction and return its id; without a version it takes the stream's next."""
    if version is None:
        version = (session.scalar(select(func.max(Event.version)).where(Event.stream == stream)) or 0) + 1
    return record_all(session, actor, [Entry(fact, stream, version, region, owner_id)])[0]


def record_all(session: Session, actor: By, entries: Sequence[Entry]) -> list[int]:
    """Leave several events with one statement; their ids come back in the order given."""
    at = clock.now()
    rows = [
        {
            "stream": entry.stream,
            "version": entry.version,
            "prev_version": entry.version - 1 or None,
            "type": entry.fact.type,
            "body": body_of(entry.fact),
            "region": entry.region,
            "owner_id": entry.owner_id,
            "actor_id": actor.person_id,
            "at": at,
        }
        for entry in entries
    ]
    return list(run(session, _RECORD, rows if len(rows) > 1 else rows[0]).scalars())


def versions_of(session: Session, streams: Sequence[str]) -> dict[str, int]:
    """The last version of each of these streams that has events; one statement."""
    query = select(Event.stream, func.max(Event.version).label("last")).where(Event.stream.in_(streams)).group_by(Event.stream)
    return {row.stream: row.last for row in session.execute(query)}


_RECORD: Final = insert(Event.__table__).returning(Event.__table__.c.id, sort_by_parameter_order=True)  # type: ignore[arg-type]


Outside = Callable[[Session, Sequence[Event]], Any]
Inside = Callable[[Session, Sequence[Event], Any], None]


@dataclass
class Place:
    """Behind which event a consumer goes on, and until when it does so before it looks at everything again."""

    after: int = 0
    until: float = 0.0


@dataclass(frozen=True)
class Consumer:
    """Who follows which events. A type ending in a dot stands for all below it; "*" for every type.

    `outside` runs first, without a write transaction, and may talk to other systems: it must bear being repeated.
    `inside` runs in the transaction that writes the receipts: its effects on the database happen exactly once.
    While `ready` says no, nothing is taken up and the events wait untouched. After a failure an event waits at most
    `longest_pause_s` before it is tried again.
    """

    name: str
    types: tuple[str, ...]
    inside: Inside | None = None
    outside: Outside | None = None
    batch: int = 20
    lane: str = "slow"
    ready: Callable[[Session], bool] | None = None
    longest_pause_s: int = 600
    place: Place = field(default_factory=Place, compare=False, repr=False)


@dataclass(frozen=True)
class Timer:
    """Work that the clock starts: deadlines, the sequencer, scans. Returns how much it did."""

    name: str
    every: float
    run: Callable[[Callable[[], Session]], int]
    lane: str = "slow"


def pending(session: Session, consumer: Consumer, limit: int, *, after: int = 0) -> list[int]:
    """Ids of events this consumer has neither done nor leased out, oldest first; only those behind `after` when it is given."""
    floor = session.scalar(select(ConsumerFloor.event_id).where(ConsumerFloor.consumer == consumer.name)) or 0
    # Each event is looked up by itself, for a join is at the planner's mercy: of a consumer that has done ten thousand events since
    # the rows were counted last it believes that there are none, and compares every event with all of them.
    done = select(EventReceipt.event_id).where(EventReceipt.consumer == consumer.name, EventReceipt.event_id == Event.id)
    until = select(EventLease.until).where(EventLease.consumer == consumer.name, EventLease.event_id == Event.id)
    query = (
        select(Event.id)
        .where(Event.id > max(floor, after), done.scalar_subquery().is_(None))
        .where(func.coalesce(until.scalar_subquery(), NEVER) < clock.now())
        .order_by(Event.id)
        .limit(limit)
    )
    if "*" not in consumer.types:
        query = query.where(or_(*(Event.type.startswith(t) if t.endswith(".") else Event.type == t for t in consumer.types)))
    return list(session.scalars(query))


def batch(session: Session, consumer: Consumer) -> list[int]:
    """What is taken next: new events together; one that failed goes by itself, those of a worker that ended go in ever smaller parts.

    An event that always fails would otherwise take those of its batch along each time, and so would one that ends the worker.
    """
    ids: list[int] = []
    if consumer.place.after and time.monotonic() < consumer.place.until:
        ids = pending(session, consumer, consumer.batch, after=consumer.place.after)
    if not ids:
        ids = pending(session, consumer, consumer.batch)
        consumer.place.until = time.monotonic() + WHOLE_LOOK_S
    query = select(EventLease.event_id, EventLease.attempts, EventLease.error.is_not(None).label("failed"))
    begun = {row.event_id: row for row in session.execute(query.where(EventLease.consumer == consumer.name, EventLease.event_id.in_(ids)))}
    if not ids or ids[0] not in begun:
        taken = [i for i in ids if i not in begun]
    elif begun[ids[0]].failed:
        taken = ids[:1]
    else:
        left_behind = [i for i in ids if i in begun and not begun[i].failed]
        taken = left_behind[: max(1, consumer.batch >> begun[ids[0]].attempts)]
    consumer.place.after = taken[-1] if taken else 0
    return taken


def claim(session: Session, consumer: Consumer, ids: Iterable[int], token: str) -> list[int]:
    """Lease these events; those that another worker took meanwhile are left out."""
    moment = clock.now()
    upsert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = upsert(EventLease).values(
        [{"consumer": consumer.name, "event_id": i, "token": token, "until": moment + LEASE, "attempts": 1} for i in ids]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[EventLease.consumer, EventLease.event_id],
        set_={"token": token, "until": moment + LEASE, "attempts": EventLease.attempts + 1},
        where=EventLease.until < moment,
    )
    taken = set(session.scalars(statement.returning(EventLease.event_id)))
    # another worker may have finished between our look and our lease: its receipt is there once its own lease is gone
    done = set(
        session.scalars(
            select(EventReceipt.event_id).where(EventReceipt.consumer == consumer.name, EventReceipt.event_id.in_(taken))
        )
    )
    if done:
        session.execute(
            delete(EventLease).where(
                EventLease.consumer == consumer.name, EventLease.token == token, EventLease.event_id.in_(done)
            )
        )
    return sorted(taken - done)


def step(sessions: Callable[[], Session], consumer: Consumer) -> int:
    """Take one batch for one consumer through outside work, inside work and receipts; returns how many were done."""
    token = secrets.token_hex(8)
    with sessions() as session:
        if consumer.ready is not None and not consumer.ready(session):
            return 0
        ids = batch(session, consumer)
        if not ids:
            return 0
        with commit(session):
            ids = claim(session, consumer, ids, token)
        if not ids:
            return 0
        events = list(session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id)))
        try:
            result = consumer.outside(session, events) if consumer.outside else None
            with commit(session):
                held = set(
                    session.scalars(
                        select(EventLease.event_id).where(EventLease.consumer == consumer.name, EventLease.token == token)
                    )
                )
                mine = list(session.scalars(select(Event).where(Event.id.in_(held)).order_by(Event.id)))
                if consumer.inside and mine:
                    consumer.inside(session, mine, result)
                if held:
                    at = clock.now()
                    session.execute(
                        insert(EventReceipt), [{"consumer": consumer.name, "event_id": i, "at": at} for i in sorted(held)]
                    )
                    session.execute(delete(EventLease).where(EventLease.consumer == consumer.name, EventLease.token == token))
        except Exception as error:  # the worker must outlive any one event: kept with its error, tried again later
            log.exception("consumer failed", extra={"consumer": consumer.name, "events": ids})
            session.rollback()
            with commit(session):
                postpone(session, consumer, token, error)
            return 0
    return len(ids)


def postpone(session: Session, consumer: Consumer, token: str, error: Exception) -> None:
    """Keep the failure with the lease and try again later, each time after a longer pause (ten minutes at most, unless it says less)."""
    leases = session.scalars(select(EventLease).where(EventLease.consumer == consumer.name, EventLease.token == token))
    for lease in leases:
        pause = min(2 ** min(lease.attempts, 10), consumer.longest_pause_s)
        lease.until = clock.now() + timedelta(seconds=pause)
        lease.error = f"{type(error).__name__}: {error}"[:500]


def _settled_before(session: Session) -> datetime:
    """What was recorded before this moment was committed or given up: long ago, and before the oldest open transaction began."""
    moment = clock.wall_now() - SETTLED_AFTER
    if session.get_bind().dialect.name != "postgresql":
        return moment
    others = text("SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    oldest: datetime | None = session.scalar(others)
    return min(moment, oldest - SKEW) if oldest else moment


def raise_floor(session: Session, consumer: Consumer) -> None:
    """Skip settled history: move the floor to just below the oldest old event that still lacks a receipt.

    Transactions stay open in real time, so events dated ahead (training province) wait until real time has caught up.
    """
    settled = session.scalar(select(func.max(Event.id)).where(Event.at < _settled_before(session))) or 0
    open_ids = [i for i in pending(session, consumer, 1) if i <= settled]
    leased = session.scalar(select(func.min(EventLease.event_id)).where(EventLease.consumer == consumer.name))
    floor = min([settled, *(i - 1 for i in open_ids), *([leased - 1] if leased else [])])
    if session.execute(update(ConsumerFloor).where(ConsumerFloor.consumer == consumer.name).values(event_id=floor)).rowcount == 0:  # type: ignore[attr-defined]
        session.add(ConsumerFloor(consumer=consumer.name, event_id=floor))
