"""Reads CSV from spreadsheet programs row by row: finds the encoding over the whole file first, then the separator."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from app.kernel.errors import N_
from app.kernel.tabular import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Line, SheetTooBig, UnreadableSheet, measured

PIECE: Final = 64 * 1024
MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ufffe\uffff\ue000-\uf8ff]")
"""Control signs, replacement signs and private characters: no table that people wrote holds them, a wrongly read one soon does."""


def lines(file: BinaryIO) -> Iterator[Line]:
    """The rows that hold anything; the number is that of the row, not of the line of text. Raises UnreadableSheet, SheetTooBig."""
    encoding = encoding_of(file)
    file.seek(0)
    first = _text(file, encoding)
    separator = _separator(first.readline(PIECE))
    first.detach()
    file.seek(0)
    text = _text(file, encoding)
    rows = csv.reader(_bounded(text), delimiter=separator)
    try:
        for number, cells in enumerate(rows, 1):
            if number > MOST_ROWS + 20:
                raise SheetTooBig(what=N_("行数"), figure=number, most=MOST_ROWS)
            while cells and not cells[-1].strip():
                cells.pop()
            if len(cells) > MOST_COLUMNS:
                raise SheetTooBig(what=N_("列数"), figure=len(cells), most=MOST_COLUMNS)
            if any(cells):
                yield measured(Line(number, cells))
    except csv.Error as error:
        raise SheetTooBig(what=N_("单元格字数"), figure=N_("一个没有收尾的引号之后的全部内容"), most=LONGEST_CELL) from error
    finally:
        text.detach()


def _text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedReader(_Kept(file)), encoding=encoding, newline="")


class _Kept(io.RawIOBase):
    """The file under another hand that may not close it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, room: memoryview) -> int:  # type: ignore[override]
        data = self.file.read(len(room))
        room[: len(data)] = data
        return len(data)


def encoding_of(file: BinaryIO) -> str:
    """UTF-8 with or without its mark, UTF-16, or GB 18030; every byte of the file fits. Raises UnreadableSheet."""
    file.seek(0)
    head = file.read(4096)
    if not head.strip():
        raise UnreadableSheet(why=N_("文件是空的"))
    marked = next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)
    if marked is None and head[1::2].count(0) > len(head) // 5:
        marked = "utf-16-le"
    elif marked is None and head[0::2].count(0) > len(head) // 5:
        marked = "utf-16-be"
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        if _fits(file, encoding):
            return encoding
    raise UnreadableSheet(why=N_("文字编码不是 UTF-8、UTF-16 或 GB 18030，或含有控制字符"))


def _fits(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while piece := file.read(PIECE):
            if NO_TEXT.search(decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _separator(head: str) -> str:
    """What stands most often in the first line outside quotation marks; a comma when nothing does."""
    first = re.sub(r'"[^"]*"', "", head.lstrip("\ufeff")).splitlines()[:1] or [""]
    return max((",", "\t", ";"), key=first[0].count)


def _bounded(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines of text, none of them without end."""
    while line := text.readline(4 * LONGEST_CELL):
        if len(line) >= 4 * LONGEST_CELL:
            raise SheetTooBig(what=N_("一行的字数"), figure=len(line), most=4 * LONGEST_CELL)
        yield line
