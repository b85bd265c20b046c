"""Marks in a title what was searched for; escapes everything else."""

from functools import lru_cache
from html import escape

from catalog.search import analysis, lexicon
from catalog.search.spelling import is_cjk, syllables


def needles(question: str) -> tuple[str, ...]:
    """What to mark for a question: its words, their synonyms, and the smaller words they are cut into; letters and digits only."""
    return _needles(question, lexicon.edition())


@lru_cache(maxsize=4_096)
def _needles(question: str, edition: int) -> tuple[str, ...]:  # noqa: ARG001 - words that were learnt may change the answer
    found: dict[str, None] = {}
    for word in analysis.parse(question):
        found[analysis.compact(word)] = None
        found.update(dict.fromkeys((*lexicon.synonyms(word), *map(analysis.compact, lexicon.terms(word)))))
        if is_cjk(word):
            found.update(dict.fromkeys(part for part in analysis.cut(word) if len(part) > 1))
    return tuple(needle for needle in found if needle)


@lru_cache(maxsize=16_384)
def _squeezed(text: str) -> tuple[str, tuple[int, ...]]:
    """The text in normal form without anything but letters, digits and characters, and where each of them stood."""
    line = analysis.normal(text)
    if len(line) == len(text):
        places = tuple(at for at, char in enumerate(line) if char.isalnum())
        return "".join([line[at] for at in places]), places
    pieces = [(piece, at) for at, char in enumerate(text) for piece in analysis.normal(char) if piece.isalnum()]
    return "".join([piece for piece, _ in pieces]), tuple(at for _, at in pieces)


@lru_cache(maxsize=16_384)
def mark(text: str, wanted: tuple[str, ...]) -> str:
    """`text` escaped, with every occurrence of a needle in <mark>; letters match without regard to case, hyphens and script form."""
    line, places = _squeezed(text) if wanted else ("", ())
    spans: list[tuple[int, int]] = []
    for needle in wanted:
        start = line.find(needle)
        if start < 0 and len(needle) > 1 and needle.isascii() and needle.isalpha():
            spans.extend((places[first], places[last] + 1) for first, last in _spelt(needle, line))
        while start >= 0:
            spans.append((places[start], places[start + len(needle) - 1] + 1))
            start = line.find(needle, start + len(needle))
    return _render(text, spans)


@lru_cache(maxsize=16_384)
def _spelt(needle: str, line: str) -> tuple[tuple[int, int], ...]:
    """First and last places of what is spelt `needle` in pinyin or in initials."""
    sounds = [char if char.isascii() else syllables(char)[0] for char in line]
    found = []
    for first, opening in enumerate(sounds):
        if opening[:1] != needle[0]:
            continue
        full = initials = ""
        for last, sound in enumerate(sounds[first : first + len(needle)], start=first):
            full, initials = full + sound, initials + sound[:1]
            if needle in {full, initials}:
                found.append((first, last))
                break
    return tuple(found)


def _render(text: str, spans: list[tuple[int, int]]) -> str:
    out: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        if start > done or not out:
            out.append(escape(text[done:start]))
            out.append("<mark>")
        else:
            # The span goes on where the one before ended.
            out.pop()
        out.append(escape(text[max(start, done) : end]))
        out.append("</mark>")
        done = end
    out.append(escape(text[done:]))
    return "".join(out)
