"""Plans as tables: the rows of one plan stand together under its title, and it is filed whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.bulk.entity import Cells, Entity, Judged, Verdict, differing, problem
from app.bulk.states import Outcome
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.money import parse_yuan, yuan
from app.kernel.sheets import CellProblem, Column, SheetRow, refused, whole
from app.kernel.xlsx_writing import Figure
from app.policy import Actor, Permission
from orders.budgets import queries as budgets
from orders.plans import queries, service
from orders.plans.rules import Origin, PlanLineInput, PlanRefused
from orders.plans.states import PlanState
from orders.plans.tables import Plan

COLUMNS: Final = (
    Column("number", N_("备案号"), required=False, note=N_("新备案的计划留空；已备案的不能用表格修改"), most=40),
    Column("title", N_("计划名称"), sample="2026 年办公设备采购计划", note=N_("同一计划的各行相同，并连续排列"), most=120),
    Column("line_no", N_("行号"), parse=whole, sample="1", note=N_("在计划内从 1 起"), is_number=True),
    Column("allotment", N_("指标编号"), sample="ZB-2026-001", most=60),
    Column("budget_line", N_("明细编号"), sample="CG-001", note=N_("采购预算明细的编号"), most=60),
    Column("category_code", N_("品目编码"), required=False, sample="A02021003", note=N_("留空为预算明细的品目"), most=9),
    Column("name", N_("名称"), sample="激光打印机", most=120),
    Column("quantity", N_("数量"), parse=whole, sample="20", is_number=True),
    Column("amount_fen", N_("金额（元）"), parse=parse_yuan, sample="26000.00", is_number=True),
)


_problem = partial(problem, COLUMNS)


def judge(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """New titles are filed; a plan that is filed already must be told as it is."""
    year = clock.today().year
    numbers, titles = {row["number"] for row in rows if row["number"]}, {row["title"] for row in rows}
    filed = queries.told(session, actor, numbers=numbers, titles=titles, year=year)
    codes = {row["budget_line"] for row in rows}
    sources = {(line.allotment.number, line.line.code): line for line in budgets.lines_coded(session, actor, codes).values()}
    seen: set[str] = memory.setdefault("titles", set())
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    by_title: dict[str, list[SheetRow]] = {}
    for row in rows:
        by_title.setdefault(row["title"], []).append(row)
    for title, mine in by_title.items():
        found = next((filed[key] for key in (mine[0]["number"], title) if key and key in filed), None)
        if title in seen and found is None:
            wrong = [_problem(mine[0], "title", N_("同一计划的各行没有连续排列"), N_("把同一计划的各行排在一起，并不超过 2,000 行"))]
        elif found is not None:
            wrong = _against(found, mine)
        elif mine[0]["number"]:
            wrong = [_problem(mine[0], "number", N_("没有这个备案号，或不属于本单位"), N_("新备案的计划留空这一格"))]
        else:
            wrong = _examine(session, actor, title, mine, sources)
        seen.add(title)
        problems += wrong
        if not wrong and found is None:
            judged += [Judged(row, Outcome.ADDED, _input(row, sources)) for row in mine]
        elif not wrong:
            judged += [Judged(row, Outcome.UNCHANGED) for row in mine]
    return judged, problems


def _against(found: queries.Told, rows: Sequence[SheetRow]) -> list[CellProblem]:
    """Where the rows say something else than the filed plan."""
    wrong = []
    for row in rows:
        stands = found.lines.get(row["line_no"])
        way_out = N_("换一个计划名称；已备案的计划如需改动，请在退回期内申请退回后重新备案")
        if stands is None:
            wrong.append(_problem(row, "title", N_("计划 %(plan)s 已备案，没有这一行"), way_out, plan=found.plan.number))
        elif other := differing(row, stands, COLUMNS):
            rule = N_("计划 %(plan)s 已备案，这些内容不同：%(columns)s")
            wrong.append(_problem(row, "title", rule, way_out, plan=found.plan.number, columns=other))
    return wrong


def _examine(
    session: Session, actor: Actor, title: str, rows: Sequence[SheetRow], sources: Mapping[tuple[str, str], budgets.LineRow]
) -> list[CellProblem]:
    """What the rules of filing say of a new plan, each at its row."""
    unknown = [row for row in rows if (row["allotment"], row["budget_line"]) not in sources]
    if unknown:
        rule, way_out = N_("该指标下没有这个采购预算明细，或不属于本单位"), N_("从本单位的采购预算明细中选择")
        return [_problem(row, "budget_line", rule, way_out) for row in unknown]
    try:
        service.examine(session, actor, title=title, lines=[_input(row, sources) for row in rows])
    except PlanRefused as refusal:
        heading = next(each.heading for each in COLUMNS if each.name == "budget_line")
        at = [(rows[max(each.line - 1, 0)], each) for each in refusal.refusals]
        return [refused(row.line, heading, row["budget_line"], each) for row, each in at]
    return []


def _input(row: SheetRow, sources: Mapping[tuple[str, str], budgets.LineRow]) -> PlanLineInput:
    line = sources[row["allotment"], row["budget_line"]].line
    return PlanLineInput(
        budget_line_id=line.id, quantity=row["quantity"], amount_fen=row["amount_fen"], name=row["name"], category_code=row["category_code"]
    )


def write(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """File each new plan."""
    by_title: dict[str, list[Judged]] = {}
    for each in judged:
        by_title.setdefault(each.row["title"], []).append(each)
    for title, rows in by_title.items():
        service.file(session, actor, title=title, lines=[each.intent for each in rows], origin=Origin.SHEET)


def export(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The plans the actor may see, a row for each line, narrowed by `year` and `state`."""
    text = args.get("year") or ""
    year = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
    state = next((each for each in PlanState if each.value == args.get("state")), None)
    cursor: str | None = None
    while True:
        page = queries.plans(session, actor, year=year, state=state, cursor=cursor, limit=200)
        told = queries.told(session, actor, numbers={row.plan.number for row in page.rows})
        for row in page.rows:
            yield from _rows(row.plan, told[row.plan.number])
        if (cursor := page.next) is None:
            return


def _rows(plan: Plan, told: queries.Told) -> Iterator[Cells]:
    for line_no, line in sorted(told.lines.items()):
        yield {
            "number": plan.number, "title": plan.title, "line_no": Figure(line_no), "allotment": str(line["allotment"]),
            "budget_line": str(line["budget_line"]), "category_code": str(line["category_code"]), "name": str(line["name"]),
            "quantity": Figure(line["quantity"]), "amount_fen": Figure(yuan(line["amount_fen"]).replace(",", "")),
        }  # fmt: skip


ENTITIES: Final = (
    Entity(
        name="plans", label=N_("采购计划"), note=N_("每行一条明细；计划整份备案，有一行不对就不备案"), columns=COLUMNS,
        key=("number", "title", "line_no"), group="title", imports=Permission.PLAN_FILE, exports=Permission.PLAN_READ,
        judge=judge, write=write, export=export, page="plans.index",
    ),
)  # fmt: skip
