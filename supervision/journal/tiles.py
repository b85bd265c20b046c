"""The log as static files: C2SP tlog-tiles paths, full and partial tiles, entry bundles, the checkpoint.

A path is written once: other bytes for a written path are fatal, because somebody may have kept the first ones. Only
the checkpoint is replaced, last, after everything it promises is on the disk.
"""

import contextlib
import os
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from supervision.journal import tree

CHECKPOINT = "checkpoint"
ENTRIES = "entries"
HASH_BYTES = 32


class Rewritten(RuntimeError):
    """A tile that was published before would change: the log would fork. Nothing was written."""


class Damaged(ValueError):
    """A file of the log has not the form it must have."""


def number(n: int) -> str:
    """A tile number as path elements of three digits, all but the last with an x: 1234067 → x001/x234/067."""
    parts = [f"{n % 1000:03d}"]
    while n := n // 1000:
        parts.append(f"x{n % 1000:03d}")
    return "/".join(reversed(parts))


def path(level: int | str, n: int, width: int = tree.WIDTH) -> str:
    """The path of a tile (level 0 … 5) or of an entry bundle (level "entries"), partial when narrower than 256."""
    return f"tile/{level}/{number(n)}" + (f".p/{width}" if width < tree.WIDTH else "")


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after the other, each behind its length in two bytes, big-endian."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unbundle(packed: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Damaged when the lengths do not add up."""
    entries = []
    at = 0
    while at < len(packed):
        if at + 2 > len(packed):
            raise Damaged("the bundle ends inside a length")
        (length,) = struct.unpack_from(">H", packed, at)
        at += 2 + length
        if at > len(packed):
            raise Damaged("the bundle ends inside an entry")
        entries.append(packed[at - length : at])
    return entries


def hashes_of(packed: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile. Raises Damaged on a broken length."""
    if len(packed) % HASH_BYTES:
        raise Damaged("the tile is not a whole number of hashes")
    return tuple(packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES))


class Shelf:
    """The directory of the log, as its one writer sees it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._touched: set[Path] = set()

    def put(self, name: str, packed: bytes) -> None:
        """Write a file that may never change again; the same bytes a second time are welcome. Raises Rewritten."""
        target = self.directory / name
        if target.exists():
            if target.read_bytes() != packed:
                raise Rewritten(f"{name} was published with other bytes")
            return
        self._write(target, packed)

    def publish(self, note: str) -> None:
        """Replace the checkpoint, after all files before it have reached the disk."""
        self._settle()
        self._write(self.directory / CHECKPOINT, note.encode())
        self._settle()

    def drop_partial(self, level: int | str, n: int) -> None:
        """Remove the partial forms of a tile that is now full; readers fall back to the full one (tlog-tiles)."""
        narrow = self.directory / (path(level, n) + ".p")
        if narrow.is_dir():
            for file in narrow.iterdir():
                file.unlink()
            narrow.rmdir()

    def checkpoint(self) -> str | None:
        """The published checkpoint, or None before the first."""
        file = self.directory / CHECKPOINT
        return file.read_text(encoding="utf-8") if file.exists() else None

    def _write(self, target: Path, packed: bytes) -> None:
        folder = target.parent
        while not folder.exists():
            self._touched.add(folder.parent)
            folder = folder.parent
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        with draft.open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        self._touched.add(target.parent)

    def _settle(self) -> None:
        for folder in self._touched:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._touched.clear()


def read(directory: Path, level: int | str, n: int, width: int) -> bytes:
    """A tile of at least this width; a partial one that is gone is cut from the full one. Raises Damaged if neither is there."""
    for candidate in dict.fromkeys((width, tree.WIDTH)):
        with contextlib.suppress(FileNotFoundError):  # a partial one may go between two looks
            return (directory / path(level, n, candidate)).read_bytes()
    raise Damaged(f"{path(level, n, width)} is missing")


def width_at(size: int, level: int, n: int) -> int:
    """How many hashes the tile has in the tree of this size, 0 … 256."""
    return max(0, min(tree.WIDTH, (size >> (8 * level)) - n * tree.WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, number and width of every tile of the tree of this size."""
    level = 0
    while rows := size >> (8 * level):
        for n in range((rows + tree.WIDTH - 1) // tree.WIDTH):
            yield level, n, width_at(size, level, n)
        level += 1


def nodes(directory: Path, size: int) -> tree.Nodes:
    """The nodes of the tree of this size, read from its tiles."""

    @lru_cache(maxsize=64)
    def hashes(level: int, n: int) -> tuple[bytes, ...]:
        return hashes_of(read(directory, level, n, width_at(size, level, n)))

    def node(height: int, index: int) -> bytes:
        level, below = divmod(height, 8)
        first = index << below
        start = first % tree.WIDTH
        row = hashes(level, first // tree.WIDTH)[start : start + (1 << below)]
        if len(row) != 1 << below:
            raise Damaged(f"{path(level, first // tree.WIDTH)} is too short")
        return tree.perfect(row)

    return node
