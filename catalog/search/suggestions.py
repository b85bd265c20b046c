"""Categories and brands to suggest while a question is typed."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from catalog.search import analysis, highlight, lexicon
from catalog.search.port import FacetValue, Suggestion, SuggestionKind
from catalog.search.spelling import spelt

FRESH: Final = 30.0
"""Seconds for which the shelf is kept although the index went on."""


@dataclass(frozen=True, slots=True)
class Entry:
    kind: SuggestionKind
    text: str
    value: str
    count: int
    keys: tuple[str, ...]


def entry(kind: SuggestionKind, text: str, value: str, count: int) -> Entry:
    """A suggestion with everything it may be typed as: its names, other names, pinyin and initials."""
    names = [text, *lexicon.LATIN_BRANDS.get(text, ())] if kind is SuggestionKind.BRAND else [text, *lexicon.names_of(value)]
    keys = [key for name in names for key in (analysis.compact(name), *spelt(analysis.normal(name))) if key]
    return Entry(kind, text, value, count, tuple(dict.fromkeys(keys)))


def matching(entries: Iterable[Entry], prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Categories and brands called `prefix`, those that begin like it, those that contain it; half of each at most."""
    typed = analysis.compact(prefix)
    if not typed:
        return ()
    graded = []
    for one in entries:
        if typed in one.keys:
            graded.append((0, -one.count, one))
        elif any(key.startswith(typed) for key in one.keys):
            graded.append((1, -one.count, one))
        elif len(typed) > 1 and any(typed in key for key in one.keys):
            graded.append((2, -one.count, one))
    graded.sort(key=lambda found: (found[0], found[1], found[2].text))
    half = max((limit + 1) // 2, 1)
    chosen = [
        one
        for kind in (SuggestionKind.CATEGORY, SuggestionKind.BRAND)
        for one in [found[2] for found in graded if found[2].kind is kind][:half]
    ][:limit]
    wanted = highlight.needles(prefix)
    return tuple(
        Suggestion(kind=one.kind, text=one.text, text_html=highlight.mark(one.text, wanted), value=one.value, count=one.count)
        for one in chosen
    )


def values_like(values: Iterable[FacetValue], prefix: str, limit: int) -> tuple[FacetValue, ...]:
    """Values of a facet whose label contains `prefix`, or is spelt so in pinyin or initials."""
    key = analysis.compact(prefix)
    like = (
        value
        for value in values
        if key in analysis.compact(value.label) or any(sound.startswith(key) for sound in spelt(analysis.normal(value.label)))
    )
    return tuple(islice(like, limit))


class Shelf:
    """The categories and brands of one engine, read anew when its index went on."""

    def __init__(self) -> None:
        self._generation = -1
        self._read_at = 0.0
        self._entries: tuple[Entry, ...] = ()

    def matching(self, prefix: str, limit: int, generation: int, read: Callable[[], Iterable[Entry]]) -> tuple[Suggestion, ...]:
        now = time.monotonic()
        if not self._entries or (generation != self._generation and now - self._read_at > FRESH):
            self._entries = tuple(read())
            self._generation, self._read_at = generation, now
        return matching(self._entries, prefix, limit)
