"""SIGKILL at any moment: no fork, no gap, nothing signed twice differently. (It proves nothing about a loss of power.)"""

import random
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from supervision.journal.note import head_of
from supervision.journal.sequencer import Busy
from supervision.journal.tables import Checkpoint
from tests.peers import ROOT


def take_over(world) -> None:
    """Sequence as soon as the server has noticed that the process is gone, and let its lock go."""
    for _ in range(100):
        try:
            world.sequence()
            return
        except Busy:
            time.sleep(0.1)
    raise AssertionError("the lock of a killed process was never let go")


def kill_repeatedly(world, kills: int, seed: int) -> tuple[int, int, int]:
    rng = random.Random(seed)
    seen: dict[int, str] = {}
    url = world.engine.url.render_as_string(hide_password=False)
    for kill in range(kills):
        command = [sys.executable, "-m", "tests.supervision.journal.writer", url, str(world.folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n", f"kill {kill}"
                until = time.monotonic() + rng.uniform(0.05, 0.4)
                while time.monotonic() < until:
                    world.order(rng.randint(1, 40))
                    if (world.directory / "checkpoint").exists():
                        note = world.checkpoint()
                        size = head_of(note, world.signer.verifier).size
                        assert seen.setdefault(size, note) == note
            finally:
                process.kill()
        assert not seen or world.head().size >= max(seen)
        if kill % 2:  # else the next process itself has to take over
            take_over(world)
    take_over(world)
    assert world.audit().findings == []
    with world.sessions() as session:
        stored = {row.size: row.note for row in session.execute(select(Checkpoint.size, Checkpoint.note))}
    assert seen.items() <= stored.items()
    kept = []
    for size, note in stored.items():
        file = world.folder / f"kept-{size}"
        file.write_text(note)
        kept += ["-kept", str(file)]
    for judge in (world.outside, world.merkle):  # every checkpoint ever published begins the same tree
        answer = judge(*kept)
        assert (answer.returncode, answer.stderr) == (0, "")
    return kills, len(stored), world.head().size


@pytest.mark.both_databases
@pytest.mark.peer("log-verifier")
@pytest.mark.peer("merkle-verifier")
def test_a_sequencer_that_is_killed_leaves_no_fork(real):
    kill_repeatedly(real, 5, seed=1)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.both_databases
@pytest.mark.peer("log-verifier")
@pytest.mark.peer("merkle-verifier")
def test_a_hundred_kills_leave_no_fork(real, capsys):
    kills, checkpoints, size = kill_repeatedly(real, 100, seed=2)
    with capsys.disabled():
        print(f"\n{kills} kills, {checkpoints} checkpoints, each the beginning of the last one of size {size}: no fork")
