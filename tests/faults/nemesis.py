"""What goes wrong, in an order that a seed decides: every fault of the deck once, then the deck is shuffled again.

SIGKILL and SIGSTOP end or hold processes; nothing here takes the power away from the machine. A full disk is a limit on the
size of files, set on running processes for a moment: the same writes fail (EFBIG in place of ENOSPC), without a disk of our own.
"""

import contextlib
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from tests import postgresql
from tests.faults.history import Recorder
from tests.faults.mall import Mall
from tests.faults.proxy import Wire

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
PATIENCE = 4.0
"""How much longer the pauses are while there is more fire than trade."""


class Nemesis:
    """Breaks one thing after the other."""

    def __init__(self, mall: Mall, wire: Wire, seed: str, record: Recorder) -> None:
        self.mall, self.wire, self.record = mall, wire, record
        self.dice = Random(f"{seed}/nemesis")
        self.kills: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.in_sequencing = 0
        everywhere: list[Callable[[], str]] = [
            *[self.kill_web_worker] * 5, *[self.kill_job_worker] * 2, *[self.kill_sequencer] * 2,
            self.stop_web_worker, self.stop_job_worker, self.stop_sequencer, self.cut_connections, self.lose_answers, self.fill_disk,
        ]
        there = [self.kill_postmaster, self.kill_backend, self.cut_database, self.fill_database_disk]
        self.deck = everywhere + (there if mall.database.kind == "postgresql" else [])
        self.left: list[Callable[[], str]] = [self.kill_job_worker, self.kill_web_worker]  # so that the shortest run sees both

    @property
    def killed(self) -> int:
        """SIGKILLs that hit."""
        return sum(self.kills.values())

    def strike(self, *, patiently: bool = False) -> None:
        """One fault, healed where it does not heal by itself, and a pause."""
        if not self.left:
            self.left = self.dice.sample(self.deck, len(self.deck))
        fault = self.left.pop()
        name = fault.__name__
        self.record("fault", name=name)
        self.record("healed", name=name, how=fault())
        self.done[name] += 1
        time.sleep(self.dice.uniform(SHORTEST_PAUSE, LONGEST_PAUSE) * (PATIENCE if patiently else 1.0))

    # ---------------------------------------------------------------- kill

    def kill_web_worker(self) -> str:
        return self._kill("web worker", self._some_web_worker())

    def kill_job_worker(self) -> str:
        return self._kill("job worker", self.mall.job_worker())

    def kill_sequencer(self) -> str:
        """The job worker while it holds the sequencer's lock."""
        caught = self._catch_sequencer()
        said = self._kill("job worker", self.mall.job_worker())
        self.in_sequencing += caught and said.startswith("killed")
        return f"{said}, {'at work on the log' if caught else 'idle'}"

    def kill_postmaster(self) -> str:
        """The server and, every other time, all that it had started; then it is started again."""
        postmaster = self.mall.database.postmaster
        more = self.mall.database.backends() if self.dice.random() < 0.5 else []
        said = self._kill("postmaster", postmaster)
        for pid in more:
            _signal(pid, signal.SIGKILL)
        time.sleep(self.dice.uniform(0.0, 0.5))
        self.mall.database.start_again()
        return f"{said} and {len(more)} backends, started again"

    def kill_backend(self) -> str:
        """One connection's process; PostgreSQL then ends all others and recovers by itself."""
        backends = self.mall.database.backends()
        return self._kill("backend", self.dice.choice(backends) if backends else None)

    def _kill(self, what: str, pid: int | None) -> str:
        if pid is None or not _signal(pid, signal.SIGKILL):
            return f"no {what} was running"
        self.kills[what] += 1
        return f"killed {what} {pid}"

    # ---------------------------------------------------------------- hold

    def stop_web_worker(self) -> str:
        return self._hold(self._some_web_worker(), self.dice.uniform(0.5, 3.0))

    def stop_job_worker(self) -> str:
        return self._hold(self.mall.job_worker(), self.dice.uniform(0.5, 3.0))

    def stop_sequencer(self) -> str:
        self._catch_sequencer()
        return self._hold(self.mall.job_worker(), self.dice.uniform(0.5, 2.0))

    def _hold(self, pid: int | None, seconds: float) -> str:
        if pid is None or not _signal(pid, signal.SIGSTOP):
            return "nobody was running"
        time.sleep(seconds)
        _signal(pid, signal.SIGCONT)
        return f"held {pid} for {seconds:.1f} s"

    # ---------------------------------------------------------------- cut and fill

    def cut_connections(self) -> str:
        return f"cut {self.wire.cut()} ends"

    def lose_answers(self) -> str:
        before = self.wire.cuts
        self.wire.lose_answers(True)
        time.sleep(self.dice.uniform(0.1, 0.6))
        self.wire.lose_answers(False)
        return f"lost {self.wire.cuts - before} answers"

    def cut_database(self) -> str:
        return f"ended {self.mall.cut_database()} connections"

    def fill_disk(self) -> str:
        """No process of the mall can make a file longer than this, for a moment."""
        most = self.dice.choice((1, 4_096, 65_536))
        pids = [*self.mall.web_workers(), *filter(None, [self.mall.job_worker()])]
        for pid in pids:
            _limit(pid, most)
        time.sleep(self.dice.uniform(0.3, 1.2))
        for pid in pids:
            _limit(pid, None)
        return f"{len(pids)} processes could write {most} bytes"

    def fill_database_disk(self) -> str:
        """The same for the processes of PostgreSQL that serve clients; where it hits its log, PostgreSQL stops all and recovers."""
        cluster, most = self.mall.database.cluster, self.dice.choice((8_192, 1_048_576))
        assert cluster is not None
        pids = self.mall.database.backends()
        limited = [pid for pid in pids if postgresql.run_as_owner(cluster, ["prlimit", "--pid", str(pid), f"--fsize={most}:"])]
        time.sleep(self.dice.uniform(0.2, 0.8))
        for pid in limited:
            postgresql.run_as_owner(cluster, ["prlimit", "--pid", str(pid), "--fsize=unlimited:"])
        return f"{len(limited)} backends could write {most} bytes"

    # ---------------------------------------------------------------- whom

    def _some_web_worker(self) -> int | None:
        workers = self.mall.web_workers()
        return self.dice.choice(workers) if workers else None

    def _catch_sequencer(self) -> bool:
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            if self.mall.is_sequencing():
                return True
            time.sleep(0.001)
        return False


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _limit(pid: int, size: int | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
