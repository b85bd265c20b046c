"""`flask mall …`: commands that belong to the whole installation. Chapters add their own to the same group."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import click
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app.config import BadConfiguration, Settings
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.kernel.worker import Worker, step_aside
from app.web import process
from app.web.errors import sentence
from app.web.extensions import db

mall = AppGroup("mall", help="Run and look after the mall. Every command explains itself with --help.")
console = Console(highlight=False)


@dataclass(frozen=True)
class Check:
    """One thing the doctor looks at: `ok` None means it is not set up here and need not be."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


Checks = list[Callable[[], Check]]


@dataclass(frozen=True)
class Beginning:
    """One thing an empty system needs; `run` may be repeated and says what it found or made.

    `again`: a newer version may bring more of it, so an upgrade asks for it too.
    """

    name: str
    run: Callable[[Session, str, str], str]
    again: bool = False


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def migrate() -> None:
    """Bring the database up to the newest migration."""
    plan = Config()
    plan.set_main_option("script_location", "migrations")
    with db.engine.connect() as connection:
        plan.attributes["connection"] = connection
        command.upgrade(plan, "head")
        connection.commit()


@mall.command("migrate")
@with_appcontext
def migrate_command() -> None:
    """Bring the database up to date, with the reference data that a newer version brings; safe to repeat."""
    migrate()
    for beginning in current_app.extensions["mall.beginnings"]:
        if beginning.again:
            with commit(db.session()) as session:
                console.print(f"{beginning.name}: {beginning.run(session, '', '')}")
    console.print(f"database is up to date: {db.engine.url.render_as_string(hide_password=True)}")


@mall.command("init")
@click.option("--login", default="admin", show_default=True, help="Login of the first system administrator.")
@click.option(
    "--password",
    envvar="MALL_ADMIN_PASSWORD",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="Their first password, changed at the first sign-in.",
)
@with_appcontext
def init(login: str, password: str) -> None:
    """Make an empty system ready: tables, reference data, the journal's key, the three first administrators.

    Bring in your own units, people, allotments and budget lines afterwards with `mall import`.
    """
    migrate()
    for beginning in current_app.extensions["mall.beginnings"]:
        try:
            with commit(db.session()) as session:
                done = beginning.run(session, login, password)
        except Refusal as refused:
            raise click.ClickException(f"{beginning.name}: {sentence(refused)}") from refused
        console.print(f"[green]✓[/] {beginning.name}: {done}")
    console.print("next: `flask --app wsgi mall import --help`, then `flask --app wsgi mall serve`")


@mall.command("serve")
@with_appcontext
def serve() -> None:
    """Serve the mall: a web server and a job worker, until Ctrl-C."""
    run_servers(settings())


def run_servers(chosen: Settings, when_served: Callable[[], None] | None = None, more: tuple[process.Child, ...] = ()) -> None:
    """Start web server, worker and whatever else, say when it serves, and watch over them."""
    try:
        process.check_port(chosen)
    except BadConfiguration as error:
        raise click.ClickException(str(error)) from error
    children = [process.Child("web", process.web_command(chosen)), process.Child("worker", process.worker_command()), *more]
    for child in children:
        child.start()
    if not process.wait_until_served(chosen):
        for child in children:
            process.end(child)
        raise click.ClickException("the web server did not start within a minute; the lines above say why")
    if when_served is not None:
        when_served()
    else:
        console.print(f"serving on {chosen.address} (Ctrl-C ends it)")
    process.supervise(children)
    console.print("stopped")


@mall.command("web")
@with_appcontext
def web() -> None:
    """Serve pages and API only, for a service manager that runs the worker beside it; becomes the web server's process."""
    try:
        process.check_port(settings())
    except BadConfiguration as error:
        raise click.ClickException(str(error)) from error
    command_line = process.web_command(settings())
    db.engine.dispose()
    os.execv(command_line[0], command_line)  # noqa: S606 - no shell is wanted  # nosec B606


@mall.command("worker")
@with_appcontext
def worker() -> None:
    """Follow events and deadlines until told to stop; several may run on PostgreSQL."""
    running: Worker = current_app.extensions["mall.worker"]()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: running.stop())
    step_aside()
    running.run()


@mall.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Say what is wrong here and what to type; exits with 1 when something is."""
    results = [check() for check in current_app.extensions["mall.doctor"]]
    if as_json:
        click.echo(json.dumps({"ok": all(r.ok is not False for r in results), "checks": [vars(r) for r in results]}, ensure_ascii=False))
    else:
        table = Table("part", "", "found", "what to do", box=None, pad_edge=False)
        for result in results:
            mark = {True: "[green]ok[/]", False: "[red]wrong[/]", None: "[dim]–[/]"}[result.ok]
            table.add_row(result.name, mark, result.found, result.remedy if result.ok is not True else "")
        console.print(table)
    if any(result.ok is False for result in results):
        raise SystemExit(1)
