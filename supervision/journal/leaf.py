"""The public leaf of an event, and the opening of its fields one by one.

A leaf must tell nothing before its time and can never be mended later. It is RFC 8785 JSON of one shape for all events:
a family of types, the time to the second, a stream id, and the root of salted commitments. There are always 32
commitments, fields first and padding after, so the root does not tell how many fields there are; lists are one field. The
stream id is salted anew for every event: leaves of one inquiry cannot be counted together, so the number of bidders
stays hidden. Salts stay in the database; erasing one erases what the leaf says about the field, and nothing else.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import rfc8785

SCHEMA = "mall-journal/1"
SLOTS = 32
SALT_BYTES = 16
MAX_ENTRY = 8192
REST = "@rest"
"""Holds what is left over when an event has more fields than there are slots."""
WHOLE = "@body"
"""Holds the stored text as it is, when it is not the canonical text of a JSON object."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "trade": (
        "approval", "asset", "cart", "comparison", "contract", "delivery", "inquiry", "invoice", "order", "payment", "permit", "plan",
        "purchase", "quotation", "quote", "rating", "submission", "auction", "acceptance",
    ),
    "money": ("allotment", "budget", "control", "move", "treasury"),
    "catalogue": ("brand", "category", "ceiling", "item", "limit", "listing", "need", "product", "supplier", "taxonomy"),
    "people": ("account", "organisation", "permission", "person", "role", "session", "unit"),
    "watch": ("agency", "alert", "case", "credit", "draw", "expert", "finding", "hold", "notice", "rule", "watch"),
    "journal": ("epoch", "journal", "key"),
}  # fmt: skip
FAMILY_OF = {matter: family for family, matters in FAMILIES.items() for matter in matters}
OTHER = "other"


class BadOpening(ValueError):
    """The opened field does not belong to the leaf."""


