"""Files that people hand in: one row each, the bytes under a random name in the data directory, outside anything the web serves.

The file is written before its row is committed, so a row always has its file; a file whose row was rolled back is swept away
after a day. Who may read one is for the chapter to say that asked for it.
"""

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel import clock
from app.kernel.contents import ENDING, Content, Kind
from app.kernel.db import Base, enum_column
from app.kernel.errors import Missing
from app.kernel.outbox import By

FOLDER: Final = "uploads"
"""Where they lie in the data directory."""

LONGEST_TITLE: Final = 100
FORGOTTEN_AFTER_S: Final = 24 * 3600


class Upload(Base):
    """A file that somebody handed in; `title` is what he called it."""

    __tablename__ = "uploads"
    __table_args__ = (CheckConstraint("size_bytes > 0", name="not_empty"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[Kind] = enum_column(Kind)
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    size_bytes: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    uploaded_by: Mapped[int | None]
    uploaded_at: Mapped[datetime]


def keep(session: Session, actor: By, folder: Path, content: Content, *, title: str, organisation_id: int) -> Upload:
    """Write the file and its row. `folder` is the data directory's folder of uploads."""
    name = secrets.token_hex(16)
    place = folder / name[:2] / name
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content.data)
        file.flush()
        os.fsync(file.fileno())
    row = Upload(
        name=name,
        kind=content.kind,
        title=tidy(title, content.kind),
        size_bytes=len(content.data),
        width=content.width,
        height=content.height,
        sha256=hashlib.sha256(content.data).hexdigest(),
        organisation_id=organisation_id,
        uploaded_by=actor.person_id,
        uploaded_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def path_of(folder: Path, upload: Upload) -> Path:
    """Where the bytes lie. Raises Missing when they are gone."""
    place = folder / upload.name[:2] / upload.name
    if not place.is_file():
        raise Missing()
    return place


def tidy(title: str, kind: Kind) -> str:
    """A file's name as it may be shown and offered again: no folders, no control characters, the ending of what it is."""
    stem = re.split(r"[\\/]", title)[-1].rpartition(".")[0] or re.split(r"[\\/]", title)[-1]
    plain = "".join(letter for letter in unicodedata.normalize("NFC", stem) if unicodedata.category(letter)[0] not in "CZ" or letter == " ")
    return (" ".join(plain.split())[: LONGEST_TITLE - 5].strip(". ") or "file") + ENDING[kind]


def sweep(sessions: Callable[[], Session], folder: Path) -> int:
    """Take away files that no row knows a day after they were written; returns how many."""
    written_before = clock.wall_now().timestamp() - FORGOTTEN_AFTER_S
    old = [file for file in folder.glob("??/*") if file.is_file() and file.stat().st_mtime < written_before]
    if not old:
        return 0
    gone = 0
    for start in range(0, len(old), 500):
        some = {file.name: file for file in old[start : start + 500]}
        with sessions() as session:
            known = set(session.scalars(select(Upload.name).where(Upload.name.in_(some))))
        for name in some.keys() - known:
            some[name].unlink(missing_ok=True)
            gone += 1
    return gone
