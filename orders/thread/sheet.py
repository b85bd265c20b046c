"""Orders as a table: taken away as the list shows them, and held against the books again; a table never changes an order."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy.orm import Session

from app.bulk.entity import Cells, Entity, Judged, Verdict
from app.bulk.states import Outcome
from app.kernel import clock, money
from app.kernel.errors import N_
from app.kernel.sheets import CellProblem, Column, SheetRow
from app.kernel.xlsx_writing import Figure
from app.policy import Actor, Permission
from orders.purchases.states import STATE_NAMES
from orders.thread import forms, queries

COLUMNS: Final = (
    Column("number", N_("订单号"), most=40),
    Column("submitted", N_("提交时间"), required=False),
    Column("unit", N_("采购单位"), required=False),
    Column("supplier", N_("供应商"), required=False),
    Column("title", N_("商品"), required=False),
    Column("lines", N_("行数"), required=False, is_number=True),
    Column("total", N_("金额（元）"), required=False, is_number=True),
    Column("state", N_("状态"), required=False),
    Column("due", N_("期限"), required=False),
    Column("held", N_("所选栏金额（元）"), required=False, is_number=True, note=N_("列表按预算栏筛选时才有")),
)


def cells_of(row: queries.OrderRow) -> dict[str, str]:
    """An order as the table has it."""
    order = row.order
    return {
        "number": order.number, "submitted": clock.local(order.submitted_at).strftime("%Y-%m-%d %H:%M:%S"), "unit": row.unit,
        "supplier": row.supplier, "title": row.title, "lines": Figure(row.lines),
        "total": Figure(money.yuan(order.total_fen).replace(",", "")), "state": STATE_NAMES[order.state],
        "due": clock.local(order.due_at).strftime("%Y-%m-%d %H:%M") if order.due_at else "",
        "held": Figure(money.yuan(row.held_fen).replace(",", "")) if row.held_fen is not None else "",
    }  # fmt: skip


def judge(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """Every row is held against the order as it stands; nothing is ever changed."""
    known = queries.numbered(session, actor, [row["number"] for row in rows])
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    for row in rows:
        found = known.get(row["number"])
        if found is None:
            problems.append(CellProblem(row.line, COLUMNS[0].heading, row["number"], N_("没有这个订单，或您无权查看"), N_("核对订单号")))
            continue
        stands = cells_of(found)
        rule, way_out = N_("与系统记录不同，现为“%(stands)s”"), N_("订单不能用表格修改，请在订单页办理")
        wrong = [
            CellProblem(row.line, column.heading, row[column.name], rule, way_out, {"stands": str(stands[column.name])})
            for column in COLUMNS
            if column.name != "held" and row[column.name] is not None and not _same(row[column.name], stands[column.name])
        ]
        problems += wrong
        if not wrong:
            judged.append(Judged(row, Outcome.UNCHANGED))
    return judged, problems


def _same(told: str, stands: str) -> bool:
    """Spreadsheet programs drop the noughts behind a point, and blanks at the ends."""
    if isinstance(stands, Figure):
        with contextlib.suppress(InvalidOperation):
            return Decimal(told.replace(",", "")) == Decimal(stands)
    return told == stands.strip()


def write(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Nothing is written: a row changes nothing, or is wrong."""


def export(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The orders as the list narrows and sorts them. Raises BadFilter."""
    filters, only = forms.narrowing(actor, args)
    return map(cells_of, queries.exported(session, actor, filters, only=only))


ENTITIES: Final = (
    Entity(
        name="orders", label=N_("订单"), note=N_("导出列表所见；导入只与系统记录核对，逐格指出不同之处"), columns=COLUMNS, key=("number",),
        imports=Permission.ORDER_READ, exports=Permission.ORDER_READ, judge=judge, write=write, export=export, page="thread.orders",
    ),
)  # fmt: skip
