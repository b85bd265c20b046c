"""`flask mall import allotments|budget-lines FILE` and `flask mall adjust-allotment`: how a unit's budget gets into the books."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.accounts.organisations import cli as imports
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.money import parse_yuan, yuan
from app.policy import SYSTEM
from app.web.errors import sentence, way_out
from app.web.extensions import db
from orders.budgets import queries, service
from orders.budgets.sheet import ENTITIES

ALLOTMENTS, LINES = ENTITIES


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
    imports.bring(ALLOTMENTS, file, dry_run=dry_run)


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
    imports.bring(LINES, file, dry_run=dry_run)


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
