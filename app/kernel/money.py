"""Money: integer fen inside, yuan only at the edges, never a float."""

import re
from dataclasses import dataclass
from typing import Final

from app.kernel.errors import N_, Invalid

#: One quadrillion yuan: above any public budget, below what a 64-bit column holds.
MOST_FEN: Final = 10**17

_SHAPE: Final = re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d*))?(万|亿)?", re.ASCII)
_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９．，－￥", "0123456789.,-¥")
_SCALES: Final = {None: 0, "万": 4, "亿": 8}
_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿", "万亿", "亿亿")


class BadMoney(Invalid):
    """The text is no amount of money."""

    code = "money.unreadable"
    message = N_("“%(text)s”不是金额，请输入数字，例如 1234.56")
    text: str


class TooFine(Invalid):
    """The amount goes below one fen."""

    code = "money.too_fine"
    message = N_("“%(text)s”小于 1 分的部分无法记账，请最多写到分（两位小数）")
    text: str


class NegativeMoney(Invalid):
    """An amount below zero where none may be."""

    code = "money.negative"
    message = N_("“%(text)s”是负数，金额不能小于 0")
    text: str


class TooMuchMoney(Invalid):
    """The amount is beyond any budget; most likely a slip of the keyboard."""

    code = "money.too_much"
    message = N_("“%(text)s”超出可记账的范围，请检查是否多输了数字")
    text: str


@dataclass(frozen=True, kw_only=True)
class UnitTax:
    """One unit's price taken apart; ``net_fen + tax_fen == price_fen`` always holds."""

    price_fen: int
    net_fen: int
    tax_fen: int
    rate_percent: int


def half_up(numerator: int, denominator: int) -> int:
    """Divide and round half away from zero, in integers; the denominator is positive."""
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals and thousands separators: 123456 -> "1,234.56"."""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{part:02d}"


def wan(fen: int) -> str:
    """Fen in units of 10,000 yuan, rounded to two decimals: 12345678 -> "12.35"."""
    return yuan(half_up(fen, 10_000))


def parse_yuan(text: str, *, negative: bool = False) -> int:
    """Read an amount typed in yuan ("1,234.5", "￥20", "3.5万元") into fen.

    Raises BadMoney, TooFine, TooMuchMoney, and NegativeMoney unless ``negative`` is allowed.
    """
    plain = text.translate(_FULL_WIDTH).replace(" ", "").replace("\u3000", "").removesuffix("元")
    plain = plain.replace("-¥", "-", 1) if plain.startswith("-¥") else plain.removeprefix("¥")
    shape = _SHAPE.fullmatch(plain)
    if shape is None:
        raise BadMoney(text=text)
    sign, whole, decimals, scale = shape.groups()
    places = 2 + _SCALES[scale]
    decimals = (decimals or "").rstrip("0")
    if len(decimals) > places:
        raise TooFine(text=text)
    if len(whole) > 24:
        raise TooMuchMoney(text=text)
    fen = int(whole.replace(",", "") + decimals.ljust(places, "0"))
    if fen > MOST_FEN:
        raise TooMuchMoney(text=text)
    if sign and fen and not negative:
        raise NegativeMoney(text=text)
    return -fen if sign else fen


def capital(fen: int) -> str:
    """The amount in capital numerals as contracts and cheques write it (支付结算办法 附一): 123400 -> 壹仟贰佰叁拾肆元整."""
    whole, part = divmod(abs(fen), 100)
    jiao, cents = divmod(part, 10)
    words = "负" if fen < 0 else ""
    if whole or not part:
        words += _integer(whole) + "元"
    if not part:
        return words + "整"
    if jiao:
        words += _DIGITS[jiao] + "角"
    elif whole:
        words += "零"
    return words + (_DIGITS[cents] + "分" if cents else "")


def _integer(number: int) -> str:
    """A whole number in capital numerals; a run of zeros inside is said once, one at the end of a group not at all."""
    if not number:
        return "零"
    words, gap = "", False
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if not group:
            gap = bool(words)
            continue
        for place in range(3, -1, -1):
            digit = group // 10**place % 10
            if digit:
                words += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
                gap = False
            elif words:
                gap = True
        words += _GROUPS[index]
        gap = False
    return words


def tax_of_unit(price_fen: int, rate_percent: int) -> int:
    """The tax inside one unit's price, in fen.

    The net price is rounded to the fen first, then the tax on it; this is how e-shops print their invoices. Store the
    result with the line and multiply it by the quantity; it cannot be recomputed from totals.
    """
    return half_up(half_up(price_fen * 100, 100 + rate_percent) * rate_percent, 100)


def split_tax(price_fen: int, rate_percent: int) -> UnitTax:
    """One unit's tax-inclusive price as net and tax, in fen; see `tax_of_unit`."""
    tax_fen = tax_of_unit(price_fen, rate_percent)
    return UnitTax(price_fen=price_fen, net_fen=price_fen - tax_fen, tax_fen=tax_fen, rate_percent=rate_percent)
