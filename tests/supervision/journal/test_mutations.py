"""Everything that can be falsified is noticed by our own audit; what is published, by two verifiers too that know nothing of this product."""

import random
import subprocess
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import update

from app.kernel.db import commit
from supervision.journal.note import Head
from supervision.journal.tables import Checkpoint
from tests.supervision.journal.mutations import FILES, ROWS, Scene, rebuilt
from tests.supervision.journal.world import World

pytestmark = [pytest.mark.peer("log-verifier"), pytest.mark.peer("merkle-verifier")]

Judge = Callable[[], subprocess.CompletedProcess[str]]

SIZES = (0, 1, 2, 255, 257, 512, 600)
EVERY_SIZE = [size for size in range(601) if size < 10 or size % 128 in (0, 1, 127) or size > 598]


def grow(world: World, size: int) -> None:
    if size > world.orders:
        world.order(size - world.orders)
    world.sequence(batch=8192)


def falsify(world: World, size: int, seed: int = 0, judges: Sequence[Judge] = ()) -> list[str]:
    """Apply every class of mutation in turn; returns those that a judge did not notice, by default our audit and two verifiers."""
    files = {file: file.read_bytes() for file in world.directory.rglob("*") if file.is_file()}
    missed = []
    for name, (least, mutate) in FILES.items():
        if size < least:
            continue
        mutate(Scene(world.directory, size, world.signer, random.Random(f"{name} {size} {seed}")))
        if world.audit().accepted:
            missed.append(f"{name}: our audit")
        missed.extend(f"{name}: {judge.__name__}" for judge in judges or (world.outside, world.merkle) if judge().returncode == 0)
        for file, packed in files.items():
            if not file.exists() or file.read_bytes() != packed:
                file.write_bytes(packed)
    assert world.audit().findings == []
    assert [judge().returncode for judge in (world.outside, world.merkle)] == [0, 0]
    return missed


def accept_each(world: World, sizes: list[int]) -> None:
    kept = []
    for size in sizes:
        grow(world, size)
        held = [part for file in kept[-3:] for part in ("-kept", str(file))]
        for answer in (world.outside(*held), world.merkle(*held)):
            assert (answer.returncode, answer.stderr) == (0, "")
            assert f" size {size} " in answer.stdout
        assert world.audit().findings == []
        copy = world.folder / f"kept-{size}"
        copy.write_text(world.checkpoint())
        kept.append(copy)


def test_there_are_enough_classes_of_mutation():
    assert len(FILES) >= 20
    assert len(ROWS) >= 20


def test_rewritten_history_is_caught_between_two_sizes_by_a_proof_of_consistency(world):
    grow(world, 100)
    kept = world.folder / "kept"
    kept.write_text(world.checkpoint())
    grow(world, 300)
    assert world.merkle("-kept", str(kept)).returncode == 0
    edge = rebuilt(Scene(world.directory, 300, world.signer, random.Random(1)), 17)
    (world.directory / "checkpoint").write_text(world.signer.sign(Head(world.signer.name, 300, edge.root()).text))
    assert [judge("-kept", str(kept)).returncode for judge in (world.outside, world.merkle)] == [1, 1]


def test_the_honest_log_is_accepted_at_small_and_edge_sizes(world):
    accept_each(world, EVERY_SIZE)


@pytest.mark.parametrize("size", SIZES)
def test_no_falsified_file_is_accepted(world, size):
    grow(world, size)
    assert falsify(world, size) == []


@pytest.mark.parametrize("mutation", ROWS)
def test_no_falsified_row_is_accepted(world, mutation):
    code, statements = ROWS[mutation]
    world.order(6)
    world.sequence()
    world.order(300)
    world.sequence()
    world.damage(*statements)
    assert code in world.codes()


def test_rewritten_and_signed_history_is_caught_by_whoever_kept_a_checkpoint(world):
    grow(world, 300)
    kept = world.folder / "kept"
    kept.write_text(world.checkpoint())
    edge = rebuilt(Scene(world.directory, 300, world.signer, random.Random(1)), 17)
    forged = world.signer.sign(Head(world.signer.name, 300, edge.root()).text)
    (world.directory / "checkpoint").write_text(forged)
    assert [judge().returncode for judge in (world.outside, world.merkle)] == [0, 0]
    answer = world.outside("-kept", str(kept))
    assert (answer.returncode, "history before 300 was rewritten" in answer.stderr) == (1, True)
    assert world.merkle("-kept", str(kept)).returncode == 1
    with world.sessions() as session, commit(session):
        session.execute(update(Checkpoint).values(root=edge.root(), note=forged))
    assert {"root.differs", "tile.changed"} <= world.codes()


def test_a_stray_tile_is_found(world):
    grow(world, 300)
    for name in ("tile/0/007", "tile/0/000.p/12", "tile/2/000", "tile/entries/x001/000"):
        file = world.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        assert world.codes() == {"tile.stray"}
        file.unlink()


def test_an_outsider_verifies_over_http(world):
    import functools
    import http.server
    import threading

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    grow(world, 300)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(world.directory))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answer = world.outside(f"http://127.0.0.1:{server.server_port}", log=False)
        server.shutdown()
        thread.join()
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_every_size_to_600_is_accepted(world):
    accept_each(world, list(range(601)))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [*SIZES, 3, 100, 254, 511, 513, 599])
def test_no_falsified_file_is_accepted_at_more_sizes(world, size, seed):
    grow(world, size)
    assert falsify(world, size, seed) == []


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_the_honest_log_is_accepted_where_a_third_level_begins(world):
    accept_each(world, [65_535, 65_536, 65_537, 70_000])
    for name in ("bit in an entry", "bit in an upper tile", "upper tile gone"):
        least, mutate = FILES[name]
        files = {file: file.read_bytes() for file in world.directory.rglob("*") if file.is_file()}
        mutate(Scene(world.directory, 70_000, world.signer, random.Random(name)))
        assert not world.audit().accepted
        assert [judge().returncode for judge in (world.outside, world.merkle)] == [1, 1]
        for file, packed in files.items():
            if not file.exists() or file.read_bytes() != packed:
                file.write_bytes(packed)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.peer("tessera")
@pytest.mark.parametrize("size", [2, 257, 600])
def test_no_falsified_file_is_accepted_by_tesseras_fsck(world, size):
    grow(world, size)
    assert world.tessera().returncode == 0
    assert falsify(world, size, judges=(world.tessera,)) == []
    assert world.tessera().returncode == 0
