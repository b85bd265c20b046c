"""Shape of what is typed or uploaded by code: lines of a code and a quantity, from a form, pasted text, csv or xlsx."""

import re
from collections.abc import Sequence

from werkzeug.datastructures import FileStorage, MultiDict

from app.kernel import sheets
from app.kernel.sheets import CellProblem, Line, SheetRow
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
    return _read([Line(0, ["code", "quantity"]), *(Line(number, list(pair)) for number, pair in enumerate(pairs, 1))])


def read_file(file: FileStorage) -> tuple[list[SheetRow], list[CellProblem]]:
    """The lines of an xlsx or csv file, known by their headings. Raises UnreadableSheet, SheetTooBig, TooManyRows."""
    return _read(_known(sheets.table_of(file.stream.read())))


def _known(table: Sequence[Line]) -> list[Line]:
    """The two columns that are needed, under the names they have here."""
    places: dict[str, int] = {}
    for place, head in enumerate(cell.strip() for cell in table[0].cells) if table else ():
        field = CALLED.get(head) or CALLED.get(head.lower())
        if field is not None:
            places.setdefault(field, place)
    rows = (Line(row.number, [row.cells[place] if place < len(row.cells) else "" for place in places.values()]) for row in table[1:])
    return [Line(table[0].number, list(places)), *rows] if table else []


def _read(table: Sequence[Line]) -> tuple[list[SheetRow], list[CellProblem]]:
    filled = sum(any(cell.strip() for cell in row.cells) for row in table[1:])
    if filled > MOST_LINES:
        raise TooManyRows(count=filled)
    return sheets.read(table, COLUMNS)


def picked(fields: MultiDict[str, str]) -> list[tuple[int, int]]:
    """The offers chosen on the page of matched lines, with their quantities; those left open are left out."""
    pairs = zip(fields.getlist("listing"), fields.getlist("pieces"), strict=False)
    return [(listing, number(pieces) or 0) for each, pieces in pairs if (listing := number(each)) is not None][:MOST_LINES]
