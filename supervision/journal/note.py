"""Signed notes and checkpoints: C2SP signed-note and tlog-checkpoint with Ed25519 keys in the form of golang sumdb/note."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "— "
SECRET = "PRIVATE+KEY+"  # noqa: S105 - the prefix by which sumdb/note marks private keys
MAX_NOTE = 65_536


class BadNote(ValueError):
    """The note, its signature or the key has not the form it must have, or the signature does not hold."""


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _check_name(name: str) -> str:
    if not name or "+" in name or any(mark.isspace() for mark in name):
        raise BadNote("a key name is not empty and has neither spaces nor a plus sign")
    return name


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("not base64") from error


@dataclass(frozen=True)
class Verifier:
    """A public key under its name, with the other keys of the log: its successor while both sign, those it had before."""

    name: str
    public: bytes
    until: int | None = None
    """The largest size that this key's signature counts for, once it is retired."""
    others: tuple["Verifier", ...] = ()

    @property
    def keys(self) -> tuple["Verifier", ...]:
        """All keys, this one first."""
        return (self, *self.others)

    @property
    def listed(self) -> str:
        """All keys as text, one a line; the size after a retired one is the largest that it may have signed."""
        return "".join(key.vkey + (f" {key.until}" if key.until is not None else "") + "\n" for key in self.keys)

    @property
    def key_id(self) -> bytes:
        """The four bytes that mark this key's signatures."""
        return _key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The key in the text form that sumdb/note reads."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is by this key over this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key under its name; the name is the log's origin. While a key is changed, its successor signs as well."""

    name: str
    seed: bytes
    also: tuple["Signer", ...] = ()
    past: tuple[Verifier, ...] = ()
    """Keys that signed before this one."""

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    @property
    def verifier(self) -> Verifier:
        """The public half, with the other keys of the log."""
        return Verifier(self.name, self.public, others=(*(signer.verifier for signer in self.also), *self.past))

    @property
    def public(self) -> bytes:
        """The public key alone."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def skey(self) -> str:
        """The key in the text form that sumdb/note reads; secret."""
        hexid = self.verifier.key_id.hex()
        return f"{SECRET}{self.name}+{hexid}+{base64.b64encode(ED25519 + self.seed).decode()}"

    def sign(self, text: str) -> str:
        """The text as a signed note; the text ends with a line feed."""
        if not text.endswith("\n"):
            raise BadNote("a note's text ends with a line feed")
        return text + "\n" + "".join(signer.signature_line(text) for signer in (self, *self.also))

    def signature_line(self, text: str) -> str:
        """This key's own line under a note."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{DASH}{self.name} {base64.b64encode(_key_id(self.name, self.public) + signature).decode()}\n"


def generate(name: str) -> Signer:
    """A new key under this name."""
    return Signer(_check_name(name), secrets.token_bytes(32))


def _key_parts(text: str) -> tuple[str, bytes, bytes]:
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise BadNote("a key has three parts")
    name, hexid, packed = _check_name(parts[0]), parts[1], _decoded(parts[2])
    if len(hexid) != 8 or len(packed) != 33 or packed[:1] != ED25519:
        raise BadNote("not an Ed25519 key")
    try:
        return name, bytes.fromhex(hexid), packed[1:]
    except ValueError as error:
        raise BadNote("the key id is not hexadecimal") from error


def verifier_of(vkey: str) -> Verifier:
    """The public key of its text form. Raises BadNote."""
    name, key_id, public = _key_parts(vkey)
    verifier = Verifier(name, public)
    if verifier.key_id != key_id:
        raise BadNote("the key id does not belong to the key")
    return verifier


def verifiers_of(listed: str) -> Verifier:
    """The key in the first line, with those in the lines after it. Raises BadNote."""
    keys = []
    for line in listed.split("\n"):
        if line.strip():
            vkey, _, until = line.strip().partition(" ")
            if until and not (until.isascii() and until.isdigit()):
                raise BadNote("the size after a key is not a number")
            keys.append(replace(verifier_of(vkey), until=int(until) if until else None))
    if not keys:
        raise BadNote("no key")
    return replace(keys[0], others=tuple(keys[1:]))


def signer_of(skey: str) -> Signer:
    """The private key of its text form. Raises BadNote."""
    if not skey.startswith(SECRET):
        raise BadNote("not a private key")
    name, key_id, seed = _key_parts(skey.removeprefix(SECRET))
    signer = Signer(name, seed)
    if signer.verifier.key_id != key_id:
        raise BadNote("the key id does not belong to the key")
    return signer


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a note that a key of the log has signed; signatures by unknown keys are passed over. Raises BadNote."""
    return _opened(note, verifier)[0]


def _opened(note: str, verifier: Verifier) -> tuple[str, list[Verifier]]:
    """The text, and which keys have signed it."""
    if len(note) > MAX_NOTE:
        raise BadNote("the note is too long")
    text, gap, signatures = note.rpartition("\n\n")
    text += "\n"
    if not gap or not signatures.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in note):
        raise BadNote("not a signed note")
    by: list[Verifier] = []
    for line in signatures[:-1].split("\n"):
        name, space, packed = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or not space or not name:
            raise BadNote("a signature line is malformed")
        blob = _decoded(packed)
        if len(blob) < 5:
            raise BadNote("a signature is too short")
        key = next((key for key in verifier.keys if name == key.name and blob[:4] == key.key_id), None)
        if key is not None:
            if not key.holds(text.encode(), blob[4:]):
                raise BadNote("the signature does not hold")
            by.append(key)
    if not by:
        raise BadNote("the note is not signed by this key")
    return text, by


@dataclass(frozen=True)
class Head:
    """What a checkpoint promises: this log had this root at this size."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The checkpoint's text, to be signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def head_of(note: str, verifier: Verifier) -> Head:
    """The promise of a signed checkpoint of this log. Raises BadNote."""
    text, by = _opened(note, verifier)
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] not in {key.name for key in by}:
        raise BadNote("not a checkpoint of this log")
    digits = lines[1]
    if not (digits.isascii() and digits.isdigit()) or (len(digits) > 1 and digits[0] == "0"):
        raise BadNote("the size is not a number")
    root = _decoded(lines[2])
    if len(root) != 32:
        raise BadNote("the root is not a hash")
    size = int(digits)
    if not any(key.name == lines[0] and (key.until is None or size <= key.until) for key in by):
        raise BadNote("the key that signed was retired before the log had this size")
    return Head(lines[0], size, root)
