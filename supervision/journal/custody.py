"""Custody of the log: its key is changed, and after a restore it goes on, or a new epoch of it is opened.

The key file holds the signing key in its first line and, while a key is being changed, its successor in the second; the
public half lists every key the log ever had. Whatever is done here is done under the sequencer's lock and leaves an event.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import N_, Conflict
from app.kernel.events import Fact
from app.kernel.outbox import record
from app.policy import SYSTEM
from supervision.journal import events, note, queries, service, tiles, tree
from supervision.journal.note import BadNote, Head, Signer, Verifier, head_of
from supervision.journal.sequencer import HOLD, Sequencer, Sessions
from supervision.journal.tables import Leaf

EPOCH = re.compile(r"(.+)/epoch-(\d+)")
PORTION = 10_000
"""Leaves read at once."""


class RotationUnderWay(Conflict):
    """Two keys sign already."""

    code = "journal.rotation_under_way"
    message = N_("更换密钥已在进行：现在由新旧两把密钥同时签署；验证方都取得新公钥后，用 mall journal rotate --finish 停用旧密钥")


class NoRotation(Conflict):
    """There is no second key that could take over."""

    code = "journal.no_rotation"
    message = N_("没有正在更换的密钥：先用 mall journal rotate --prepare 启用新密钥")


class NotHeld(Conflict):
    """The log is not held: there is nothing to decide."""

    code = "journal.not_held"
    message = N_("日志没有处于恢复后的等待状态，照常在写，无需处理")


class LastUnknown(Conflict):
    """Nobody has said what was published after the backup."""

    code = "journal.last_unknown"
    message = N_(
        "不知道备份之后还发布过什么：给出备份之后取得的最新检查点（--last-checkpoint 文件，可向见证方或保存过检查点的人索取），"
        "或确认备份之后原系统没有再发布（--nothing-since）。两者都做不到时，用 mall journal epoch 启用新纪元"
    )


class NotACheckpoint(Conflict):
    """What was shown as the last checkpoint is not signed by a key of this log."""

    code = "journal.not_a_checkpoint"
    message = N_("给出的检查点不是本日志的密钥签署的：%(why)s")
    why: str


class PublishedBeyond(Conflict):
    """More was published than the restored database holds: going on would sign another history for those sizes."""

    code = "journal.published_beyond"
    message = N_(
        "已发布到第 %(published)s 条，恢复的数据只到第 %(restored)s 条：同一日志不能再写，否则会出现两段不同的历史。"
        "用 mall journal epoch --last-checkpoint 文件 启用新纪元，其第一条引用旧日志的最后检查点"
    )
    published: int
    restored: int


class OtherHistory(Conflict):
    """The restored leaves lead to another root than the checkpoint that was shown."""

    code = "journal.other_history"
    message = N_("恢复的数据与第 %(size)s 条处的检查点不是同一段历史：不要继续，先用 mall journal audit 查明")
    size: int


# ---------------------------------------------------------------- changing the key


def prepare(sessions: Sessions, directory: Path, key: Path) -> Verifier:
    """Make the successor of the signing key; from now on both sign. Raises RotationUnderWay, KeyMissing, Busy, Held."""
    signer = service.signer_at(key)
    if signer.also:
        raise RotationUnderWay()
    with Sequencer(sessions, directory, signer) as sequencer:
        successor = note.generate(signer.name)
        _record(sessions, events.KeyAnnounced(vkey=successor.verifier.vkey, beside=signer.verifier.vkey))
        both = replace(signer, also=(successor,), past=tuple(past for past in signer.past if past.until is not None))
        _keep(key, both)
        sequencer.signer = both
        sequencer.drain()
    return successor.verifier


def finish(sessions: Sessions, directory: Path, key: Path) -> Verifier:
    """Retire the old key: its successor alone signs. The old one's signature counts up to the size signed now, no further.

    Raises NoRotation, KeyMissing, Busy, Held.
    """
    signer = service.signer_at(key)
    if not signer.also:
        raise NoRotation()
    (successor,) = signer.also
    with Sequencer(sessions, directory, signer) as sequencer:
        old = Verifier(signer.name, signer.public)
        _record(sessions, events.KeyRetired(vkey=old.vkey, successor=successor.verifier.vkey))
        sequencer.drain()
        alone = replace(successor, past=(replace(old, until=sequencer.signed), *signer.past))
        _keep(key, alone)
    return alone.verifier


# ---------------------------------------------------------------- after a restore


def hold(directory: Path, facts: dict[str, Any]) -> None:
    """Stop the sequencer until somebody decides how the log goes on."""
    _replace(directory / HOLD, json.dumps(facts, ensure_ascii=False, indent=1) + "\n", mode=0o644)


def held(directory: Path) -> dict[str, Any] | None:
    """Why the log is held, or None."""
    file = directory / HOLD
    found: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return found


def go_on(sessions: Sessions, directory: Path, key: Path, *, last_note: str | None, nothing_since: bool = False) -> int:
    """Let the restored log go on under its name; returns the size then signed.

    Raises NotHeld, LastUnknown, NotACheckpoint, PublishedBeyond, OtherHistory, KeyMissing, Busy.
    """
    if held(directory) is None:
        raise NotHeld()
    signer = service.signer_at(key)
    last = _last(last_note, signer.verifier)
    if last is None and not nothing_since:
        raise LastUnknown()
    with Sequencer(sessions, directory, signer, ends_hold=True) as sequencer:
        with sessions() as session:
            size, roots = _roots(session, last.size if last else 0)
        if last is not None and last.size > size:
            raise PublishedBeyond(published=last.size, restored=size)
        if last is not None and roots[last.size] != last.root:
            raise OtherHistory(size=last.size)
        _record(sessions, events.LogContinued(restored_size=size, restored_root=roots[size].hex(), last_note=last_note))
        sequencer.drain()
        (directory / HOLD).unlink()
        return sequencer.signed


def open_epoch(sessions: Sessions, directory: Path, key: Path, *, last_note: str | None = None) -> Verifier:
    """Go on under a new name and key. The tree is the restored one; the first entry after it quotes the last checkpoint known.

    Files that the log before had published beyond the restored size are set aside, not deleted. The old signing key is not
    needed, only its public half. Raises NotACheckpoint, KeyMissing, Busy.
    """
    old = service.verifier_at(key)
    signer = note.generate(next_origin(old.name))
    with Sequencer(sessions, directory, signer, ends_hold=True) as sequencer:
        published = tiles.Shelf(directory).checkpoint()
        with sessions() as session:
            stored = queries.head(session)
            size, roots = _roots(session, 0)
        notes = [text for text in (last_note, published, stored.note if stored else None) if text]
        heads = [head for text in notes if (head := _last(text, old))]
        last = max(heads, key=lambda head: head.size, default=Head(old.name, 0, tree.EMPTY))
        fact = events.EpochOpened(
            origin=signer.name,
            vkey=signer.verifier.vkey,
            restored_size=size,
            restored_root=roots[size].hex(),
            last_origin=last.origin,
            last_size=last.size,
            last_root=last.root.hex(),
            last_note=next((text for text, head in zip(notes, heads, strict=True) if head is last), None),
        )
        event = _record(sessions, fact)
        retired = tuple(one if one.until is not None else replace(one, until=last.size, others=()) for one in old.keys)
        sequencer.signer = replace(signer, past=retired)
        _keep(key, sequencer.signer)
        if any(head.size > size for head in heads):
            _set_aside(directory, old.name)
        (directory / HOLD).unlink(missing_ok=True)
        sequencer.first(event)
        sequencer.drain()
    return sequencer.signer.verifier


def next_origin(name: str) -> str:
    """The name of the log's next epoch: mall.example/henan, mall.example/henan/epoch-2, mall.example/henan/epoch-3 …"""
    found = EPOCH.fullmatch(name)
    return f"{found[1]}/epoch-{int(found[2]) + 1}" if found else f"{name}/epoch-2"


