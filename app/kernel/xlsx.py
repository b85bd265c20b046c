"""Reads the first sheet of an xlsx workbook row by row, in bounded memory, and refuses bombs before anything is unpacked.

The parts of the format that tables need are few: the list of sheets, the shared strings, which styles are dates, and the cells.
They are read with expat in small pieces; a document type, an entity, a token that never ends or elements without end are refused.
"""

import contextlib
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import BinaryIO, Final
from xml.parsers import expat  # nosec B407 - no document type and no entity gets past _parse

from app.kernel.errors import N_
from app.kernel.tabular import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Line, SheetTooBig, UnreadableSheet, measured

MOST_ENTRIES: Final = 500
MOST_DIRECTORY: Final = 128 * 1024
MOST_BYTES: Final = 400 * 1024 * 1024
"""Unpacked, all parts together."""
MOST_STRING_BYTES: Final = 64 * 1024 * 1024
MOST_STRINGS: Final = 1_000_000
MOST_STRING_CHARS: Final = 24_000_000
MOST_OTHER_BYTES: Final = 8 * 1024 * 1024
MOST_RATIO: Final = 150
RATIO_COUNTS_FROM: Final = 4 * 1024 * 1024
DEEPEST: Final = 40
LONGEST_TOKEN: Final = 1024 * 1024
PIECE: Final = 64 * 1024

DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, EOFError, OSError, LookupError, ValueError, RuntimeError,
    NotImplementedError,
)  # fmt: skip
"""What the libraries say of bytes that are no workbook; an encoding that nobody knows is a LookupError."""
DATES: Final = {*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)}
"""The built-in number formats that show a date or a time."""
DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a day in a spreadsheet has no zone
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLAIN: Final = re.compile(r"-?\d{1,300}")
_OPAQUE: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def lines(file: BinaryIO) -> Iterator[Line]:
    """The rows of the first sheet that hold anything. Raises UnreadableSheet, SheetTooBig."""
    _measure_directory(file)
    with _readable(), zipfile.ZipFile(file) as archive:
        _measure(archive)
        sheet, strings_part, styles_part = _parts(archive)
        strings = _strings(archive, strings_part) if strings_part else []
        dates = _date_styles(archive, styles_part) if styles_part else frozenset()
        yield from _Sheet(strings, dates).read(archive, sheet)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except DAMAGE as e:
        raise UnreadableSheet(why=N_("xlsx 工作簿已损坏或不完整")) from e


# ---------------------------------------------------------------- before anything is unpacked


def _measure_directory(file: BinaryIO) -> None:
    """The end of the archive says how long its directory is; a directory of a million entries is not even listed."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise UnreadableSheet(why=N_("xlsx 工作簿已损坏或不完整"))
    entries, length = struct.unpack_from("<HI", tail, at + 10)
    if entries > MOST_ENTRIES or length > MOST_DIRECTORY:
        raise SheetTooBig(what=N_("压缩包内的文件数"), figure=entries, most=MOST_ENTRIES)
    file.seek(0)


def _measure(archive: zipfile.ZipFile) -> None:
    names = set()
    total = 0
    for info in archive.infolist():
        name = info.filename.lower()
        if info.flag_bits & 0x41:
            raise UnreadableSheet(why=N_("工作簿已加密，请先去掉打开密码"))
        if name.endswith("vbaproject.bin"):
            raise UnreadableSheet(why=N_("工作簿带有宏，请另存为不带宏的 xlsx"))
        if name in names or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UnreadableSheet(why=N_("xlsx 工作簿已损坏或不完整"))
        names.add(name)
        total += info.file_size
        if info.file_size > RATIO_COUNTS_FROM and info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise SheetTooBig(what=N_("压缩比"), figure=info.file_size // max(info.compress_size, 1), most=MOST_RATIO)
    if len(names) > MOST_ENTRIES:
        raise SheetTooBig(what=N_("压缩包内的文件数"), figure=len(names), most=MOST_ENTRIES)
    if total > MOST_BYTES:
        raise SheetTooBig(what=N_("解压后的字节数"), figure=total, most=MOST_BYTES)
    if "xl/workbook.bin" in names:
        raise UnreadableSheet(why=N_("这是 xlsb 二进制工作簿"))
    if "xl/workbook.xml" not in names:
        raise UnreadableSheet(why=N_("压缩包里没有工作簿"))


# ---------------------------------------------------------------- XML in small pieces


def _parse(
    archive: zipfile.ZipFile,
    name: str,
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None] | None = None,
    most: int = MOST_OTHER_BYTES,
) -> Iterator[None]:
    """Feed one part to the handlers, pausing after every piece. Raises UnreadableSheet, SheetTooBig."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise SheetTooBig(what=N_("解压后的字节数"), figure=size, most=most)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = moved = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, moved
        depth, moved = depth + 1, moved + 1
        if depth > DEEPEST:
            raise UnreadableSheet(why=N_("XML 嵌套过深"))
        start(tag.rpartition(" ")[2], attributes)

    def close(tag: str) -> None:
        nonlocal depth, moved
        depth, moved = depth - 1, moved + 1
        end(tag.rpartition(" ")[2])

    def words(data: str) -> None:
        nonlocal moved
        moved += 1
        if text is not None:
            text(data)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, close, words
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = _forbidden
    quiet = 0
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            before = moved
            parser.Parse(piece, False)
            quiet = 0 if moved > before else quiet + len(piece)
            if quiet > LONGEST_TOKEN:
                raise UnreadableSheet(why=N_("XML 中有过长的标记"))
            yield
        parser.Parse(b"", True)
        yield


