"""Reads of the journal: leaves of a stream, receipts, proofs, openings.

Who may see a stream is decided by the chapter that owns it; callers pass only what the actor may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.errors import N_, Missing, Unavailable
from app.kernel.outbox import Event
from supervision.journal import leaf, tiles, tree
from supervision.journal.note import Head, Verifier, head_of
from supervision.journal.receipts import Receipt
from supervision.journal.tables import Checkpoint, FieldErasure, FieldSalts, Leaf

ALWAYS_OPEN = ("@id", "@stream", "@type", "@version", "@prev", "@at")
"""What every receipt opens, so that it names its order, its step and the step before."""


class NotYetSealed(Unavailable):
    """The event is recorded, but no checkpoint covers it yet; that takes about a second."""

    code = "journal.not_yet_sealed"
    message = N_("该记录正在写入监督日志，通常一两秒内完成，请稍后再取回执")


@dataclass(frozen=True)
class Tick:
    """One event of a stream as the journal sees it; `index` is None until its leaf is written."""

    event_id: int
    version: int
    type: str
    at: datetime
    index: int | None
    leaf_hash: str | None
    sealed: bool


@dataclass(frozen=True)
class Published:
    """The newest checkpoint as anybody can fetch it."""

    head: Head
    note: str
    at: datetime


@dataclass(frozen=True)
class Proof:
    """A public leaf and its way to the signed root."""

    index: int
    size: int
    root: bytes
    entry: bytes
    leaf: bytes
    steps: tuple[tree.Step, ...]


def published(directory: Path, verifier: Verifier) -> Published | None:
    """The published checkpoint, or None before the first. Raises BadNote when it is not signed by this key."""
    file = directory / tiles.CHECKPOINT
    if not file.exists():
        return None
    note = file.read_text(encoding="utf-8")
    return Published(head_of(note, verifier), note, datetime.fromtimestamp(file.stat().st_mtime, UTC))


def proof(directory: Path, newest: Head, index: int) -> Proof:
    """The proof of a public leaf, from the published files alone. Raises Missing beyond the signed size."""
    if not 0 <= index < newest.size:
        raise Missing()
    n, place = divmod(index, tree.WIDTH)
    bundle = tiles.read(directory, tiles.ENTRIES, n, tiles.width_at(newest.size, 0, n))
    entry = tiles.unbundle(bundle)[place]
    path = tree.inclusion(tiles.nodes(directory, newest.size), index, newest.size)
    value = tree.leaf_hash(entry)
    return Proof(index, newest.size, newest.root, entry, value, tuple(tree.climb(index, newest.size, value, path)))


def head(session: Session) -> Checkpoint | None:
    """The newest signed checkpoint, or None before the first."""
    return session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))


def size(session: Session) -> int:
    """How many leaves there are, signed or not."""
    newest = session.scalar(select(func.max(Leaf.idx)))
    return 0 if newest is None else newest + 1


def events_after(session: Session, index: int, most: int) -> list[tuple[int, Event]]:
    """The events behind the leaves above this index, in the order of the log: what followers of the log read."""
    query = select(Leaf.idx, Event).join(Event, Event.id == Leaf.event_id).where(Leaf.idx > index).order_by(Leaf.idx).limit(most)
    return [(row[0], row[1]) for row in session.execute(query)]


def leaf_of(session: Session, event_id: int) -> Leaf | None:
    """The leaf of an event, or None while it waits for the sequencer."""
    return session.scalar(select(Leaf).where(Leaf.event_id == event_id))


def leaves_for(session: Session, stream: str) -> list[Tick]:
    """The events of a stream in order, each with its place in the log."""
    signed = session.scalar(select(func.max(Checkpoint.size))) or 0
    rows = session.execute(
        select(Event.id, Event.version, Event.type, Event.at, Leaf.idx, Leaf.leaf_hash)
        .outerjoin(Leaf, Leaf.event_id == Event.id)
        .where(Event.stream == stream)
        .order_by(Event.version)
    )
    return [
        Tick(
            event_id=row.id,
            version=row.version,
            type=row.type,
            at=row.at,
            index=row.idx,
            leaf_hash=None if row.leaf_hash is None else row.leaf_hash.hex(),
            sealed=row.idx is not None and row.idx < signed,
        )
        for row in rows
    ]


def event_of(session: Session, stream: str, version: int) -> Event:
    """The event at this place of a stream. Raises Missing."""
    event = session.scalar(select(Event).where(Event.stream == stream, Event.version == version))
    if event is None:
        raise Missing()
    return event


def commitments(session: Session, event: Event) -> tuple[list[tuple[str, str]], bytes, dict[str, bytes]]:
    """An event's fields, its salts, and what was kept of erased fields. Raises NotYetSealed before its leaf is written."""
    salts = session.scalar(select(FieldSalts.salts).where(FieldSalts.event_id == event.id))
    if salts is None:
        raise NotYetSealed()
    kept = session.execute(
        select(FieldErasure.field, FieldErasure.commitment).where(FieldErasure.event_id == event.id)
    ).all()
    return leaf.fields_of(event), salts, {row.field: row.commitment for row in kept}


def openings(session: Session, event: Event, fields: Sequence[str]) -> list[leaf.Opening]:
    """The openings of the named fields of an event; erased and unknown ones are left out. Raises NotYetSealed."""
    held, salts, erased = commitments(session, event)
    return leaf.open_fields(held, salts, [name for name in fields if name not in erased])


def field_names(event: Event) -> list[str]:
    """The names of an event's fields, those of its body without the "@" of the envelope."""
    return [name for name, _ in leaf.fields_of(event)]


def receipt(session: Session, directory: Path, event: Event, fields: Sequence[str] = ()) -> Receipt:
    """The receipt of an event under the newest checkpoint, with the named fields opened. Raises NotYetSealed."""
    place = leaf_of(session, event.id)
    newest = head(session)
    if place is None or newest is None or newest.size <= place.idx:
        raise NotYetSealed()
    held, salts, erased = commitments(session, event)
    shown = [name for name in (*ALWAYS_OPEN, *fields) if name not in erased]
    return Receipt(
        stream=event.stream,
        version=event.version,
        index=place.idx,
        entry=place.entry,
        checkpoint=newest.note,
        path=tuple(tree.inclusion(tiles.nodes(directory, newest.size), place.idx, newest.size)),
        slots=tuple(leaf.slots(held, salts, erased)),
        openings=tuple(leaf.open_fields(held, salts, shown)),
    )


def consistency(session: Session, directory: Path, old: int, new: int | None = None) -> list[bytes]:
    """The proof that the log of size `old` is the beginning of that of size `new` (the newest signed one by default).

    Raises Missing when `old` is larger, or `new` was never signed.
    """
    if new is None:
        newest = head(session)
        new = newest.size if newest else 0
    elif session.get(Checkpoint, new) is None:
        raise Missing()
    if not 0 <= old <= new:
        raise Missing()
    return tree.consistency(tiles.nodes(directory, new), old, new)
