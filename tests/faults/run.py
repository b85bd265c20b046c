"""One run: build, serve, set fire, wait until it has healed, and judge."""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.outbox import Consumer
from supervision.journal import service as log
from tests.faults import checker, history, scene
from tests.faults.checker import Finding
from tests.faults.history import Recorder, Told
from tests.faults.mall import Database, Mall, database, serving
from tests.faults.nemesis import Nemesis
from tests.faults.proxy import Wire
from tests.peers import ROOT

KEPT = ROOT / "fault-results"
"""Where the seed, the history and the log of a run go that found something."""
MOST_KEPT_HEADS = 20
STANDSTILL_S, MOST_FOLLOWING_S = 120.0, 600.0
"""Longer than a lease and the pauses after some failures: who has done nothing for so long is stuck; and when patience ends."""


@dataclass(frozen=True)
class Plan:
    """How long and how hard. It ends when the time has passed and all counts are reached, at the latest after `most_seconds`."""

    kind: str
    seed: str
    seconds: float
    most_seconds: float
    checkouts: int = 0
    kills: int = 0
    postmaster_kills: int = 0
    demand: float = 0.0
    clients: int = 8
    units: int = 8
    allotment_fen: int = 200_00
    follow_all: bool = True
    """Wait until every consumer has done its work, not the journal alone; leases of the killed run out after half a minute."""


