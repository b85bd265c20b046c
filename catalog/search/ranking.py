"""The rules of the order: where a word may be found, and how many points that is worth. The engine builds its queries from this table
and the public page of the rules is printed from it, so neither can say what the other does not do.

Points are plain numbers. Each word of a question counts by the best place where it is found, the words add up, and what was sold
multiplies the sum by at most `MOST_POPULAR`, less than the step from one place of a word to the next. No supplier is in the table.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from app.kernel.errors import N_

VERSION: Final = "2026-1"
"""Raised with every change of this table; samples of what was shown carry it. A test holds it to the table."""
MOST_POPULAR: Final = 1 + 1 / 400
"""What the points of the best sold goods are multiplied by."""


class Where(StrEnum):
    """Where, or by what, a word of the question was found."""

    WHOLE_KEY = "whole_key"
    OWN_KEY = "own_key"
    KEY_PREFIX = "key_prefix"
    KEY = "key"
    CALLED = "called"
    KIND = "kind"
    OWN = "own"
    SHELF = "shelf"
    MEASURE = "measure"
    TITLE = "title"
    PARTS = "parts"
    SYNONYM = "synonym"
    PERHAPS = "perhaps"
    INSIDE = "inside"
    SOUND = "sound"
    PREFIX = "prefix"
    SPEC = "spec"
    LOOSE_PREFIX = "loose_prefix"
    TYPO = "typo"
    SPELT = "spelt"


class Tier(NamedTuple):
    """What a place is worth, in points, and how people call it."""

    points: float
    label: str


TIERS: Final[Mapping[Where, Tier]] = {
    Where.WHOLE_KEY: Tier(100.0, N_("整个问题就是型号或编码")),
    Where.OWN_KEY: Tier(60.0, N_("整个问题是型号中完整的一段")),
    Where.KEY_PREFIX: Tier(50.0, N_("整个问题是型号或编码的开头")),
    Where.KEY: Tier(10.0, N_("型号或编码，完全一致")),
    Where.CALLED: Tier(9.5, N_("品目名称")),
    Where.KIND: Tier(9.0, N_("品目下的种类名称")),
    Where.OWN: Tier(8.6, N_("品牌或型号")),
    Where.SHELF: Tier(8.5, N_("这类商品所属的品目（没有全部命中时）")),
    Where.MEASURE: Tier(8.2, N_("规格中的数值")),
    Where.TITLE: Tier(8.0, N_("商品名称、品牌或品目中的词")),
    Where.PARTS: Tier(7.5, N_("拆开的各部分都命中")),
    Where.SYNONYM: Tier(7.0, N_("同义词")),
    Where.PERHAPS: Tier(6.2, N_("名称没有写明、但可能属于的种类")),
    Where.INSIDE: Tier(6.0, N_("名称中连续的字")),
    Where.SOUND: Tier(5.5, N_("拼音或首字母")),
    Where.PREFIX: Tier(5.0, N_("词或型号的开头")),
    Where.SPEC: Tier(4.5, N_("规格、供应商名称或适用机型")),
    Where.LOOSE_PREFIX: Tier(4.0, N_("规格或拼音的开头")),
    Where.TYPO: Tier(3.0, N_("只差一两个字母（错字）")),
    Where.SPELT: Tier(0.0, N_("各音节合起来是一个词")),
}
"""Highest first; SPELT counts what the word is worth that the syllables spell."""
HEARD: Final = 0.91
"""What is left of the points of a meaning when a word was only spelt: names of categories so spelt stay above letters in a model."""


def points(where: Where) -> float:
    """What a place is worth."""
    return TIERS[where].points
