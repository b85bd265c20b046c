"""`flask mall backup` and `flask mall restore`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from app.kernel.errors import Refusal
from app.web.cli import migrate, settings
from app.web.errors import sentence
from app.web.extensions import db
from catalog.search.cli import rebuild_index
from orders.thread.audit import audit as audit_books
from supervision.backup import service
from supervision.journal import service as log
from supervision.journal.audit import audit as audit_log

console = Console(highlight=False, soft_wrap=True)
COLUMNS = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="Keep the signing key of the log too. Whoever reads the backup can then sign in your name.")
@with_appcontext
def backup(target: Path, with_key: bool) -> None:
    """Copy everything into the folder TARGET while the mall goes on.

    \b
    database        as of one moment; nobody waits for it
    log             exactly the files of the newest checkpoint in that copy
    data directory  documents and the rest; the search index is left out, it is made anew
    manifest.json   every file with its size and SHA-256, written last

    The signing key and all passwords of the environment stay out: keep copies of them elsewhere. TARGET must be empty
    and outside the data directory; bring it to another machine.
    """
    began = time.monotonic()
    with _explained(), _bars() as tell:
        made = service.make(db.engine, settings(), target, with_key=with_key, tell=tell)
    console.print(f"[green]✓[/] {len(made.files):,} files, {made.bytes / 1e6:,.1f} MB in {target} ({time.monotonic() - began:.1f} s)")
    console.print(f"  database {made.database}, migration {made.revision}, {made.events:,} events")
    console.print(f"  log {made.origin}, size {made.log_size:,}, root {made.log_root}")
    if with_key:
        console.print("[yellow]the signing key is in it: guard this folder like the key itself[/]")
    else:
        console.print(f"  not in it: the signing key {settings().journal_key_path}; without a copy the log can only go on in a new epoch")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def restore(source: Path) -> None:
    """Bring the backup in the folder SOURCE into this empty system; never overwrites anything.

    \b
    1  every file is held against the manifest
    2  database, log and files are brought back, newer migrations are applied
    3  the search index is made anew
    4  the log, the budgets and the orders are audited

    Afterwards the log is held: orders can be taken, but nothing is signed until you say how it goes on, see
    `mall journal continue` and `mall journal epoch`. Stop the mall before; start it when all is done.
    """
    began = time.monotonic()
    with _explained(), _bars() as tell:
        kept = service.restore(source, db.engine, settings(), tell=tell)
    with _explained():
        whole = service.is_whole(db.session(), kept)
        db.session.remove()
        verifier = log.verifier_at(settings().journal_key_path)
    if not whole:
        raise click.ClickException("the database does not hold what the manifest says: do not use it")
    console.print(f"[green]✓[/] backup of {kept.made_at} is back: {kept.events:,} events, {len(kept.files):,} files")
    migrate()
    console.print(f"[green]✓[/] search index: {rebuild_index():,} listings")
    with _bars() as tell:
        report = audit_log(db.session(), settings().folder("journal"), verifier, lambda done, of: tell("audit", done, of))
    _proved("log", [f"{finding.code} {finding.where}: {finding.what}" for finding in report.findings], f"{report.entries:,} entries")
    _proved("budgets and orders", [str(finding) for finding in audit_books(db.session())], "every invariant holds")
    console.print(f"({time.monotonic() - began:.1f} s)")
    _next_steps()


def _proved(what: str, findings: list[str], good: str) -> None:
    if findings:
        raise click.ClickException(f"{what}: {len(findings)} findings, the first is {findings[0]}. Do not open this system.")
    console.print(f"[green]✓[/] {what}: {good}")


def _next_steps() -> None:
    key = settings().journal_key_path
    if not key.exists():
        console.print(f"[yellow]the signing key is not here[/]: bring your copy to {key} (mode 600); if it is lost, take the second way")
    console.print("next, decide how the log goes on:")
    console.print("  nothing was published after this backup, or you hold a later checkpoint that these data contain:")
    console.print("    flask --app wsgi mall journal continue --nothing-since     or  --last-checkpoint FILE")
    console.print("  the old system went on after this backup, or nobody knows:")
    console.print("    flask --app wsgi mall journal epoch --last-checkpoint FILE")
    console.print("then: flask --app wsgi mall doctor, flask --app wsgi mall serve")


@contextmanager
def _bars() -> Iterator[service.Progress]:
    with Progress(*COLUMNS, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, whole: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=whole)
            progress.update(tasks[what], completed=done, total=whole)

        yield tell


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