@dataclass
class Outcome:
    """What happened and what was found."""

    plan: Plan
    told: Told
    seconds: float
    kills: dict[str, int]
    faults: dict[str, int]
    in_sequencing: int
    budget_fen: int
    fates: dict[str, int]
    entries: int
    findings: list[Finding] = field(default_factory=list)
    kept: Path | None = None

    @property
    def demand(self) -> float:
        """What was asked for, as a multiple of the budget."""
        return self.told.demanded_fen / self.budget_fen

    def report(self) -> str:
        steps = self.told.steps
        unknown = sum(checkout.unknown for checkout in self.told.checkouts.values())
        lines = [
            f"{self.plan.kind}, seed {self.plan.seed}: {self.seconds:.0f} s under fire",
            f"checkouts (keys sent): {len(self.told.checkouts)}, answered for certain: {self.told.answered}, demand {self.demand:.1f} × budget",
            f"fates: {_told(self.fates)}; requests with unknown outcome: {unknown}",
            f"steps of orders acknowledged: {len(steps.done)}, refused: {len(steps.refused)}, unknown: {steps.unknown}",
            f"SIGKILLs: {sum(self.kills.values())} ({_told(self.kills)}), in the middle of sequencing: {self.in_sequencing}",
            f"all faults: {_told(self.faults)}",
            f"log: {self.entries} entries",
            f"findings: {len(self.findings)}",
            *(f"  {line}" for line in checker.as_lines(self.findings[:20])),
        ]
        return "\n".join([*lines, *([f"kept in {self.kept}"] if self.kept else [])])


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def run(plan: Plan) -> Outcome:
    """Do it all in a folder that is gone afterwards; what belongs to a finding is kept."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="mall-faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        histories = folder / "history"
        histories.mkdir()
        try:
            outcome = _run(plan, folder, histories, stack.enter_context(database(plan.kind, folder)))
        except BaseException:
            print(f"the run itself failed; seed {plan.seed}, history kept in {_keep(plan, folder)}")
            raise
        if outcome.findings:
            outcome.kept = _keep(plan, folder)
            (outcome.kept / "report.txt").write_text(outcome.report() + "\n")
        return outcome


def _keep(plan: Plan, folder: Path) -> Path:
    kept = KEPT / f"{plan.kind}-{plan.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for name in ("history", "mall.log", "mall.sqlite"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, kept / name)
        elif (folder / name).exists():
            shutil.copy2(folder / name, kept / name)
    return kept


def _run(plan: Plan, folder: Path, histories: Path, where: Database) -> Outcome:
    ground = scene.build(where.url, units=plan.units, allotment_fen=plan.allotment_fen)
    ground.write(histories / "scene.json")
    findings: list[Finding] = []
    with serving(where, folder) as mall, contextlib.closing(Wire(mall.settings.port)) as wire:
        record = Recorder(histories / "nemesis.jsonl")
        record("begin", seed=plan.seed, kind=plan.kind)
        nemesis = Nemesis(mall, wire, plan.seed, record)
        started = time.monotonic()
        with _clients(plan, wire.address, histories):
            while not _enough(plan, time.monotonic() - started, nemesis, told := _so_far(histories), ground.budget_fen):
                nemesis.strike(patiently=nemesis.killed * plan.checkouts > told.answered * plan.kills)
            seconds = time.monotonic() - started
        record.close()
        mall.wait_until_well()
        if not mall.wait_until_sealed():
            findings.append(Finding("healing", "journal", "events still had no leaf a minute after the last fault"))
        if plan.follow_all:
            findings += _wait_for_consumers(mall)
        heads = list(mall.heads)
    # What was committed in the last moment, after the look that found everything sealed, is sealed by whoever starts next.
    log.sequence(mall.sessions, mall.journal, log.signer_at(mall.settings.journal_key_path))
    told = _so_far(histories)
    with Session(mall.engine) as session:
        findings += checker.check_history(session, told, ground)
        findings += checker.check_invariants(session)
        verifier = log.verifier_at(mall.settings.journal_key_path)
        witnessed = heads[:: max(1, len(heads) // MOST_KEPT_HEADS)]
        findings += checker.check_journal(session, mall.journal, verifier, witnessed, folder)
        fates, entries = checker.outcomes(session, told), checker.entries(session)
    mall.engine.dispose()
    return Outcome(
        plan, told, seconds, dict(nemesis.kills), dict(nemesis.done), nemesis.in_sequencing, ground.budget_fen, fates, entries, findings
    )


def _so_far(histories: Path) -> Told:
    return history.put_together(history.read(histories))


def _enough(plan: Plan, passed: float, nemesis: Nemesis, told: Told, budget_fen: int) -> bool:
    if passed < plan.seconds:
        return False
    if passed > plan.most_seconds:
        return True
    postmasters = plan.postmaster_kills if plan.kind == "postgresql" else 0
    if nemesis.killed < plan.kills or nemesis.kills["postmaster"] < postmasters:
        return False
    return told.answered >= plan.checkouts and told.demanded_fen >= plan.demand * budget_fen


@contextlib.contextmanager
def _clients(plan: Plan, address: str, histories: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.faults.client", address, str(histories)]
    crowd = [subprocess.Popen([*command, str(number), plan.seed], cwd=ROOT) for number in range(plan.clients)]
    try:
        yield
    finally:
        for process in crowd:
            process.send_signal(signal.SIGTERM)
        codes = [_ended(process) for process in crowd]
    if any(codes):
        raise RuntimeError(f"clients ended with {codes}")


def _ended(process: subprocess.Popen[Any]) -> int:
    try:
        return process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wait_for_consumers(mall: Mall) -> list[Finding]:
    """Let the running job worker take over what the killed ones had leased, and do it, for as long as it gets on with it."""
    consumers = followers(mall.database.url, mall.settings.data_dir)
    begun = moved = time.monotonic()
    done, found = -1, [Finding("outbox: receipts", "all", "never looked")]
    while found and time.monotonic() < min(moved + STANDSTILL_S, begun + MOST_FOLLOWING_S):
        time.sleep(2)
        with mall.sessions() as session:
            found, now = checker.check_work(session, consumers), checker.receipts(session)
        if now > done:
            done, moved = now, time.monotonic()
    return found


def followers(url: str, data_dir: Path) -> tuple[Consumer, ...]:
    """Everybody who follows the events of this installation."""
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=data_dir, database_url=url))
    found: tuple[Consumer, ...] = app.extensions["mall.worker"]().consumers
    app.extensions["mall.search"].close()
    with app.app_context():
        db.engine.dispose()
    return found
