"""Passwords are kept as argon2id hashes.

The costs were chosen so that one comparison takes about 100 ms on a small server. A semaphore keeps a crowd at the
sign-in page from taking all memory and all cores: each comparison holds 48 MiB.
"""

import os
import threading
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 128


@dataclass(frozen=True)
class Cost:
    """What one hash costs: passes over memory, and the memory in KiB."""

    passes: int
    memory_kib: int


PROPER = Cost(passes=3, memory_kib=48 * 1024)
TRIFLING = Cost(passes=1, memory_kib=64)
"""For tests only: the cost stands in the hash itself, so a comparison is as quick."""

_turns = threading.BoundedSemaphore(max(2, (os.cpu_count() or 2) // 2))
_NOBODY = "$argon2id$v=19$m=49152,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hashed(password: str, cost: Cost = PROPER) -> str:
    """The hash to keep for a password."""
    with _turns:
        return _hasher(cost).hash(_normal(password))


def matches(kept: str, password: str) -> bool:
    """Whether this is the password behind a kept hash; a hash that nothing matches takes as long."""
    if len(password) > LONGEST:
        password = ""
    with _turns:
        try:
            return _hasher(PROPER).verify(kept, _normal(password))
        except (VerificationError, InvalidHashError):
            return False


def matches_nobody(password: str) -> None:
    """Spend the time of a comparison for a login that does not exist, so that the answer tells nothing."""
    matches(_NOBODY, password)


def _hasher(cost: Cost) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)
