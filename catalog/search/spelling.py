"""Pinyin of Chinese text, without tones."""

import re
from functools import lru_cache
from typing import Final

import pypinyin

CJK: Final = "㐀-䶿一-鿿〇"
RUN: Final = re.compile(rf"[{CJK}]+|[a-z0-9]+(?:[-./&'×*][a-z0-9]+)*\+?")
SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


def is_cjk(run: str) -> bool:
    """Whether a run of one script is Chinese."""
    return not run[:1].isascii()


@lru_cache(maxsize=65_536)
def syllables(run: str) -> tuple[str, ...]:
    """Pinyin of each character of a Chinese run."""
    return tuple(pypinyin.lazy_pinyin(run))


@lru_cache(maxsize=16_384)
def spelt(text: str) -> tuple[str, str]:
    """Full pinyin and initials of a short text in normal form; letters and digits stand as they are: u盘 is upan and up."""
    full: list[str] = []
    initials: list[str] = []
    for run in RUN.findall(text):
        if is_cjk(run):
            full.extend(syllables(run))
            initials.extend(sound[0] for sound in syllables(run))
        else:
            full.append(SEPARATORS.sub("", run))
            initials.append(SEPARATORS.sub("", run))
    return "".join(full), "".join(initials)
