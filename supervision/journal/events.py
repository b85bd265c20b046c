"""What happens to the log itself. All of it stands in one stream, and everybody may see it."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact

STREAM = "journal"


@dataclass(frozen=True, kw_only=True)
class KeyAnnounced(Fact):
    """A new key of the log; until the change is finished both sign."""

    type: ClassVar[str] = "key.announced"
    vkey: str
    beside: str


@dataclass(frozen=True, kw_only=True)
class KeyRetired(Fact):
    """The key before it signs no more."""

    type: ClassVar[str] = "key.retired"
    vkey: str
    successor: str


@dataclass(frozen=True, kw_only=True)
class LogContinued(Fact):
    """After a restore the same log goes on; `last_note` is the newest checkpoint that was known to anybody, if one was shown."""

    type: ClassVar[str] = "journal.continued"
    restored_size: int
    restored_root: str
    last_note: str | None


@dataclass(frozen=True, kw_only=True)
class EpochOpened(Fact):
    """The log goes on under a new name: the tree is the restored one, `last_note` the newest checkpoint of the log before."""

    type: ClassVar[str] = "epoch.opened"
    origin: str
    vkey: str
    restored_size: int
    restored_root: str
    last_origin: str
    last_size: int
    last_root: str
    last_note: str | None
