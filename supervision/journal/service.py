"""Commands of the journal: the key, one turn of the sequencer, erasing what a leaf says about a field."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.errors import N_, Conflict
from app.kernel.outbox import Event
from app.policy import Actor
from supervision.journal import leaf, note, queries
from supervision.journal.sequencer import Busy, Held, Sequencer, Sessions
from supervision.journal.tables import FieldErasure, FieldSalts

PUBLIC = ".pub"
WHOLE_LOOK_S = 0.5
"""How long an event that was committed after one with a higher number may wait to be looked for."""


class KeyInTheWay(Conflict):
    """There is a key already; making another would break the log that it signs."""

    code = "journal.key_in_the_way"
    message = N_("签名密钥文件已存在，未作改动；更换密钥请用 mall journal rotate")


class KeyMissing(Conflict):
    """The signing key is not where the settings say."""

    code = "journal.key_missing"
    message = N_("没有找到监督日志的签名密钥：请先执行 mall init，或从备份恢复密钥文件")


class KeyAway(Conflict):
    """The log has had a key; another one of the same name would make what is signed unreadable."""

    code = "journal.key_away"
    message = N_("本日志已有公钥而签名密钥不在原处：请把密钥副本放回；密钥已丢失时，用 mall journal epoch 启用新纪元")


def create_key(path: Path, origin: str) -> note.Verifier:
    """Make the log's signing key (mode 600) and its public half beside it. Raises KeyInTheWay, KeyAway."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if public_path(path).exists() and not path.exists():
        raise KeyAway()
    signer = note.generate(origin)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyInTheWay() from error
    with os.fdopen(descriptor, "w") as file:
        file.write(signer.skey + "\n")
        file.flush()
        os.fsync(file.fileno())
    public_path(path).write_text(signer.verifier.vkey + "\n")
    return signer.verifier


def public_path(path: Path) -> Path:
    """Where the public half lies; the web processes read only this one."""
    return path.with_name(path.name + PUBLIC)


def signer_at(path: Path) -> note.Signer:
    """The signing key of this file, with its successor while the key is changed. Raises KeyMissing."""
    try:
        signers = [note.signer_of(line) for line in path.read_text().split()]
    except FileNotFoundError as error:
        raise KeyMissing() from error
    if not signers:
        raise KeyMissing()
    held = {signer.public for signer in signers}
    public = public_path(path)
    known = note.verifiers_of(public.read_text()).keys if public.exists() else ()
    return replace(signers[0], also=tuple(signers[1:]), past=tuple(key for key in known if key.public not in held))


def verifier_at(path: Path) -> note.Verifier:
    """The public key that belongs to the signing key at this path, with the log's other keys. Raises KeyMissing."""
    public = public_path(path)
    return note.verifiers_of(public.read_text()) if public.exists() else signer_at(path).verifier


def sequence(sessions: Sessions, directory: Path, signer: note.Signer, batch: int = 256) -> int:
    """Give every waiting event its leaf and sign the tree; returns how many there were. Raises Busy, Forked, Behind."""
    with Sequencer(sessions, directory, signer, batch=batch) as sequencer:
        return sequencer.drain()


def sequence_in_bulk(
    sessions: Sessions, directory: Path, signer: note.Signer, progress: Callable[[int], None] | None = None
) -> int:
    """Like `sequence`, for a large backlog: few checkpoints, large batches. `progress` hears of each batch."""
    with Sequencer(sessions, directory, signer) as sequencer:
        return sequencer.bulk(progress)


def turns(directory: Path, key: Path, batch: int = 256) -> Callable[[Sessions], int]:
    """A function for the worker's timer: sequences what waits, and does nothing while another process is at it.

    The lock is held during a turn only; the tree is kept from turn to turn. The key is read under the lock, so that a
    change of it counts at once; raises KeyMissing while there is none. A log that is held waits.
    """
    kept: list[Sequencer] = []

    def turn(sessions: Sessions) -> int:
        if not kept:
            kept.append(Sequencer(sessions, directory, signer_at(key), batch=batch, whole_look_s=WHOLE_LOOK_S))
        try:
            with kept[0] as sequencer:
                sequencer.signer = signer_at(key)
                return sequencer.drain()
        except (Busy, Held):
            return 0

    return turn


def erase(session: Session, actor: Actor, event: Event, field: str) -> None:
    """Erase what the leaf says about a field: its salt goes, its commitment stays, the tree remains valid.

    Raises NotYetSealed before the event has a leaf; a field erased before stays erased.
    """
    fields, salts, erased = queries.commitments(session, event)
    names = [name for name, _ in fields]
    if field in erased or field not in names:
        return
    slot = names.index(field)
    start, end = slot * leaf.SALT_BYTES, (slot + 1) * leaf.SALT_BYTES
    session.execute(
        insert(FieldErasure),
        {
            "event_id": event.id,
            "field": field,
            "commitment": leaf.slots(fields, salts, erased)[slot],
            "actor_id": actor.person_id,
            "at": clock.now(),
        },
    )
    session.execute(
        update(FieldSalts)
        .where(FieldSalts.event_id == event.id)
        .values(salts=salts[:start] + bytes(leaf.SALT_BYTES) + salts[end:]),
        execution_options={"synchronize_session": False},
    )
