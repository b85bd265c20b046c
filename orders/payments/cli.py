"""`flask mall payments …` and what `mall doctor` says of the treasury's gateway."""

import json
from typing import Any

import click
from flask.cli import with_appcontext
from flask_babel import gettext as _
from rich.console import Console
from rich.table import Table

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.money import yuan
from app.policy import SYSTEM
from app.web.cli import Check, settings
from app.web.errors import sentence
from app.web.extensions import db
from orders.payments import queries, service, statement
from orders.payments.forms import MONTH, month_of
from orders.payments.gateway import gateway_for
from orders.payments.rules import DIFFERENCES
from orders.payments.statement import Pair, Reconciliation

console = Console(highlight=False)


@click.group("payments")
def payments() -> None:
    """The treasury's side of payments."""


@payments.command("reconcile")
@click.option("--month", metavar="YYYY-MM", help="Days of which month to list; the present one unless given. Differences are of any time.")
@click.option("--offline", is_flag=True, help="Hold against the statement that was fetched last, without asking the gateway.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@with_appcontext
def reconcile(month: str | None, offline: bool, as_json: bool) -> None:
    """Fetch the treasury's whole statement and hold it against our paid applications; exits with 1 when anything differs.

    Changes nothing but the kept statement. The same list stands on the page 对账, for each unit and region its own part.
    """
    if month is not None and not MONTH.fullmatch(month):
        raise click.BadParameter(f"{month}: write it as 2026-11", param_hint="--month")
    if not offline:
        _fetch()
    found = statement.of_month(db.session(), SYSTEM, month_of(month))
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False))
    else:
        _tell(found)
    if found.differing:
        raise SystemExit(1)


def _fetch() -> None:
    session = db.session()
    since, told_at = statement.first_look(session), clock.now()
    session.rollback()  # nothing is held while the gateway works
    try:
        told = list(gateway_for(settings()).statement(since))
    except Refusal as refused:
        raise click.ClickException(f"{sentence(refused)}\n--offline holds against the last statement instead") from refused
    with commit(session):
        service.keep_statement(session, told, since=since, told_at=told_at)


def _plain(found: Reconciliation) -> dict[str, Any]:
    return {
        "ok": not found.differing,
        "told_at": found.told.told_at.isoformat() if found.told else None,
        "days": [{**vars(day), "on": day.on.isoformat()} for day in found.days],
        "differing": found.differing,
        "differences": [{**vars(pair), "on": pair.on.isoformat()} for pair in found.differences],
    }


def _tell(found: Reconciliation) -> None:
    if found.told is None:
        console.print(_("还没有国库对账单：只能看到本系统的一侧"))
    else:
        console.print(_("国库对账单 %(at)s", at=f"{clock.local(found.told.told_at):%Y-%m-%d %H:%M:%S}"))
    days = Table(_("日期"), _("本系统"), _("国库"), _("差异"), box=None, pad_edge=False)
    for day in found.days:
        mark = f"[red]{day.differences}[/]" if day.differences else "[green]0[/]"
        days.add_row(str(day.on), f"{day.ours:,}  {yuan(day.ours_fen)}", f"{day.theirs:,}  {yuan(day.theirs_fen)}", mark)
    console.print(days)
    if not found.differing:
        console.print(f"[green]{_('两侧一致，没有差异')}[/]")
        return
    heads = (_("日期"), _("差异"), _("支付申请"), _("国库流水号"), _("本系统（元）"), _("国库（元）"), _("处理办法"))
    rows = Table(*heads, box=None, pad_edge=False)
    for pair in found.differences:
        rows.add_row(*_row(pair))
    console.print(rows)
    console.print(f"[red]{_('差异 %(n)s 笔', n=found.differing)}[/]")


def _row(pair: Pair) -> list[str]:
    name, way = DIFFERENCES[pair.kind]
    sides = [yuan(fen) if fen is not None else "—" for fen in (pair.ours_fen, pair.theirs_fen)]
    return [str(pair.on), _(name), pair.application or "—", pair.intent or "—", *sides, _(way)]


def line_check() -> Check:
    """Whether the line to the treasury is open, and what waits for it."""
    name, line = _("国库接口"), queries.line(db.session(), SYSTEM)
    where = settings().payment_url or _("本系统内的模拟国库")
    if line.paused_at is None or line.probe_at is None:
        return Check(name, True, _("%(where)s，畅通，%(n)s 笔待发送", where=where, n=line.waiting))
    at = f"{clock.local(line.probe_at):%H:%M}"
    said = _("%(where)s，暂停，%(n)s 笔等待，下次试探 %(at)s（%(reason)s）", where=where, n=line.waiting, at=at, reason=line.reason)
    return Check(name, False, said, _("请核对 MALL_PAYMENT_URL、MALL_PAYMENT_KEY 和网络；恢复后自动续发，不必重新申请"))
