"""Unified social credit codes (GB 32100), with the check digit of the code and of the organisation code inside it."""

from random import Random
from typing import Final

from app.kernel.errors import N_, Invalid

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}
_INNER_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_OUTER_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))


class BadCreditCode(Invalid):
    """Not a unified social credit code."""

    code = "credit_code.bad"
    message = N_("统一社会信用代码“%(text)s”不正确，请核对后重新填写")
    text: str


class WrongLength(BadCreditCode):
    """Not 18 characters."""

    code = "credit_code.length"
    message = N_("统一社会信用代码应为 18 位，“%(text)s”是 %(length)s 位")
    length: int


class WrongLetter(BadCreditCode):
    """A character outside the alphabet (I, O, S, V, Z are never used), or a letter in the region digits."""

    code = "credit_code.letter"
    message = N_("统一社会信用代码第 %(position)s 位不能是“%(letter)s”，请核对后重新填写")
    position: int
    letter: str


class WrongInnerDigit(BadCreditCode):
    """Character 17 does not check the organisation code in 9–16 (GB 11714)."""

    code = "credit_code.inner_digit"
    message = N_("统一社会信用代码第 17 位（主体标识码校验位）不符，第 9 至 17 位中可能有误")


class WrongCheckDigit(BadCreditCode):
    """Character 18 does not check the whole code (GB 32100)."""

    code = "credit_code.check_digit"
    message = N_("统一社会信用代码第 18 位（校验位）不符，请逐位核对")


def inner_digit(body: str) -> str:
    """Character 17 for the eight characters of an organisation code (GB 11714)."""
    total = sum(int(letter, 36) * weight for letter, weight in zip(body, _INNER_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def check_digit(front: str) -> str:
    """Character 18 for the first seventeen (GB 32100)."""
    total = sum(_VALUES[letter] * weight for letter, weight in zip(front, _OUTER_WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def check(text: str) -> None:
    """Accept a correct code, upper case without spaces.

    Raises WrongLength, WrongLetter, WrongInnerDigit or WrongCheckDigit, all of them BadCreditCode.
    """
    if len(text) != 18:
        raise WrongLength(text=text, length=len(text))
    for position, letter in enumerate(text, start=1):
        if letter not in _VALUES or (3 <= position <= 8 and letter not in "0123456789"):
            raise WrongLetter(text=text, position=position, letter=letter)
    if text[16] != inner_digit(text[8:16]):
        raise WrongInnerDigit(text=text)
    if text[17] != check_digit(text[:17]):
        raise WrongCheckDigit(text=text)


def valid(text: str) -> bool:
    """Whether `check` accepts the code."""
    try:
        check(text)
    except BadCreditCode:
        return False
    return True


def make(rng: Random, *, front: str = "91", region: str = "410000") -> str:
    """A correct code that belongs to nobody known, for the training province and tests.

    ``front`` is registrar and class: 11 organ, 12 public institution, 13 mass organisation, 91 enterprise, 92 trader.
    """
    body = "MA" + "".join(rng.choices(ALPHABET, k=6)) if front[0] == "9" else "".join(rng.choices("0123456789", k=8))
    code = front + region + body + inner_digit(body)
    return code + check_digit(code)
