"""What the project knows about words: names of categories, synonyms, brands; and how a misspelt word is put right."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final

from catalog.brands.rules import shipped
from catalog.search import spelling

_HERE: Final = Path(__file__).parent / "data"


def _key(word: str) -> str:
    return word.lower().replace(" ", "")


_CATEGORIES: Final[Mapping[str, Mapping[str, list[list[str]]]]] = MappingProxyType(
    {
        code: {"names": [[_key(name) for name in entry["names"]]], "kinds": [[_key(word) for word in kind] for kind in entry["kinds"]]}
        for code, entry in json.loads((_HERE / "synonyms.json").read_text("utf-8")).items()
    }
)
LATIN_BRANDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(shipped())

BRANDS: Final = frozenset(_key(name) for brand, names in LATIN_BRANDS.items() for name in (brand, *names) if len(name) > 1)
"""Brands by every name they have."""
TERMS: Final = tuple(tuple(_key(word) for word in group) for group in json.loads((_HERE / "terms.json").read_text("utf-8")))
"""Words that mean the same wherever they stand, whatever the goods."""

WORDS: Final = tuple(
    dict.fromkeys(
        chain(
            (word for entry in _CATEGORIES.values() for group in chain(entry["names"], entry["kinds"]) for word in group),
            map(_key, LATIN_BRANDS),
        )
    )
)
_PACKAGED: Final = frozenset(WORDS)


@dataclass(frozen=True)
class Learnt:
    """Synonyms that people added to those of the product."""

    edition: int = 0
    groups: tuple[tuple[str, ...], ...] = ()
    words: frozenset[str] = _PACKAGED


_learnt = Learnt()


def learn(groups: Iterable[Iterable[str]]) -> None:
    """Take up these groups of words that mean the same, in place of those learnt before."""
    global _learnt  # noqa: PLW0603 - one vocabulary per process, like the packaged one
    found = tuple(tuple(dict.fromkeys(map(_key, group))) for group in groups)
    if found != _learnt.groups:
        _learnt = Learnt(_learnt.edition + 1, found, _PACKAGED.union(word for group in found for word in group))
        _terms.cache_clear()


def edition() -> int:
    """Grows whenever something was learnt: part of the key of whatever is kept of words."""
    return _learnt.edition


def words_set() -> frozenset[str]:
    """Every word that has a meaning here, packaged or learnt."""
    return _learnt.words


def names_of(code: str) -> tuple[str, ...]:
    """Words for the whole category, the official one first; empty for a category without an entry."""
    entry = _CATEGORIES.get(code)
    return tuple(entry["names"][0]) if entry else ()


def kinds_of(code: str) -> tuple[tuple[str, ...], ...]:
    """Groups of words for a kind of goods within the category; the words of a group mean the same."""
    entry = _CATEGORIES.get(code)
    return tuple(map(tuple, entry["kinds"])) if entry else ()


@cache
def _groups() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    found: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for entry in _CATEGORIES.values():
        for group in chain(entry["names"], entry["kinds"]):
            for word in group:
                found[word].append(tuple(group))
    return {word: tuple(groups) for word, groups in found.items()}


@cache
def synonyms(word: str) -> tuple[str, ...]:
    """Words that mean the same in this catalogue, without `word` itself."""
    return tuple(dict.fromkeys(other for group in _groups().get(word, ()) for other in group if other != word))


@cache
def _terms() -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for group in (*TERMS, *_learnt.groups):
        for word in group:
            found[word].update(dict.fromkeys(other for other in group if other != word))
    return {word: tuple(others) for word, others in found.items()}


def terms(word: str) -> tuple[str, ...]:
    """Other ways to say a word of description, whatever the goods: 千兆 is GE."""
    return _terms().get(word, ())


def _ends(longer: str, word: str) -> bool:
    return longer == word or (len(word) > 1 and longer.endswith(word))


@cache
def categories_holding(word: str) -> tuple[str, ...]:
    """Codes of the categories where goods called `word` belong."""
    return tuple(code for code, entry in _CATEGORIES.items() if any(_ends(kind, word) for group in entry["kinds"] for kind in group))


def synonym_table() -> dict[str, list[str]]:
    """Every word with its synonyms, for engines that keep the table themselves."""
    words = dict.fromkeys((*WORDS, *_terms()))
    table = {word: list(dict.fromkeys((*synonyms(word), *terms(word)))) for word in words}
    return {word: others for word, others in table.items() if others}


_LOOKS: Final = "拒柜 盆盘 休体 祘算箅 囗口 刹杀 级圾 钱线 未末 己已巳 人入 千干 字宇 今令 折拆析 候侯 辨辩 坐座 版板 饥机几"
_ALIKE: Final = tuple(map(frozenset, _LOOKS.split()))
"""Characters that look alike."""


@cache
def by_sound() -> Mapping[str, tuple[str, ...]]:
    """Words by their full pinyin and by their initials."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for word in WORDS:
        for key in spelling.spelt(word):
            found[key][word] = None
    return {key: tuple(words) for key, words in found.items()}


def _near(a: str, b: str) -> bool:
    """Two syllables one letter apart at most: ying and yin, diao and tiao."""
    if a == b:
        return True
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[start + 1 :] == b[start + 1 :] or a[start + 1 :] == b[start:] or a[start:] == b[start + 1 :]


def nearest(
    word: str, sounds: tuple[str, ...], vocabulary: Iterable[tuple[str, tuple[str, ...], int]], *, grade_at_least: int = 1
) -> str | None:
    """The known word that a Chinese word with one wrong character stands for, or None.

    `vocabulary` gives words of the same length with their syllables and how often they occur. A word that sounds the same comes
    first (grade 3), then one whose wrong character sounds alike (2), then, from three characters on, one that only looks alike (1).
    """
    best: tuple[int, int, str] | None = None
    for known, known_sounds, often in vocabulary:
        wrong = [at for at in range(len(word)) if word[at] != known[at]]
        if len(wrong) != 1:
            if known_sounds == sounds and len(word) > 2:
                grade = 3
            else:
                continue
        elif known_sounds == sounds:
            grade = 3
        elif any({word[wrong[0]], known[wrong[0]]} <= alike for alike in _ALIKE) or _near(sounds[wrong[0]], known_sounds[wrong[0]]):
            grade = 2
        elif len(word) > 2:
            grade = 1
        else:
            continue
        found = (grade, often, known)
        if grade < grade_at_least:
            continue
        if best is None or found > best:
            best = found
    return best[2] if best else None
