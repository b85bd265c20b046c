"""`flask mall audit`: whether money, orders, plans, contracts and payments agree, invariant by invariant."""

import json
from collections import Counter

import click
from flask.cli import with_appcontext
from flask_babel import gettext
from rich.console import Console
from rich.table import Table

from app.web.extensions import db
from orders.budgets.audit import MOST
from orders.budgets.rules import INVARIANTS, Finding
from orders.thread.audit import audit

console = Console(highlight=False)


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@with_appcontext
def audit_command(as_json: bool) -> None:
    """Look for whatever breaks an invariant of the books or between them and the orders; exits with 1 when something does.

    Nothing is changed. The log of events has an audit of its own: `mall journal audit`.
    """
    found = audit(db.session())
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False))
    else:
        _tell(found)
    if found:
        raise SystemExit(1)


def _as_json(found: list[Finding]) -> dict[str, object]:
    counted = Counter(finding.invariant for finding in found)
    return {
        "accepted": not found,
        "invariants": [{"number": number, "name": gettext(name), "findings": counted[number]} for number, name in INVARIANTS.items()],
        "findings": [
            {"invariant": one.invariant, "subject": one.subject, "expected": one.expected, "found": one.found} for one in found
        ],
    }


def _tell(found: list[Finding]) -> None:
    counted = Counter(finding.invariant for finding in found)
    invariants = Table("", "invariant", "findings", box=None, pad_edge=False)
    for number, name in INVARIANTS.items():
        invariants.add_row(str(number), gettext(name), f"[red]{counted[number]}[/]" if counted[number] else "[green]0[/]")
    console.print(invariants)
    if not found:
        console.print("[green]accepted[/]: every invariant holds")
        return
    findings = Table("invariant", "where", "should be", "is", box=None, pad_edge=False)
    for one in found:
        findings.add_row(str(one.invariant), one.subject, one.expected, one.found)
    console.print(findings)
    console.print(f"[red]not accepted[/]: {len(found)} findings; of one kind at most {MOST} are listed")
