"""Events and consumers: nothing is lost, nothing is done twice."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.db import commit
from app.kernel.events import Fact
from app.kernel.outbox import Consumer, ConsumerFloor, Event, EventLease, EventReceipt, Timer
from app.kernel.worker import Worker
from app.policy import SYSTEM


@dataclass(frozen=True, kw_only=True)
class Rang(Fact):
    type: ClassVar[str] = "bell.rang"
    times: int


def ring(session: Session, times: int, stream: str = "bell") -> int:
    with commit(session):
        return outbox.record(session, SYSTEM, Rang(times=times), stream=stream)


def counting(into: list[int]) -> Callable[[Session, Sequence[Event], Any], None]:
    def inside(_: Session, events: Sequence[Event], __: Any) -> None:
        into.extend(event.id for event in events)

    return inside


@pytest.fixture
def sessions(engine: Engine) -> Callable[[], Session]:
    return lambda: Session(engine)


@pytest.mark.both_databases
def test_versions_of_a_stream_follow_each_other_without_a_gap(engine: Engine) -> None:
    with Session(engine) as session:
        for times in (1, 2, 3):
            ring(session, times)
        rows = session.execute(select(Event.version, Event.prev_version, Event.body).order_by(Event.version)).all()
    assert rows == [(1, None, '{"times":1}'), (2, 1, '{"times":2}'), (3, 2, '{"times":3}')]


@pytest.mark.both_databases
def test_a_version_cannot_be_left_out(engine: Engine) -> None:
    with Session(engine) as session:
        ring(session, 1)
        with pytest.raises(IntegrityError), commit(session):
            outbox.record(session, SYSTEM, Rang(times=9), stream="bell", version=3)
        assert session.scalar(select(func.count()).select_from(Event)) == 1


@pytest.mark.both_databases
def test_an_event_cannot_be_changed(engine: Engine) -> None:
    with Session(engine) as session:
        ring(session, 1)
        with pytest.raises(Exception, match="append-only"), commit(session):
            session.execute(update(Event).values(body="{}"))
        assert session.scalar(select(Event.body)) == '{"times":1}'


@pytest.mark.both_databases
def test_each_consumer_does_each_event_once(sessions: Callable[[], Session]) -> None:
    first: list[int] = []
    second: list[int] = []
    worker = Worker(sessions, [Consumer("first", ("bell.",), counting(first)), Consumer("second", ("*",), counting(second))], [])
    with sessions() as session:
        ids = [ring(session, times) for times in range(5)]
    assert worker.drain() == 10
    assert worker.drain() == 0
    assert first == second == ids


@pytest.mark.both_databases
def test_a_consumer_follows_only_its_types(sessions: Callable[[], Session]) -> None:
    seen: list[int] = []
    with sessions() as session:
        ring(session, 1)
    assert outbox.step(sessions, Consumer("other", ("order.", "bell.tolled"), counting(seen))) == 0
    assert seen == []


@pytest.mark.both_databases
def test_a_failed_event_is_kept_with_its_error_and_done_later(sessions: Callable[[], Session]) -> None:
    failures = [RuntimeError("the paper is out")]
    done: list[int] = []

    def inside(_: Session, events: Sequence[Event], __: Any) -> None:
        if failures:
            raise failures.pop()
        done.extend(event.id for event in events)

    consumer = Consumer("printer", ("bell.",), inside)
    with sessions() as session:
        event_id = ring(session, 1)
        assert outbox.step(sessions, consumer) == 0
        lease = session.scalars(select(EventLease)).one()
        assert (lease.error, lease.attempts) == ("RuntimeError: the paper is out", 1)
        assert session.scalar(select(func.count()).select_from(EventReceipt)) == 0
        session.rollback()
        with commit(session):
            session.execute(update(EventLease).values(until=clock.now() - timedelta(seconds=1)))
    assert outbox.step(sessions, consumer) == 1
    assert done == [event_id]


@pytest.mark.both_databases
def test_an_event_that_always_fails_does_not_keep_its_neighbours_waiting(sessions: Callable[[], Session]) -> None:
    done: list[int] = []

    def inside(_: Session, events: Sequence[Event], __: Any) -> None:
        if any(event.body == '{"times":1}' for event in events):
            raise RuntimeError("cannot be read")
        done.extend(event.id for event in events)

    consumer = Consumer("printer", ("bell.",), inside)
    with sessions() as session:
        ids = [ring(session, times) for times in range(4)]
        assert outbox.step(sessions, consumer) == 0
        session.rollback()
        with commit(session):  # their pause is over
            session.execute(update(EventLease).values(until=clock.now() - timedelta(seconds=1)))
        for _ in range(4):
            outbox.step(sessions, consumer)
        assert done == [ids[0], ids[2], ids[3]]
        assert session.scalars(select(EventLease.event_id)).all() == [ids[1]]


@pytest.mark.both_databases
def test_a_lease_that_ran_out_is_taken_over_and_the_late_worker_does_nothing(sessions: Callable[[], Session]) -> None:
    done: list[str] = []
    consumer = Consumer("slow", ("bell.",), lambda s, e, r: done.append(r), outside=lambda s, e: "late")
    with sessions() as session:
        event_id = ring(session, 1)
        with commit(session):
            assert outbox.claim(session, consumer, [event_id], "late-token") == [event_id]
        with commit(session):
            assert outbox.claim(session, consumer, [event_id], "other-token") == []
            session.execute(update(EventLease).values(until=clock.now() - timedelta(seconds=1)))
        with commit(session):
            assert outbox.claim(session, consumer, [event_id], "other-token") == [event_id]
        assert session.scalars(select(EventLease.token)).one() == "other-token"


@pytest.mark.both_databases
def test_the_floor_never_passes_an_open_event(sessions: Callable[[], Session]) -> None:
    consumer = Consumer("tidy", ("bell.",), counting([]))
    clock.advance(timedelta(hours=-2))
    with sessions() as session:
        first = ring(session, 1)
        outbox.step(sessions, consumer)
        open_one = ring(session, 2)
        clock.advance(timedelta(hours=2))
        with commit(session):
            outbox.raise_floor(session, consumer)
        assert session.scalar(select(ConsumerFloor.event_id)) == first
        assert outbox.step(sessions, consumer) == 1
        with commit(session):
            outbox.raise_floor(session, consumer)
        assert session.scalar(select(ConsumerFloor.event_id)) == open_one


@pytest.mark.both_databases
def test_the_floor_waits_in_real_time_whatever_the_training_clock_says(sessions: Callable[[], Session]) -> None:
    consumer = Consumer("tidy", ("bell.",), counting([]))
    with sessions() as session:
        ring(session, 1)
        outbox.step(sessions, consumer)
        clock.advance(timedelta(hours=2))  # a transaction begun a moment ago may still be open
        with commit(session):
            outbox.raise_floor(session, consumer)
        assert session.scalar(select(ConsumerFloor.event_id)) == 0


@pytest.mark.only_postgresql
def test_the_floor_does_not_pass_the_beginning_of_a_transaction_that_is_still_open(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it has been open: a process may be held, or wait for a lock."""
    seen: list[int] = []
    consumer = Consumer("follower", ("bell.",), counting(seen))
    sessions = lambda: Session(engine)
    with sessions() as slow, sessions() as fast:
        with commit(slow):
            slow_id = outbox.record(slow, SYSTEM, Rang(times=1), stream="slow")
            fast_id = ring(fast, 2, stream="fast")
            outbox.step(sessions, consumer)
            assert seen == [fast_id] and slow_id < fast_id
            later = clock.wall_now() + timedelta(hours=2)
            monkeypatch.setattr(clock, "wall_now", lambda: later)
            with commit(fast):
                outbox.raise_floor(fast, consumer)
            assert fast.scalar(select(ConsumerFloor.event_id)) == 0
        with commit(fast):
            outbox.raise_floor(fast, consumer)
        assert fast.scalar(select(ConsumerFloor.event_id)) == slow_id - 1
    outbox.step(sessions, consumer)
    assert seen == [fast_id, slow_id]


