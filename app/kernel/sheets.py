"""Tables that people hand in or take away as CSV: read whole, with an error for every cell that cannot be used.

Nothing is half done: `read` collects all problems before anybody writes a row. Headings may be Chinese or the field's
English name; the file may come from a spreadsheet program in UTF-8 (with or without a mark) or GB 18030.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import N_, Invalid, Refusal

MOST_ROWS = 20_000


@dataclass(frozen=True)
class CellProblem:
    """What is wrong with one cell: line and column as the spreadsheet shows them, and the way out."""

    line: int
    column: str
    figure: str
    rule: str
    way_out: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"line": self.line, "column": self.column, "figure": self.figure, "rule": self.rule, "way_out": self.way_out}


class SheetRefused(Invalid):
    """The table has cells that cannot be used; nothing of it was taken over."""

    code = "sheet.refused"
    message = N_("表格有 %(count)s 处错误，没有导入任何一行")
    way_out = N_("按清单逐处改正后重新导入")
    count: int
    problems: tuple[CellProblem, ...]


class UnreadableSheet(Invalid):
    """The bytes are not a table."""

    code = "sheet.unreadable"
    message = N_("文件不是可读的 CSV 表格：%(why)s")
    way_out = N_("在电子表格软件中另存为“CSV UTF-8”后重试")
    why: str


class BadCell(ValueError):
    """Raised by a column's reader: the rule that the figure breaks, and the way out."""

    def __init__(self, rule: str, way_out: str) -> None:
        super().__init__(rule)
        self.rule, self.way_out = rule, way_out


@dataclass(frozen=True)
class Column:
    """One column: field name, Chinese heading, whether every row needs it, and how its text is read (raises BadCell)."""

    name: str
    heading: str
    required: bool = True
    parse: Callable[[str], Any] = str


@dataclass(frozen=True)
class SheetRow:
    """One line that could be read."""

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


def text_of(raw: bytes) -> str:
    """The text of an uploaded file. Raises UnreadableSheet."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableSheet(why="UTF-8 / GB 18030")


def read(text: str, columns: Sequence[Column]) -> tuple[list[SheetRow], list[CellProblem]]:
    """All rows that can be read and all problems of the others. Raises UnreadableSheet."""
    if "\0" in text:
        raise UnreadableSheet(why="NUL")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    if not lines:
        raise UnreadableSheet(why=N_("文件是空的"))
    if len(lines) > MOST_ROWS:
        raise UnreadableSheet(why=f"> {MOST_ROWS}")
    heads = [head.strip() for head in lines[0]]
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
    for line, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        values: dict[str, Any] = {}
        bad = len(problems)
        for column in columns:
            place = places.get(column.name)
            raw = cells[place].strip() if place is not None and place < len(cells) else ""
            if not raw:
                values[column.name] = None
                if column.required:
                    problems.append(CellProblem(line, column.heading, "", N_("必填"), N_("填写该单元格")))
                continue
            try:
                values[column.name] = column.parse(raw)
            except BadCell as error:
                problems.append(CellProblem(line, column.heading, raw, error.rule, error.way_out))
            except Refusal as error:
                problems.append(CellProblem(line, column.heading, raw, error.message % error.facts, error.way_out or N_("改正该单元格")))
        if len(problems) == bad:
            rows.append(SheetRow(line, values))
    return rows, problems


def refuse(problems: Sequence[CellProblem]) -> None:
    """Refuse the whole table when anything is wrong with it. Raises SheetRefused."""
    if problems:
        ordered = tuple(sorted(problems, key=lambda each: (each.line, each.column)))
        raise SheetRefused(count=len(ordered), problems=ordered)


def defused(cell: str) -> str:
    """The text with a mark in front when a spreadsheet program would take it for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def written(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file for spreadsheet programs: UTF-8 with its mark, every cell defused."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([defused("" if cell is None else str(cell)) for cell in row])
        yield line.getvalue()
