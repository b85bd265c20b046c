import os
import threading

import pytest
from sqlalchemy import event, func, insert, select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from supervision.journal import note, queries, service, tiles
from supervision.journal.sequencer import Behind, Busy, Forked
from supervision.journal.tables import Checkpoint, FieldSalts, Leaf
from tests.supervision.journal.world import Placed, World, placed


def test_an_empty_mall_has_a_signed_empty_log(world):
    assert world.audit().accepted
    assert world.sequence() == 0
    assert (world.head().size, world.audit().accepted) == (0, True)


@pytest.mark.both_databases
def test_events_get_leaves_in_order_and_a_signed_checkpoint(real):
    real.order(5)
    assert real.sequence(batch=2) == 5
    real.order(300)
    assert real.sequence() == 300
    with real.sessions() as session:
        pairs = session.execute(select(Leaf.idx, Leaf.event_id).order_by(Leaf.idx)).all()
        assert [idx for idx, _ in pairs] == list(range(305))
        assert [event_id for _, event_id in pairs] == sorted(event_id for _, event_id in pairs)
        assert list(session.scalars(select(Checkpoint.size).order_by(Checkpoint.size))) == [2, 4, 5, 261, 305]
    report = real.audit()
    assert (report.findings, report.entries, report.size, report.waiting) == ([], 305, 305, 0)


@pytest.mark.both_databases
def test_an_event_committed_late_gets_the_next_place(real):
    """Its id was given before others that are sealed already."""
    with real.sessions() as slow, commit(slow):
        slow.execute(insert(Event), [_row(real, 900)])
    real.order(3)
    real.sequence()
    with real.sessions() as session, commit(session):
        session.execute(insert(Event), [_row(real, 800)])
    assert real.sequence() == 1
    with real.sessions() as session:
        leaf = session.scalar(select(Leaf).order_by(Leaf.idx.desc()).limit(1))
        assert leaf is not None
        assert (leaf.idx, leaf.event_id) == (4, 800)
    assert real.audit().accepted


def _row(world: World, number: int) -> dict[str, object]:
    return {
        "id": number, "stream": f"late-{number}", "version": 1, "prev_version": None, "type": "order.placed",
        "body": "{}", "region": None, "owner_id": None, "actor_id": None, "at": clock.now(),
    }  # fmt: skip


def test_a_standing_sequencer_finds_late_events_too(world):
    world.order(3)
    with world.sequencer() as sequencer:
        assert sequencer.drain() == 3
        world.order(2)
        assert sequencer.drain() == 2
        with world.sessions() as session, commit(session):
            session.execute(insert(Event), [_row(world, 4_000)])
        assert sequencer.drain() == 1


def test_a_worker_takes_new_events_at_once_and_late_ones_at_its_next_whole_look(world, monkeypatch):
    moment = [0.0]
    monkeypatch.setattr("supervision.journal.sequencer.time.monotonic", lambda: moment[0])
    turn = service.turns(world.directory, world.key)
    assert turn(world.sessions) == 0
    for number, taken in ((4_000, 1), (4_001, 1), (3_000, 0)):  # the last one is committed behind what is sealed
        with world.sessions() as session, commit(session):
            session.execute(insert(Event), [_row(world, number)])
        assert turn(world.sessions) == taken
    moment[0] += service.WHOLE_LOOK_S
    assert turn(world.sessions) == 1
    assert world.audit().accepted


def test_late_events_do_not_wait_for_new_ones_to_end_and_come_all_at_once(world, monkeypatch):
    moment = [0.0]
    monkeypatch.setattr("supervision.journal.sequencer.time.monotonic", lambda: moment[0])
    with world.sequencer(batch=4) as sequencer:
        sequencer.whole_look_s = 0.5
        with world.sessions() as session, commit(session):
            session.execute(insert(Event), [_row(world, 4_000)])
        assert sequencer.drain() == 1
        with world.sessions() as session, commit(session):
            session.execute(insert(Event), [_row(world, number) for number in (*range(3_000, 3_010), 4_001)])
        assert sequencer.step() == 1, "behind what it did"
        moment[0] += 0.5
        with world.sessions() as session, commit(session):
            session.execute(insert(Event), [_row(world, 4_002)])
        assert [sequencer.step() for _ in range(4)] == [4, 4, 3, 0], "ten late ones and a new one, without a pause"


