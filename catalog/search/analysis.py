"""From text to what is indexed: normal form, words, character pairs, model tokens, pinyin, edge prefixes."""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, cast

import rjieba
import zhconv

from catalog.search import lexicon
from catalog.search.spelling import CJK, RUN, SEPARATORS, is_cjk, spelt, syllables

_PARTS: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
EDGE: Final = 3
MAX_RUN: Final = 24
"""Characters of one run that are looked at as a whole; longer runs are names of works, not words."""

# A count word behind a number carries no meaning of its own: 65寸, 1.5匹, 24口.
UNITS: Final = frozenset(
    "寸 英寸 匹 克 口 位 层 米 升 毫升 公斤 千克 千瓦 瓦 页 号 张 支 只 个 卷 包 盒 箱 套 台 路 芯 年 期 代 节 人 座 门 片 枚".split()
)

with warnings.catch_warnings():
    # The library leaves its dictionary file to the garbage collector; read it here, once.
    warnings.simplefilter("ignore", ResourceWarning)
    zhconv.convert("體", "zh-cn")

_base = rjieba.Jieba()
_own = rjieba.Jieba()
for _word in lexicon.WORDS:
    if len(_word) > 1 and re.fullmatch(rf"[{CJK}]+", _word):
        _own.add_word(_word, None, None)


@lru_cache(maxsize=65_536)
def normal(text: str) -> str:
    """Compatibility forms folded, lower case, Traditional characters and words turned into Simplified ones."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return folded if folded.isascii() else cast(str, zhconv.convert(folded, "zh-cn")).lower()


def runs(text: str) -> list[str]:
    """The stretches of one script, in order, of a text in normal form."""
    return RUN.findall(text)


def compact(text: str) -> str:
    """A model or code without anything but letters, digits and characters: KFR-35GW/N8 is kfr35gwn8."""
    return "".join(char for char in normal(text) if char.isalnum())


@lru_cache(maxsize=65_536)
def words(run: str) -> tuple[str, ...]:
    """The words of a Chinese run as they are indexed: every dictionary word in it, the project's own too."""
    found = dict.fromkeys((*_base.cut_for_search(run, True), *_own.cut_for_search(run, True)))
    return tuple(found)


@lru_cache(maxsize=65_536)
def cut(run: str) -> tuple[str, ...]:
    """A Chinese run cut once, into words that do not overlap."""
    return tuple(_base.cut(run, True))


def pairs(run: str) -> Iterator[str]:
    """Single characters and neighbouring pairs, so that any part of a word can be found."""
    yield from run
    yield from map("".join, pairwise(run))


@lru_cache(maxsize=65_536)
def model_tokens(run: str) -> tuple[str, ...]:
    """A Latin or model token: whole, without hyphens, its parts, and its ends from each change of letters and digits."""
    whole = SEPARATORS.sub("", run)
    parts = _PARTS.findall(run)
    tails = [SEPARATORS.sub("", run[match.start() :]) for match in _PARTS.finditer(run) if match.start()]
    return tuple(dict.fromkeys([run, whole, *SEPARATORS.split(run.strip("+")), *parts, *(tail for tail in tails if len(tail) >= EDGE)]))


@lru_cache(maxsize=65_536)
def pinyin(run: str) -> tuple[str, ...]:
    """Full pinyin and initials of the run from each of its words on, and of each word: 彩色打印机 is found by dyj and by caise."""
    found: dict[str, None] = {}
    sounds = syllables(run)
    start = 0
    for word in cut(run):
        # A long word may end in one that stands alone: 激光打印机 ends in 打印机.
        inner = (start + at for at in range(1, len(word) - 1) if word[at:] in lexicon.WORDS_SET)
        for begin in (start, *inner):
            for end in {len(run), start + len(word)}:
                here = sounds[begin : min(end, begin + 10)]
                found["".join(here)] = None
                if len(here) > 1:
                    found["".join(sound[0] for sound in here)] = None
        start += len(word)
    return tuple(found)


