"""Samples on their way from the page into the database: one small file each, written by whoever served, taken in by the worker.

A page must not wait for a writer's turn, nor a sample for the page's process to live on. What is full or cannot be written is given up:
a sample more or less proves nothing, a page that fails for it would.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

log = logging.getLogger("mall.exposures")
MOST_WAITING: Final = 5_000
"""Files kept while no worker takes them in."""
SUFFIX: Final = ".json"


def put(folder: Path, sample: Mapping[str, Any]) -> bool:
    """Leave a sample for the worker, whole or not at all; returns whether it was left."""
    key = uuid4().hex
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in folder.iterdir()) >= MOST_WAITING:
            return False
        draft = folder / f"{key}.new"
        draft.write_text(json.dumps({**sample, "key": key}, ensure_ascii=False), "utf-8")
        draft.replace(draft.with_suffix(SUFFIX))
    except OSError as failed:
        log.warning("a sample of a search could not be kept: %s", failed)
        return False
    return True


def waiting(folder: Path, most: int) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """The samples that wait, at most so many; None for a file that is none."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob(f"*{SUFFIX}"))[:most]:
        try:
            yield path, json.loads(path.read_text("utf-8"))
        except ValueError:
            yield path, None
