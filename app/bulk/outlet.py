"""What leaves as a file: templates, exports, rows with their reasons. Written as it is fetched, whatever the number of rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from app.bulk.entity import Cells, Entity
from app.bulk.queries import Problem
from app.kernel import sheets, xlsx_writing
from app.kernel.errors import N_
from app.kernel.sheets import Column, Format
from app.kernel.xlsx_writing import Figure, Head, Sheet

Say = Callable[..., str]

TYPES: dict[Format, str] = {
    Format.XLSX: xlsx_writing.KIND,
    Format.CSV: "text/csv; charset=utf-8",
}
LEGEND = ((N_("列名"), 18), (N_("是否必填"), 10), (N_("可选内容"), 24), (N_("示例"), 30), (N_("说明"), 48))
REASON, ROW = N_("错误原因"), N_("原行号")
IGNORED = frozenset({REASON, ROW})
"""Columns that we add; a table that comes back with them is read without them."""


def heads(columns: Sequence[Column], say: Say) -> list[Head]:
    """The columns of a workbook; what every row needs has a star."""
    return [
        Head(say(column.heading) + ("*" if column.required else ""), _width(column.heading), column.is_number, column.words)
        for column in columns
    ]


def _width(heading: str) -> int:
    return max(10, min(40, 2 * len(heading) + 6))


def template(entity: Entity, more: Sequence[Column], say: Say) -> Iterator[bytes]:
    """An empty workbook with the right columns, and a sheet that tells what each is for."""
    columns = [*entity.columns, *more]
    told = [
        [
            say(column.heading), say(N_("必填")) if column.required else say(N_("选填")), "、".join(column.words), column.sample,
            say(column.note) if column.note else "",
        ]
        for column in columns
    ]  # fmt: skip
    legend = [Head(say(word), width) for word, width in LEGEND]
    return xlsx_writing.written([Sheet(say(entity.label), heads(columns, say), ()), Sheet(say(N_("填写说明")), legend, told)])


def exported(entity: Entity, rows: Iterable[Cells], kind: Format, say: Say) -> Iterator[bytes]:
    """The rows as a file, each cell defused."""
    names = [column.name for column in entity.columns]
    cells = ([row.get(name, "") for name in names] for row in rows)
    titles = [say(column.heading) for column in entity.columns]
    if kind is Format.CSV:
        return (text.encode() for text in _joined(sheets.written(chain([titles], cells))))
    plain = [Head(head.heading.rstrip("*"), head.width, head.is_number) for head in heads(entity.columns, say)]
    return xlsx_writing.written([Sheet(say(entity.label), plain, (_safe(row) for row in cells))])


def failed(
    headings: Sequence[str], rows: Iterable[tuple[int, list[str], list[Problem]]], reason: Callable[[Problem], str], name: str, say: Say
) -> Iterator[bytes]:
    """The rows that have problems as they came, with the reasons: to be corrected and uploaded again."""
    kept = [place for place, heading in enumerate(headings) if sheets.plain(heading) not in _ignored(say)]
    titles = [Head(headings[place], _width(headings[place])) for place in kept]
    body = ([*(cells[place] for place in kept), "\n".join(map(reason, wrong)), Figure(line)] for line, cells, wrong in rows)
    return xlsx_writing.written([Sheet(name, [*titles, Head(say(REASON), 48), Head(say(ROW), 10, is_number=True)], map(_safe, body))])


def _ignored(say: Say) -> set[str]:
    return {sheets.plain(word) for known in IGNORED for word in (known, say(known))}


def _safe(row: Sequence[str]) -> list[str]:
    return [cell if isinstance(cell, Figure) else sheets.defused(cell) for cell in row]


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Pieces of a decent size instead of single lines."""
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size > xlsx_writing.PIECE:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join(waiting)


def titles(entity: Entity, say: Say) -> Mapping[str, list[str]]:
    """The headings of each column in another language."""
    return {column.name: [say(column.heading)] for column in entity.columns}
