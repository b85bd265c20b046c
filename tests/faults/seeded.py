"""Plants every defect in turn and shows who finds it: python -m tests.faults.seeded. Exits with 1 when one is not found.

A defect of the code goes into a copy of the product in which the story of `tests.faults.scenario` is told anew; a defect of
rows or files goes into a copy of what an honest story left. The honest story itself, on both databases, must be found faultless.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.kernel.db import make_engine
from app.kernel.outbox import Consumer
from migrations import append_only
from supervision.journal import service as log
from tests import databases, postgresql
from tests.faults import checker, scenario
from tests.faults.checker import Finding
from tests.faults.defects import FORGERIES, PATCHES, ROWS, Forgery, Patch, Rows, scene_of
from tests.faults.run import followers
from tests.peers import OWNER, ROOT, SHARED, TOOLS

PARTS = ("app", "catalog", "orders", "supervision", "migrations", "tests", "static", "wsgi.py", "pyproject.toml")


@dataclass(frozen=True)
class Verdict:
    """What was planted, who had to find it, and what was found by whom."""

    defect: str
    found_by: str
    findings: Sequence[Finding]

    @property
    def is_found(self) -> bool:
        """Whether the named check found something; without a name, whether nobody found anything."""
        return any(one.check == self.found_by for one in self.findings) if self.found_by else not self.findings

    @property
    def finding(self) -> str:
        named = [one for one in self.findings if one.check == self.found_by] or list(self.findings)
        return f"{named[0].where}: {named[0].what}" if named else ""

    @property
    def others(self) -> str:
        return ", ".join(sorted({one.check for one in self.findings} - {self.found_by}))


class Ground:
    """A folder with an honest SQLite story, a PostgreSQL server, and copies of both to spoil."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server, self.used = folder, server, 0
        self.consumers: tuple[Consumer, ...] = ()
        self.template = Path(databases.fresh_sqlite(self._fresh("template")).removeprefix("sqlite:///"))

    def _fresh(self, name: str) -> Path:
        self.used += 1
        made = self.folder / f"{self.used:02d}-{name}"
        made.mkdir()
        return made

    def honest(self, kind: str) -> Verdict:
        """The story in the product as it is."""
        return Verdict(f"none, on {kind}", "", self._tell(ROOT, kind, self._fresh(f"honest-{kind}")))

    def patched(self, patch: Patch) -> Verdict:
        """The story in a copy of the product with other words in it."""
        folder = self._fresh("patched")
        tree = folder / "tree"
        tree.mkdir()
        for part in PARTS:
            _link(ROOT / part, tree / part)
        for name, old, new in patch.replaced:
            file = tree / name
            said = file.read_text(encoding="utf-8")
            if said.count(old) != 1:
                raise RuntimeError(f"{patch.name}: the text to be replaced stands {said.count(old)} times in {name}")
            file.unlink()
            file.write_text(said.replace(old, new), encoding="utf-8")
        verdict = Verdict(patch.name, patch.found_by, self._tell(tree, patch.kind, folder))
        shutil.rmtree(folder)
        return verdict

    def spoiled(self, honest: Path, defect: Rows | Forgery) -> Verdict:
        """The honest story with rows or files changed afterwards."""
        folder = self._fresh("spoiled")
        shutil.copytree(honest, folder, dirs_exist_ok=True)
        url = f"sqlite:///{folder / 'mall.sqlite'}"
        directory = folder / "data" / "journal"
        signer = log.signer_at(folder / "data" / "journal.key")
        kept = (directory / "checkpoint").read_text()
        if isinstance(defect, Rows):
            _damage(url, defect.statements)
        else:
            defect.forge(scene_of(directory, signer))
        findings = scenario.judge(url, folder, (kept,))
        engine = make_engine(url)
        self.consumers = self.consumers or followers(url, folder / "data")
        with Session(engine) as session:
            findings += checker.check_work(session, self.consumers)
        engine.dispose()
        return Verdict(defect.name, defect.found_by, findings)

    def _tell(self, tree: Path, kind: str, folder: Path) -> list[Finding]:
        migrated = kind == "sqlite"
        if migrated:
            shutil.copyfile(self.template, folder / "mall.sqlite")
            url = f"sqlite:///{folder / 'mall.sqlite'}"
        else:
            name = f"story_{self.used}"
            databases.administer(self.server, f"CREATE DATABASE {name}")
            url = f"{self.server}/{name}"
        command = [sys.executable, "-m", "tests.faults.scenario", url, str(folder), *([] if migrated else ["--migrate"])]
        environment = {**os.environ, "PATH": f"{TOOLS}:{os.environ.get('PATH', '')}"}
        told = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=600, check=False)
        if told.returncode:
            return [Finding("the story could not be told", kind, (told.stderr.strip() or "?").splitlines()[-1])]
        found: list[dict[str, Any]] = json.loads(told.stdout.strip().splitlines()[-1])
        return [Finding(**one) for one in found]


def _link(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy2(source, target)
        return
    shutil.copytree(source, target, copy_function=shutil.copy2, ignore=shutil.ignore_patterns("__pycache__", "images", "node_modules"))


def _damage(url: str, statements: Sequence[str]) -> None:
    """Change rows as somebody with the database's password could."""
    engine = create_engine(url)
    with engine.connect() as connection:
        for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        append_only.drop(connection)
        for statement in statements:
            if not connection.exec_driver_sql(statement).rowcount:
                raise RuntimeError(f"changed nothing: {statement}")
        connection.commit()
    engine.dispose()


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Everything that planting needs; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mall-seeded-"))
    os.environ.setdefault(SHARED, str(folder))
    os.environ.setdefault(OWNER, str(os.getpid()))
    server, cluster = postgresql.start(owner_pid=os.getpid())
    try:
        yield Ground(folder, server)
    finally:
        postgresql.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)


def verdicts() -> Iterator[Verdict]:
    """The honest stories first, then every defect."""
    with ground() as place:
        for kind in ("postgresql", "sqlite"):
            yield place.honest(kind)
        honest = place.folder / f"{place.used:02d}-honest-sqlite"
        for patch in PATCHES:
            yield place.patched(patch)
        for defect in (*ROWS, *FORGERIES):
            yield place.spoiled(honest, defect)


def main() -> int:
    """Print the table."""
    console = Console(width=200)
    found = []
    for verdict in verdicts():
        print("." if verdict.is_found else "F", end="", file=sys.stderr, flush=True)
        found.append(verdict)
    print(file=sys.stderr)
    table = Table("", "defect", "must be found by", "finding", "also found by", box=None, pad_edge=False)
    for verdict in found:
        mark = "[green]ok[/]" if verdict.is_found else "[red]NOT FOUND[/]"
        table.add_row(mark, verdict.defect, verdict.found_by or "nobody", verdict.finding[:70], verdict.others[:60])
    console.print(table)
    planted = [verdict for verdict in found if verdict.found_by]
    console.print(f"{sum(verdict.is_found for verdict in planted)} of {len(planted)} planted defects found by the check that must find them")
    return 0 if all(verdict.is_found for verdict in found) else 1


if __name__ == "__main__":
    sys.exit(main())
