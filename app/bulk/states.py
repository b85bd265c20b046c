"""Where an import stands, and which step leads where."""

from enum import StrEnum
from typing import Final

from app.kernel.errors import N_


class JobState(StrEnum):
    """The life of an import: uploaded, checked over the whole file, written."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    WRITING = "writing"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Outcome(StrEnum):
    """What a row does, or would do."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


STATE_NAMES: Final[dict[JobState, str]] = {
    JobState.UPLOADED: N_("待对应列"),
    JobState.CHECKING: N_("检查中"),
    JobState.CHECKED: N_("已检查，待写入"),
    JobState.WRITING: N_("写入中"),
    JobState.DONE: N_("已写入"),
    JobState.CANCELLED: N_("已取消"),
    JobState.FAILED: N_("已中止"),
}

TONES: Final[dict[JobState, str]] = {
    JobState.UPLOADED: "info",
    JobState.CHECKING: "hold",
    JobState.CHECKED: "info",
    JobState.WRITING: "hold",
    JobState.DONE: "ok",
    JobState.CANCELLED: "dim",
    JobState.FAILED: "bad",
}

RUNNING: Final = frozenset({JobState.CHECKING, JobState.WRITING})
"""What the worker takes up."""

STEPS: Final[dict[JobState, frozenset[JobState]]] = {
    JobState.UPLOADED: frozenset({JobState.CHECKING, JobState.CANCELLED}),
    JobState.CHECKING: frozenset({JobState.CHECKED, JobState.CANCELLED, JobState.FAILED}),
    JobState.CHECKED: frozenset({JobState.CHECKING, JobState.WRITING, JobState.CANCELLED}),
    JobState.WRITING: frozenset({JobState.DONE, JobState.CANCELLED, JobState.FAILED}),
    JobState.DONE: frozenset(),
    JobState.CANCELLED: frozenset(),
    JobState.FAILED: frozenset({JobState.CHECKING}),
}
"""From where one may go where; a file that failed may be checked again with other columns."""
