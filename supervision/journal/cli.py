"""`flask mall journal …`: audit the log, show and change its key, run the sequencer by hand, go on after a restore."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.orm import Session

from app.kernel.errors import Refusal
from app.web.cli import Check, settings
from app.web.errors import sentence
from app.web.extensions import db
from supervision.journal import custody, queries, service
from supervision.journal.audit import Report
from supervision.journal.audit import audit as audit_everything
from supervision.journal.sequencer import Behind, Busy, Forked, Held
from supervision.journal.tiles import Rewritten

console = Console(highlight=False)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@click.group("journal")
def journal() -> None:
    """The tamper-evident log of everything that happened."""


@journal.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@with_appcontext
def audit_command(as_json: bool) -> None:
    """Re-hash everything, from the stored events to the signed checkpoint; exits with 1 when something disagrees."""
    with _explained():
        verifier = service.verifier_at(settings().journal_key_path)
    with Progress(*COLUMNS, console=console, transient=True, disable=as_json) as bar:
        task = bar.add_task("re-hashing", total=None)
        folder = settings().folder("journal")
        report = audit_everything(db.session(), folder, verifier, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _tell(report)
    if not report.accepted:
        raise SystemExit(1)


def _tell(report: Report) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    for label, value in (
        ("log", report.origin), ("entries", f"{report.entries:,}"), ("signed size", f"{report.size:,}"), ("root", report.root),
        ("checkpoints", f"{report.checkpoints:,}"), ("files", f"{report.files:,}"), ("streams", f"{report.streams:,}"),
        ("waiting for a leaf", f"{report.waiting:,}"), ("fields erased", f"{report.erased:,}"), ("seconds", f"{report.seconds:.1f}"),
    ):  # fmt: skip
        facts.add_row(label, value)
    console.print(facts)
    if report.accepted:
        console.print("[green]accepted[/]: events, leaves, tree, tiles and signatures agree")
        return
    findings = Table("finding", "where", "what", box=None, pad_edge=False)
    for finding in report.findings:
        findings.add_row(finding.code, finding.where, finding.what)
    console.print(findings)
    more = ", the first are listed" if report.found > len(report.findings) else ""
    console.print(f"[red]not accepted[/]: {report.found} findings{more}")


@journal.command("key")
@click.option("--create", is_flag=True, help="Make the key when there is none yet.")
@with_appcontext
def key_command(create: bool) -> None:
    """Print the public key; verifiers need nothing else of us. Keys it had before follow, each with the size it counts to."""
    path = settings().journal_key_path
    with _explained():
        verifier = service.create_key(path, settings().journal_origin) if create else service.verifier_at(path)
    click.echo(verifier.listed, nl=False)


@journal.command("sequence")
@click.option("--bulk", is_flag=True, help="For a large backlog: large batches and few checkpoints.")
@with_appcontext
def sequence_command(bulk: bool) -> None:
    """Give waiting events their leaves and sign the tree; the worker does the same every second."""
    folder = settings().folder("journal")
    with _explained():
        signer = service.signer_at(settings().journal_key_path)
        with Progress(*COLUMNS, console=console, transient=True) as bar:
            task = bar.add_task("sequencing", total=None)
            if bulk:
                done = service.sequence_in_bulk(_sessions, folder, signer, lambda more: bar.advance(task, more))
            else:
                done = service.sequence(_sessions, folder, signer)
    console.print(f"{done:,} events sequenced")


@journal.command("rotate")
@click.option("--prepare", "step", flag_value="prepare", help="Make a new key and let both sign from now on.")
@click.option("--finish", "step", flag_value="finish", help="Retire the old key; the new one alone signs.")
@with_appcontext
def rotate_command(step: str | None) -> None:
    """Change the signing key in two steps, so that nobody who verifies is ever left without a key he knows.

    \b
    1  rotate --prepare   announces the new key in the log and signs every checkpoint with both keys
       publish the new public key (`mall journal key`), wait until whoever verifies has it
    2  rotate --finish    records that the old key is retired and removes its secret half

    Old checkpoints and receipts stay valid: the old public key is kept, and counts up to the size it signed last.
    A key that was stolen is not rotated: see `mall journal epoch`.
    """
    if step is None:
        raise click.UsageError("say --prepare or --finish")
    folder, key = settings().folder("journal"), settings().journal_key_path
    with _explained():
        verifier = (custody.prepare if step == "prepare" else custody.finish)(_sessions, folder, key)
    console.print(f"[green]✓[/] {'the new key signs beside the old one' if step == 'prepare' else 'only this key signs now'}:")
    click.echo(verifier.vkey)
    console.print(f"keep a copy of {key} away from this machine")


LAST = click.option(
    "--last-checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The newest checkpoint of this log that anybody has kept: a witness, a reader, the old journal folder.",
)


@journal.command("continue")
@LAST
@click.option("--nothing-since", is_flag=True, help="The old system published nothing after the backup was taken.")
@with_appcontext
def continue_command(last_checkpoint: Path | None, nothing_since: bool) -> None:
    """After a restore: go on with the same log, when nothing was published beyond what was restored.

    Until then the log is held: orders are taken and recorded, but no checkpoint is signed.
    """
    folder, key = settings().folder("journal"), settings().journal_key_path
    note = last_checkpoint.read_text(encoding="utf-8") if last_checkpoint else None
    with _explained():
        size = custody.go_on(_sessions, folder, key, last_note=note, nothing_since=nothing_since)
    console.print(f"[green]✓[/] the log goes on, size {size:,} is signed")


@journal.command("epoch")
@LAST
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def epoch_command(last_checkpoint: Path | None, yes: bool) -> None:
    """Go on under a new name and key, when the old log cannot: more was published than restored, or its key is lost or stolen.

    The first new entry quotes the last checkpoint known of the old log, so that everybody sees where it ended and what
    is missing. Receipts of the old log stay valid under its old public key. There is no way back.
    """
    folder, key = settings().folder("journal"), settings().journal_key_path
    note = last_checkpoint.read_text(encoding="utf-8") if last_checkpoint else None
    with _explained():
        name = service.verifier_at(key).name
        if not yes:
            click.confirm(f"{name} ends here and goes on as {custody.next_origin(name)}", abort=True)
        verifier = custody.open_epoch(_sessions, folder, key, last_note=note)
    console.print(f"[green]✓[/] {verifier.name} is open; publish its key and the receipts of stream journal:")
    click.echo(verifier.vkey)
    console.print(f"keep a copy of {key} away from this machine")


def is_held() -> Check:
    """For the doctor: whether the log waits for a decision after a restore, and has its key."""
    folder, key = settings().folder("journal"), settings().journal_key_path
    if custody.held(folder) is not None:
        return Check("journal", False, "held since a restore, nothing is signed", "flask --app wsgi mall journal continue --help")
    if not key.exists():
        return Check("journal", False, f"no signing key at {key}", "flask --app wsgi mall init, or bring the key file back")
    newest = queries.head(db.session())
    return Check("journal", True, f"signed up to {newest.size:,}" if newest else "nothing signed yet")


def _sessions() -> Session:
    return Session(db.engine)


@contextmanager
def _explained() -> Iterator[None]:
    """A refusal, or a sequencer that stops, as an error of the command line."""
    try:
        yield
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
    except (Busy, Behind, Forked, Held, Rewritten) as stopped:
        raise click.ClickException(str(stopped)) from stopped
