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

_FITS: Final = re.compile(r"适用于?|适配|兼容|匹配|配套|通用型?|专用于")
COLOURS: Final = frozenset("黑色 白色 彩色 红色 蓝色 青色 绿色 灰色 黄色 银色 品红 黑 白 红 蓝 青 彩".split())
_PARTS: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
EDGE: Final = 3
PARTICLES: Final = frozenset("式型用款类级的之与和及")
"""Characters that carry nothing when they stand alone between words, or end one: 馈纸式 is 馈纸."""
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
    """Single characters, neighbouring pairs and triples, so that any part of a word can be found and scattered ones are told apart."""
    yield from run
    yield from map("".join, pairwise(run))
    yield from triples(run)


def triples(run: str) -> Iterator[str]:
    """Three neighbouring characters each."""
    yield from map("".join, zip(run, run[1:], run[2:], strict=False))


def substrings(run: str, longest: int = 6) -> Iterator[str]:
    """Every stretch of two to `longest` characters of a short run."""
    for start in range(len(run) - 1):
        for end in range(start + 2, min(start + longest, len(run)) + 1):
            yield run[start:end]


@lru_cache(maxsize=16_384)
def fitted(title: str) -> tuple[str, str]:
    """What the goods are, and what they are only good for: 防尘罩 and 惠普 M404dn 打印机 of 适用惠普 M404dn 打印机防尘罩.

    The thing itself stands last. A title that names no brand or model behind 适用 or its like is left whole.
    """
    found = _FITS.search(title)
    if found is None:
        return title, ""
    before, about = title[: found.start()], title[found.end() :].lstrip(" :：,，、")
    whose = any(about[:length] in lexicon.BRANDS for length in range(2, 7))
    stretches = runs(about)
    if not stretches or not (whose or stretches[0].isascii()):
        return title, ""
    last = stretches[-1]
    thing = cut(last)[-1] if is_cjk(last) else ""
    return f"{before} {thing}", about


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
        inner = (start + at for at in range(1, len(word) - 1) if word[at:] in lexicon.words_set())
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
    perhaps: str
    """Kinds of its category that a listing which says nothing of its own may be."""
    own: str
    """Its brand and model: what a buyer names when he wants this and not something for it."""
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
            if len(run) > 2 and run[-1] in PARTICLES:
                found_words[run[:-1]] = None
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
    said, about = fitted(normal(title))
    pieces = [_piece(text) for text in (said, brand, model, category, other_names)]
    found_words, found_pairs, latin, sounds = (
        dict.fromkeys(token for piece in pieces for token in piece[place]) for place in range(4)
    )
    edge_tokens = " ".join(dict.fromkeys(edges((*found_words, *latin, *sounds))))
    brand_full, brand_initials = spelt(normal(brand))
    for name in lexicon.names_of(code):
        full, initials = spelt(name)
        sounds.update(dict.fromkeys((full, initials, brand_full + full, brand_initials + initials)))
    spec_words, _, spec_latin, _ = _piece(f"{spec} {supplier} {about}")
    called, kinds, others, perhaps = _meanings(
        code, frozenset((*found_words, *latin)), frozenset((*spec_words, *spec_latin)), bare=_bare(said, brand, category)
    )
    return Analysed(
        words=" ".join(found_words),
        called=" ".join(called),
        kinds=" ".join(kinds),
        synonyms=" ".join(others),
        perhaps=" ".join(perhaps),
        own=" ".join(_own_tokens(f"{brand} {model} {other_names}")),
        pairs=" ".join(found_pairs),
        latin=" ".join(latin),
        spec=" ".join(dict.fromkeys((*spec_words, *spec_latin))),
        pinyin=" ".join(sounds),
        edges=edge_tokens,
        names=" ".join(token for run in runs(normal(f"{said} {other_names}")) for token in (cut(run) if is_cjk(run) else (run,))),
    )


def _own_tokens(text: str) -> dict[str, None]:
    found: dict[str, None] = {}
    for run in runs(normal(text)):
        if is_cjk(run):
            found.update(dict.fromkeys(substrings(run)))
        else:
            # Bare digits out of a model are everybody's.
            tokens = (token for token in model_tokens(run) if token == run or not token.isdigit())
            found.update(dict.fromkeys(token for token in tokens if len(token) >= EDGE))
    return found


def _bare(title: str, brand: str, category: str) -> bool:
    """Whether a title says no more in Chinese than brand, category and colour."""
    rest = title
    for name in (normal(category), normal(brand)):
        rest = rest.replace(name, " ")
    return not [run for run in runs(rest) if is_cjk(run) and run not in COLOURS]


def known(word: str) -> bool:
    """Whether the segmenter knows the word, so that it is indexed as one wherever it stands."""
    return bool(word in lexicon.words_set() or _base.has_word(word))


def head(word: str) -> str:
    """The longest name of goods that a Chinese word ends in, or the word: 轻薄笔记本电脑 are 笔记本电脑."""
    return next((word[at:] for at in range(1, len(word) - 1) if word[at:] in lexicon.words_set()), word)


@lru_cache(maxsize=4_096)
def _broader(word: str) -> tuple[str, ...]:
    """Known words that the word ends in: 彩色打印机 is a 打印机."""
    return tuple(word[at:] for at in range(1, len(word) - 1) if known(word[at:]))


Words = dict[str, None]


def _meanings(code: str, said: frozenset[str], described: frozenset[str], *, bare: bool) -> tuple[Words, Words, Words, Words]:
    """What a listing is found by beyond its own words: names, kinds, synonyms, and kinds it may be; a word stands in the strongest only."""
    called = dict.fromkeys(lexicon.names_of(code))
    kinds = dict.fromkeys(shorter for name in called for shorter in _broader(name) if shorter not in called)
    groups = lexicon.kinds_of(code)
    named = [group for group in groups if any(word in said or word in described for word in group)]
    for group in named:
        kinds.update(dict.fromkeys(word for name in group for word in (name, *_broader(name)) if word not in called))
    perhaps: Words = {}
    if bare and not named:
        perhaps = dict.fromkeys(word for group in groups for word in group if word not in called and word not in kinds)
    others: Words = {}
    if not called:
        others = dict.fromkeys(other for word in said for other in lexicon.synonyms(word) if other not in said and other not in kinds)
    return called, kinds, others, perhaps


def parse(text: str, most: int = 7) -> tuple[str, ...]:
    """The words of a question: runs of one script, a count word behind a number left out, at most `most`."""
    return _parse(text, most, lexicon.edition())


@lru_cache(maxsize=4_096)
def _parse(text: str, most: int, edition: int) -> tuple[str, ...]:  # noqa: ARG001 - words that were learnt may change the answer
    found: list[str] = []
    for word in normal(text).split():
        if word in lexicon.words_set():
            found.append(word)
            continue
        before = ""
        for run in runs(word):
            rest = run[:MAX_RUN]
            if before[-1:].isdigit() and is_cjk(run):
                head = cut(run)[0]
                measure = next((unit for unit in (head, run[0]) if unit in UNITS), "")
                rest = rest if before + rest in lexicon.words_set() else rest.removeprefix(measure)
            joined = before + rest
            if rest and before and joined in lexicon.words_set():
                found[-1] = joined
            elif rest:
                found.append(rest)
            before = run
    return tuple(dict.fromkeys(found))[:most]
