"""The Merkle tree of RFC 6962: hashing, the growing right edge, proofs and their verification.

Pure: nodes come from a function `(height, index) -> hash`; where they are stored is the matter of `tiles`.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

EMPTY = hashlib.sha256(b"").digest()
WIDTH = 256
"""Hashes in a full tile (height 8, C2SP tlog-tiles)."""

Nodes = Callable[[int, int], bytes]
Closed = tuple[int, int, tuple[bytes, ...]]
"""A tile that has just become full: level, number, hashes."""


class BadProof(ValueError):
    """The proof does not lead from the leaf, or the old tree, to the root."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring hashes."""
    row = list(hashes)
    sha = hashlib.sha256
    while len(row) > 1:
        row = [sha(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]


def merkle(hashes: Sequence[bytes]) -> bytes:
    """The root over any number of leaf hashes (RFC 6962 2.1)."""
    edge = Edge()
    for value in hashes:
        edge.append(value)
    return edge.root()


class Edge:
    """The right edge of a growing tree: for every tile level the hashes of the tile that is not yet full."""

    def __init__(self) -> None:
        self.size = 0
        self.levels: list[list[bytes]] = [[]]

    def append(self, leaf: bytes) -> list[Closed]:
        """Add a leaf hash; returns the tiles that became full by it, lowest level first."""
        self.size += 1
        row = self.levels[0]
        row.append(leaf)
        if len(row) < WIDTH:
            return []
        closed: list[Closed] = []
        level = 0
        while len(self.levels[level]) == WIDTH:
            full = tuple(self.levels[level])
            closed.append((level, (self.size >> (8 * (level + 1))) - 1, full))
            self.levels[level] = []
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append(perfect(full))
            level += 1
        return closed

    def partial(self) -> list[Closed]:
        """The tiles that are not yet full and not empty: level, number, hashes."""
        return [
            (level, self.size >> (8 * (level + 1)), tuple(row)) for level, row in enumerate(self.levels) if row
        ]

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        right: bytes | None = None
        for row in self.levels:
            for peak in reversed(_peaks(row)):
                right = peak if right is None else node_hash(peak, right)
        return EMPTY if right is None else right


def _peaks(row: Sequence[bytes]) -> list[bytes]:
    """The roots of the perfect subtrees that a row decomposes into, left to right."""
    peaks = []
    start = 0
    for bit in reversed(range(len(row).bit_length())):
        if len(row) >> bit & 1:
            peaks.append(perfect(row[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks


def _split(width: int) -> int:
    """The largest power of two smaller than the width."""
    return 1 << (width - 1).bit_length() - 1


def range_hash(nodes: Nodes, low: int, high: int) -> bytes:
    """The hash over leaves low … high − 1, as it occurs in the tree of size `high` or larger."""
    width = high - low
    if width & (width - 1) == 0 and low % width == 0:
        height = width.bit_length() - 1
        return nodes(height, low >> height)
    middle = low + _split(width)
    return node_hash(range_hash(nodes, low, middle), range_hash(nodes, middle, high))


def root(nodes: Nodes, size: int) -> bytes:
    """The root of the tree of this size."""
    return range_hash(nodes, 0, size) if size else EMPTY


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The audit path of a leaf, from the leaf upwards (RFC 6962 2.1.1)."""
    if not 0 <= index < size:
        raise BadProof("the leaf is outside the tree")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_hash(nodes, middle, high))
            high = middle
        else:
            path.append(range_hash(nodes, low, middle))
            low = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of size `old` is the beginning of the tree of size `new` (RFC 6962 2.1.2)."""
    if not 0 <= old <= new:
        raise BadProof("the old tree is larger than the new one")
    if old in (0, new):
        return []
    path: list[bytes] = []
    low, high = 0, new
    whole = True  # the part under view still is the whole old tree, whose root the verifier knows
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(range_hash(nodes, middle, high))
            high = middle
        else:
            path.append(range_hash(nodes, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(range_hash(nodes, low, high))
    return path[::-1]


@dataclass(frozen=True)
class Step:
    """One step of an audit path: the neighbour, on which side it stands, and the node that both make."""

    hash: bytes
    side: Literal["left", "right"]
    parent: bytes


def climb(index: int, size: int, leaf: bytes, path: Iterable[bytes]) -> list[Step]:
    """The way from a leaf hash to the root along its audit path (RFC 9162 2.1.3.2). Raises BadProof on a wrong length."""
    if not 0 <= index < size:
        raise BadProof("the leaf is outside the tree")
    here, last, value = index, size - 1, leaf
    steps: list[Step] = []
    for neighbour in path:
        if last == 0:
            raise BadProof("the path is too long")
        if here & 1 or here == last:
            value = node_hash(neighbour, value)
            steps.append(Step(neighbour, "left", value))
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value = node_hash(value, neighbour)
            steps.append(Step(neighbour, "right", value))
        here, last = here >> 1, last >> 1
    if last:
        raise BadProof("the path is too short")
    return steps


def root_by_inclusion(index: int, size: int, leaf: bytes, path: Iterable[bytes]) -> bytes:
    """The root that a leaf hash and its audit path lead to. Raises BadProof on a wrong length."""
    steps = climb(index, size, leaf, path)
    return steps[-1].parent if steps else leaf


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Prove that nothing before `old` was changed (RFC 9162 2.1.4.2). Raises BadProof."""
    if not 0 <= old <= new:
        raise BadProof("the old tree is larger than the new one")
    if old in (0, new):
        if path or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY):
            raise BadProof("the trees of one size differ")
        return
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        raise BadProof("the proof is empty")
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise BadProof("the proof is too long")
        if here & 1 or here == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, step)
        here, last = here >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise BadProof("the proof does not join the two roots")
