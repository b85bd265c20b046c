"""Ways to falsify a published log, file by file, and ways to falsify the rows behind it."""

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervision.journal import note, tiles, tree


@dataclass(frozen=True)
class Scene:
    """A log of some size whose files may be changed; `files` puts everything back."""

    directory: Path
    size: int
    signer: note.Signer
    rng: random.Random

    def file(self, level: int | str) -> Path:
        """A random tile of a level, or bundle, that the checkpoint needs; with two rows or more where there is one."""
        below = 0 if level == tiles.ENTRIES else int(level)
        rows = self.size >> (8 * below)
        n = self.rng.randrange(max(1, (rows + 254) // 256))
        return self.directory / tiles.path(level, n, tiles.width_at(self.size, below, n))

    @property
    def checkpoint(self) -> Path:
        return self.directory / "checkpoint"


def rewrite(change: Callable[[bytes, random.Random], bytes], level: int | str = tiles.ENTRIES) -> Callable[[Scene], None]:
    def apply(scene: Scene) -> None:
        file = scene.file(level)
        file.write_bytes(change(file.read_bytes(), scene.rng))

    return apply


def entries(change: Callable[[list[bytes], random.Random], list[bytes]]) -> Callable[[Scene], None]:
    return rewrite(lambda packed, rng: tiles.bundle(change(tiles.unbundle(packed), rng)))


def hashes(change: Callable[[list[bytes], random.Random], list[bytes]], level: int = 0) -> Callable[[Scene], None]:
    return rewrite(lambda packed, rng: b"".join(change(list(tiles.hashes_of(packed)), rng)), level)


def remove(level: int | str) -> Callable[[Scene], None]:
    return lambda scene: scene.file(level).unlink()


def head(change: Callable[[str, random.Random], str]) -> Callable[[Scene], None]:
    def apply(scene: Scene) -> None:
        scene.checkpoint.write_text(change(scene.checkpoint.read_text(), scene.rng))

    return apply


def flip(packed: bytes, rng: random.Random) -> bytes:
    spot = rng.randrange(len(packed))
    return packed[:spot] + bytes([packed[spot] ^ 1 << rng.randrange(8)]) + packed[spot + 1 :]


def flip_inside(rows: list[bytes], rng: random.Random) -> list[bytes]:
    spot = rng.randrange(len(rows))
    return [*rows[:spot], flip(rows[spot], rng), *rows[spot + 1 :]]


def swap(rows: list[bytes], rng: random.Random) -> list[bytes]:
    one, other = rng.sample(range(len(rows)), 2)
    rows[one], rows[other] = rows[other], rows[one]
    return rows


def drop(rows: list[bytes], rng: random.Random) -> list[bytes]:
    spot = rng.randrange(len(rows))
    return rows[:spot] + rows[spot + 1 :]


def repeat(rows: list[bytes], rng: random.Random) -> list[bytes]:
    spot = rng.randrange(len(rows))
    return [*rows[: spot + 1], *rows[spot:]]


def exchange(level: int | str) -> Callable[[Scene], None]:
    def apply(scene: Scene) -> None:
        one, other = (scene.directory / tiles.path(level, n) for n in (0, 1))
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)

    return apply


def with_its_tile(scene: Scene) -> None:
    """The entry and its leaf hash together, so that bundle and tile agree."""
    bundle = scene.file(tiles.ENTRIES)
    rows = tiles.unbundle(bundle.read_bytes())
    spot = scene.rng.randrange(len(rows))
    rows[spot] = flip(rows[spot], scene.rng)
    bundle.write_bytes(tiles.bundle(rows))
    tile = Path(str(bundle).replace("/entries/", "/0/"))
    row = list(tiles.hashes_of(tile.read_bytes()))
    row[spot] = tree.leaf_hash(rows[spot])
    tile.write_bytes(b"".join(row))


def whole_tree(scene: Scene) -> None:
    """History rewritten through and through, root and all; only the signature is the old one."""
    edge = rebuilt(scene, scene.rng.randrange(scene.size))
    old = scene.checkpoint.read_text()
    text, _, signature = old.partition("\n\n")
    root = base64.b64encode(edge.root()).decode()
    scene.checkpoint.write_text("\n".join([*text.split("\n")[:2], root]) + "\n\n" + signature)


def rebuilt(scene: Scene, spot: int) -> tree.Edge:
    """Change one entry and everything above it, as the owner of the log could."""
    edge = tree.Edge()
    tail: list[bytes] = []
    for n in range((scene.size + 255) // 256):
        file = scene.directory / tiles.path(tiles.ENTRIES, n, tiles.width_at(scene.size, 0, n))
        rows = tiles.unbundle(file.read_bytes())
        if n == spot // 256:
            rows[spot % 256] = rows[spot % 256].replace(b'"type":"trade"', b'"type":"money"')
            file.write_bytes(tiles.bundle(rows))
        for entry in rows:
            for level, number, row in edge.append(tree.leaf_hash(entry)):
                (scene.directory / tiles.path(level, number)).write_bytes(b"".join(row))
            tail.append(entry)
    for level, number, part in edge.partial():
        (scene.directory / tiles.path(level, number, len(part))).write_bytes(b"".join(part))
    return edge


def resigned(scene: Scene) -> None:
    """Another key of the same name signs the same promise."""
    text = scene.checkpoint.read_text().partition("\n\n")[0] + "\n"
    scene.checkpoint.write_text(note.generate(scene.signer.name).sign(text))


def sized(step: int) -> Callable[[Scene], None]:
    return head(lambda text, rng: text.replace(f"\n{int(text.split(chr(10))[1])}\n", f"\n{int(text.split(chr(10))[1]) + step}\n", 1))


def other_root(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    lines[2] = base64.b64encode(rng.randbytes(32)).decode()
    return "\n".join(lines)


def other_signature(text: str, rng: random.Random) -> str:
    front, _, packed = text.rstrip("\n").rpartition(" ")
    blob = base64.b64decode(packed)
    return f"{front} {base64.b64encode(blob[:4] + flip(blob[4:], rng)).decode()}\n"


FILES: dict[str, tuple[int, Callable[[Scene], None]]] = {
    # what is done: from which size on it can be done
    "bit in an entry": (1, entries(flip_inside)),
    "bit anywhere in a bundle": (1, rewrite(flip)),
    "entries swapped": (2, entries(swap)),
    "entry dropped": (1, entries(drop)),
    "entry repeated": (1, entries(repeat)),
    "entry added": (1, entries(lambda rows, rng: [*rows, b"{}"])),
    "entry emptied": (1, entries(lambda rows, rng: [b"", *rows[1:]])),
    "entry with a byte more": (1, entries(lambda rows, rng: [rows[0] + b" ", *rows[1:]])),
    "bundle cut by a byte": (1, rewrite(lambda packed, rng: packed[:-1])),
    "bundle with a byte more": (1, rewrite(lambda packed, rng: packed + b"\0")),
    "bundle emptied": (1, rewrite(lambda packed, rng: b"")),
    "bundle gone": (1, remove(tiles.ENTRIES)),
    "bundles exchanged": (512, exchange(tiles.ENTRIES)),
    "bit in a tile": (1, rewrite(flip, 0)),
    "hashes swapped": (2, hashes(swap)),
    "hash dropped": (1, hashes(drop)),
    "hash repeated": (1, hashes(repeat)),
    "tile cut by a byte": (1, rewrite(lambda packed, rng: packed[:-1], 0)),
    "tile with a byte more": (1, rewrite(lambda packed, rng: packed + b"\0", 0)),
    "tile gone": (1, remove(0)),
    "tiles exchanged": (512, exchange(0)),
    "bit in an upper tile": (256, rewrite(flip, 1)),
    "upper hashes swapped": (512, hashes(swap, 1)),
    "upper tile gone": (256, remove(1)),
    "entry and its hash": (1, with_its_tile),
    "whole tree, unsigned": (1, whole_tree),
    "size one more": (0, sized(1)),
    "size one less": (1, sized(-1)),
    "size zero": (1, head(lambda text, rng: text.replace("\n" + text.split("\n")[1] + "\n", "\n0\n", 1))),
    "size with a zero before": (0, head(lambda text, rng: text.replace("\n" + text.split("\n")[1] + "\n", "\n0" + text.split("\n")[1] + "\n", 1))),
    "another root": (0, head(other_root)),
    "another signature": (0, head(other_signature)),
    "signature dropped": (0, head(lambda text, rng: text.partition("\n\n")[0] + "\n\n")),
    "another origin": (0, head(lambda text, rng: text.replace("log.example", "log.exemple", 1))),
    "a line more": (0, head(lambda text, rng: text.replace("\n\n", "\nextra\n\n", 1))),
    "signed by another key": (0, resigned),
    "checkpoint emptied": (0, head(lambda text, rng: "")),
    "checkpoint gone": (0, lambda scene: scene.checkpoint.unlink()),
}

ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    # what is done: the finding it must cause, the statements
    "amount in an event": ("event.changed", ("UPDATE events SET body = replace(body, '12345600', '12345601') WHERE id = 4",)),
    "space in an event": ("event.changed", ("UPDATE events SET body = replace(body, ':', ': ') WHERE id = 4",)),
    "type of an event": ("event.changed", ("UPDATE events SET type = 'order.cancelled' WHERE id = 4",)),
    "actor of an event": ("event.changed", ("UPDATE events SET actor_id = 99 WHERE id = 4",)),
    "owner of an event": ("event.changed", ("UPDATE events SET owner_id = 8 WHERE id = 4",)),
    "region of an event": ("event.changed", ("UPDATE events SET region = NULL WHERE id = 4",)),
    "time of an event": ("event.changed", ("UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE id = 4",)),
    "stream of an event": ("event.changed", ("UPDATE events SET stream = 'DD-0' WHERE id = 4",)),
    "version of an event": ("stream.gap", ("UPDATE events SET version = 5 WHERE id = 4",)),
    "link of an event": ("stream.gap", ("UPDATE events SET prev_version = NULL WHERE id = 3",)),
    "event gone": ("event.missing", ("DELETE FROM events WHERE id = 4",)),
    "event slipped in": ("stream.gap", ("INSERT INTO events SELECT 999, stream, 7, 6, type, body, region, owner_id, actor_id, at FROM events WHERE id = 4",)),
    "events exchanged": ("event.changed", ("UPDATE journal_leaves SET event_id = 1000 WHERE idx = 1", "UPDATE journal_leaves SET event_id = 2 WHERE idx = 3", "UPDATE journal_leaves SET event_id = 4 WHERE idx = 1")),
    "entry of a leaf": ("leaf.changed", ("UPDATE journal_leaves SET entry = x'7b7d' WHERE idx = 3",)),
    "hash of a leaf": ("leaf.changed", ("UPDATE journal_leaves SET leaf_hash = zeroblob(32) WHERE idx = 3",)),
    "leaf gone": ("leaf.gap", ("DELETE FROM journal_leaves WHERE idx = 3",)),
    "last leaf gone": ("leaf.missing", ("DELETE FROM journal_leaves WHERE idx = (SELECT max(idx) FROM journal_leaves)",)),
    "leaves closed up": ("root.differs", ("DELETE FROM journal_leaves WHERE idx = 3", "UPDATE journal_leaves SET idx = idx - 1 WHERE idx > 3")),
    "salts gone": ("salts.missing", ("DELETE FROM journal_salts WHERE event_id = 4",)),
    "salts changed": ("event.changed", ("UPDATE journal_salts SET salts = zeroblob(length(salts)) WHERE event_id = 4",)),
    "salts cut": ("event.changed", ("UPDATE journal_salts SET salts = substr(salts, 1, 16) WHERE event_id = 4",)),
    "false erasure": ("event.changed", ("INSERT INTO journal_erasures VALUES (4, 'amount_fen', zeroblob(32), NULL, '2026-01-01 00:00:00.000000')",)),
    "root of a checkpoint": ("checkpoint.changed", ("UPDATE journal_checkpoints SET root = zeroblob(32) WHERE size = 6",)),
    "size of a checkpoint": ("checkpoint.changed", ("UPDATE journal_checkpoints SET size = 5 WHERE size = 6",)),
    "note of a checkpoint": ("checkpoint.invalid", ("UPDATE journal_checkpoints SET note = replace(note, 'log.example', 'log.exemple') WHERE size = 6",)),
    "log cut short": ("leaf.missing", ("DELETE FROM journal_checkpoints WHERE size > 6", "DELETE FROM journal_leaves WHERE idx >= 6", "DELETE FROM events WHERE id > 6")),
}  # fmt: skip
