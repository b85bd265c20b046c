"""Tables that people hand in or take away, as xlsx or CSV: one reader, one way to say what is wrong with a cell, one writer.

Whatever the file, its rows come as text. A chapter says which columns it takes; each cell that cannot be used is reported with
row, column, figure, rule and way out. What leaves is defused: no cell begins with what a spreadsheet program takes for a formula,
and the mark that prevents it is taken off again when the table comes back.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, Final

from app.kernel import delimited, xlsx
from app.kernel.errors import N_, Invalid, Refusal
from app.kernel.tabular import Line, SheetTooBig, UnreadableSheet

__all__ = ["Line", "SheetTooBig", "UnreadableSheet"]

LOOKED_AT: Final = 10
"""The headings stand within so many rows from the top: exports may begin with a note."""


class Format(StrEnum):
    """What a file is, found by its content."""

    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True)
class CellProblem:
    """What is wrong with one cell: row and column as the spreadsheet shows them, and the way out; `facts` fill the two sentences."""

    line: int
    column: str
    figure: str
    rule: str
    way_out: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, in Chinese."""
        rule, way_out = (text % self.facts if self.facts else text for text in (self.rule, self.way_out))
        return {"line": self.line, "column": self.column, "figure": self.figure, "rule": rule, "way_out": way_out}


class SheetRefused(Invalid):
    """The table has cells that cannot be used; nothing of it was taken over."""

    code = "sheet.refused"
    message = N_("表格有 %(count)s 处错误，没有导入任何一行")
    way_out = N_("按清单逐处改正后重新导入")
    count: int
    problems: tuple[CellProblem, ...]


class BadCell(ValueError):
    """Raised by a column's reader: the rule that the figure breaks, and the way out."""

    def __init__(self, rule: str, way_out: str, **facts: Any) -> None:
        super().__init__(rule)
        self.rule, self.way_out, self.facts = rule, way_out, facts


@dataclass(frozen=True)
class Column:
    """One column: field name, Chinese heading, whether every row needs it, how its text is read (raises BadCell or a Refusal), other
    headings it is known by, the words to choose from, a sample, what it means, and whether it holds numbers.
    """

    name: str
    heading: str
    required: bool = True
    parse: Callable[[str], Any] = str
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    sample: str = ""
    note: str = ""
    is_number: bool = False
    most: int = 0
    """Characters; 0 for as many as a cell holds."""


