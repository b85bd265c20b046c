"""`flask mall index …`: make the search index anew, and compare it with the database."""

from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.web.extensions import db
from catalog.listings import queries as listings
from catalog.search import queries, service
from catalog.search.port import SearchDocument, SearchEngine, SearchRequest, Sort

index = AppGroup("index", help="Look after the search index.")
console = Console(highlight=False)
PAGE = 100


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
    """Rebuild with a progress bar; returns how many documents the index holds."""
    session = db.session()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("index", total=listings.count_live(session))

        def told() -> Iterator[SearchDocument]:
            for document in queries.documents(session):
                yield document
                progress.advance(task)

        engine().apply_settings()
        return engine().rebuild(told())


@index.command("check")
@click.option("--repair", is_flag=True, help="Write what is missing and delete what is too much.")
@with_appcontext
def check(repair: bool) -> None:
    """Compare the ids in the index with those in the database; exit code 1 when they differ."""
    missing, extra = compared()
    console.print(f"missing from the index: {len(missing)}; not in the database: {len(extra)}")
    if (missing or extra) and not repair:
        raise click.exceptions.Exit(1)
    if repair:
        service.refresh(db.session(), engine(), sorted(missing | extra))


def compared() -> tuple[set[int], set[int]]:
    """Ids that the index lacks, and ids that it holds in vain."""
    there = set(listings.live_ids(db.session()))
    held: set[int] = set()
    page: str | None = None
    while True:
        found = engine().search(SearchRequest(sort=Sort.NEWEST, page=page, limit=PAGE, highlight=False))
        held.update(hit.pk for hit in found.hits)
        page = found.next_page
        if page is None:
            return there - held, held - there
