"""The first look at an uploaded file: what it is, its headings, some sample values, and which column is probably which."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from app.bulk.entity import Entity
from app.bulk.rules import MOST_FILE, FileTooBig, NoFile, NoRows
from app.kernel import sheets
from app.kernel.sheets import Column, Line

SAMPLES = 3
PIECE = 256 * 1024


@dataclass(frozen=True)
class Look:
    """What the file looks like; `mapping` says for each field in which column of the file it stands."""

    format: str
    size: int
    digest: str
    head_line: int
    headings: list[str]
    samples: list[list[str]]
    mapping: dict[str, int]


def look(file: BinaryIO, entity: Entity, words: Mapping[str, Sequence[str]]) -> Look:
    """Look at a file; `words` are other headings of each field (translations).

    Raises NoFile, FileTooBig, UnreadableSheet, SheetTooBig, NoRows.
    """
    size = file.seek(0, 2)
    if not size:
        raise NoFile()
    weigh(size)
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    file.seek(0)
    kind = sheets.format_of(file.read(8))
    first = list(itertools.islice(sheets.lines(file), sheets.LOOKED_AT + SAMPLES))
    if not first:
        raise NoRows()
    known = {column.name: {sheets.plain(word) for word in _words(column, words)} for column in entity.columns}
    head = sheets.headings_of(first, (word for each in known.values() for word in each))
    below = [line.cells for line in first if line.number > head.number][:SAMPLES]
    if not below:
        raise NoRows()
    headings = [cell.strip()[:100] for cell in head.cells]
    samples = [[cells[place][:60] if place < len(cells) else "" for cells in below] for place in range(len(headings))]
    return Look(kind.value, size, digest.hexdigest(), head.number, headings, samples, guess(entity, known, headings, samples))


def weigh(size: int) -> None:
    """Refuse so many bytes when they are more than is taken. Raises FileTooBig."""
    if size > MOST_FILE:
        raise FileTooBig(size=-(-size // 2**20), most=MOST_FILE // 2**20)


def _words(column: Column, words: Mapping[str, Sequence[str]]) -> list[str]:
    return [column.name, column.heading, *column.also, *words.get(column.name, ())]


def guess(entity: Entity, known: Mapping[str, set[str]], headings: Sequence[str], samples: Sequence[Sequence[str]]) -> dict[str, int]:
    """By heading first; a required field that is left goes by its values when just one free column can be read as it."""
    found: dict[str, int] = {}
    for place, heading in enumerate(headings):
        word = sheets.plain(heading)
        name = next((name for name, words in known.items() if word in words and name not in found), None)
        if name is None and word and (made := entity.more(heading)) is not None:
            name = made.name
        if name is not None and name not in found:
            found[name] = place
    for column in entity.columns:
        if column.name in found or not column.required or column.parse is str:
            continue
        taken = set(found.values())
        fits = [place for place in range(len(headings)) if place not in taken and _all_fit(column, samples[place])]
        if len(fits) == 1:
            found[column.name] = fits[0]
    return found


def _all_fit(column: Column, values: Sequence[str]) -> bool:
    return any(values) and all(sheets.read_cell(column, value, 0)[1] is None for value in values if value)


def whole(line: Line, width: int) -> list[str]:
    """The cells of a row, as many as there are headings."""
    return [*line.cells[:width], *[""] * (width - len(line.cells))]