@dataclass(frozen=True)
class SheetRow:
    """One row that could be read."""

    line: int
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do."""

    rows: int
    added: int
    changed: int = 0
    dry_run: bool = False


# ---------------------------------------------------------------- files to rows


def format_of(head: bytes) -> Format:
    """What a file is, by its first bytes, whatever its name says. Raises UnreadableSheet."""
    if xlsx.is_archive(head):
        return Format.XLSX
    for mark, why in REFUSED:
        if head.startswith(mark):
            raise UnreadableSheet(why=why)
    return Format.CSV


REFUSED: Final = (
    (b"\xd0\xcf\x11\xe0", N_("这是加密的工作簿或旧版 xls，请去掉密码并另存为 xlsx")),
    (b"PK\x05\x06", N_("压缩包里没有工作簿")),
    (b"%PDF", N_("这是 PDF 文件")),
    (b"\x89PNG", N_("这是图片")),
    (b"\xff\xd8\xff", N_("这是图片")),
    (b"GIF8", N_("这是图片")),
    (b"\x1f\x8b", N_("这是压缩文件")),
    (b"Rar!", N_("这是压缩文件")),
    (b"7z\xbc\xaf", N_("这是压缩文件")),
)


def lines(file: BinaryIO) -> Iterator[Line]:
    """The rows of a file that hold anything, as text, marks against formulas taken off. Raises UnreadableSheet, SheetTooBig."""
    file.seek(0)
    reader = xlsx.lines if format_of(file.read(8)) is Format.XLSX else delimited.lines
    for line in reader(file):
        yield Line(line.number, [armed(cell) for cell in line.cells])


def text_of(raw: bytes) -> str:
    """The text of a CSV file. Raises UnreadableSheet."""
    file = io.BytesIO(raw)
    return raw.decode(delimited.encoding_of(file)).removeprefix("\ufeff")


# ---------------------------------------------------------------- headings and cells


def plain(heading: str) -> str:
    """A heading without blanks, marks of what must be filled in, brackets and case."""
    return re.sub(r"[\s*＊()（）\[\]【】:：_\-/]", "", heading).lower()


def headings_of(first: Sequence[Line], known: Iterable[str]) -> Line:
    """The row of headings: of the first few the one with the most known words; the very first when there is none."""
    words = {plain(word) for word in known}
    return max(first[:LOOKED_AT], key=lambda line: (sum(plain(cell) in words for cell in line.cells), -line.number))


def read_cell(column: Column, text: str, line: int) -> tuple[Any, CellProblem | None]:
    """The value of one cell, or what is wrong with it; empty ones are None."""
    text = text.strip()
    if not text:
        return None, CellProblem(line, column.heading, "", N_("必填"), N_("填写该单元格")) if column.required else None
    if column.most and len(text) > column.most:
        rule, way_out = N_("最多 %(most)s 个字，现有 %(length)s 个"), N_("缩短到 %(most)s 个字以内")
        return None, CellProblem(line, column.heading, text, rule, way_out, {"most": column.most, "length": len(text)})
    try:
        return column.parse(text), None
    except BadCell as error:
        return None, CellProblem(line, column.heading, text, error.rule, error.way_out, error.facts)
    except Refusal as error:
        return None, refused(line, column.heading, text, error)


def whole(text: str) -> int:
    """A whole number above nought, at most a thousand million. Raises BadCell."""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and 0 < int(text) <= 10**9):
        raise BadCell(N_("应为大于零的整数"), N_("只填写数字，如 20"))
    return int(text)


YES, NO = N_("是"), N_("否")
YES_OR_NO: Final = (YES, NO)
_SAID: Final = {YES: True, "true": True, "yes": True, "1": True, NO: False, "false": False, "no": False, "0": False}


def yes_or_no(text: str) -> bool:
    """Yes or no, as people or programs write it. Raises BadCell."""
    if (found := _SAID.get(text.lower())) is None:
        raise BadCell(N_("只能填写是或否"), N_("填写是或否，或留空"))
    return found


def refused(line: int, heading: str, figure: str, refusal: Refusal) -> CellProblem:
    """A refusal of a rule as the problem of a cell."""
    facts = {name: fact for name, fact in refusal.facts.items() if isinstance(fact, str | int) and name != "field"}
    return CellProblem(line, heading, figure, refusal.message, refusal.way_out or N_("改正该单元格"), facts)


def read_row(columns: Sequence[Column], places: Mapping[str, int], line: Line) -> tuple[SheetRow, list[CellProblem]]:
    """The values of a row by field name, `places` saying where each field stands, and what is wrong with its cells."""
    values: dict[str, Any] = {}
    problems: list[CellProblem] = []
    for column in columns:
        place = places.get(column.name)
        text = line.cells[place] if place is not None and place < len(line.cells) else ""
        values[column.name], problem = read_cell(column, text, line.number)
        if problem is not None:
            problems.append(problem)
    return SheetRow(line.number, values), problems


def table_of(raw: bytes) -> list[Line]:
    """All rows of a small file. Raises UnreadableSheet, SheetTooBig."""
    return list(lines(io.BytesIO(raw)))


def read(table: Sequence[Line], columns: Sequence[Column]) -> tuple[list[SheetRow], list[CellProblem]]:
    """All rows of a small table that can be read and all problems of the others. Raises UnreadableSheet."""
    if not table:
        raise UnreadableSheet(why=N_("文件是空的"))
    heads = [head.strip() for head in table[0].cells]
    places = {column.name: i for column in columns for i, head in enumerate(heads) if head in (column.name, column.heading)}
    problems = [
        CellProblem(1, column.heading, "", N_("缺少这一列"), N_("在第一行加上列名（中文或英文名均可）"))
        for column in columns
        if column.required and column.name not in places
    ]
    known = {word for column in columns for word in (column.name, column.heading)}
    problems += [
        CellProblem(1, head, head, N_("不认识这一列"), N_("删去该列，或改为说明中的列名")) for head in heads if head and head not in known
    ]
    if problems:
        return [], problems
    rows: list[SheetRow] = []
    for line in table[1:]:
        row, wrong = read_row(columns, places, line)
        problems += wrong
        if not wrong:
            rows.append(row)
    return rows, problems


def refuse(problems: Sequence[CellProblem]) -> None:
    """Refuse the whole table when anything is wrong with it. Raises SheetRefused."""
    if problems:
        ordered = tuple(sorted(problems, key=lambda each: (each.line, each.column)))
        raise SheetRefused(count=len(ordered), problems=ordered)


# ---------------------------------------------------------------- rows that leave

_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


def defused(cell: str) -> str:
    """The text with a mark in front when a spreadsheet program would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def armed(cell: str) -> str:
    """What `defused` was given: the mark is taken off again."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def written(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file for spreadsheet programs: UTF-8 with its mark, every cell defused."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([defused("" if cell is None else str(cell)) for cell in row])
        yield line.getvalue()
