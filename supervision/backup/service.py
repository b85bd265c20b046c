"""Make a backup of a mall that is running, and bring one back into an empty place.

The database is copied first, as of one moment; the log's files are then exactly those of the newest checkpoint in that
copy, so both always fit. Whatever else lies in the data directory follows. The manifest is written last: a backup without
one was cut short. The signing key stays out unless it is asked for.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.outbox import Event
from supervision.backup import gateway
from supervision.backup.rules import (
    DATABASES,
    FILES,
    LOG,
    MANIFEST,
    PUBLIC,
    SECRET,
    Damaged,
    Kept,
    Manifest,
    NotABackup,
    NotEmpty,
    OtherDatabase,
    TargetInTheWay,
    TooNew,
    manifest_of,
)
from supervision.journal import custody, queries, service, tiles, tree
from supervision.journal.sequencer import HOLD

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, of how much."""

MADE_ANEW = ("search",)
"""Folders of the data directory that are made from the database."""
PASSING = (".gate", ".lock", "-wal", "-shm", "-journal", ".new")
CHUNK = 1 << 20


# ---------------------------------------------------------------- making one


def make(engine: Engine, settings: Settings, target: Path, *, with_key: bool = False, tell: Progress | None = None) -> Manifest:
    """Copy everything into the target while the mall runs. Raises TargetInTheWay, ToolMissing, ToolFailed, KeyMissing."""
    tell = tell or _silent
    data = settings.data_dir.resolve()
    target = target.resolve()
    if target.is_relative_to(data) or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise TargetInTheWay(target=str(target))
    verifier = service.verifier_at(settings.journal_key_path)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    tell("database", 0, 1)
    with gateway.copied(engine, target) as session:
        tell("database", 1, 1)
        head = queries.head(session)
        size = head.size if head else 0
        manifest = Manifest(
            made_at=clock.now().isoformat(timespec="seconds"),
            mode=settings.mode,
            address=settings.address,
            database=engine.dialect.name,
            revision=str(session.scalar(text("SELECT version_num FROM alembic_version"))),
            origin=verifier.name,
            log_size=size,
            log_root=(head.root if head else tree.EMPTY).hex(),
            entries=queries.size(session),
            events=session.scalar(select(func.count()).select_from(Event)) or 0,
            with_key=with_key,
        )
        note = head.note if head else None
    _copy_log(settings.folder("journal"), target / LOG, size, note, tell)
    _copy_files(data, target / FILES, _left_out(engine, settings), tell)
    _write(target / PUBLIC, verifier.listed.encode())
    if with_key:
        _write(target / SECRET, settings.journal_key_path.read_bytes(), mode=0o600)
    manifest = replace(manifest, files=[_kept(target, name) for name in _each(target, "checking", tell)])
    _write(target / MANIFEST, manifest.as_text().encode())
    return manifest


def _copy_log(source: Path, target: Path, size: int, note: str | None, tell: Progress) -> None:
    """The files of the log at this size; what has grown since is cut back, which is how the files looked then."""
    wanted: list[tuple[int | str, int, int]] = [*tiles.tiles_of(size)]
    wanted += [(tiles.ENTRIES, n, width) for level, n, width in wanted if level == 0]
    for done, (level, n, width) in enumerate(wanted):
        tell("log", done, len(wanted))
        packed = tiles.read(source, level, n, width)
        cut = tiles.bundle(tiles.unbundle(packed)[:width]) if level == tiles.ENTRIES else packed[: width * tiles.HASH_BYTES]
        _write(target / tiles.path(level, n, width), cut)
    if note is not None:
        _write(target / tiles.CHECKPOINT, note.encode())
    tell("log", len(wanted), len(wanted))


def _left_out(engine: Engine, settings: Settings) -> set[Path]:
    """Copied in another way, made anew, or secret."""
    key = settings.journal_key_path.resolve()
    out = {settings.folder("journal"), key, service.public_path(key), *(settings.folder(name) for name in MADE_ANEW)}
    if engine.dialect.name == "sqlite":
        out.add(Path(str(engine.url.database)).resolve())
    return out


def _copy_files(data: Path, target: Path, left_out: set[Path], tell: Progress) -> None:
    names = [
        file.relative_to(data)
        for file in sorted(data.rglob("*"))
        if file.is_file() and not file.name.startswith(".") and not file.name.endswith(PASSING) and not left_out & {file, *file.parents}
    ]
    for done, name in enumerate(names):
        tell("files", done, len(names))
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # tidied away meanwhile
            if gateway.is_sqlite(data / name):
                gateway.copy_sqlite(data / name, place)
            else:
                _write(place, (data / name).read_bytes())
    tell("files", len(names), len(names))