def edges(tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        for length in range(1, min(EDGE, len(token) - 1) + 1):
            yield token[:length]


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one document is found by; every field holds tokens joined by single spaces."""

    words: str
    called: str
    """Names of its category as a whole: a computer is found by 电脑 although its title does not say so."""
    kinds: str
    """Broader words for its category, and other words for the kind of thing it says it is."""
    synonyms: str
    pairs: str
    latin: str
    spec: str
    pinyin: str
    edges: str
    names: str
    """The document in plain words, cut: for engines that do their own analysis."""


@lru_cache(maxsize=8_192)
def _piece(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Words, pairs, model tokens and pinyin of one text."""
    found_words: dict[str, None] = {}
    found_pairs: dict[str, None] = {}
    latin: dict[str, None] = {}
    sounds: dict[str, None] = {}
    before = ""
    for run in runs(normal(text)):
        if not is_cjk(run):
            latin.update(dict.fromkeys(model_tokens(run)))
        else:
            found_words.update(dict.fromkeys(words(run)))
            found_pairs.update(dict.fromkeys(pairs(run)))
            sounds.update(dict.fromkeys(pinyin(run)))
            if before and not is_cjk(before) and len(before) <= 2:
                sounds[before + "".join(syllables(run))] = None
                found_words[before + cut(run)[0]] = None
        before = run
    return tuple(found_words), tuple(found_pairs), tuple(latin), tuple(sounds)


@lru_cache(maxsize=16_384)
def analyse(title: str, brand: str, model: str, category: str, code: str, spec: str, supplier: str) -> Analysed:
    """All that a listing is found by."""
    other_names = " ".join(lexicon.LATIN_BRANDS.get(brand, ()))
    pieces = [_piece(text) for text in (title, brand, model, category, other_names)]
    found_words, found_pairs, latin, sounds = (
        dict.fromkeys(token for piece in pieces for token in piece[place]) for place in range(4)
    )
    edge_tokens = " ".join(dict.fromkeys(edges((*found_words, *latin, *sounds))))
    brand_full, brand_initials = spelt(normal(brand))
    for name in lexicon.names_of(code):
        full, initials = spelt(name)
        sounds.update(dict.fromkeys((full, initials, brand_full + full, brand_initials + initials)))
    spec_words, _, spec_latin, _ = _piece(f"{spec} {supplier}")
    called, kinds, others = _meanings(code, frozenset((*found_words, *latin)), frozenset((*spec_words, *spec_latin)))
    return Analysed(
        words=" ".join(found_words),
        called=" ".join(called),
        kinds=" ".join(kinds),
        synonyms=" ".join(others),
        pairs=" ".join(found_pairs),
        latin=" ".join(latin),
        spec=" ".join(dict.fromkeys((*spec_words, *spec_latin))),
        pinyin=" ".join(sounds),
        edges=edge_tokens,
        names=" ".join(token for run in runs(normal(f"{title} {other_names}")) for token in (cut(run) if is_cjk(run) else (run,))),
    )


def known(word: str) -> bool:
    """Whether the segmenter knows the word, so that it is indexed as one wherever it stands."""
    return bool(word in lexicon.WORDS_SET or _base.has_word(word))


@lru_cache(maxsize=4_096)
def _broader(word: str) -> tuple[str, ...]:
    """Known words that the word ends in: 彩色打印机 is a 打印机."""
    return tuple(word[at:] for at in range(1, len(word) - 1) if known(word[at:]))


def _meanings(code: str, said: frozenset[str], described: frozenset[str]) -> tuple[dict[str, None], dict[str, None], dict[str, None]]:
    """What a listing is found by beyond its own words; a word stands in the strongest of the three only."""
    called = dict.fromkeys(lexicon.names_of(code))
    kinds = dict.fromkeys(shorter for name in called for shorter in _broader(name) if shorter not in called)
    for group in lexicon.kinds_of(code):
        if any(word in said or word in described for word in group):
            kinds.update(dict.fromkeys(word for name in group for word in (name, *_broader(name)) if word not in called))
    others: dict[str, None] = {}
    if not called:
        others = dict.fromkeys(other for word in said for other in lexicon.synonyms(word) if other not in said and other not in kinds)
    return called, kinds, others


@lru_cache(maxsize=4_096)
def parse(text: str, most: int = 7) -> tuple[str, ...]:
    """The words of a question: runs of one script, a count word behind a number left out, at most `most`."""
    found: list[str] = []
    for word in normal(text).split():
        before = ""
        for run in runs(word):
            rest = run[:MAX_RUN]
            if before[-1:].isdigit() and is_cjk(run):
                head = cut(run)[0]
                measure = next((unit for unit in (head, run[0]) if unit in UNITS), "")
                rest = rest if before + rest in lexicon.WORDS_SET else rest.removeprefix(measure)
            joined = before + rest
            if rest and before and joined in lexicon.WORDS_SET:
                found[-1] = joined
            elif rest:
                found.append(rest)
            before = run
    return tuple(dict.fromkeys(found))[:most]