@pytest.mark.both_databases
def test_there_is_one_sequencer_at_a_time(real):
    with real.sequencer(), pytest.raises(Busy):
        real.sequence()
    elsewhere = World(real.engine, real.folder)
    elsewhere.directory = real.folder / "other"
    if real.engine.dialect.name == "postgresql":
        with real.sequencer(), pytest.raises(Busy):
            elsewhere.sequence()
    assert real.sequence() == 0


@pytest.mark.both_databases
def test_two_workers_take_turns_and_write_one_log(real, monkeypatch):
    turn, rival = (service.turns(real.directory, real.key) for _ in range(2))
    real.order(2)
    assert (turn(real.sessions), rival(real.sessions)) == (2, 0)
    real.order(1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _failing(1))
        with pytest.raises(OSError, match="disk"):
            turn(real.sessions)
    real.order(1)
    assert rival(real.sessions) == 1
    real.order(300)
    assert (turn(real.sessions), rival(real.sessions)) == (300, 0)
    with real.sequencer():
        assert turn(real.sessions) == 0
    assert real.head().size == 304
    assert real.audit().findings == []


def test_a_worker_without_a_key_says_so_and_goes_on_once_there_is_one(world):
    turn = service.turns(world.directory, world.folder / "elsewhere.key")
    with pytest.raises(service.KeyMissing):
        turn(world.sessions)
    service.create_key(world.folder / "elsewhere.key", "log.example/other")
    assert turn(world.sessions) == 0


def test_the_bulk_way_makes_the_same_kind_of_log(world):
    world.order(1000)
    heard: list[int] = []
    assert service.sequence_in_bulk(world.sessions, world.directory, world.signer, heard.append) == 1000
    assert sum(heard) == 1000
    assert world.head().size == 1000
    assert world.audit().accepted


def test_partial_tiles_go_when_the_tile_is_full(world):
    for _ in range(3):
        world.order(100)
        world.sequence()
    files = sorted(str(f.relative_to(world.directory)) for f in world.directory.rglob("*") if f.is_file())
    assert files == [
        "checkpoint", "sequencer.lock",
        "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44",
    ]  # fmt: skip


