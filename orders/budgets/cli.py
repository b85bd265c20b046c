"""`flask mall import allotments|budget-lines FILE` and `flask mall adjust-allotment`: how a unit's budget gets into the books."""

from collections import Counter
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.accounts.organisations import cli as imports
from app.accounts.organisations import queries as organisations
from app.kernel import sheets
from app.kernel.db import commit
from app.kernel.errors import N_, Refusal
from app.kernel.money import parse_yuan, yuan
from app.kernel.sheets import BadCell, CellProblem, Column, Imported, SheetRow
from app.policy import SYSTEM, Actor, OrganisationKind
from app.web.errors import sentence, way_out
from app.web.extensions import db
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


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 10**9):
        raise BadCell(N_("应为大于零的整数"), N_("只填写数字，如 20"))
    return int(text)


def _year(text: str) -> int:
    year = _whole(text)
    if not 2000 <= year <= 2100:
        raise BadCell(N_("年度应为四位年份"), N_("填写如 2026"))
    return year


def _yes(text: str) -> bool:
    if text not in ("是", "否"):
        raise BadCell(N_("只能填写是或否"), N_("填写是或否，或留空"))
    return text == "是"


def _one_of(words: tuple[str, ...]) -> Any:
    def parse(text: str) -> str:
        if text not in words:
            raise BadCell(N_("不在可选的范围内"), "、".join(words))
        return text

    return parse


def _class(digits: int) -> Any:
    def parse(text: str) -> str:
        if not (text.isascii() and text.isdecimal() and len(text) == digits):
            raise BadCell(N_("科目编码位数不对"), f"{digits}")
        return text

    return parse


ALLOTMENT_COLUMNS = (
    Column("number", "指标编号"),
    Column("unit_code", "单位编码"),
    Column("year", "年度", parse=_year),
    Column("project_code", "项目编码"),
    Column("project_name", "项目名称"),
    Column("project_kind", "项目类别", parse=_one_of(PROJECT_KINDS)),
    Column("functional_class", "功能分类", parse=_class(7)),
    Column("economic_class", "经济分类", parse=_class(5)),
    Column("fund_nature", "资金性质", parse=_one_of(FUND_NATURES)),
    Column("source", "指标来源", parse=_one_of(SOURCES)),
    Column("document_number", "文号"),
    Column("amount_fen", "金额（元）", parse=_yuan),
)
LINE_COLUMNS = (
    Column("allotment", "指标编号"),
    Column("code", "明细编号"),
    Column("category_code", "品目编码"),
    Column("name", "名称"),
    Column("quantity", "数量", parse=_whole),
    Column("amount_fen", "金额（元）", parse=_yuan),
    Column("sme_reserved", "面向中小企业", required=False, parse=_yes),
    Column("import_allowed", "可采购进口", required=False, parse=_yes),
)


def import_allotments(session: Session, actor: Actor, text: str, *, dry_run: bool = False) -> Imported:
    """Open allotments from CSV. Raises SheetRefused with one entry per cell."""
    rows, problems = sheets.read(text, ALLOTMENT_COLUMNS)
    units = organisations.by_codes(session, {row["unit_code"] for row in rows})
    taken = queries.numbers_taken(session, {row["number"] for row in rows})
    problems += _repeated(rows, "number", "指标编号")
    for row in rows:
        unit = units.get(row["unit_code"])
        if unit is None or unit.kind is not OrganisationKind.UNIT:
            problems.append(_problem(row, "unit_code", "单位编码", N_("没有这个采购单位"), N_("先导入单位，或改正编码")))
        if row["number"] in taken:
            problems.append(_problem(row, "number", "指标编号", N_("该指标已登记"), N_("删去这一行，或改正编号")))
    sheets.refuse(problems)
    if not dry_run:
        names = [column.name for column in ALLOTMENT_COLUMNS if column.name != "unit_code"]
        service.open_allotments(
            session,
            actor,
            [
                AllotmentInput(unit_id=unit.id, unit_name=unit.name, region=unit.region, **{name: row[name] for name in names})
                for row in rows
                for unit in (units[row["unit_code"]],)
            ],
        )
    return Imported(rows=len(rows), added=len(rows), dry_run=dry_run)


