"""`flask mall import dishonest`: the lists of firms that may not take part in procurement (rule K01)."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.accounts.organisations.cli import import_group, run
from catalog.suppliers import service


@import_group.command("dishonest")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every cell, write nothing.")
@with_appcontext
def dishonest(file: Path, dry_run: bool) -> None:
    """Take over a list of dishonest firms from FILE; entries that are known get their new period.

    \b
    Columns (Chinese or English heading):
      统一社会信用代码  credit_code  18 characters, both check digits are verified
      名称              name
      名单              list_name    e.g. 政府采购严重违法失信行为记录名单
      文号              document_no
      来源              source
      列入日期          valid_from   2026-01-31
      截止日期          valid_to     optional; the last day on the list
    """
    run(service.import_dishonest, file, dry_run=dry_run)
