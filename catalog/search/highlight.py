"""Marks in a title what was searched for; escapes everything else."""

from collections.abc import Iterable
from html import escape

from catalog.search import analysis, lexicon
from catalog.search.spelling import is_cjk, syllables


def needles(question: str) -> tuple[str, ...]:
    """What to mark for a question: its words, their synonyms, and the smaller words they are cut into."""
    found: dict[str, None] = {}
    for word in analysis.parse(question):
        found[word] = None
        found.update(dict.fromkeys(lexicon.synonyms(word)))
        if is_cjk(word):
            found.update(dict.fromkeys(part for part in analysis.cut(word) if len(part) > 1))
    return tuple(found)


def mark(text: str, wanted: Iterable[str]) -> str:
    """`text` escaped, with every occurrence of a wanted word in <mark>; letters match without regard to case, hyphens and script form."""
    squeezed: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text):
        for piece in analysis.normal(char):
            if piece.isalnum():
                squeezed.append(piece)
                origin.append(at)
    line = "".join(squeezed)
    marked = [False] * len(text)
    sounds: list[tuple[str, int]] | None = None
    for word in wanted:
        key = analysis.compact(word)
        if not key:
            continue
        start = line.find(key)
        if start < 0 and key.isascii() and key.isalpha() and len(key) > 1:
            if sounds is None:
                sounds = [(piece if piece.isascii() else syllables(piece)[0], at) for piece, at in zip(line, origin, strict=True)]
            _mark_sounds(key, sounds, marked)
        while start >= 0:
            for at in range(origin[start], origin[start + len(key) - 1] + 1):
                marked[at] = True
            start = line.find(key, start + len(key))
    return _render(text, marked)


def _mark_sounds(key: str, sounds: list[tuple[str, int]], marked: list[bool]) -> None:
    """Mark the characters whose pinyin or initials are `key`."""
    for first in range(len(sounds)):
        full = initials = ""
        for sound, at in sounds[first : first + len(key)]:
            full, initials = full + sound, initials + sound[0]
            if key in {full, initials}:
                for place in range(sounds[first][1], at + 1):
                    marked[place] = True
                break


def _render(text: str, marked: list[bool]) -> str:
    out: list[str] = []
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and marked[end] == marked[at]:
            end += 1
        piece = escape(text[at:end])
        out.append(f"<mark>{piece}</mark>" if marked[at] else piece)
        at = end
    return "".join(out)
