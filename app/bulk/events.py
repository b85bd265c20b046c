"""Facts of an import: who brought which file, and what became of its rows."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class BulkMoved(Fact):
    """What every event of an import carries."""

    job: str
    entity: str
    organisation_id: int | None
    file_name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class BulkUploaded(BulkMoved):
    """A file came in."""

    type: ClassVar[str] = "bulk.uploaded"
    size: int


@dataclass(frozen=True, kw_only=True)
class BulkCheckBegun(BulkMoved):
    """The columns were chosen; the whole file is checked."""

    type: ClassVar[str] = "bulk.check_begun"


@dataclass(frozen=True, kw_only=True)
class BulkCounted(BulkMoved):
    """Rows by what they do; `waiting` are those of the added and changed ones on which somebody else decides."""

    rows: int
    added: int
    changed: int
    unchanged: int
    waiting: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class BulkChecked(BulkCounted):
    """The whole file was checked; nothing is written yet."""

    type: ClassVar[str] = "bulk.checked"


@dataclass(frozen=True, kw_only=True)
class BulkWriteBegun(BulkMoved):
    """The rows without problems are written."""

    type: ClassVar[str] = "bulk.write_begun"


@dataclass(frozen=True, kw_only=True)
class BulkWritten(BulkCounted):
    """Everything that could be written is."""

    type: ClassVar[str] = "bulk.written"


@dataclass(frozen=True, kw_only=True)
class BulkCancelled(BulkCounted):
    """Stopped by hand; what was written before stays."""

    type: ClassVar[str] = "bulk.cancelled"


@dataclass(frozen=True, kw_only=True)
class BulkFailed(BulkCounted):
    """Stopped by the program, with the reason's code."""

    type: ClassVar[str] = "bulk.failed"
    reason: str
