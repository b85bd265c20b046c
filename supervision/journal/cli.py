"""`flask mall journal …`: audit the log, show its key, run the sequencer by hand."""

import json

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.orm import Session

from app.kernel.errors import Refusal
from app.web.cli import settings
from app.web.errors import sentence
from app.web.extensions import db
from supervision.journal import service
from supervision.journal.audit import Report
from supervision.journal.audit import audit as audit_everything
from supervision.journal.sequencer import Behind, Busy, Forked
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
    try:
        verifier = service.verifier_at(settings().journal_key_path)
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
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
    """Print the public key; verifiers need nothing else of us."""
    path = settings().journal_key_path
    try:
        verifier = service.create_key(path, settings().journal_origin) if create else service.verifier_at(path)
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
    click.echo(verifier.vkey)


@journal.command("sequence")
@click.option("--bulk", is_flag=True, help="For a large backlog: large batches and few checkpoints.")
@with_appcontext
def sequence_command(bulk: bool) -> None:
    """Give waiting events their leaves and sign the tree; the worker does the same every second."""
    engine, folder = db.engine, settings().folder("journal")

    def sessions() -> Session:
        return Session(engine)

    try:
        signer = service.signer_at(settings().journal_key_path)
        with Progress(*COLUMNS, console=console, transient=True) as bar:
            task = bar.add_task("sequencing", total=None)
            if bulk:
                done = service.sequence_in_bulk(sessions, folder, signer, lambda more: bar.advance(task, more))
            else:
                done = service.sequence(sessions, folder, signer)
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
    except (Busy, Behind, Forked, Rewritten) as stopped:
        raise click.ClickException(str(stopped)) from stopped
    console.print(f"{done:,} events sequenced")