class Recorded(Protocol):
    """An event as it is stored."""

    @property
    def id(self) -> int: ...
    @property
    def stream(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def prev_version(self) -> int | None: ...
    @property
    def type(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def region(self) -> str | None: ...
    @property
    def owner_id(self) -> int | None: ...
    @property
    def actor_id(self) -> int | None: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True)
class Opening:
    """One field shown: its slot, name, value (JSON text as stored) and salt."""

    slot: int
    field: str
    value: str
    salt: bytes


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_quoted: Callable[[str], str] = json.encoder.encode_basestring


def _text(value: Any) -> str:
    """The value as `body_of` writes it; the frequent kinds without the cost of an encoder."""
    if value is None:
        return "null"
    if type(value) is str:
        return _quoted(value)
    return str(value) if type(value) is int else _encode(value)


def family(event_type: str) -> str:
    """The coarse type that a leaf shows: the matter only, never what became of it."""
    return FAMILY_OF.get(event_type.partition(".")[0], OTHER)


def fields_of(event: Recorded) -> list[tuple[str, str]]:
    """Names and JSON texts of an event's fields in slot order; together they bind every byte of the stored text."""
    head: list[tuple[str, Any]] = [
        ("@actor", event.actor_id),
        ("@at", event.at.astimezone(UTC).isoformat(timespec="microseconds")),
        ("@id", event.id),
        ("@owner", event.owner_id),
        ("@prev", event.prev_version),
        ("@region", event.region),
        ("@stream", event.stream),
        ("@type", event.type),
        ("@version", event.version),
    ]
    fields = [(name, _text(value)) for name, value in head]
    body = _body_fields(event.body)
    room = SLOTS - len(fields)
    if len(body) > room:
        rest = ",".join(f"{_quoted(name)}:{value}" for name, value in body[room - 1 :])
        body = [*body[: room - 1], (REST, f"{{{rest}}}")]
    return fields + body


def _body_fields(text: str) -> list[tuple[str, str]]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return [(WHOLE, text)]
    if not isinstance(parsed, dict):
        return [(WHOLE, text)]
    fields = [(name, _text(value)) for name, value in parsed.items()]
    again = ",".join(f"{_quoted(name)}:{value}" for name, value in fields)
    if f"{{{again}}}" != text or any(name.startswith("@") for name in parsed):
        return [(WHOLE, text)]
    return fields


def new_salts(fields: int) -> bytes:
    """Fresh salts for so many fields, and one for the padding at the end."""
    return os.urandom(SALT_BYTES * (fields + 1))


def commitment(field: str, value: str, salt: bytes) -> bytes:
    """What a slot holds for a field: it binds name and value and shows neither."""
    name = field.encode()
    return hashlib.sha256(b"\x02" + salt + len(name).to_bytes(2, "big") + name + value.encode()).digest()


def slots(fields: Sequence[tuple[str, str]], salts: bytes, erased: Mapping[str, bytes] | None = None) -> list[bytes]:
    """The 32 commitments of an event; for an erased field the commitment that was kept in place of its salt."""
    if len(salts) != SALT_BYTES * (len(fields) + 1):
        raise BadOpening("the salts do not fit the fields")
    row = [
        commitment(name, value, salts[i * SALT_BYTES : (i + 1) * SALT_BYTES])
        if erased is None or name not in erased
        else erased[name]
        for i, (name, value) in enumerate(fields)
    ]
    padding = hashlib.shake_256(b"\x03" + salts[-SALT_BYTES:]).digest(32 * (SLOTS - len(fields)))
    row.extend(padding[i : i + 32] for i in range(0, len(padding), 32))
    return row


def root_of(row: Sequence[bytes]) -> bytes:
    """The root over the 32 commitments."""
    if len(row) != SLOTS:
        raise BadOpening("a leaf has 32 commitments")
    return hashlib.sha256(b"\x04" + b"".join(row)).digest()


def stream_id(stream: str, salt: bytes) -> bytes:
    """The stream under a salt of its own for every event, so that leaves of one stream cannot be told together."""
    return hashlib.sha256(b"\x05" + salt + stream.encode()).digest()


def entry(*, family: str, at: datetime, stream: bytes, root: bytes) -> bytes:
    """The leaf's bytes (RFC 8785), the same length for all events of a family."""
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    packed = (  # written out, a tenth of the time of rfc8785.dumps; `shown_by` and a test hold it to the standard
        f'{{"root":"{root.hex()}","schema":"{SCHEMA}","stream":"{stream.hex()}","time":"{moment}","type":"{family}"}}'
    ).encode()
    if len(packed) > MAX_ENTRY:
        raise ValueError("a leaf is at most 8 KiB")
    return packed


def entry_of(
    event: Recorded,
    salts: bytes,
    erased: Mapping[str, bytes] | None = None,
    *,
    stream: bytes | None = None,
    family_shown: str | None = None,
) -> bytes:
    """The leaf of an event under these salts; `stream` and `family_shown` repeat what an older leaf already shows."""
    fields = fields_of(event)
    place = next(i for i, (name, _) in enumerate(fields) if name == "@stream")
    salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
    return entry(
        family=family_shown or family(event.type),
        at=event.at,
        stream=stream or stream_id(event.stream, salt),
        root=root_of(slots(fields, salts, erased)),
    )


def shown_by(packed: bytes) -> dict[str, str]:
    """What a leaf shows. Raises BadOpening when it is not a leaf of this journal."""
    try:
        shown = json.loads(packed)
    except ValueError as error:
        raise BadOpening("the leaf is not JSON") from error
    if not isinstance(shown, dict) or shown.get("schema") != SCHEMA or rfc8785.dumps(shown) != packed:
        raise BadOpening("not a leaf of this journal")
    if set(shown) != {"root", "schema", "stream", "time", "type"} or not all(isinstance(v, str) for v in shown.values()):
        raise BadOpening("not a leaf of this journal")
    return shown


def open_fields(fields: Sequence[tuple[str, str]], salts: bytes, names: Sequence[str]) -> list[Opening]:
    """The openings of the named fields; names that the event does not have are left out."""
    return [
        Opening(i, name, value, salts[i * SALT_BYTES : (i + 1) * SALT_BYTES])
        for i, (name, value) in enumerate(fields)
        if name in names
    ]


def check_openings(leaf: bytes, row: Sequence[bytes], openings: Sequence[Opening]) -> None:
    """Prove that the opened fields are the ones the leaf was made with. Raises BadOpening."""
    shown = shown_by(leaf)
    if root_of(row).hex() != shown["root"]:
        raise BadOpening("the commitments do not belong to the leaf")
    for opening in openings:
        if not 0 <= opening.slot < SLOTS or commitment(opening.field, opening.value, opening.salt) != row[opening.slot]:
            raise BadOpening(f"{opening.field} was changed")
        if opening.field == "@stream" and stream_id(json.loads(opening.value), opening.salt).hex() != shown["stream"]:
            raise BadOpening("the stream is another one")
