"""The key of the log is changed in two steps, the log is held after a restore, and a new epoch quotes where the old one ended."""

import json

import pytest

from app.kernel.outbox import Event
from supervision.journal import custody, note, queries, receipts, service
from supervision.journal.note import BadNote, head_of
from supervision.journal.sequencer import Behind, Held
from tests.supervision.journal.world import ORIGIN, World, judged

pytestmark = [pytest.mark.peer("log-verifier"), pytest.mark.peer("merkle-verifier")]


def grow(world: World, orders: int = 5) -> str:
    world.order(orders)
    service.turns(world.directory, world.key)(world.sessions)
    return world.checkpoint()


def keys(world: World) -> note.Verifier:
    return service.verifier_at(world.key)


def accepted(world: World, verifier: note.Verifier, *kept: str) -> list[bool]:
    """What the two verifiers say when they know this one key."""
    files = []
    for number, text in enumerate(kept):
        file = world.folder / f"kept-{number}"
        file.write_text(text)
        files += ["-kept", str(file)]
    arguments = ["-vkey", verifier.vkey, *files, str(world.directory)]
    return [judged(program, *arguments).returncode == 0 for program in ("tlog-verify", "merkle-verify")]


def is_sound(world: World) -> bool:
    from supervision.journal.audit import audit

    with world.sessions() as session:
        assert audit(session, world.directory, keys(world)).findings == []
    return True


def facts(world: World, kind: str) -> list[dict]:
    with world.sessions() as session:
        return [json.loads(event.body) for event in session.query(Event).where(Event.type == kind).order_by(Event.id)]


def test_while_a_key_is_changed_whoever_knows_either_key_accepts_and_afterwards_the_new_one_alone_signs(world):
    turn = service.turns(world.directory, world.key)
    old, before = keys(world), grow(world)
    world.order(3)
    turn(world.sessions)
    new = custody.prepare(world.sessions, world.directory, world.key)
    assert new.name == ORIGIN and new.public != old.public
    world.order(3)
    turn(world.sessions)
    between = world.checkpoint()
    assert between.count("\n— ") == 2
    assert accepted(world, old, before) == accepted(world, new) == [True, True]
    assert is_sound(world)
    assert custody.finish(world.sessions, world.directory, world.key).vkey == new.vkey
    world.order(3)
    turn(world.sessions)  # the worker that was at work all the time
    after = world.checkpoint()
    assert after.count("\n— ") == 1
    assert accepted(world, new, between) == [True, True] and accepted(world, old) == [False, False]
    assert judged("merkle-verify", "-vkey", old.vkey, "-vkey", new.vkey, "-kept", str(world.folder / "kept-0"), str(world.directory)).returncode == 0
    assert is_sound(world)
    assert [fact["vkey"] for fact in facts(world, "key.announced")] == [new.vkey]
    assert [(fact["vkey"], fact["successor"]) for fact in facts(world, "key.retired")] == [(old.vkey, new.vkey)]


def test_what_the_old_key_signed_stays_valid_and_what_it_signs_later_does_not_count(world):
    grow(world)
    old = service.signer_at(world.key)
    with world.sessions() as session:
        given = queries.receipt(session, world.directory, queries.event_of(session, "DD-1", 1))
    custody.prepare(world.sessions, world.directory, world.key)
    custody.finish(world.sessions, world.directory, world.key)
    ring = keys(world)
    assert receipts.verify(given, ring).stream == "DD-1"
    (retired,) = ring.others
    assert retired.until is not None and retired.until == head_of(world.checkpoint(), ring).size
    late = note.Signer(old.name, old.seed).sign(note.Head(ORIGIN, retired.until + 1, bytes(32)).text)
    with pytest.raises(BadNote, match="retired"):
        head_of(late, ring)
    assert note.verifiers_of(ring.listed) == ring
    assert old.skey not in world.key.read_text() and world.key.stat().st_mode & 0o777 == 0o600


def test_the_announcement_of_a_key_is_signed_by_the_key_before_it(world):
    old = keys(world)
    grow(world)
    new = custody.prepare(world.sessions, world.directory, world.key)
    with world.sessions() as session:
        given = queries.receipt(session, world.directory, queries.event_of(session, "journal", 1), ["vkey"])
    assert json.loads(receipts.verify(given, note.verifier_of(old.vkey)).fields["vkey"]) == new.vkey


def test_a_key_is_not_changed_twice_at_once_nor_finished_before_it_was_begun(world):
    with pytest.raises(custody.NoRotation):
        custody.finish(world.sessions, world.directory, world.key)
    custody.prepare(world.sessions, world.directory, world.key)
    kept = world.key.read_text()
    with pytest.raises(custody.RotationUnderWay):
        custody.prepare(world.sessions, world.directory, world.key)
    assert world.key.read_text() == kept