def _forbidden(*_: object) -> int:
    raise UnreadableSheet(why=N_("XML 中有文档类型或实体定义"))


def _whole(archive: zipfile.ZipFile, name: str, *, start: Callable[[str, dict[str, str]], None]) -> None:
    for _ in _parse(archive, name, start=start, end=lambda _tag: None):
        pass


def _parts(archive: zipfile.ZipFile) -> tuple[str, str | None, str | None]:
    """The names of the first sheet, the shared strings and the styles."""
    names = {info.filename.lower(): info.filename for info in archive.infolist()}
    sheets: list[str] = []
    targets: dict[str, tuple[str, str]] = {}

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            sheets.extend(value for key, value in attributes.items() if key.endswith(" id"))

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            targets[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], path)

    _whole(archive, names["xl/workbook.xml"], start=sheet)
    _whole(archive, names["xl/_rels/workbook.xml.rels"], start=relation)
    first = next((path for key in sheets for kind, path in [targets.get(key, ("", ""))] if kind == "worksheet"), "")
    if first.lower() not in names:
        raise UnreadableSheet(why=N_("压缩包里没有工作簿"))
    by_kind = {kind: names[path.lower()] for kind, path in targets.values() if path.lower() in names}
    return names[first.lower()], by_kind.get("sharedStrings"), by_kind.get("styles")


def _strings(archive: zipfile.ZipFile, name: str) -> list[str]:
    strings: list[str] = []
    parts: list[str] = []
    keep, phonetic, length, total = False, False, 0, 0

    def start(tag: str, _attributes: dict[str, str]) -> None:
        nonlocal keep, phonetic, length
        if tag == "si":
            parts.clear()
            length = 0
        elif tag == "rPh":
            phonetic = True
        elif tag == "t":
            keep = not phonetic

    def end(tag: str) -> None:
        nonlocal keep, phonetic, total
        if tag == "t":
            keep = False
        elif tag == "rPh":
            phonetic = False
        elif tag == "si":
            total += length
            if len(strings) >= MOST_STRINGS:
                raise SheetTooBig(what=N_("共享字符串数"), figure=len(strings) + 1, most=MOST_STRINGS)
            if total > MOST_STRING_CHARS:
                raise SheetTooBig(what=N_("共享字符串的字数"), figure=total, most=MOST_STRING_CHARS)
            strings.append(unescaped("".join(parts)))

    def text(data: str) -> None:
        nonlocal length
        if keep:
            length += len(data)
            if length > LONGEST_CELL:
                raise SheetTooBig(what=N_("单元格字数"), figure=length, most=LONGEST_CELL)
            parts.append(data)

    for _ in _parse(archive, name, start=start, end=end, text=text, most=MOST_STRING_BYTES):
        pass
    return strings


