"""What a server of the documented API holds: indexes, keys, and tasks that a thread of its own does one after the other."""

import pickle
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.meili.index import Index
from tests.meili.shapes import ApiError, no_index


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Task:
    uid: int
    index: str | None
    type: str
    work: Callable[[], None]
    enqueued: str = field(default_factory=now)
    status: str = "enqueued"
    started: str | None = None
    finished: str | None = None
    error: dict[str, str] | None = None

    @property
    def summary(self) -> dict[str, Any]:
        return {"taskUid": self.uid, "indexUid": self.index, "status": "enqueued", "type": self.type, "enqueuedAt": self.enqueued}

    @property
    def view(self) -> dict[str, Any]:
        return {
            "uid": self.uid, "batchUid": self.uid if self.started else None, "indexUid": self.index, "status": self.status, "type": self.type,
            "canceledBy": None, "details": {}, "error": self.error, "duration": "PT0.01S" if self.finished else None,
            "enqueuedAt": self.enqueued, "startedAt": self.started, "finishedAt": self.finished,
        }  # fmt: skip


class Meili:
    """The state of one server: indexes, keys, tasks."""

    def __init__(self, folder: Path | None = None, master_key: str | None = None, task_seconds: float = 0.005) -> None:
        self.folder, self.master_key, self.task_seconds = folder, master_key, task_seconds
        self.indexes: dict[str, Index] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.tasks: list[Task] = []
        self.asked: list[tuple[str, str]] = []
        self.busy = 0
        """Searches that are still to be refused as too many."""
        self.hold = threading.Event()
        self.hold.set()
        self._turn = threading.Condition()
        self._ended, self._done = False, 0
        if folder is not None and (folder / "data.pickle").exists():
            self.indexes, self.keys = pickle.loads((folder / "data.pickle").read_bytes())
        threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        self.hold.set()
        with self._turn:
            self._ended = True
            self._turn.notify_all()

    def _work(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._ended or len(self.tasks) > self._done)
                if self._ended:
                    return
                task = self.tasks[self._done]
            self.hold.wait()
            task.status, task.started = "processing", now()
            time.sleep(self.task_seconds)
            with self._turn:
                try:
                    task.work()
                except ApiError as failed:
                    task.error = failed.body
                self.keep()
                task.finished = now()
                task.status = "failed" if task.error else "succeeded"
            self._done += 1

    def keep(self) -> None:
        if self.folder is not None:
            draft = self.folder / "data.draft"
            for index in self.indexes.values():
                index._postings = None
            draft.write_bytes(pickle.dumps((self.indexes, self.keys)))
            draft.replace(self.folder / "data.pickle")

    def enqueue(self, index: str | None, kind: str, work: Callable[[], None]) -> dict[str, Any]:
        with self._turn:
            task = Task(len(self.tasks), index, kind, work)
            self.tasks.append(task)
            self._turn.notify_all()
        return task.summary

    def index(self, uid: str) -> Index:
        if uid not in self.indexes:
            raise no_index(uid)
        return self.indexes[uid]

    # ------------------------------------------------------------ who may

    def allow(self, header: str | None, action: str, index: str | None) -> None:
        """Refuse as the documentation says: no header is 401, a key that may not is 403; the master key may everything."""
        if self.master_key is None:
            return
        if not header:
            raise ApiError(401, "missing_authorization_header", "The Authorization header is missing. It must use the bearer authorization method.")
        given = header.removeprefix("Bearer ")
        if given == self.master_key:
            return
        key = self.keys.get(given)
        allowed = key is not None and action != "keys" and self._holds(key, action, index)
        if not allowed:
            raise ApiError(403, "invalid_api_key", "The provided API key is invalid.")

    @staticmethod
    def _holds(key: Mapping[str, Any], action: str, index: str | None) -> bool:
        group = action.split(".")[0]
        if not {"*", action, f"{group}.*"}.intersection(key["actions"]):
            return False
        patterns: Sequence[str] = key["indexes"]
        return index is None or any(one in {"*", index} or (one.endswith("*") and index.startswith(one[:-1])) for one in patterns)