@pytest.mark.parametrize("stage", ["public half written", "nothing written"])
def test_a_change_of_key_that_is_killed_halfway_leaves_a_log_that_goes_on(world, stage, monkeypatch):
    grow(world)
    real, writes = custody._replace, []

    def dies(file, text, *, mode):
        if len(writes) == (1 if stage == "public half written" else 0):
            raise KeyboardInterrupt
        writes.append(file)
        real(file, text, mode=mode)

    monkeypatch.setattr(custody, "_replace", dies)
    with pytest.raises(KeyboardInterrupt):
        custody.prepare(world.sessions, world.directory, world.key)
    monkeypatch.setattr(custody, "_replace", real)
    grow(world)
    assert is_sound(world)
    custody.prepare(world.sessions, world.directory, world.key)
    custody.finish(world.sessions, world.directory, world.key)
    grow(world)
    assert is_sound(world) and len(keys(world).others) == 1


def test_no_new_key_takes_the_name_of_a_log_whose_key_is_away(world):
    grow(world)
    listed = service.public_path(world.key).read_text()
    world.key.unlink()
    with pytest.raises(service.KeyAway):
        service.create_key(world.key, ORIGIN)
    assert service.public_path(world.key).read_text() == listed and not world.key.exists()


def test_a_held_log_takes_events_and_signs_nothing_until_somebody_decides(world):
    before = grow(world)
    custody.hold(world.directory, {"size": 5})
    assert grow(world) == before
    with pytest.raises(Held):
        world.sequence()
    for act in (custody.prepare, custody.finish):
        with pytest.raises((Held, custody.NoRotation)):
            act(world.sessions, world.directory, world.key)
    with pytest.raises(custody.LastUnknown):
        custody.go_on(world.sessions, world.directory, world.key, last_note=None)
    stranger = note.generate(ORIGIN).sign(note.Head(ORIGIN, 5, bytes(32)).text)
    with pytest.raises(custody.NotACheckpoint):
        custody.go_on(world.sessions, world.directory, world.key, last_note=stranger)
    assert world.checkpoint() == before and custody.held(world.directory) == {"size": 5}
    assert custody.go_on(world.sessions, world.directory, world.key, last_note=before) == 11
    assert is_sound(world) and accepted(world, keys(world), before) == [True, True]


def test_a_checkpoint_of_another_history_never_lets_the_log_go_on(world):
    before = grow(world)
    custody.hold(world.directory, {})
    forked = world.signer.sign(note.Head(ORIGIN, 4, bytes(32)).text)
    with pytest.raises(custody.OtherHistory):
        custody.go_on(world.sessions, world.directory, world.key, last_note=forked)
    assert world.checkpoint() == before and custody.held(world.directory) is not None


def test_when_the_database_is_older_than_the_published_log_an_epoch_begins_and_the_old_files_are_kept(world):
    early = grow(world, 300)
    late = grow(world, 300)
    world.damage(
        "DELETE FROM journal_checkpoints WHERE size > 300",
        "DELETE FROM journal_salts WHERE event_id > 300",
        "DELETE FROM journal_leaves WHERE idx >= 300",
        "DELETE FROM events WHERE id > 300",
    )
    world.orders = 300
    with pytest.raises(Behind):
        world.sequence()
    old = keys(world)
    new = custody.open_epoch(world.sessions, world.directory, world.key)
    assert new.name == f"{ORIGIN}/epoch-2" == head_of(world.checkpoint(), new).origin
    assert head_of(world.checkpoint(), new).size == 301
    (fact,) = facts(world, "epoch.opened")
    assert (fact["last_note"], fact["last_size"], fact["restored_size"]) == (late, 600, 300)
    assert fact["restored_root"] == head_of(early, old).root.hex()
    grow(world, 300)
    assert is_sound(world) and accepted(world, new) == [True, True]
    aside = world.directory.with_name("log-before-test")
    assert judged("tlog-verify", "-vkey", old.vkey, str(aside)).returncode == 0
    both = ["-vkey", old.vkey, "-vkey", new.vkey]
    (world.folder / "early").write_text(early)
    assert judged("merkle-verify", *both, "-kept", str(world.folder / "early"), str(world.directory)).returncode == 0


def test_an_epoch_needs_only_the_public_half_of_the_lost_key_and_another_one_can_follow(world):
    grow(world)
    world.key.unlink()
    first = custody.open_epoch(world.sessions, world.directory, world.key)
    grow(world)
    second = custody.open_epoch(world.sessions, world.directory, world.key)
    grow(world)
    assert [first.name, second.name] == [f"{ORIGIN}/epoch-2", f"{ORIGIN}/epoch-3"]
    assert [key.name for key in second.keys] == [second.name, first.name, ORIGIN]
    assert is_sound(world) and accepted(world, second) == [True, True]
    assert custody.next_origin("mall.example/410000") == "mall.example/410000/epoch-2"
