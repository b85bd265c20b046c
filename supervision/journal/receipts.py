"""A receipt: all that a party needs to prove, without asking us, that its record is in the log as it was.

It holds the public leaf, its place, a signed checkpoint, the audit path, and the openings of the fields shown.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervision.journal import leaf, tree
from supervision.journal.note import BadNote, Verifier, head_of

SCHEMA = "mall-journal-receipt/1"
MAX_RECEIPT = 262_144

SEALED_FOR_GOOD = frozenset({"verdicts", "@rest", "@body"})
UNIT_ONLY = frozenset({"lines", "note", "details", "buyer_id", "submission", "comparison", "@actor"})
"""Plan lines, allotments, reasons and people of the unit: not for the supplier."""


class BadReceipt(ValueError):
    """The receipt does not prove what it says; `why` names the first step that failed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Receipt:
    """One event of a stream, its leaf, and the proof that the leaf is in a signed tree."""

    stream: str
    version: int
    index: int
    entry: bytes
    checkpoint: str
    path: tuple[bytes, ...]
    slots: tuple[bytes, ...]
    openings: tuple[leaf.Opening, ...]

    @property
    def leaf_hash(self) -> bytes:
        """The hash of the leaf (RFC 6962)."""
        return tree.leaf_hash(self.entry)

    def as_json(self) -> dict[str, Any]:
        """The receipt's portable form."""
        return {
            "schema": SCHEMA,
            "stream": self.stream,
            "version": self.version,
            "index": self.index,
            "leaf_hash": self.leaf_hash.hex(),
            "entry": self.entry.decode(),
            "checkpoint": self.checkpoint,
            "proof": [_packed(step) for step in self.path],
            "commitments": [_packed(slot) for slot in self.slots],
            "openings": [
                {"slot": o.slot, "field": o.field, "value": o.value, "salt": _packed(o.salt)} for o in self.openings
            ],
        }


@dataclass(frozen=True)
class Proven:
    """What a receipt proves: place, size of the signed tree, and the opened fields with their JSON values."""

    stream: str
    version: int
    index: int
    size: int
    time: str
    leaf_hash: str
    fields: Mapping[str, str]


def _packed(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unpacked(value: object) -> bytes:
    if not isinstance(value, str):
        raise BadReceipt("form")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadReceipt("form") from error


def parse(text: str | bytes) -> Receipt:
    """A receipt of its JSON text. Raises BadReceipt."""
    if len(text) > MAX_RECEIPT:
        raise BadReceipt("form")
    try:
        given = json.loads(text)
        if given["schema"] != SCHEMA or not isinstance(given["checkpoint"], str) or not isinstance(given["stream"], str):
            raise BadReceipt("form")
        receipt = Receipt(
            stream=given["stream"],
            version=int(given["version"]),
            index=int(given["index"]),
            entry=given["entry"].encode(),
            checkpoint=given["checkpoint"],
            path=tuple(_unpacked(step) for step in given["proof"]),
            slots=tuple(_unpacked(slot) for slot in given["commitments"]),
            openings=tuple(
                leaf.Opening(int(o["slot"]), str(o["field"]), str(o["value"]), _unpacked(o["salt"]))
                for o in given["openings"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadReceipt("form") from error
    if given.get("leaf_hash") != receipt.leaf_hash.hex():
        raise BadReceipt("leaf")
    return receipt


def verify(receipt: Receipt, verifier: Verifier) -> Proven:
    """Prove a receipt with nothing but the public key. Raises BadReceipt: form, checkpoint, proof, leaf or fields."""
    try:
        head = head_of(receipt.checkpoint, verifier)
    except BadNote as error:
        raise BadReceipt("checkpoint") from error
    try:
        root = tree.root_by_inclusion(receipt.index, head.size, receipt.leaf_hash, receipt.path)
    except tree.BadProof as error:
        raise BadReceipt("proof") from error
    if root != head.root:
        raise BadReceipt("proof")
    fields = {opening.field: opening.value for opening in receipt.openings}
    try:
        leaf.check_openings(receipt.entry, receipt.slots, receipt.openings)
    except (leaf.BadOpening, ValueError, TypeError, AttributeError) as error:
        raise BadReceipt("fields") from error
    _agree(receipt, fields)
    return Proven(
        receipt.stream,
        receipt.version,
        receipt.index,
        head.size,
        json.loads(receipt.entry)["time"],
        receipt.leaf_hash.hex(),
        fields,
    )


def _agree(receipt: Receipt, fields: Mapping[str, str]) -> None:
    """The stream and version written on the receipt are those in the leaf."""
    shown = (("@stream", receipt.stream), ("@version", receipt.version))
    for name, value in shown:
        if name not in fields or json.loads(fields[name]) != value:
            raise BadReceipt("fields")


def opened_to(names: Sequence[str], *, is_supplier: bool) -> list[str]:
    """Which fields of an order's event a party's receipt opens: verdicts never, the unit's own affairs only to the unit."""
    hidden = SEALED_FOR_GOOD | (UNIT_ONLY if is_supplier else frozenset())
    return [name for name in names if name not in hidden]


def hashes(values: Sequence[bytes]) -> list[str]:
    """Hashes in the text form of proofs (base64)."""
    return [_packed(value) for value in values]
