"""What a misspelt question was meant to say, and how a question without answers is shortened."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from catalog.search import analysis, lexicon
from catalog.search.spelling import is_cjk, syllables

FRESH: Final = 60.0
"""Seconds for which the list of words is kept although the index went on."""
LONGEST: Final = 10

Entry = tuple[str, tuple[str, ...], int]


class Vocabulary:
    """Chinese words of an index and of the lexicon, by length."""

    def __init__(self) -> None:
        self._generation = -1
        self._read_at = 0.0
        self._by_length: Mapping[int, tuple[Entry, ...]] = {}
        self._known: frozenset[str] = frozenset()

    def _read(self, generation: int, read: Callable[[], Iterable[tuple[str, int]]]) -> None:
        now = time.monotonic()
        if generation == self._generation or (self._by_length and now - self._read_at < FRESH):
            return
        often = {word: count for word, count in read() if 1 < len(word) <= LONGEST and is_cjk(word)}
        for word in lexicon.WORDS:
            if is_cjk(word) and len(word) > 1:
                # A word of the lexicon outweighs the chance cuts of the segmenter.
                often[word] = often.get(word, 0) + 1_000_000
        by_length: defaultdict[int, list[Entry]] = defaultdict(list)
        for word, count in often.items():
            by_length[len(word)].append((word, syllables(word), count))
        self._by_length = {length: tuple(entries) for length, entries in by_length.items()}
        self._known = frozenset(often)
        self._generation, self._read_at = generation, now

    def corrected(
        self, q: str, generation: int, read: Callable[[], Iterable[tuple[str, int]]], finds: Callable[[str], bool], *, sure: bool = False
    ) -> str | None:
        """The question with each Chinese word that finds nothing put right; None when nothing could be.

        `sure` puts right only what sounds like a known word as a whole: for questions that do have answers, by accident.

        `read` gives the words of the index and how often they occur, `finds` tells whether a word has any answer.
        """
        self._read(generation, read)
        found: list[str] = []
        changed = False
        for word in analysis.parse(q):
            doubtful = is_cjk(word) and len(word) > 1 and word not in self._known
            lost = doubtful and not finds(word)
            better = (self._nearest(word, grade_at_least=3) if sure else self._meant(word)) if lost else None
            found.append(better or word)
            changed = changed or better is not None
        return " ".join(found) if changed else None

    def _meant(self, word: str) -> str | None:
        whole = lexicon.nearest(word, syllables(word), self._by_length.get(len(word), ()))
        if whole is not None:
            return whole
        for cut in range(2, len(word) - 1):
            left, right = word[:cut], word[cut:]
            if right in self._known and (better := self._nearest(left)):
                return f"{better} {right}"
            if left in self._known and (better := self._nearest(right)):
                return f"{left} {better}"
        return None

    def _nearest(self, word: str, grade_at_least: int = 1) -> str | None:
        return lexicon.nearest(word, syllables(word), self._by_length.get(len(word), ()), grade_at_least=grade_at_least)

    @staticmethod
    def doubtful(q: str) -> bool:
        """Whether a Chinese word of the question is none that anybody knows."""
        return any(is_cjk(word) and len(word) > 1 and not analysis.known(word) for word in analysis.parse(q))

    def shorter(self, q: str) -> tuple[str, ...]:
        """The question with one word less each, or the parts of its only word."""
        words = analysis.parse(q)
        if len(words) > 1:
            return tuple(dict.fromkeys(" ".join((*words[:at], *words[at + 1 :])) for at in reversed(range(len(words)))))
        parts = [part for word in words for part in (analysis.cut(word) if is_cjk(word) else analysis.runs(word)) if len(part) > 1]
        return tuple(dict.fromkeys(part for part in parts if part != "".join(words)))