def _last(text: str | None, verifier: Verifier) -> Head | None:
    if text is None:
        return None
    try:
        return head_of(text, verifier)
    except BadNote as error:
        raise NotACheckpoint(why=str(error)) from error


def _roots(session: Session, at: int) -> tuple[int, dict[int, bytes]]:
    """How many leaves there are, and the roots there and at this smaller size."""
    edge = tree.Edge()
    roots = {0: edge.root()}
    hashes = select(Leaf.leaf_hash).order_by(Leaf.idx).limit(PORTION)
    while portion := session.scalars(hashes.where(Leaf.idx >= edge.size)).all():
        for value in portion:
            edge.append(value)
            if edge.size == at:
                roots[at] = edge.root()
    roots[edge.size] = edge.root()
    return edge.size, roots


def _record(sessions: Sessions, fact: Fact) -> int:
    with sessions() as session, commit(session):
        return record(session, SYSTEM, fact, stream=events.STREAM)


def _set_aside(directory: Path, name: str) -> None:
    """Keep the files of the log before beside the new ones; whoever holds its checkpoints may want to see them."""
    aside = directory.with_name(f"{directory.name}-before-{name.rpartition('/')[2]}")
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{directory.name}-before-{name.rpartition('/')[2]}-{number}")
    aside.mkdir()
    for part in ("tile", tiles.CHECKPOINT):
        if (directory / part).exists():
            (directory / part).rename(aside / part)


# ---------------------------------------------------------------- files of the key


def _keep(key: Path, signer: Signer) -> None:
    """Write the public half first: readers then know every key before it signs anything."""
    _replace(service.public_path(key), signer.verifier.listed, mode=0o644)
    _replace(key, "".join(one.skey + "\n" for one in (signer, *signer.also)), mode=0o600)


def _replace(file: Path, text: str, *, mode: int) -> None:
    """All of the new text or all of the old, whatever happens; forced to the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _draft(file, mode) as descriptor, os.fdopen(descriptor, "w") as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _draft(file: Path, mode: int) -> Iterator[int]:
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    yield os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    draft.replace(file)
