"""Shape of what is typed or uploaded by code: lines of a code and a quantity, from a form, pasted text, csv or xlsx."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from werkzeug.datastructures import FileStorage, MultiDict

from app.kernel import sheets, workbooks
from app.kernel.sheets import CellProblem, SheetRow, UnreadableSheet
from orders.carts.forms import number
from orders.carts.rules import MOST_LINES
from orders.reorders.rules import CALLED, COLUMNS, TooManyRows

MOST_PASTED = 20_000
_PARTS = re.compile(r"[\t,;，；]+|\s+(?=\S+$)")
"""Between code and quantity: a tab, a comma, or the last space, for models may have spaces themselves."""


def typed(fields: MultiDict[str, str]) -> list[tuple[str, str]]:
    """The pairs of the form's rows and of the pasted lines, as they were typed; empty rows are left out."""
    pairs = [(code.strip(), quantity.strip()) for code, quantity in zip(fields.getlist("code"), fields.getlist("quantity"), strict=False)]
    for line in fields.get("lines", "")[:MOST_PASTED].splitlines():
        parts = [part.strip() for part in _PARTS.split(line.strip(), maxsplit=1)]
        pairs.append((parts[0], parts[1] if len(parts) > 1 else ""))
    return [(code, quantity) for code, quantity in pairs if code or (quantity and quantity != "1")]


def read_pairs(pairs: Sequence[tuple[str, str]]) -> tuple[list[SheetRow], list[CellProblem]]:
    """Typed lines with a problem for each cell that cannot be used. Raises TooManyRows."""
    rows, problems = _read([["code", "quantity"], *map(list, pairs)])
    return [SheetRow(row.line - 1, row.values) for row in rows], [
        CellProblem(each.line - 1, each.column, each.figure, each.rule, each.way_out) for each in problems
    ]


def read_file(file: FileStorage) -> tuple[list[SheetRow], list[CellProblem]]:
    """The lines of an xlsx or csv file, known by their headings. Raises UnreadableSheet, TooManyRows."""
    raw = file.stream.read(sheets.MOST_ROWS * 200)
    if workbooks.looks_like(raw):
        table = workbooks.read(raw, sheets.MOST_ROWS)
    else:
        text = sheets.text_of(raw).removeprefix("\ufeff")
        if "\0" in text:
            raise UnreadableSheet(why="NUL")
        try:
            table = list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            raise UnreadableSheet(why="CSV") from error
    return _read(_known(table))


def _known(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """The two columns that are needed, under the names they have here."""
    heads = [cell.strip() for cell in table[0]] if table else []
    places: dict[str, int] = {}
    for place, head in enumerate(heads):
        field = CALLED.get(head) or CALLED.get(head.lower())
        if field is not None:
            places.setdefault(field, place)
    return [
        list(places),
        *([row[place] if place < len(row) else "" for place in places.values()] for row in table[1:]),
    ] if table else []  # fmt: skip


def _read(table: Sequence[Sequence[str]]) -> tuple[list[SheetRow], list[CellProblem]]:
    filled = sum(any(cell.strip() for cell in row) for row in table[1:])
    if filled > MOST_LINES:
        raise TooManyRows(count=filled)
    return sheets.read(_text(table), COLUMNS)


def _text(table: Iterable[Sequence[str]]) -> str:
    """The table as the reader of sheets takes it, each cell in quotes."""
    return "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)


def picked(fields: MultiDict[str, str]) -> list[tuple[int, int]]:
    """The offers chosen on the page of matched lines, with their quantities; those left open are left out."""
    pairs = zip(fields.getlist("listing"), fields.getlist("pieces"), strict=False)
    return [(listing, number(pieces) or 0) for each, pieces in pairs if (listing := number(each)) is not None][:MOST_LINES]
