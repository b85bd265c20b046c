"""The full audit: re-hashes everything, from the stored events to the signature on the checkpoint.

An inclusion proof of one entry does not notice a change elsewhere; this does. Events → commitments → leaves → tree →
tiles and bundles → checkpoints, and the streams: versions without gaps, each event linked to the one before.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.kernel.outbox import Event
from supervision.journal import leaf, tiles, tree
from supervision.journal.note import BadNote, Head, Verifier, head_of
from supervision.journal.tables import Checkpoint, FieldErasure, FieldSalts, Leaf

CHUNK = 4096
MOST_LISTED = 100

Progress = Callable[[int, int], None]
"""Hears how many leaves are done, of how many."""


@dataclass(frozen=True)
class Finding:
    """Something that does not agree: a stable code, where, and what."""

    code: str
    where: str
    what: str


@dataclass
class Report:
    """What the audit saw. `accepted` means that nothing disagreed."""

    origin: str
    entries: int = 0
    size: int = 0
    root: str = ""
    checkpoints: int = 0
    files: int = 0
    streams: int = 0
    waiting: int = 0
    erased: int = 0
    seconds: float = 0.0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, code: str, where: object, what: str) -> None:
        """Note a finding; the first hundred are listed, all are counted."""
        self.found += 1
        if len(self.findings) < MOST_LISTED:
            self.findings.append(Finding(code, str(where), what))

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            **{name: value for name, value in vars(self).items() if name != "findings"},
            "accepted": self.accepted,
            "findings": [vars(one) for one in self.findings],
        }


def audit(session: Session, directory: Path, verifier: Verifier, progress: Progress | None = None) -> Report:
    """Re-hash the whole journal and compare it with the files and the signatures; never changes anything.

    The log may grow meanwhile: files are listed first and rows read afterwards, so every listed file has its rows.
    """
    started = time.monotonic()
    report = Report(origin=verifier.name)
    files = _Files(directory, report)
    published = files.published(verifier)
    session.rollback()
    heads = _Heads(session, verifier, published, report)
    files.signed = heads.signed
    last = session.scalar(select(func.max(Leaf.idx)))
    total = 0 if last is None else last + 1
    edge = tree.Edge()
    tail: list[bytes] = []
    heads.reached(edge)
    for row in _leaves(session, total, report):
        _check_leaf(row, edge.size, report)
        tail.append(row.entry)
        for level, n, hashes in edge.append(row.leaf_hash):
            files.full(level, n, b"".join(hashes))
            if level == 0:
                files.full(tiles.ENTRIES, n, tiles.bundle(tail))
                tail = []
        heads.reached(edge)
        if progress and edge.size % CHUNK == 0:
            progress(edge.size, total)
    report.entries = edge.size
    heads.end(edge, directory)
    if tail:
        files.partial(tiles.ENTRIES, edge.size // tree.WIDTH, tail)
    for level, n, part in edge.partial():
        files.partial(level, n, part)
    files.end()
    _check_streams(session, report)
    unsealed = select(func.count(Event.id)).outerjoin(Leaf, Leaf.event_id == Event.id).where(Leaf.event_id.is_(None))
    report.waiting = session.scalar(unsealed) or 0
    if progress:
        progress(total, total)
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _leaves(session: Session, total: int, report: Report) -> Iterator[Any]:
    """All leaves in order with their events, salts and erased fields."""
    erased: dict[int, dict[str, bytes]] = {}
    for row in session.execute(select(FieldErasure.event_id, FieldErasure.field, FieldErasure.commitment)):
        erased.setdefault(row.event_id, {})[row.field] = row.commitment
        report.erased += 1
    query = (
        select(Leaf.idx, Leaf.event_id, Leaf.leaf_hash, Leaf.entry, FieldSalts.salts, *Event.__table__.columns)
        .outerjoin(Event, Event.id == Leaf.event_id)
        .outerjoin(FieldSalts, FieldSalts.event_id == Leaf.event_id)
        .order_by(Leaf.idx)
        .limit(CHUNK)
    )
    after = -1
    while rows := session.execute(query.where(Leaf.idx > after, Leaf.idx < total)).all():
        for row in rows:
            _check_event(row, erased.get(row.event_id), report)
            yield row
        after = rows[-1].idx


def _check_event(row: Any, erased: dict[str, bytes] | None, report: Report) -> None:
    """The event still is the one that the leaf was made of."""
    if row.id is None:
        report.add("event.missing", f"leaf {row.idx}", f"event {row.event_id} is gone")
        return
    if row.salts is None:
        report.add("salts.missing", f"leaf {row.idx}", f"the salts of event {row.event_id} are gone")
        return
    try:
        entry = leaf.entry_of(row, row.salts, erased)
        if entry != row.entry:
            entry = _as_first_shown(row, erased)
    except (ValueError, KeyError, AttributeError) as error:
        report.add("event.changed", f"leaf {row.idx}", f"event {row.event_id}: {error}")
        return
    if entry != row.entry:
        report.add("event.changed", f"leaf {row.idx}", f"event {row.event_id} is not what was sealed")


def _as_first_shown(row: Any, erased: dict[str, bytes] | None) -> bytes:
    """The leaf again with the family of its time, and with its own stream id where that salt was erased."""
    shown = leaf.shown_by(row.entry)
    family = shown["type"] if shown["type"] in leaf.FAMILIES or shown["type"] == leaf.OTHER else None
    stream = bytes.fromhex(shown["stream"]) if erased and "@stream" in erased else None
    return leaf.entry_of(row, row.salts, erased, stream=stream, family_shown=family)


def _check_leaf(row: Any, expected: int, report: Report) -> None:
    if row.idx != expected:
        report.add("leaf.gap", f"leaf {row.idx}", f"leaf {expected} was expected here")
    if tree.leaf_hash(row.entry) != row.leaf_hash:
        report.add("leaf.changed", f"leaf {row.idx}", "the hash is not that of the entry")


class _Heads:
    """The checkpoints: rows, and the published file, each against the root at its size."""

    def __init__(self, session: Session, verifier: Verifier, published: Head | None, report: Report) -> None:
        self.report, self.verifier, self.published = report, verifier, published
        rows = session.execute(select(Checkpoint.size, Checkpoint.root, Checkpoint.note).order_by(Checkpoint.size)).all()
        self.signed = max([row.size for row in rows[-1:]] + [published.size if published else 0])
        self.rows = iter(rows)
        self.next: Any = next(self.rows, None)

    def reached(self, edge: tree.Edge) -> None:
        """Compare what was signed for this size."""
        while self.next is not None and self.next.size <= edge.size:
            row, self.next = self.next, next(self.rows, None)
            self.report.checkpoints += 1
            where = f"checkpoint {row.size}"
            try:
                head = head_of(row.note, self.verifier)
            except BadNote as error:
                self.report.add("checkpoint.invalid", where, str(error))
                continue
            if (head.size, head.root) != (row.size, row.root) or row.size != edge.size:
                self.report.add("checkpoint.changed", where, "the row is not what was signed")
            elif head.root != edge.root():
                self.report.add("root.differs", where, "the leaves lead to another root than the signed one")
            self.report.size, self.report.root = row.size, row.root.hex()
        if self.published and self.published.size == edge.size and self.published.root != edge.root():
            self.report.add("root.differs", tiles.CHECKPOINT, "the leaves lead to another root than the published one")

    def end(self, edge: tree.Edge, directory: Path) -> None:
        """After the last leaf: nothing may be signed beyond it, and the file is the newest row."""
        while self.next is not None:
            self.report.add("leaf.missing", f"checkpoint {self.next.size}", f"the leaves end at {edge.size}")
            self.next = next(self.rows, None)
        if self.published and self.published.size > edge.size:
            self.report.add("leaf.missing", tiles.CHECKPOINT, f"{self.published.size} are published, the leaves end at {edge.size}")
        if self.published and self.published.size < self.signed:
            now = _opened(tiles.Shelf(directory).checkpoint(), self.verifier)
            if now is None or now.size < self.signed:
                self.report.add("checkpoint.old", tiles.CHECKPOINT, f"size {self.signed} was signed, {self.published.size} is published")
        unread = not any(finding.where == tiles.CHECKPOINT for finding in self.report.findings)
        if self.published is None and unread and (edge.size or self.report.checkpoints):
            self.report.add("checkpoint.missing", tiles.CHECKPOINT, "no checkpoint is published")


def _opened(note: str | None, verifier: Verifier) -> Head | None:
    return None if note is None else head_of(note, verifier)


class _Files:
    """The files of the log against what the leaves say; partial forms of full tiles may linger and must agree too."""

    def __init__(self, directory: Path, report: Report) -> None:
        self.directory, self.report = directory, report
        self.signed = 0
        # a sequencer at work takes partial tiles away meanwhile, with their folders: os.walk passes over what is gone
        found = (Path(folder) / name for folder, _, names in os.walk(directory / "tile") for name in names if not name.startswith("."))
        self.unseen = {str(file.relative_to(directory)) for file in found}

    def published(self, verifier: Verifier) -> Head | None:
        """The published checkpoint, when it is there and holds."""
        try:
            return _opened(tiles.Shelf(self.directory).checkpoint(), verifier)
        except (BadNote, UnicodeDecodeError) as error:
            self.report.add("checkpoint.invalid", tiles.CHECKPOINT, str(error))
            return None

    def full(self, level: int | str, n: int, packed: bytes) -> None:
        """A full tile must be there, once it is signed, and equal."""
        name = tiles.path(level, n)
        found = self._read(name)
        self.unseen.discard(name)
        below = 0 if level == tiles.ENTRIES else int(level)
        if found is None:
            if (n + 1) << (8 * (below + 1)) <= self.signed:
                self.report.add("tile.missing", name, "the file is gone")
        elif found != packed:
            self.report.add("tile.changed", name, "the file is not what the leaves say")
        else:
            self.report.files += 1
        self._narrow(level, n, packed)

    def partial(self, level: int | str, n: int, parts: Sequence[bytes]) -> None:
        """The partial tile of the signed size must be there; others, older or not yet signed, must agree."""
        width = tiles.width_at(self.signed, 0 if level == tiles.ENTRIES else int(level), n)
        join = tiles.bundle if level == tiles.ENTRIES else b"".join
        if 0 < width <= len(parts):
            name = tiles.path(level, n, width)
            found = self._read(name)
            self.unseen.discard(name)
            if found is None and (grown := self._read(tiles.path(level, n))) is not None:
                found = _prefix(level, grown, width)  # it was filled while we were reading
            if found is None:
                self.report.add("tile.missing", name, "the file is gone")
            elif found != join(parts[:width]):
                self.report.add("tile.changed", name, "the file is not what the leaves say")
            else:
                self.report.files += 1
        self._narrow(level, n, join(parts))

    def _narrow(self, level: int | str, n: int, packed: bytes) -> None:
        folder = tiles.path(level, n) + ".p"
        if not (self.directory / folder).is_dir():
            return
        for name in [name for name in self.unseen if name.startswith(folder + "/")]:
            width = name.removeprefix(folder + "/")
            if width.isdigit() and (found := self._read(name)) is not None and found == _prefix(level, packed, int(width)):
                self.unseen.discard(name)
                self.report.files += 1

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.directory / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def end(self) -> None:
        """Whatever was not explained does not belong there; what was tidied away meanwhile is no matter."""
        for name in sorted(self.unseen):
            if (self.directory / name).exists():
                self.report.add("tile.stray", name, "no such tile belongs to this log, or its bytes are others")


def _prefix(level: int | str, packed: bytes, width: int) -> bytes | None:
    """The narrower form of a tile or bundle; None when it is not that wide or cannot be read."""
    if level != tiles.ENTRIES:
        return packed[: width * tiles.HASH_BYTES] if 0 < width * tiles.HASH_BYTES <= len(packed) else None
    try:
        entries = tiles.unbundle(packed)
    except tiles.Damaged:
        return None
    return tiles.bundle(entries[:width]) if 0 < width <= len(entries) else None


def _check_streams(session: Session, report: Report) -> None:
    """Every stream counts 1, 2, 3 … and every event names the one before it."""
    before = func.lag(Event.version).over(partition_by=Event.stream, order_by=Event.version)
    numbered = select(Event.stream, Event.version, Event.prev_version, before.label("before")).subquery()
    wrong = select(numbered).where(
        or_(
            numbered.c.version != func.coalesce(numbered.c.before, 0) + 1,
            func.coalesce(numbered.c.prev_version, 0) != func.coalesce(numbered.c.before, 0),
        )
    )
    for row in session.execute(wrong.limit(MOST_LISTED)):
        report.add("stream.gap", f"{row.stream} v{row.version}", f"after version {row.before}, linked to {row.prev_version}")
    report.streams = session.scalar(select(func.count(func.distinct(Event.stream)))) or 0
