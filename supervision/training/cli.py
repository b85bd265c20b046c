"""`flask mall demo …` and `flask mall up`: the training province from the command line."""

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import clock, uploads, workdays
from app.kernel.db import analyse, commit
from app.kernel.errors import Refusal
from app.kernel.outbox import Event
from app.kernel.worker import Worker
from app.web.cli import migrate, run_servers, settings
from app.web.errors import sentence
from app.web.extensions import db
from app.web.process import Child
from catalog.search.cli import engine, rebuild_index
from orders.payments.gateway import simulator_for
from orders.thread.audit import audit as audit_books
from supervision.dashboard import queries as dashboard
from supervision.dashboard import service as stream
from supervision.journal import service as log
from supervision.journal.audit import audit as audit_journal
from supervision.journal.tables import Leaf
from supervision.training import aids, door, guide, imports, key, ledger, shelf, traffic, words, world
from supervision.training.cast import PASSWORD
from supervision.training.scales import Size, scale_of

console = Console(highlight=False)
quiet = Console(highlight=False, stderr=True)
COLUMNS = (TextColumn("{task.description:>14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
STEP = re.compile(r"(\d+)(wd|d|h)")
LATER = (
    "import os, sys, time; time.sleep(15);"
    "os.execv(sys.executable, [sys.executable, '-m', 'flask', '--app', 'wsgi', 'mall', 'demo', 'traffic', 'run'])"
)
"""The traffic waits until web server and worker have started: they need the processors first."""
MAKING = "training.making"
"""Stands in the data folder while a province is made; the largest is written in many transactions."""
AHEAD = 2_000
"""So many events without a leaf are sequenced in bulk before the mall is opened; fewer are left to the worker."""


def _demo_only() -> None:
    if not settings().is_demo:
        raise click.ClickException("this is a production system (MALL_MODE=production): it has no training province")


def _sessions() -> Session:
    return Session(db.engine)


@contextmanager
def _bar(shown: Console) -> Iterator[Any]:
    """A progress bar per thing that is being done."""
    with Progress(*COLUMNS, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, whole: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=whole)
            progress.update(tasks[what], completed=done, total=max(whole, done))

        yield tell


def prepare(size: Size, number: int, shown: Console) -> None:
    """Make whatever is missing: tables, the province, the journal's key and leaves, the search index."""
    migrate()
    chosen = settings()
    if not chosen.journal_key_path.exists():
        log.create_key(chosen.journal_key_path, chosen.journal_origin)
    with _sessions() as session:
        empty = guide.is_empty(session)
    making = chosen.folder("") / MAKING
    if not empty and making.exists():
        raise click.ClickException(
            f"making the province was interrupted, half of it is there: empty {chosen.folder('')} (and the database, if it is elsewhere) "
            "or set MALL_DATA_DIR to another folder, then try again"
        )
    if empty:
        began = time.monotonic()
        making.touch()
        worker: Worker = current_app.extensions["mall.worker"]()
        with _bar(shown) as tell:
            made = world.seed(
                _sessions, scale_of(size), number=number, consumers=[consumer.name for consumer in worker.consumers], progress=tell
            )
        with _sessions() as session, commit(session):
            words.look_in_vain(session)
        made.key.planted.append(door.fill(_sessions, chosen.folder(uploads.FOLDER)))
        shelf.fill(_sessions)
        imports.bring(_sessions)
        analyse(db.engine)
        if (bank := simulator_for(chosen)) is not None:
            with _sessions() as session:
                bank.remember(ledger.paid(session))
        key.write(chosen.folder(""), made.key)
        making.unlink()
        shown.print(
            f"[green]✓[/] training province ({size}): {made.units:,} units, {made.suppliers:,} suppliers, {made.listings:,} listings, "
            f"{made.orders:,} orders, {made.events:,} events in {time.monotonic() - began:.1f} s",
            soft_wrap=True,
        )
    _sequence(shown)
    _show(shown)
    with _sessions() as session:
        live = world.live_listings(session)
    if engine().stats().documents != live:
        began = time.monotonic()
        shown.print(f"[green]✓[/] search index: {rebuild_index():,} listings in {time.monotonic() - began:.1f} s")
    if empty:
        aids.fill(_sessions, chosen, engine(), current_app.extensions["mall.gates"])
    if empty and size is not Size.SMALL:  # the small one is proved by the tests
        _prove(shown)


def _prove(shown: Console) -> None:
    """Hold the invariants of the books and the whole journal against what was written in bulk."""
    began = time.monotonic()
    with _sessions() as session:
        faults = audit_books(session)
    if faults:
        raise click.ClickException(f"the books are not in order: {len(faults)} findings, the first is {faults[0]}")
    shown.print(f"[green]✓[/] invariants of the books hold ({time.monotonic() - began:.1f} s)")
    with _bar(shown) as tell, _sessions() as session:
        verifier = log.verifier_at(settings().journal_key_path)
        report = audit_journal(session, settings().folder("journal"), verifier, lambda done, whole: tell("audit", done, whole))
    if not report.accepted:
        raise click.ClickException(f"the journal is not accepted: {report.found} findings, see `mall journal audit`")
    shown.print(f"[green]✓[/] journal accepted: {report.entries:,} entries, root {report.root} ({report.seconds:.1f} s)", soft_wrap=True)


def _sequence(shown: Console) -> None:
    with _sessions() as session:
        waiting = (session.scalar(select(func.count()).select_from(Event)) or 0) - (
            session.scalar(select(func.count()).select_from(Leaf)) or 0
        )
    if waiting < AHEAD:
        return
    began, done = time.monotonic(), 0
    signer = log.signer_at(settings().journal_key_path)
    with _bar(shown) as tell:

        def more(count: int) -> None:
            nonlocal done
            done += count
            tell("journal", done, waiting)

        log.sequence_in_bulk(_sessions, settings().folder("journal"), signer, more)
    shown.print(f"[green]✓[/] journal: {waiting:,} leaves in {time.monotonic() - began:.1f} s")


def _show(shown: Console) -> None:
    """Read a large backlog of the log into the stream and the figures before the mall is opened."""
    with _sessions() as session:
        whole = (session.scalar(select(func.count()).select_from(Leaf)) or 0) - dashboard.head(session) - 1
    if whole < AHEAD:
        return
    began, done = time.monotonic(), 0
    with _bar(shown) as tell:
        while True:
            with _sessions() as session, commit(session):
                taken = stream.catch_up(session, AHEAD)
            if not taken:
                break
            done += taken
            tell("stream", done, whole)
    shown.print(f"[green]✓[/] live stream: {done:,} leaves read in {time.monotonic() - began:.1f} s")


def told() -> dict[str, Any]:
    """Everything a program needs to begin: address, logins, tokens, a product, the unit's budget lines."""
    with _sessions() as session:
        with commit(session):
            tokens = guide.tokens(session)
        people = [
            {
                "role": login.role.value,
                "role_name": login.role_name,
                "login": login.login,
                "name": login.name,
                "organisation": login.organisation,
                "token": tokens[login.role],
            }
            for login in guide.logins(session)
        ]
        return {
            "base_url": settings().address,
            "password": PASSWORD,
            "logins": people,
            "product": guide.product(session),
            "unit": guide.UNIT,
            "budget_lines": guide.budget_lines(session),
        }


def table_of_logins() -> Table:
    """Who can sign in, for people."""
    table = Table("岗位", "账号", "姓名", "单位", box=None, pad_edge=False, header_style="bold")
    with _sessions() as session:
        for login in guide.logins(session):
            table.add_row(login.role_name, login.login, login.name, login.organisation)
    return table


@click.group("demo", invoke_without_command=True)
@click.option("--scale", type=click.Choice([size.value for size in Size]), default=Size.SMALL.value, show_default=True, help="How large.")
@click.option("--seed", "number", type=int, default=1, show_default=True, help="The same number makes the same province.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: address, logins, fresh tokens, a product, budget lines.")
@click.pass_context
@with_appcontext
def demo(context: click.Context, scale: str, number: int, as_json: bool) -> None:
    """Make the training province when the database is empty, and say how to get in."""
    _demo_only()
    if context.invoked_subcommand is not None:
        return
    try:
        prepare(Size(scale), number, quiet if as_json else console)
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
    if as_json:
        click.echo(json.dumps(told(), ensure_ascii=False))
        return
    console.print(table_of_logins())
    console.print(f"password of every login: [bold]{PASSWORD}[/]\nstart it with: flask --app wsgi mall up")


@demo.command("advance")
@click.argument("step")
@with_appcontext
def advance(step: str) -> None:
    """Move the shared clock forward: 5wd (working days), 3d (days) or 2h (hours). Deadlines follow within a minute."""
    _demo_only()
    clock.advance(length_of(step, clock.now()))
    console.print(f"it is now {clock.local(clock.now()):%Y-%m-%d %H:%M} in the training province")


@demo.command("traffic")
@click.argument("what", type=click.Choice(["on", "off", "run"]))
@with_appcontext
def traffic_command(what: str) -> None:
    """Let a little business happen (on, off); `run` is the process that does it, started by `mall up`."""
    _demo_only()
    chosen = settings()
    off = traffic.switch(chosen.folder(""))
    if what == "off":
        off.touch()
        console.print("demo traffic is off")
    elif what == "on":
        off.unlink(missing_ok=True)
        console.print(f"demo traffic is on: {chosen.demo_traffic} carts a second while `mall up` runs")
    else:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        business = traffic.Traffic(_sessions, Random(), current_app.extensions["mall.gates"])  # no secret is drawn from it  # nosec B311
        traffic.run(business, chosen.folder(""), chosen.demo_traffic, stopping.is_set)


def length_of(step: str, now: datetime) -> timedelta:
    """How long a step like 5wd is from a moment on."""
    found = STEP.fullmatch(step.strip().lower())
    if found is None:
        raise click.BadParameter("write for instance 5wd, 3d or 2h", param_hint="STEP")
    count, unit = int(found[1]), found[2]
    if unit == "h":
        return timedelta(hours=count)
    if unit == "d":
        return timedelta(days=count)
    today = clock.local(now).date()
    return timedelta(days=(workdays.add_workdays(today, count).on - today).days)


@demo.command("key")
@click.option("--json", "as_json", is_flag=True, help="Print the key as it is stored.")
@with_appcontext
def key_command(as_json: bool) -> None:
    """Print what was planted: the findings that the rules must make and the carts that must be refused."""
    _demo_only()
    found = key.read(settings().folder(""))
    if found is None:
        raise click.ClickException("there is no answer key here: make the province first with `flask --app wsgi mall demo`")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table("规则", "对象", "账号尾码", "内容", "单号", box=None, pad_edge=False)
    for each in found["planted"]:
        table.add_row(each["rule"], each["subject"], each["login"], each["what"], "、".join(each["orders"][-2:]))
    for each in found["refused"]:
        table.add_row(" ".join(each["rules"]), each["subject"], each["login"], f"提交被拒：{each['what']}", each["attempt"])
    console.print(table)


@click.command("up")
@with_appcontext
def up() -> None:
    """Make the training province when there is none, then serve it: web, worker and a little traffic, until Ctrl-C."""
    _demo_only()
    try:
        prepare(Size.SMALL, 1, console)
    except Refusal as refused:
        raise click.ClickException(sentence(refused)) from refused
    more = (Child("traffic", [sys.executable, "-c", LATER]),) if settings().demo_traffic > 0 else ()
    run_servers(settings(), when_served=_welcome, more=more)


def _welcome() -> None:
    address = settings().address
    console.print()
    console.print(table_of_logins())
    console.print(f"\n密码（所有账号）：[bold]{PASSWORD}[/]")
    places = {"商城": "/", "导览": "/tour", "公开门户": "/portal", "接口文档": "/api/docs"}
    console.print("　".join(f"{name}：[bold]{address}{path}[/]" for name, path in places.items()))
    console.print("演示数据，Ctrl-C 结束")
