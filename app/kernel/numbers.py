"""Numbers that people read aloud and type: ``DD261124-7K3M9Q-4``.

Prefix (what it numbers), day in Henan, six random characters, one check character. The alphabet has no I, L, O or U. The
check character is a weighted sum in the field of 32 elements: it finds every single wrong character and every swap of
two. Uniqueness is kept by the database; at a million numbers a day one draw in two thousand has to be repeated.
"""

from datetime import date
from random import Random, SystemRandom
from typing import Final

from app.kernel import clock

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)} | {"I": 1, "L": 1, "O": 0, "U": 27}
_BODY: Final = 6
_SYSTEM: Final = SystemRandom()


def new(prefix: str, *, at: date | None = None, rng: Random | None = None) -> str:
    """A number for something new; ``at`` is its Henan day (today if not given), ``rng`` makes it repeatable."""
    stem = f"{prefix}{at or clock.today():%y%m%d}"
    body = "".join((rng or _SYSTEM).choices(ALPHABET, k=_BODY))
    return f"{stem}-{body}-{_check(stem + body)}"


def valid(number: str) -> bool:
    """Whether the text has the form of a number and its check character fits."""
    parts = number.split("-")
    if len(parts) != 3 or len(parts[0]) < 7 or len(parts[1]) != _BODY or len(parts[2]) != 1:
        return False
    letters, day = parts[0][:-6], parts[0][-6:]
    if not (letters.isascii() and letters.isupper() and letters.isalpha() and day.isascii() and day.isdecimal()):
        return False
    return set(parts[1] + parts[2]) <= set(ALPHABET) and _check(parts[0] + parts[1]) == parts[2]


def tidy(typed: str) -> str:
    """What a person meant by a typed number: upper case, no spaces, and I, L, O read as 1, 1, 0 after the prefix."""
    text = "".join(typed.split()).upper().replace("—", "-").replace("－", "-")
    head, dash, tail = text.partition("-")
    return head + dash + tail.replace("I", "1").replace("L", "1").replace("O", "0")


def _times_two(value: int) -> int:
    """Multiply by x in GF(32), modulo x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _check(text: str) -> str:
    total = 0
    for letter in text:
        total = _times_two(total ^ _VALUES[letter])
    return ALPHABET[total]
