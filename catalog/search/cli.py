"""`flask mall index …`: make the search index anew, compare it with the database, make a key for the server; what the doctor is told."""

from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.web.cli import Check, settings
from app.web.extensions import db
from catalog.listings import queries as listings
from catalog.search import queries, service
from catalog.search.fallback import FallbackEngine
from catalog.search.meili import MeiliEngine
from catalog.search.port import IndexStats, SearchDocument, SearchEngine, SearchUnavailable
from catalog.vocabulary import queries as vocabulary

index = AppGroup("index", help="Look after the search index.")
console = Console(highlight=False)


def engine() -> SearchEngine:
    """The search engine of this application."""
    found: SearchEngine = current_app.extensions["mall.search"]
    return found


@index.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """Write a new index beside the old one and swap; searching goes on meanwhile."""
    console.print(f"{rebuild_index()} listings indexed")


def rebuild_index() -> int:
    """Rebuild with a progress bar; returns how many documents the index holds. The writer's lock is given back: the caller may live on."""
    session = db.session()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("index", total=listings.count_live(session))

        def told() -> Iterator[SearchDocument]:
            for document in queries.documents(session):
                yield document
                progress.advance(task)

        count = service.rebuild(session, engine(), told())
        engine().teach(vocabulary.groups(session))
        engine().close()
        return count


@index.command("check")
@click.option("--repair", is_flag=True, help="Write what is missing and delete what is too much.")
@with_appcontext
def check(repair: bool) -> None:
    """Compare the ids in the index with those in the database; exit code 1 when they differ. The worker does it every night."""
    found = (service.repair if repair else service.drift)(db.session(), engine())
    for each in found:
        console.print(f"{each.engine}: missing from the index: {len(each.missing)}; not in the database: {len(each.extra)}")
    if any(each.ids for each in found) and not repair:
        raise click.exceptions.Exit(1)


@index.command("key")
@click.option("--master-key", envvar="MEILI_MASTER_KEY", prompt=True, hide_input=True, help="The server's master key; it is not kept.")
@with_appcontext
def key(master_key: str) -> None:
    """Make a key for MALL_MEILI_KEY that may do what the mall needs on its own index, and nothing else."""
    if not settings().meili_url:
        raise click.ClickException("set MALL_MEILI_URL first")
    try:
        click.echo(MeiliEngine(settings().meili_url).make_key(master_key))
    except SearchUnavailable as refused:
        raise click.ClickException(refused.reason) from refused


def _told(stats: IndexStats) -> str:
    return f"{stats.engine} ({stats.version}), {stats.documents:,} documents, generation {stats.generation}"


def doctor() -> Check:
    """Which engine serves, its version, documents and generation; whether the key is one that a shop should hold."""
    found = engine()
    first = found.parts[0] if isinstance(found, FallbackEngine) else found
    health = first.health()
    remedy = "flask --app wsgi mall index rebuild"
    if isinstance(found, FallbackEngine) and not health.ok:
        try:
            spare = found.parts[1].stats()
        except SearchUnavailable as refused:
            return Check("search", False, f"{health.detail}; spare: {refused.reason}", remedy)
        start = f"start Meilisearch at {settings().meili_url}, then {remedy}"
        return Check("search", False, f"{health.detail}; the spare serves: {_told(spare)}", start)
    if not health.ok:
        return Check("search", False, f"{health.engine}: {health.detail}", remedy)
    stats = first.stats()
    said = _told(stats)
    if isinstance(first, MeiliEngine) and first.holds_master_key():
        return Check("search", False, f"{said}; MALL_MEILI_KEY may make keys", "flask --app wsgi mall index key, then set MALL_MEILI_KEY")
    return Check("search", True, said)
