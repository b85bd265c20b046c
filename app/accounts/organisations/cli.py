"""`flask mall import …`: how a real unit starts without the demo. Other chapters add their tables to the group."""

import functools
from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.accounts.organisations.sheet import ENTITIES
from app.bulk import engine
from app.bulk.entity import Entity
from app.kernel import sheets
from app.kernel.db import commit
from app.kernel.sheets import Imported, Line, SheetRefused
from app.policy import SYSTEM, Actor
from app.web.errors import sentence, way_out
from app.web.extensions import db

Importer = Callable[..., Imported]
COLUMNS_SHOWN = 40


@click.group("import")
def import_group() -> None:
    """Take over tables from xlsx or CSV files: units, people, allotments, budget lines.

    The first line holds the column names, in Chinese or English. CSV may be UTF-8, UTF-16 or GB 18030, as spreadsheet
    programs save it. Either every line is taken over or none: each cell that cannot be used is listed with its line,
    its column, the rule it breaks and the way out.
    """


def bring(entity: Entity, file: Path, *, dry_run: bool) -> None:
    """Import the rows of an entity, all or none."""
    run(functools.partial(_at_once, entity), file, dry_run=dry_run)


def _at_once(entity: Entity, session: Session, actor: Actor, table: list[Line], *, dry_run: bool) -> Imported:
    return engine.at_once(session, actor, entity, table, dry_run=dry_run)


def run(importer: Importer, file: Path, *, dry_run: bool, actor: Actor = SYSTEM) -> None:
    """Import one file and tell what happened; used by every command of the group."""
    try:
        table = sheets.table_of(file.read_bytes())
        session: Session = db.session()
        with commit(session):
            done = importer(session, actor, table, dry_run=dry_run)
    except SheetRefused as refused:
        for each in refused.problems:
            figure = f"“{each.figure[:COLUMNS_SHOWN]}”" if each.figure else "（空）"
            told = each.as_dict()
            click.echo(f"第 {each.line} 行 · {each.column} · {figure}：{told['rule']}。{told['way_out']}。", err=True)
        raise click.ClickException(f"{sentence(refused)}。{way_out(refused)}。") from refused
    except (sheets.UnreadableSheet, sheets.SheetTooBig) as refused:
        raise click.ClickException(f"{sentence(refused)}。{way_out(refused)}。") from refused
    click.echo(f"检查通过：{done.rows} 行可以导入，尚未写入。" if done.dry_run else f"已导入 {done.added} 行。")


@import_group.command("units")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every cell, write nothing.")
@with_appcontext
def units(file: Path, dry_run: bool) -> None:
    """Register purchasing units from FILE.

    \b
    Columns (Chinese or English heading):
      单位编码          code         3–20 digits or capitals, unique
      单位名称          name
      简称              short_name   optional
      统一社会信用代码  credit_code  18 characters, both check digits are verified
      区划代码          region       six digits, e.g. 410105
      上级单位编码      parent_code  optional; the unit above may stand in the same file; three levels at most
      单位类型          unit_kind    机关, 事业单位, 群团组织 or 其他
    """
    bring(ENTITIES[0], file, dry_run=dry_run)
