"""Writes xlsx workbooks piece by piece: however many rows, only one row and a piece of the packed stream are in memory."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr  # nosec B406 - writes, reads nothing

from app.kernel.xlsx import escaped

KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MADE: Final = (1980, 1, 1, 0, 0, 0)
PIECE: Final = 64 * 1024
WIDEST: Final = 48
CHOICES_FOR_ROWS: Final = 100_000
HEAD, PLAIN, WORDS = 1, 0, 2
"""The cell styles: heading, as it comes, and text, in which a spreadsheet program leaves 0371 and 1-2 alone."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE8EDF4"/></patternFill></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class Figure(str):
    """A text that is a number: written as one where the format has numbers."""

    __slots__ = ()


@dataclass(frozen=True)
class Head:
    """A column: heading, width in characters, whether it holds numbers, and the words to choose from."""

    heading: str
    width: int = 14
    is_number: bool = False
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Sheet:
    """One sheet: name, columns, and its rows as they come."""

    name: str
    heads: Sequence[Head]
    rows: Iterable[Sequence[str]]


class _Sink:
    """Takes what the archive writes until somebody fetches it; it cannot go back."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open."""

    def fetch(self) -> bytes:
        pieces, self.pieces, self.size = self.pieces, [], 0
        return b"".join(pieces)


def written(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    """The bytes of a workbook with these sheets."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _frame(sheets):
            archive.writestr(_entry(name), text)
        for number, sheet in enumerate(sheets, 1):
            with archive.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w") as part:
                waiting: list[str] = []
                size = 0
                for text in _sheet(sheet):
                    waiting.append(text)
                    size += len(text)
                    if size > PIECE:
                        part.write("".join(waiting).encode())
                        waiting, size = [], 0
                        if sink.size:
                            yield sink.fetch()
                part.write("".join(waiting).encode())
    yield sink.fetch()


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, MADE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _frame(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    numbers = range(1, len(sheets) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>' for n in numbers)
    types = (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{overrides}</Types>'
    )
    yield "[Content_Types].xml", types
    root = (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    yield "_rels/.rels", root
    listed = "".join(f'<sheet name={quoteattr(sheet.name[:31])} sheetId="{n}" r:id="rId{n}"/>' for n, sheet in enumerate(sheets, 1))
    yield "xl/workbook.xml", f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    relations = "".join(f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers)
    parts = (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relations}'
        f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    )
    yield "xl/_rels/workbook.xml.rels", parts
    yield "xl/styles.xml", _STYLES


def _sheet(sheet: Sheet) -> Iterator[str]:
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{min(head.width, WIDEST)}" style="{PLAIN if head.is_number else WORDS}" customWidth="1"/>'
        for n, head in enumerate(sheet.heads, 1)
    )
    yield (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>"
    )
    letters = [letter_of(place) for place in range(len(sheet.heads))]
    yield _row(1, letters, [head.heading for head in sheet.heads], HEAD)
    number = 1
    for number, cells in enumerate(sheet.rows, 2):
        yield _row(number, letters, cells, WORDS)
    yield "</sheetData>"
    lists = [(letter, head.words) for letter, head in zip(letters, sheet.heads, strict=True) if 0 < len(",".join(head.words)) < 250]
    if lists:
        checks = "".join(
            f'<dataValidation type="list" allowBlank="1" sqref="{letter}2:{letter}{max(number, CHOICES_FOR_ROWS)}">'
            f"<formula1>{escape(chr(34) + ','.join(words) + chr(34))}</formula1></dataValidation>"
            for letter, words in lists
        )
        yield f'<dataValidations count="{len(lists)}">{checks}</dataValidations>'
    yield "</worksheet>"


def _row(number: int, letters: list[str], cells: Sequence[str], style: int) -> str:
    parts = [f'<row r="{number}">']
    for letter, cell in zip(letters, cells, strict=False):
        if cell == "":
            continue
        if isinstance(cell, Figure):
            parts.append(f'<c r="{letter}{number}"><v>{escape(cell)}</v></c>')
        else:
            text = escape(escaped(cell))
            parts.append(f'<c r="{letter}{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
    parts.append("</row>")
    return "".join(parts)


def letter_of(place: int) -> str:
    """The letters over a column counted from 0: A, Z, AA…"""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
