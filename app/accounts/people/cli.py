"""`flask mall import people`: logins and roles for the staff of registered organisations."""

import csv
import functools
from pathlib import Path

import click
from flask.cli import with_appcontext

from app.accounts.organisations.cli import import_group, run
from app.accounts.people import rules, service
from app.kernel import passwords, sheets


@import_group.command("people")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every cell, write nothing.")
@click.option(
    "--passwords",
    "handed_out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the temporary passwords (login, password); made readable for its owner only. Needed unless --dry-run.",
)
@with_appcontext
def people(file: Path, dry_run: bool, handed_out: Path | None) -> None:
    """Give people logins and roles from FILE.

    \b
    Columns (Chinese or English heading):
      单位编码  organisation_code  of a registered organisation
      账号      login              3–40 small letters, digits, dots or hyphens, unique
      姓名      name
      电话      phone              optional
      岗位      roles              names or codes, separated by 、 or ; e.g. 经办人；验收人

    Everybody gets a temporary password of his own, written to the file of --passwords, and must change it at the
    first sign-in.
    """
    run(service.import_people, file, dry_run=True)
    if dry_run:
        return
    if handed_out is None:
        raise click.UsageError("name a file for the temporary passwords with --passwords FILE")
    given = {login: rules.temporary_password() for login in service.logins_in(sheets.table_of(file.read_bytes()))}
    hashes = {login: passwords.hashed(password) for login, password in given.items()}
    handed_out.touch(mode=0o600, exist_ok=False)
    with handed_out.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([("账号", "临时密码"), *given.items()])
    run(functools.partial(service.import_people, password_hashes=hashes), file, dry_run=False)
