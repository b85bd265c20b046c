"""`make bench`: the product beside its yardsticks, in one run. `make bench BENCH="--lines 1 --rounds 5"` passes options on."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import strftime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks import catalogue, hot_budget, place_order, promises, report, rival, search_bench, search_page, watching, writers
from tests.benchmarks.chart import chart
from tests.benchmarks.effort import Effort
from tests.benchmarks.publish import publish
from tests.benchmarks.report import Figure, Omitted, Run
from tests.benchmarks.rival import Rival
from tests.benchmarks.world import World, world
from tests.peers import ROOT, postgresql_bin

ALL, DATABASES = "1,2,3,4,5,6,7,8,9", "sqlite,postgresql"
console = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    run = report.read(options.stored.read_text()) if options.stored else measured(options)
    print(report.page(run))
    for file in [*([] if options.stored else write(run, options.output)), *(publish(run) if options.publish else ())]:
        console.print(str(file), soft_wrap=True)
    return 1 if options.strict and any(figure.verdict == report.VERDICTS[-1] for figure in run.figures) else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--lines", default=ALL, help="which lines of docs/performance.md, e.g. 1,2")
    parser.add_argument("--databases", default=DATABASES)
    parser.add_argument("--rounds", type=int, default=3, help="A-B-A rounds; at least 3 for figures worth quoting")
    parser.add_argument("--requests", type=int, default=200, help="requests of one leg")
    parser.add_argument("--seconds", type=float, default=5, help="length of a leg that lasts a fixed time")
    parser.add_argument("--scale", default="small", help="the demonstration world: small, city or province")
    parser.add_argument("--listings", type=int, default=200_000, help="listings of line 9")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-results")
    parser.add_argument("--strict", action="store_true", help="fail when a bound is missed")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--stored", type=Path, help="take the figures of an earlier run from its JSON instead of measuring")
    peer = parser.add_argument_group("line 8: another shop that runs here")
    peer.add_argument("--peer-url", default="", help="its address, http://127.0.0.1:PORT")
    peer.add_argument("--peer-pid", default="", help="the processes whose families' CPU is counted, e.g. of its server and its database: 123,456")
    peer.add_argument("--peer-search", default="", help="path of a search page with about 20 products")
    peer.add_argument("--peer-product", default="", help="path of a product's page")
    peer.add_argument("--peer-orders", type=Path, help="JSON file with the requests that place an order, see docs/performance.md")
    options = parser.parse_args(arguments)
    if options.publish and not options.stored and ((options.lines, options.databases) != (ALL, DATABASES) or postgresql_bin() is None):
        parser.error("--publish needs all lines on all databases")
    return options


def measured(options: argparse.Namespace) -> Run:
    """Take the figures that were asked for, telling how far it is."""
    lines = {int(line) for line in options.lines.split(",")}
    databases = [name for name in options.databases.split(",") if _is_there(name)]
    shop = Rival(options.peer_url, tuple(map(int, filter(None, options.peer_pid.split(",")))), options.peer_search, options.peer_product, options.peer_orders)
    figures: list[Figure | Omitted] = []
    with progress(len(lines & {5, 9}) + len(databases) * len(lines - {5, 9})) as (tell, done):
        effort = Effort(options.rounds, options.requests, options.seconds, options.listings, tell)
        for taken in steps(lines, databases, effort, options.scale, shop):
            for figure in taken:
                figures.append(figure)
                verdict = f"left out: {figure.why}" if isinstance(figure, Omitted) else f"{figure.result:.3g} ({figure.verdict})"
                console.print(f"line {figure.line}, {figure.name}, {figure.database}: {verdict}", soft_wrap=True)
            done()
    facts = {"rounds": options.rounds, "requests": options.requests, "seconds": options.seconds, "listings of line 9": options.listings}
    return report.now(facts, figures)


def steps(lines: set[int], databases: Sequence[str], effort: Effort, scale: str, shop: Rival) -> Iterator[Iterator[Figure | Omitted]]:
    """One measurement after the other, each of one line on one database."""
    measures: dict[int, Callable[[World, Effort], Iterator[Figure | Omitted]]] = {
        1: search_page.measure, 6: catalogue.measure,  # before the others put goods of their own on the shelves
        2: place_order.measure, 3: hot_budget.measure, 4: writers.measure, 7: watching.measure, 8: partial(rival.measure, rival=shop),
    }  # fmt: skip
    wanted = [measure for line, measure in measures.items() if line in lines]
    for database in databases if wanted else ():
        effort.tell(f"making the demonstration world ({scale}, {database})")
        with world(database, scale) as made:
            for measure in wanted:
                yield measure(made, effort)
    if 5 in lines:
        yield promises.kept()
    if 9 in lines:
        yield search_bench.measure(effort)


def _is_there(database: str) -> bool:
    if database == "postgresql" and postgresql_bin() is None:
        console.print("[yellow]no PostgreSQL server is installed: its figures are left out[/]")
        return False
    return True


@contextmanager
def progress(steps: int) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """A bar on the terminal; gives a function that tells what is being done, and one that says a step is done."""
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=steps)
        yield (lambda text: shown.update(task, description=text)), (lambda: shown.advance(task))


def write(run: Run, folder: Path) -> list[Path]:
    """Store the run as JSON, as Markdown and as a chart. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / f"bench-{strftime('%Y%m%d-%H%M%S')}.{kind}" for kind in ("json", "md", "svg")]
    for file, text in zip(found, (report.stored(run), report.page(run) + "\n", chart(run)), strict=True):
        file.write_text(text)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
