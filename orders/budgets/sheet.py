"""Allotments and procurement-budget lines as tables. The columns are those of the books of the finance department."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.organisations.queries import Organisation
from app.bulk.entity import Cells, Entity, Judged, Verdict, differing, problem
from app.bulk.states import Outcome
from app.kernel.errors import N_
from app.kernel.money import parse_yuan, yuan
from app.kernel.sheets import NO, YES, YES_OR_NO, BadCell, CellProblem, Column, SheetRow, whole, yes_or_no
from app.kernel.xlsx_writing import Figure
from app.policy import Actor, OrganisationKind, Permission
from catalog.taxonomy import queries as taxonomy
from orders.budgets import queries, service
from orders.budgets.rules import AllotmentInput, LineInput

FUND_NATURES = ("一般公共预算", "政府性基金", "国有资本经营", "财政专户", "单位自筹")
SOURCES = ("年初预算", "上级拨款", "预算追加", "其他")
PROJECT_KINDS = ("基本支出", "项目支出")


def _yuan(text: str) -> int:
    fen = parse_yuan(text)
    if fen <= 0:
        raise BadCell(N_("金额必须大于零"), N_("填写以元为单位的金额，如 1234.56"))
    return fen


def _year(text: str) -> int:
    year = whole(text)
    if not 2000 <= year <= 2100:
        raise BadCell(N_("年度应为四位年份"), N_("填写如 2026"))
    return year


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise BadCell(N_("不在可选的范围内"), N_("从这些里选一个：%(words)s"), words="、".join(words))
        return text

    return parse


def _class(digits: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not (text.isascii() and text.isdecimal() and len(text) == digits):
            raise BadCell(N_("科目编码位数不对"), N_("应为 %(digits)s 位数字"), digits=digits)
        return text

    return parse


ALLOTMENTS: Final = (
    Column("number", N_("指标编号"), sample="ZB-2026-001", most=60),
    Column("unit_code", N_("单位编码"), sample="410105001", most=20),
    Column("year", N_("年度"), parse=_year, sample="2026", is_number=True),
    Column("project_code", N_("项目编码"), sample="P01", most=40),
    Column("project_name", N_("项目名称"), sample="办公设备购置", most=120),
    Column("project_kind", N_("项目类别"), parse=_one_of(PROJECT_KINDS), words=PROJECT_KINDS, sample="项目支出"),
    Column("functional_class", N_("功能分类"), parse=_class(7), sample="2010301"),
    Column("economic_class", N_("经济分类"), parse=_class(5), sample="31002"),
    Column("fund_nature", N_("资金性质"), parse=_one_of(FUND_NATURES), words=FUND_NATURES, sample="一般公共预算"),
    Column("source", N_("指标来源"), parse=_one_of(SOURCES), words=SOURCES, sample="年初预算"),
    Column("document_number", N_("文号"), sample="豫财预〔2026〕1号", most=60),
    Column("amount_fen", N_("金额（元）"), parse=_yuan, sample="120000.00", is_number=True),
)
LINES: Final = (
    Column("allotment", N_("指标编号"), sample="ZB-2026-001", most=60),
    Column("code", N_("明细编号"), sample="CG-001", note=N_("在单位和年度内唯一"), most=60),
    Column("category_code", N_("品目编码"), sample="A02021003", most=9),
    Column("name", N_("名称"), sample="激光打印机", most=120),
    Column("quantity", N_("数量"), parse=whole, sample="20", is_number=True),
    Column("amount_fen", N_("金额（元）"), parse=_yuan, sample="26000.00", is_number=True),
    Column("sme_reserved", N_("面向中小企业"), required=False, parse=yes_or_no, words=YES_OR_NO, sample="是", note=N_("留空为是")),
    Column("import_allowed", N_("可采购进口"), required=False, parse=yes_or_no, words=YES_OR_NO, sample="否", note=N_("留空为否")),
)


_problem = partial(problem, (*ALLOTMENTS, *LINES))


# ---------------------------------------------------------------- allotments


def judge_allotments(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """New numbers are opened; known ones must say what the books say, for an allotment changes by adjustment only."""
    units = organisations.by_codes(session, {row["unit_code"] for row in rows})
    numbers = {row["number"] for row in rows}
    known = {row.allotment.number: row for row in queries.allotments_numbered(session, actor, numbers)}
    taken = queries.numbers_taken(session, numbers)
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    for row in rows:
        unit = units.get(row["unit_code"])
        stands = known.get(row["number"])
        wrong = []
        if unit is None or unit.kind is not OrganisationKind.UNIT:
            wrong.append(_problem(row, "unit_code", N_("没有这个采购单位"), N_("先导入单位，或改正编码")))
        elif actor.is_unit and unit.id != actor.organisation_id:
            wrong.append(_problem(row, "unit_code", N_("不是本单位"), N_("只导入本单位的指标")))
        if stands is None and row["number"] in taken:
            wrong.append(_problem(row, "number", N_("该指标已登记"), N_("删去这一行，或改正编号")))
        elif stands is not None and (other := differing(row, _allotment_stands(stands, row["unit_code"], unit), ALLOTMENTS)):
            way_out = N_("金额用指标调整修改；其余内容以账簿为准")
            wrong.append(_problem(row, "number", N_("该指标已登记，这些内容不同：%(columns)s"), way_out, columns=other))
        problems += wrong
        if not wrong:
            judged.append(Judged(row, Outcome.ADDED if stands is None else Outcome.UNCHANGED, unit))
    return judged, problems


def _allotment_stands(row: queries.AllotmentRow, unit_code: str, unit: Organisation | None = None) -> dict[str, object]:
    """What the books say; another unit than the one of the code shows as another code."""
    allotment, project = row.allotment, row.project
    return {
        "unit_code": unit_code if unit is None or unit.id == allotment.unit_id else "", "year": allotment.year,
        "project_code": project.code,
        "project_name": project.name, "project_kind": project.kind, "functional_class": allotment.functional_class,
        "economic_class": allotment.economic_class, "fund_nature": allotment.fund_nature, "source": allotment.source,
        "document_number": allotment.document_number, "amount_fen": row.buckets.amount_fen,
    }  # fmt: skip


def write_allotments(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Open the new ones."""
    names = [column.name for column in ALLOTMENTS if column.name != "unit_code"]
    service.open_allotments(
        session,
        actor,
        [
            AllotmentInput(unit_id=unit.id, unit_name=unit.name, region=unit.region, **{name: each.row[name] for name in names})
            for each in judged
            for unit in (each.intent,)
        ],
    )