def _each(target: Path, what: str, tell: Progress) -> Iterator[str]:
    names = sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())
    for done, name in enumerate(names):
        tell(what, done, len(names))
        yield name
    tell(what, len(names), len(names))


def _kept(folder: Path, name: str) -> Kept:
    with (folder / name).open("rb") as file:
        os.fsync(file.fileno())
        return Kept(name, os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())


# ---------------------------------------------------------------- bringing one back


def read(source: Path) -> Manifest:
    """The manifest of a backup. Raises NotABackup."""
    try:
        return manifest_of((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotABackup(source=str(source)) from error


def check(source: Path, manifest: Manifest, tell: Progress | None = None) -> None:
    """Hold every file against the manifest. Raises Damaged."""
    tell = tell or _silent
    wrong = []
    for done, file in enumerate(manifest.files):
        tell("checking", done, len(manifest.files))
        try:
            if _kept(source, file.path) != file:
                wrong.append(file.path)
        except OSError:
            wrong.append(file.path)
    tell("checking", len(manifest.files), len(manifest.files))
    needed = {DATABASES[manifest.database], PUBLIC} - {file.path for file in manifest.files}
    if wrong or needed:
        raise Damaged(count=len(wrong) + len(needed), first=min([*wrong, *needed]))


def restore(source: Path, engine: Engine, settings: Settings, *, tell: Progress | None = None) -> Manifest:
    """Bring a backup into an empty system. The log is held until it is decided how it goes on (`supervision.journal.custody`).

    Raises NotABackup, Damaged, OtherDatabase, TooNew, NotEmpty, ToolMissing, ToolFailed; nothing is changed by a refusal.
    """
    tell = tell or _silent
    manifest = read(source)
    if manifest.database != engine.dialect.name:
        raise OtherDatabase(backup=manifest.database, here=engine.dialect.name)
    if manifest.revision not in {script.revision for script in ScriptDirectory("migrations").walk_revisions()}:
        raise TooNew(revision=manifest.revision)
    _refuse_unless_empty(engine, settings)
    check(source, manifest, tell)
    journal = settings.folder("journal")
    custody.hold(journal, {"made_at": manifest.made_at, "size": manifest.log_size, "root": manifest.log_root})
    tell("database", 0, 1)
    gateway.load(engine, source)
    tell("database", 1, 1)
    key = settings.journal_key_path
    for done, file in enumerate(manifest.files):
        tell("files", done, len(manifest.files))
        room, _, name = file.path.partition("/")
        if room == LOG:
            _write(journal / name, (source / file.path).read_bytes())
        elif room == FILES:
            _bring(source / file.path, settings.data_dir.resolve() / name)
        elif file.path == PUBLIC:
            _write(service.public_path(key), (source / PUBLIC).read_bytes())
        elif file.path == SECRET:
            _write(key, (source / SECRET).read_bytes(), mode=0o600)
    tell("files", len(manifest.files), len(manifest.files))
    return manifest


def is_whole(session: Session, manifest: Manifest) -> bool:
    """Whether the restored rows are as many as were kept, with the same newest checkpoint."""
    head = queries.head(session)
    events = session.scalar(select(func.count()).select_from(Event))
    return (events, head.size if head else 0, (head.root if head else tree.EMPTY).hex()) == (
        manifest.events, manifest.log_size, manifest.log_root,
    )  # fmt: skip


def _refuse_unless_empty(engine: Engine, settings: Settings) -> None:
    """Only what an application makes by being started may be there."""
    if not gateway.is_empty(engine):
        raise NotEmpty(found=engine.url.render_as_string(hide_password=True))
    data = settings.data_dir.resolve()
    made_anew = {settings.folder(name) for name in MADE_ANEW}
    for file in sorted(data.rglob("*")):
        if not file.is_file() or file.name.endswith((*PASSING, HOLD)) or made_anew & set(file.parents):
            continue
        if not (gateway.is_sqlite(file) and gateway.is_blank(file)) and file.stat().st_size:
            raise NotEmpty(found=str(file))
    for file in (settings.journal_key_path, service.public_path(settings.journal_key_path)):
        if file.exists():
            raise NotEmpty(found=str(file))


def _bring(source: Path, target: Path) -> None:
    if gateway.is_sqlite(source):
        gateway.load_sqlite(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(target: Path, packed: bytes, *, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(packed)


def _silent(what: str, done: int, whole: int) -> None:
    """Nobody listens."""