def _date_styles(archive: zipfile.ZipFile, name: str) -> frozenset[int]:
    """The numbers of the cell styles that show a date."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag in {"cellXfs", "cellStyleXfs", "dxfs", "cellStyles"}:
            inside = tag == "cellXfs"
        elif tag == "xf" and inside:
            styles.append(attributes.get("numFmtId", "0"))

    _whole(archive, name, start=start)
    return frozenset(
        place for place, number in enumerate(styles)
        if (number.isdecimal() and int(number) in DATES) or re.search("[ymdhs]", _OPAQUE.sub("", formats.get(number, "")).lower())
    )


# ---------------------------------------------------------------- the cells


class _Sheet:
    """Gathers cells into rows while the parser goes on."""

    def __init__(self, strings: list[str], dates: frozenset[int]) -> None:
        self.strings, self.dates = strings, dates
        self.ready: list[Line] = []
        self.number = self.column = self.rows = self.length = 0
        self.cells: list[str] = []
        self.parts: list[str] = []
        self.kind, self.style = "n", "0"
        self.keep = self.phonetic = False

    def read(self, archive: zipfile.ZipFile, name: str) -> Iterator[Line]:
        for _ in _parse(archive, name, start=self.start, end=self.end, text=self.text, most=MOST_BYTES):
            yield from self.ready
            self.ready.clear()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "0")
            self.column = _column(attributes.get("r", ""), self.column)
            self.parts.clear()
            self.length = 0
        elif tag in {"v", "t"}:
            self.keep = not self.phonetic
        elif tag == "row":
            told = attributes.get("r", "")
            self.number = int(told) if told.isdecimal() and len(told) < 9 else self.number + 1
            self.rows += 1
            if self.rows > MOST_ROWS + 20:
                raise SheetTooBig(what=N_("行数"), figure=self.rows, most=MOST_ROWS)
            self.cells, self.column = [], 0
        elif tag == "rPh":
            self.phonetic = True

    def text(self, data: str) -> None:
        if self.keep:
            self.length += len(data)
            if self.length > LONGEST_CELL:
                raise SheetTooBig(what=N_("单元格字数"), figure=self.length, most=LONGEST_CELL)
            self.parts.append(data)

    def end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            self.keep = False
        elif tag == "c":
            if self.parts:
                if len(self.cells) < self.column:
                    self.cells += [""] * (self.column - len(self.cells))
                self.cells[self.column - 1] = self._value("".join(self.parts))
        elif tag == "row":
            if any(self.cells):
                self.ready.append(measured(Line(self.number, self.cells)))
        elif tag == "rPh":
            self.phonetic = False

    def _value(self, text: str) -> str:
        if self.kind == "s":
            place = int(text)
            if not 0 <= place < len(self.strings):
                raise UnreadableSheet(why=N_("xlsx 工作簿已损坏或不完整"))
            return self.strings[place]
        if self.kind == "n":
            return _number(text, is_date=self.style.isdecimal() and int(self.style) in self.dates)
        if self.kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        return unescaped(text)


def _column(reference: str, before: int) -> int:
    """The place of a cell such as C12, counted from 1. Raises SheetTooBig."""
    place = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        place = place * 26 + ord(letter) - 64
    place = place or before + 1
    if place > MOST_COLUMNS:
        raise SheetTooBig(what=N_("列数"), figure=place, most=MOST_COLUMNS)
    return place


def _number(text: str, *, is_date: bool) -> str:
    """A number as people type it: whole ones without a point, no exponents, dates as days."""
    if _PLAIN.fullmatch(text) and not is_date:
        return text
    try:
        figure = float(text)
    except ValueError:
        return text
    if not abs(figure) < 1e15:
        return text
    if is_date and 0 < figure < 2_958_466:
        moment = DAY_ZERO + timedelta(seconds=round(figure * 86_400))
        return moment.date().isoformat() if figure == int(figure) else moment.isoformat(sep=" ")
    return str(int(figure)) if figure == int(figure) else format(Decimal(repr(figure)), "f")


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written as _x0009_; NUL and halves of pairs stay as they are written."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return found[0] if number == 0 or 0xD800 <= number < 0xE000 else chr(number)


def escaped(text: str) -> str:
    """The other way round, as `xlsx_writing` needs it."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]", lambda found: f"_x{ord(found[0]):04X}_", text)


def is_archive(head: bytes) -> bool:
    """Whether a file begins like an xlsx workbook."""
    return head.startswith(b"PK\x03\x04")
