"""Tables as xlsx workbooks: written with the same bytes every time, and read with limits, so that no file can eat the machine.

Only what a table needs is understood: one sheet of texts and numbers. Formulas are never run: their stored result is read.
"""

import io
import re
import xml.etree.ElementTree as ET  # entities are refused below before anything is parsed  # nosec B405
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape  # nosec B406

from app.kernel.errors import N_
from app.kernel.sheets import UnreadableSheet

KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one part after unpacking."""
MOST_RATIO: Final = 100
"""How many times larger a part may be than it is packed."""
MOST_COLUMNS: Final = 50
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_FIXED: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def written(name: str, rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet; whole numbers stay numbers, everything else is text that no program takes for a formula."""
    packed = io.BytesIO()
    parts = _FIXED | {
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{_said(name)[:31]}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(_rows(rows))}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in parts.items():
            archive.writestr(zipfile.ZipInfo(path, _LONG_AGO), _HEAD + text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _rows(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for no, row in enumerate(rows, start=1):
        yield f'<row r="{no}">{"".join(_cell(f"{_letters(place)}{no}", value) for place, value in enumerate(row))}</row>'


def _cell(at: str, value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<c r="{at}"><v>{value}</v></c>'
    return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{_said(str(value))}</t></is></c>'


def _said(text: str) -> str:
    return escape(_UNSAYABLE.sub("", text), {'"': "&quot;"})


def _letters(place: int) -> str:
    return (chr(64 + place // 26) if place >= 26 else "") + chr(65 + place % 26)


_BROKEN: Final = (zipfile.BadZipFile, zlib.error, ET.ParseError, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, OSError)


def looks_like(raw: bytes) -> bool:
    """Whether the bytes are packed as a workbook is."""
    return raw[:4] == b"PK\x03\x04"


def read(raw: bytes, most_rows: int) -> list[list[str]]:
    """The cells of the first sheet as text, row by row. Raises UnreadableSheet for what is no workbook or unpacks without measure."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            shared = _shared(_part(archive, "xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in archive.namelist() else []
            return _cells(_part(archive, _first_sheet(archive)), shared, most_rows)
    except _BROKEN as error:
        raise UnreadableSheet(why="xlsx") from error


def _first_sheet(archive: zipfile.ZipFile) -> str:
    names = sorted(name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name))
    if not names:
        raise UnreadableSheet(why="xlsx")
    return "xl/worksheets/sheet1.xml" if "xl/worksheets/sheet1.xml" in names else names[0]


def _part(archive: zipfile.ZipFile, name: str) -> Any:
    """One part as a tree. What it says of its own size is not believed: no more than the limit is ever unpacked."""
    told = archive.getinfo(name)
    if told.file_size > MOST_BYTES or told.file_size > max(told.compress_size, 1024) * MOST_RATIO:
        raise UnreadableSheet(why=N_("展开后过大"))
    with archive.open(name) as stream:
        text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text or text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise UnreadableSheet(why=N_("展开后过大"))
    return ET.fromstring(text)  # noqa: S314 - without a document type there are no entities  # nosec B314


def _shared(tree: Any) -> list[str]:
    return ["".join(part.text or "" for part in each.iter(f"{{{_MAIN}}}t")) for each in tree.iter(f"{{{_MAIN}}}si")]


def _cells(tree: Any, shared: Sequence[str], most_rows: int) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in tree.iter(f"{{{_MAIN}}}row"):
        if len(rows) >= most_rows:
            raise UnreadableSheet(why=f"> {most_rows}")
        number = row.get("r")
        if number is not None and number.isdecimal() and len(rows) < int(number) - 1 <= most_rows:
            rows += [[] for _ in range(int(number) - 1 - len(rows))]
        line: list[str] = []
        for cell in row.iter(f"{{{_MAIN}}}c"):
            place = _place(cell.get("r")) if cell.get("r") else len(line)
            if place >= MOST_COLUMNS:
                continue
            line += [""] * (place + 1 - len(line))
            line[place] = _text(cell, shared)
        rows.append(line)
    return rows


def _place(at: str) -> int:
    place = 0
    for letter in re.match(r"[A-Z]{0,3}", at)[0]:  # type: ignore[index]
        place = place * 26 + ord(letter) - 64
    return max(place - 1, 0)


def _text(cell: Any, shared: Sequence[str]) -> str:
    kind, value = cell.get("t"), cell.findtext(f"{{{_MAIN}}}v") or ""
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{{{_MAIN}}}t"))
    if kind == "s":
        place = int(value)
        return shared[place] if 0 <= place < len(shared) else ""
    return value.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", value) else value
