"""A small world for the journal: events of orders, a log directory, a key, and the two judges."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.orm import Session

from app.kernel.db import Base, commit, make_engine
from app.kernel.events import Fact
from app.kernel.outbox import Entry, Event, record_all
from app.policy import SYSTEM
from supervision.journal import note, service
from supervision.journal.audit import Report, audit
from supervision.journal.sequencer import Sequencer
from supervision.journal.tables import Checkpoint, FieldErasure, FieldSalts, Leaf
from tests.peers import TOOLS

ORIGIN = "log.example/test"
TABLES = (Event, Leaf, Checkpoint, FieldSalts, FieldErasure)


@dataclass(frozen=True, kw_only=True)
class Placed(Fact):
    type: ClassVar[str] = "order.placed"
    number: str
    unit: str
    supplier: str
    amount_fen: int
    lines: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Paid(Fact):
    type: ClassVar[str] = "payment.settled"
    number: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Quoted(Fact):
    type: ClassVar[str] = "quotation.offered"
    supplier: str
    amount_fen: int


def placed(number: str, *, lines: int = 1, unit: str = "许昌市第一中学", supplier: str = "河南中原办公", amount_fen: int = 123_456_00) -> Placed:
    goods = [{"item": f"A0201{n:04d}", "quantity": n + 1, "price_fen": amount_fen // lines} for n in range(lines)]
    return Placed(number=number, unit=unit, supplier=supplier, amount_fen=amount_fen, lines=goods)


def bare_engine(folder: Path) -> Engine:
    """A SQLite database with the journal's tables only and without triggers: what its owner could do to it."""
    engine = make_engine(f"sqlite:///{folder / 'log.sqlite'}")
    Base.metadata.create_all(engine, tables=[table for kind in TABLES if isinstance(table := kind.__table__, Table)])
    return engine


def judged(verifier: str, *arguments: str, patience: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(TOOLS / verifier), *arguments], capture_output=True, text=True, timeout=patience, check=False)


class World:
    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.directory = folder / "log"
        self.key = folder / "journal.key"
        if not self.key.exists():
            service.create_key(self.key, ORIGIN)
        self.signer = service.signer_at(self.key)
        self.orders = 0

    def sessions(self) -> Session:
        return Session(self.engine)

    def order(self, count: int = 1, **facts: Any) -> str:
        """Orders of two events each would be 2 × count; here one event each, every third followed up in its stream."""
        entries = []
        for _ in range(count):
            self.orders += 1
            if self.orders % 3 == 0:
                number = f"DD-{self.orders - 1}"
                entries.append(Entry(Paid(number=number, amount_fen=self.orders), number, 2, "411000", 7))
            else:
                number = f"DD-{self.orders}"
                entries.append(Entry(placed(number, **facts), number, 1, "411000", 7))
        with self.sessions() as session, commit(session):
            record_all(session, SYSTEM, entries)
        return number

    def record(self, *facts: Fact, stream: str, first: int = 1) -> None:
        with self.sessions() as session, commit(session):
            record_all(session, SYSTEM, [Entry(fact, stream, first + n) for n, fact in enumerate(facts)])

    def sequence(self, batch: int = 256) -> int:
        return service.sequence(self.sessions, self.directory, self.signer, batch)

    def sequencer(self, batch: int = 256) -> Sequencer:
        return Sequencer(self.sessions, self.directory, self.signer, batch=batch)

    def audit(self) -> Report:
        with self.sessions() as session:
            return audit(session, self.directory, self.signer.verifier)

    def codes(self) -> set[str]:
        return {finding.code for finding in self.audit().findings}

    def checkpoint(self) -> str:
        return (self.directory / "checkpoint").read_text()

    def head(self) -> note.Head:
        return note.head_of(self.checkpoint(), self.signer.verifier)

    def outside(self, *arguments: str, log: bool = True) -> subprocess.CompletedProcess[str]:
        """The answer of the verifier that stands on golang.org/x/mod."""
        return judged("tlog-verify", "-vkey", self.signer.verifier.vkey, *arguments, *([str(self.directory)] if log else []))

    def merkle(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The answer of the verifier that stands on transparency-dev/merkle."""
        return judged("merkle-verify", "-vkey", self.signer.verifier.vkey, *arguments, str(self.directory))

    def tessera(self) -> subprocess.CompletedProcess[str]:
        """The answer of Tessera's fsck, a program as its authors wrote it; it asks for a missing file again and again: no answer is no yes."""
        key = self.folder / "vkey"
        key.write_text(self.signer.verifier.vkey + "\n")
        arguments = ("-ui=false", "-public_key", str(key), "-storage_url", f"file://{self.directory}/")
        try:
            return judged("tessera-fsck", *arguments, patience=10)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, 1)

    def damage(self, *statements: str) -> None:
        """Change rows as somebody with the database's password could, past all constraints between tables."""
        engine = create_engine(self.engine.url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()
        engine.dispose()