def import_budget_lines(session: Session, actor: Actor, text: str, *, dry_run: bool = False) -> Imported:
    """Add procurement-budget lines from CSV. Raises SheetRefused with one entry per cell."""
    rows, problems = sheets.read(text, LINE_COLUMNS)
    known = queries.known_allotments(session, actor, {row["allotment"] for row in rows})
    codes = queries.line_codes(session, {allotment.unit_id for allotment, _ in known.values()})
    left = {number: open_fen for number, (_, open_fen) in known.items()}
    for row in rows:
        if not taxonomy.exists(session, row["category_code"]):
            problems.append(_problem(row, "category_code", "品目编码", N_("品目目录中没有这个编码"), N_("使用 2022 年版品目编码")))
        if row["allotment"] not in known:
            problems.append(_problem(row, "allotment", "指标编号", N_("没有这笔指标"), N_("先导入指标，或改正编号")))
            continue
        allotment, _ = known[row["allotment"]]
        mine = (allotment.unit_id, allotment.year, row["code"])
        if mine in codes:
            problems.append(_problem(row, "code", "明细编号", N_("该单位本年度已有这个明细编号"), N_("改用另一个编号")))
        codes.add(mine)
        left[row["allotment"]] -= row["amount_fen"]
        if left[row["allotment"]] < 0:
            problems.append(
                CellProblem(row.line, "金额（元）", yuan(row["amount_fen"]), N_("明细合计超出指标金额"), N_("减少金额，或先追加指标"))
            )
    sheets.refuse(problems)
    if not dry_run:
        service.add_budget_lines(session, actor, [_line(row) for row in rows])
    return Imported(rows=len(rows), added=len(rows), dry_run=dry_run)


def _line(row: SheetRow) -> LineInput:
    return LineInput(
        allotment=row["allotment"],
        code=row["code"],
        category_code=row["category_code"],
        name=row["name"],
        quantity=row["quantity"],
        amount_fen=row["amount_fen"],
        sme_reserved=row["sme_reserved"] is not False,
        import_allowed=row["import_allowed"] is True,
    )


def _repeated(rows: list[SheetRow], name: str, heading: str) -> list[CellProblem]:
    counts = Counter(row[name] for row in rows)
    return [_problem(row, name, heading, N_("同一表格中重复"), N_("只保留一行")) for row in rows if counts[row[name]] > 1]


def _problem(row: SheetRow, name: str, heading: str, rule: str, way: str) -> CellProblem:
    return CellProblem(row.line, heading, str(row[name]), rule, way)


@imports.import_group.command("allotments")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every cell, write nothing.")
@with_appcontext
def allotments(file: Path, dry_run: bool) -> None:
    """Open budget allotments from FILE.

    \b
    Columns (Chinese or English heading):
      指标编号    number            unique in the whole installation
      单位编码    unit_code         a registered purchasing unit
      年度        year              e.g. 2026
      项目编码    project_code      made when new
      项目名称    project_name
      项目类别    project_kind      基本支出 or 项目支出
      功能分类    functional_class  seven digits
      经济分类    economic_class    five digits, e.g. 31002
      资金性质    fund_nature       一般公共预算, 政府性基金, 国有资本经营, 财政专户 or 单位自筹
      指标来源    source            年初预算, 上级拨款, 预算追加 or 其他
      文号        document_number
      金额（元）  amount_fen        in yuan, e.g. 120000.00
    """
    imports.run(import_allotments, file, dry_run=dry_run)


@imports.import_group.command("budget-lines")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every cell, write nothing.")
@with_appcontext
def budget_lines(file: Path, dry_run: bool) -> None:
    """Add procurement-budget lines from FILE to allotments that are in the books.

    \b
    Columns (Chinese or English heading):
      指标编号      allotment       an opened allotment; its lines together are not more than it
      明细编号      code            unique in the unit and year
      品目编码      category_code   2022 procurement catalogue, e.g. A02021003
      名称          name
      数量          quantity
      金额（元）    amount_fen      in yuan
      面向中小企业  sme_reserved    是 or 否; 是 when left empty
      可采购进口    import_allowed  是 or 否; 否 when left empty
    """
    imports.run(import_budget_lines, file, dry_run=dry_run)


@click.command("adjust-allotment")
@click.argument("number")
@click.argument("yuan_text", metavar="YUAN")
@click.option("--lower", is_flag=True, help="Lower the allotment instead of raising it.")
@click.option("--reason", required=True, help="Document number or reason; kept in the event.")
@with_appcontext
def adjust_allotment(number: str, yuan_text: str, lower: bool, reason: str) -> None:
    """Raise (or lower) the allotment NUMBER by YUAN; never below what is used of it."""
    try:
        with commit(db.session()) as session:
            row = queries.allotment(session, SYSTEM, number)
            service.adjust(session, SYSTEM, row.allotment, (-1 if lower else 1) * parse_yuan(yuan_text), reason)
        after = queries.allotment(db.session(), SYSTEM, number).buckets
    except Refusal as refused:
        raise click.ClickException(f"{sentence(refused)}。{way_out(refused)}") from refused
    click.echo(f"{number}：指标 {yuan(after.amount_fen)} 元，可用 {yuan(after.free_fen)} 元。")
