"""One byte of the log is changed on a private copy; the signed root gives it away. The log itself is only read."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

from app.kernel.errors import N_, Conflict, Unavailable
from supervision.journal import queries, tiles, tree
from supervision.journal.note import Head, Verifier


class Forged(Conflict):
    """The copy does not lead to the signed root any more."""

    code = "journal.forged"
    message = N_("第 %(index)s 条存证的第 %(byte)s 个字节由 %(was)s 改为 %(now)s 后，算出的树根 %(found)s 与签名的树根 %(signed)s 不符")
    way_out = N_("改动无法掩盖：任何人凭公钥和公开文件都能重算")
    basis = N_("政府采购法第42条：采购文件不得伪造、变造、隐匿或者销毁")
    index: int
    byte: int
    was: str
    now: str
    found: str
    signed: str


class NothingSealed(Unavailable):
    """There is no signed entry yet that could be forged."""

    code = "journal.nothing_sealed"
    message = N_("监督日志还没有检查点，请几秒后再试")


@dataclass(frozen=True, kw_only=True)
class Log:
    """The published files of the log and the key that they are verified with."""

    folder: Path
    verifier: Verifier

    def newest(self) -> Head:
        """The signed head. Raises NothingSealed."""
        found = queries.published(self.folder, self.verifier)
        if found is None or not found.head.size:
            raise NothingSealed()
        return found.head

    def digest(self, index: int) -> str:
        """A fingerprint of an entry as the log publishes it."""
        return hashlib.sha256(queries.proof(self.folder, self.newest(), index).entry).hexdigest()


def forge(log: Log, index: int, rng: Random) -> str:
    """Change one byte of one entry in a copy, then verify entry and copy against the signature. Raises Forged.

    Returns the root when the change was not noticed. The unchanged copy is verified first, so that the change alone decides.
    """
    head = log.newest()
    with tempfile.TemporaryDirectory(prefix="mall-forgery-") as scratch:
        copy = Path(scratch)
        _copy(log.folder, copy, head, index)
        if _root(copy, head, index) != head.root:
            raise tiles.Damaged(f"entry {index} does not lead to the signed root before it was touched")
        byte, was, now = _change(_bundle(copy, head, index), index, rng)
        found = _root(copy, head, index)
    if found != head.root:
        raise Forged(index=index, byte=byte, was=was, now=now, found=found.hex()[:16], signed=head.root.hex()[:16])
    return found.hex()


def _bundle(folder: Path, head: Head, index: int) -> Path:
    """The file that holds this entry."""
    n = index // tree.WIDTH
    width = tiles.width_at(head.size, 0, n)
    narrow = folder / tiles.path(tiles.ENTRIES, n, width)
    return narrow if narrow.exists() else folder / tiles.path(tiles.ENTRIES, n)


def _copy(folder: Path, copy: Path, head: Head, index: int) -> None:
    """The hash tiles and the one bundle: all that verifying this entry needs."""
    bundle = _bundle(folder, head, index)
    for source in (bundle, *(folder / "tile").glob("[0-9]/**/*")):
        if source.is_file():
            target = copy / source.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _root(folder: Path, head: Head, index: int) -> bytes:
    """Where the entry leads to in these files."""
    proof = queries.proof(folder, head, index)
    return proof.steps[-1].parent if proof.steps else proof.leaf


def _change(file: Path, index: int, rng: Random) -> tuple[int, str, str]:
    """Another byte in the entry, the length untouched; which one (counted from one), and both as hexadecimal."""
    entries = tiles.unbundle(file.read_bytes())
    entry = bytearray(entries[index % tree.WIDTH])
    at = rng.randrange(len(entry))
    was = entry[at]
    entry[at] = was ^ (1 << rng.randrange(8))
    entries[index % tree.WIDTH] = bytes(entry)
    file.write_bytes(tiles.bundle(entries))
    return at + 1, f"{was:02x}", f"{entry[at]:02x}"
