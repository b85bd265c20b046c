"""What every table from outside is measured by before and while it is read, and how one that is too much or no table is refused."""

from dataclasses import dataclass
from typing import Any, Final

from app.kernel.errors import N_, Invalid

MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 200
LONGEST_CELL: Final = 32_767
"""What spreadsheet programs themselves allow in a cell."""
LONGEST_ROW: Final = 50_000
"""Characters in all cells of a row together, so that a batch of rows is bounded too."""


class UnreadableSheet(Invalid):
    """The bytes are not a table that can be read."""

    code = "sheet.unreadable"
    message = N_("文件不是可读的表格：%(why)s")
    way_out = N_("在电子表格软件中另存为 xlsx 工作簿或“CSV UTF-8”后重试")
    why: str


class SheetTooBig(Invalid):
    """The table, or what it would become when it is unpacked, is more than is taken at once."""

    code = "sheet.too_big"
    message = N_("%(what)s为 %(figure)s，上限为 %(most)s，文件没有被打开")
    way_out = N_("拆成几个文件分别导入，或删去多余的行、列和工作表")
    what: str
    figure: Any
    most: Any


@dataclass(frozen=True, slots=True)
class Line:
    """One row that holds something: its number as the spreadsheet shows it, and the text of its cells."""

    number: int
    cells: list[str]


def measured(line: Line) -> Line:
    """The row, when it is within bounds. Raises SheetTooBig."""
    if line.number > MOST_ROWS + 20:
        raise SheetTooBig(what=N_("行数"), figure=line.number, most=MOST_ROWS)
    if len(line.cells) > MOST_COLUMNS:
        raise SheetTooBig(what=N_("列数"), figure=len(line.cells), most=MOST_COLUMNS)
    if (longest := max(map(len, line.cells), default=0)) > LONGEST_CELL:
        raise SheetTooBig(what=N_("单元格字数"), figure=longest, most=LONGEST_CELL)
    if (length := sum(map(len, line.cells))) > LONGEST_ROW:
        raise SheetTooBig(what=N_("一行的字数"), figure=length, most=LONGEST_ROW)
    return line