def export_allotments(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The allotments the actor may see, of one year when the address says so."""
    cursor: str | None = None
    while True:
        page = queries.allotments(session, actor, year=_int(args.get("year")), cursor=cursor, limit=500)
        codes = organisations.codes(session, {row.allotment.unit_id for row in page.rows})
        for row in page.rows:
            stands = _allotment_stands(row, codes[row.allotment.unit_id])
            yield _written({"number": row.allotment.number, **stands}, ALLOTMENTS)
        if (cursor := page.next) is None:
            return


def _written(values: Mapping[str, object], columns: Sequence[Column]) -> Cells:
    """Texts of values: money in yuan, yes and no in words."""
    cells: dict[str, str] = {}
    for column in columns:
        value = values[column.name]
        if isinstance(value, bool):
            cells[column.name] = YES if value else NO
        elif column.name.endswith("_fen") and isinstance(value, int):
            cells[column.name] = Figure(yuan(value).replace(",", ""))
        else:
            cells[column.name] = Figure(value) if column.is_number else str(value)
    return cells


def _int(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


# ---------------------------------------------------------------- procurement-budget lines


def judge_lines(session: Session, actor: Actor, rows: Sequence[SheetRow], memory: dict[str, Any]) -> Verdict:
    """New codes become lines as far as the allotment reaches; known ones must say what the books say."""
    known = queries.known_allotments(session, actor, {row["allotment"] for row in rows})
    stands = queries.lines_coded(session, actor, {row["code"] for row in rows})
    taken: dict[str, int] = memory.setdefault("taken", {})
    codes: set[tuple[int, int, str]] = memory.setdefault("codes", set())
    judged: list[Judged] = []
    problems: list[CellProblem] = []
    for row in rows:
        wrong = []
        if not taxonomy.exists(session, row["category_code"]):
            wrong.append(_problem(row, "category_code", N_("品目目录中没有这个编码"), N_("使用 2022 年版品目编码")))
        found = known.get(row["allotment"])
        if found is None:
            problems += [*wrong, _problem(row, "allotment", N_("没有这笔指标"), N_("先导入指标，或改正编号"))]
            continue
        allotment, open_fen = found
        mine = (allotment.unit_id, allotment.year, row["code"])
        line = stands.get(mine)
        other = differing(row, _line_stands(line), LINES, usual=USUAL) if line is not None else ""
        if line is not None:
            if other:
                way_out = N_("改用另一个编号；已登记的明细以账簿为准")
                wrong.append(_problem(row, "code", N_("该单位本年度已有这个明细编号，这些内容不同：%(columns)s"), way_out, columns=other))
        elif mine in codes:
            wrong.append(_problem(row, "code", N_("该单位本年度已有这个明细编号"), N_("改用另一个编号")))
        if (line is None or other) and row["amount_fen"] > open_fen - taken.get(row["allotment"], 0):
            wrong.append(_problem(row, "amount_fen", N_("明细合计超出指标金额"), N_("减少金额，或先追加指标")))
        codes.add(mine)
        problems += wrong
        if not wrong:
            judged.append(Judged(row, Outcome.ADDED if line is None else Outcome.UNCHANGED))
            if line is None:
                taken[row["allotment"]] = taken.get(row["allotment"], 0) + row["amount_fen"]
    return judged, problems


USUAL: Final[dict[str, object]] = {"sme_reserved": True, "import_allowed": False}


def _line_stands(row: queries.LineRow) -> dict[str, object]:
    line = row.line
    return {
        "allotment": row.allotment.number, "code": line.code, "category_code": line.category_code, "name": line.name,
        "quantity": line.quantity, "amount_fen": line.amount_fen, "sme_reserved": line.sme_reserved, "import_allowed": line.import_allowed,
    }  # fmt: skip


def write_lines(session: Session, actor: Actor, judged: Sequence[Judged]) -> None:
    """Add the new ones."""
    said = ({name: value for name, value in each.row.values.items() if value is not None} for each in judged)
    service.add_budget_lines(session, actor, [LineInput(**row) for row in said])


def export_lines(session: Session, actor: Actor, args: Mapping[str, str]) -> Iterator[Cells]:
    """The lines the actor may see, of one year when the address says so."""
    cursor: str | None = None
    while True:
        page = queries.line_page(session, actor, year=_int(args.get("year")), cursor=cursor, limit=500)
        for row in page.rows:
            yield _written(_line_stands(row), LINES)
        if (cursor := page.next) is None:
            return


ENTITIES: Final = (
    Entity(
        name="allotments", label=N_("预算指标"), note=N_("按指标编号登记；已登记的以账簿为准，金额用指标调整修改"), columns=ALLOTMENTS,
        key=("number",), imports=Permission.BUDGET_KEEP, exports=Permission.BUDGET_READ, page="budgets.index",
        judge=judge_allotments, write=write_allotments, export=export_allotments,
    ),
    Entity(
        name="budget-lines", label=N_("采购预算明细"), note=N_("登记在指标之下，合计不超过指标；已登记的以账簿为准"), columns=LINES,
        key=("allotment", "code"), imports=Permission.BUDGET_KEEP, exports=Permission.BUDGET_READ, page="budgets.lines",
        judge=judge_lines, write=write_lines, export=export_lines,
    ),
)  # fmt: skip
