"""Synonyms that people added, where every process finds them: one file beside the embedded index."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from catalog.search import lexicon

NAME = "synonyms.json"


class Taught:
    """The file of a data folder; `look` costs one look at it when nothing changed."""

    def __init__(self, root: Path) -> None:
        self._file = root / NAME
        self._seen: tuple[int, int] | None = None

    def look(self) -> None:
        """Learn what was taught since the last look, by whichever process."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._seen:
            lexicon.learn(json.loads(self._file.read_text("utf-8")))
            self._seen = stamp

    def write(self, groups: Sequence[Sequence[str]]) -> None:
        """Replace what was taught; the file is whole at every moment."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{os.getpid()}.{uuid4().hex}")
        draft.write_text(json.dumps([list(group) for group in groups], ensure_ascii=False), "utf-8")
        draft.replace(self._file)
        self.look()