@pytest.mark.only_postgresql
def test_an_event_committed_after_a_later_one_is_not_lost(engine: Engine) -> None:
    """Ids are given before the commit: asking for "greater than the last seen" would lose the slower transaction."""
    seen: list[int] = []
    consumer = Consumer("follower", ("bell.",), counting(seen))
    sessions = lambda: Session(engine)
    with sessions() as slow, sessions() as fast, commit(slow):
        slow_id = outbox.record(slow, SYSTEM, Rang(times=1), stream="slow")
        fast_id = ring(fast, 2, stream="fast")
        outbox.step(sessions, consumer)
        assert seen == [fast_id]
        assert slow_id < fast_id
    outbox.step(sessions, consumer)
    assert seen == [fast_id, slow_id]


@pytest.mark.both_databases
def test_two_workers_share_the_work_without_doing_any_twice(sessions: Callable[[], Session]) -> None:
    done: list[int] = []
    consumer = Consumer("shared", ("bell.",), counting(done), batch=3)
    with sessions() as session:
        ids = [ring(session, times, stream=f"bell-{times}") for times in range(30)]
    workers = [threading.Thread(target=lambda: Worker(sessions, [consumer], []).drain()) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    outbox.step(sessions, consumer)
    assert sorted(done) == ids


def test_a_worker_runs_its_lanes_and_timers_until_stopped(engine: Engine) -> None:
    seen: list[int] = []
    ticked = threading.Event()

    def tick(_: Callable[[], Session]) -> int:
        ticked.set()
        return 0

    worker = Worker(
        lambda: Session(engine), [Consumer("one", ("bell.",), counting(seen), lane="fast")], [Timer("tick", 0.01, tick)]
    )
    with Session(engine) as session:
        event_id = ring(session, 1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert ticked.wait(10)
    for _ in range(200):
        if seen:
            break
        threading.Event().wait(0.05)
    worker.stop()
    thread.join(10)
    assert seen == [event_id]
    assert not thread.is_alive()


def test_one_broken_timer_does_not_end_the_worker(engine: Engine) -> None:
    counts = {"broken": 0}

    def broken(_: Callable[[], Session]) -> int:
        counts["broken"] += 1
        if counts["broken"] >= 2:
            worker.stop()
        raise RuntimeError("out of order")

    worker = Worker(lambda: Session(engine), [], [Timer("broken", 0.01, broken)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(20)
    assert counts["broken"] == 2


def test_the_database_keeps_foreign_keys_on_sqlite(engine: Engine) -> None:
    with Session(engine) as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA synchronous")) == 2


@pytest.mark.both_databases
def test_an_event_committed_behind_a_consumer_that_goes_on_is_found_when_it_has_nothing_else_to_do(engine: Engine) -> None:
    """A consumer with a long queue goes on behind what it did last; what is committed late below that is done all the same."""
    done: list[int] = []
    sessions: Callable[[], Session] = lambda: Session(engine)
    bell = Consumer(name="bells", types=("bell.rang",), inside=counting(done), batch=2)
    with Session(engine) as session:
        ids = [ring(session, times, stream=f"bell-{times}") for times in range(6)]
    late = ids[1]
    with Session(engine) as session, commit(session):
        session.add(EventReceipt(consumer="bells", event_id=late, at=clock.now()))  # not to be seen yet
    assert outbox.step(sessions, bell) == 2 and done == [ids[0], ids[2]] and bell.place.after == ids[2]
    with Session(engine) as session, commit(session):
        session.execute(delete(EventReceipt).where(EventReceipt.event_id == late))
    assert Worker(sessions, [bell], []).drain() == 4
    assert done == [ids[0], ids[2], ids[3], ids[4], ids[5], late] and bell.place.after == 0


def begun_by_another(session: Session, ids: Sequence[int], *, attempts: int = 1, error: str | None = None) -> None:
    """Leases that have run out, of a worker that is gone."""
    until = clock.now() - timedelta(seconds=1)
    with commit(session):
        session.add_all(EventLease(consumer="bells", event_id=i, token="killed", until=until, attempts=attempts, error=error) for i in ids)


def test_what_a_killed_worker_had_begun_is_done_in_halves_without_a_pause(engine: Engine) -> None:
    done: list[int] = []
    sessions: Callable[[], Session] = lambda: Session(engine)
    bell = Consumer(name="bells", types=("bell.rang",), inside=counting(done), batch=8)
    with Session(engine) as session:
        ids = [ring(session, times, stream=f"bell-{times}") for times in range(10)]
        begun_by_another(session, ids[:6])
    assert [outbox.step(sessions, bell) for _ in range(4)] == [4, 2, 4, 0]
    assert done == ids


def test_an_event_that_ends_its_worker_again_and_again_is_alone_at_last(engine: Engine) -> None:
    """Nobody can write down the failure of a process that is gone; so what was begun often is taken in ever smaller parts."""
    bell = Consumer(name="bells", types=("bell.rang",), inside=counting([]), batch=8)
    with Session(engine) as session:
        ids = [ring(session, times, stream=f"bell-{times}") for times in range(8)]
        for attempts, together in ((1, 4), (2, 2), (3, 1), (9, 1)):
            with commit(session):
                session.execute(delete(EventLease))
            begun_by_another(session, ids, attempts=attempts)
            assert outbox.batch(session, bell) == ids[:together]
            bell.place.after = 0


def test_an_event_that_failed_is_tried_again_by_itself(engine: Engine) -> None:
    bell = Consumer(name="bells", types=("bell.rang",), inside=counting([]), batch=8)
    with Session(engine) as session:
        ids = [ring(session, times, stream=f"bell-{times}") for times in range(4)]
        begun_by_another(session, ids[:2], error="ValueError: no")
        assert outbox.batch(session, bell) == ids[:1]
        assert outbox.batch(session, bell) == ids[1:2] and outbox.batch(session, bell) == ids[2:]
