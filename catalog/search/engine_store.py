"""Where the embedded index lies: folders of generations, one file that names the current one, one lock for writers."""

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from catalog.search.port import SearchUnavailable


@dataclass(frozen=True, slots=True)
class Current:
    """The index that readers are to use."""

    folder: str
    generation: int
    """Grows with every commit and every swap."""
    version: int


class Store:
    """One index root. Any number of processes read; writers take turns by a file lock that the kernel drops with its process."""

    def __init__(self, root: Path, version: int) -> None:
        self.root, self._version = root, version
        self.root.mkdir(parents=True, exist_ok=True)
        self._file = root / "current.json"
        self._seen: tuple[tuple[int, int], Current] | None = None
        self._turn = threading.RLock()

    def current(self) -> Current | None:
        """The index to read, or None before the first write."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_ino)
        seen = self._seen
        if seen is not None and seen[0] == stamp:
            return seen[1]
        found = Current(**json.loads(self._file.read_text("utf-8")))
        self._seen = (stamp, found)
        return found

    def publish(self, folder: str) -> Current:
        """Make `folder` the index to read, one generation further; the file is whole at every moment."""
        before = self.current()
        after = Current(folder, before.generation + 1 if before else 1, self._version)
        draft = self.root / f"current.{os.getpid()}.{uuid4().hex}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"folder": after.folder, "generation": after.generation, "version": after.version}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
        return after

    def new_folder(self) -> Path:
        folder = self.root / f"index-{uuid4().hex}"
        folder.mkdir()
        return folder

    def sweep(self, keep: set[str]) -> None:
        """Remove folders of generations that nobody is sent to any more, and drafts left by a killed process."""
        for path in self.root.iterdir():
            if path.name.startswith("index-") and path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith("current.") and path != self._file:
                path.unlink(missing_ok=True)

    def size_bytes(self) -> int:
        current = self.current()
        return sum(path.stat().st_size for path in (self.root / current.folder).iterdir()) if current else 0

    def busy(self) -> bool:
        """Whether some process is writing now."""
        try:
            with self.lock(timeout=0.0):
                return False
        except SearchUnavailable:
            return True

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """The writer's turn; waits up to `timeout` seconds. Raises SearchUnavailable."""
        deadline = time.monotonic() + timeout
        if not self._turn.acquire(timeout=max(timeout, 0.001)):
            raise SearchUnavailable(reason="another thread is writing the index")
        try:
            with (self.root / "write.lock").open("a") as file:
                while True:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() >= deadline:
                            raise SearchUnavailable(reason="another process is writing the index") from None
                        time.sleep(0.02)
                yield
        finally:
            self._turn.release()