@pytest.mark.parametrize(("n", "name"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")])
def test_tile_numbers_are_written_as_the_standard_says(n, name):
    assert tiles.path(0, n) == f"tile/0/{name}"
    assert tiles.path("entries", n, 3) == f"tile/entries/{name}.p/3"


def _failing(turn: int):
    real, count = os.fsync, [0]

    def fsync(descriptor: int) -> None:
        count[0] += 1
        if count[0] == turn:
            raise OSError("disk full")
        real(descriptor)

    return fsync


@pytest.mark.parametrize("before", [0, 250])
def test_a_disk_that_fails_anywhere_leaves_no_fork(world, monkeypatch, before):
    if before:
        world.order(before)
    world.sequence()
    signed = {world.head().size: world.checkpoint()}
    failures = 0
    for turn in range(1, 200):
        world.order(4)
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", _failing(turn))
            try:
                world.sequence()
            except OSError:
                failures += 1
            else:
                break
        signed.setdefault(world.head().size, world.checkpoint())
        assert signed[world.head().size] == world.checkpoint()
        assert world.head().size >= max(signed)
        if turn % 3:
            world.sequence()
            signed[world.head().size] = world.checkpoint()
    assert failures > 5
    world.sequence()
    assert world.audit().findings == []
    with world.sessions() as session:
        stored = {row.size: row.note for row in session.execute(select(Checkpoint.size, Checkpoint.note))}
    assert {size: stored.get(size) for size in signed} == signed


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_database_that_fails_at_any_commit_leaves_no_fork(world, turn):
    world.order(3)
    world.sequence()
    world.order(3)
    commits = [0]

    def fail(_session: object) -> None:
        commits[0] += 1
        if commits[0] == turn:
            raise OSError("connection lost")

    def sessions():
        session = world.__class__.sessions(world)
        event.listen(session, "before_commit", fail)
        return session

    if turn < 3:
        with pytest.raises(OSError, match="lost"):
            service.sequence(sessions, world.directory, world.signer)
    else:
        service.sequence(sessions, world.directory, world.signer)
    world.sequence()
    assert world.head().size == 6
    assert world.audit().findings == []


def test_a_log_whose_files_are_lost_is_written_again_from_the_leaves(world):
    world.order(300)
    world.sequence()
    before = {f: f.read_bytes() for f in world.directory.rglob("*") if f.is_file()}
    for file in before:
        file.unlink()
    world.sequence()
    assert {f: f.read_bytes() for f in world.directory.rglob("*") if f.is_file()} == before


def test_a_database_from_yesterday_stops_the_log(world):
    world.order(3)
    world.sequence()
    world.order(3)
    world.sequence()
    published = world.checkpoint()
    world.damage("DELETE FROM journal_leaves WHERE idx >= 3", "DELETE FROM journal_checkpoints WHERE size > 3", "DELETE FROM events WHERE id > 3")
    world.order(5)
    with pytest.raises(Behind):
        world.sequence()
    assert world.checkpoint() == published
    assert "leaf.missing" in world.codes()


@pytest.mark.parametrize("place", [0, 2, 4])
def test_another_root_for_a_signed_size_is_never_signed(world, place):
    world.order(5)
    world.sequence()
    world.damage(f"UPDATE journal_leaves SET leaf_hash = zeroblob(32) WHERE idx = {place}")
    world.order(1)
    with pytest.raises((Forked, tiles.Rewritten)):
        world.sequence()
    assert world.head().size == 5


def test_a_checkpoint_row_and_file_that_differ_stop_the_log(world):
    world.order(5)
    world.sequence()
    other = world.signer.sign(note.Head(world.signer.name, 5, b"x" * 32).text)
    (world.directory / "checkpoint").write_text(other)
    world.order(1)
    with pytest.raises(Forked):
        world.sequence()


def test_a_tile_with_other_bytes_is_never_overwritten(world):
    world.order(5)
    world.sequence()
    stray = world.directory / "tile/entries/000.p/6"
    stray.write_bytes(b"other")
    world.order(1)
    with pytest.raises(tiles.Rewritten):
        world.sequence()
    assert (stray.read_bytes(), world.head().size) == (b"other", 5)


def test_readers_meanwhile_see_only_what_is_whole(world):
    """The audit runs while the log grows and finds nothing."""
    world.order(250)
    world.sequence()
    reports = []

    def grow() -> None:
        with world.sequencer() as sequencer:
            for _ in range(12):
                world.order(9)
                sequencer.drain()

    thread = threading.Thread(target=grow)
    thread.start()
    while thread.is_alive():
        reports.append(world.audit())
    thread.join()
    assert [finding for report in reports for finding in report.findings] == []
    assert world.audit().size == 358


def test_an_event_whose_text_is_no_object_does_not_stop_the_log(world):
    texts = ("", "[", "[" * 100_000, '{"a": 1}', "1e999", '"\\ud800"')
    with world.sessions() as session, commit(session):
        session.execute(insert(Event), [{**_row(world, 10 + n), "body": text} for n, text in enumerate(texts)])
    assert world.sequence() == len(texts)
    assert world.audit().accepted


def test_erasing_a_field_leaves_the_tree_valid_and_the_field_shut(world):
    from app.policy import SYSTEM

    world.record(placed("DD-1"), stream="DD-1")
    world.sequence()
    with world.sessions() as session, commit(session):
        event = queries.event_of(session, "DD-1", 1)
        assert [o.field for o in queries.openings(session, event, ["supplier", "unit"])] == ["supplier", "unit"]
        salts = session.scalar(select(FieldSalts.salts))
        for field in ("supplier", "supplier", "@stream", "no such field"):
            service.erase(session, SYSTEM, event, field)
    with world.sessions() as session:
        event = queries.event_of(session, "DD-1", 1)
        assert [o.field for o in queries.openings(session, event, ["supplier", "unit"])] == ["unit"]
        now = session.scalar(select(FieldSalts.salts))
        assert salts is not None
        assert now is not None
        assert sum(a != b for a, b in zip(salts, now, strict=True)) > 16
    report = world.audit()
    assert (report.findings, report.erased) == ([], 2)


def test_the_newest_facts_are_found_by_their_stream(world):
    world.record(placed("DD-1"), Placed(number="DD-1", unit="u", supplier="s", amount_fen=1, lines=[]), stream="DD-1")
    with world.sessions() as session:
        waiting = queries.leaves_for(session, "DD-1")
        assert [(tick.version, tick.index, tick.sealed) for tick in waiting] == [(1, None, False), (2, None, False)]
    world.sequence()
    with world.sessions() as session:
        ticks = queries.leaves_for(session, "DD-1")
        assert [(tick.version, tick.index, tick.sealed) for tick in ticks] == [(1, 0, True), (2, 1, True)]
        assert queries.size(session) == 2
        assert session.scalar(select(func.count(Leaf.idx))) == 2
