"""`make bench`: the product beside its yardsticks, in one run. `make bench BENCH="--lines 1 --rounds 5"` passes options on."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from tests.benchmarks import place_order, report, search_page
from tests.benchmarks.world import world
from tests.peers import ROOT, postgresql_bin

console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    figures: list[report.Figure] = []
    for figure in figures_of(options):
        figures.append(figure)
        console.print(f"line {figure.line}, {figure.database}: {figure.ratio:.2f} ({figure.verdict})")
    print(report.table(figures))
    for file in report.write(figures, options.output):
        print(file)
    return 1 if options.strict and any(figure.verdict == "MISSED" for figure in figures) else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--lines", default="1,2,9", help="which lines of docs/benchmarks.md, e.g. 1,2")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--rounds", type=int, default=3, help="A-B-A rounds; at least 3 for figures worth quoting")
    parser.add_argument("--requests", type=int, default=200, help="requests of one leg")
    parser.add_argument("--seconds", type=float, default=5, help="length of one leg of the bare transaction")
    parser.add_argument("--scale", default="small", help="the demonstration world: small, city or province")
    parser.add_argument("--listings", type=int, default=200_000, help="listings of line 9")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-results")
    parser.add_argument("--strict", action="store_true", help="fail when a bound is missed")
    return parser.parse_args(arguments)


def figures_of(options: argparse.Namespace) -> Iterator[report.Figure]:
    lines = {int(line) for line in options.lines.split(",")}
    for database in options.databases.split(",") if lines & {1, 2} else ():
        if database == "postgresql" and postgresql_bin() is None:
            console.print("[yellow]no PostgreSQL server is installed: its figures are left out[/]")
            continue
        console.print(f"making the demonstration world ({options.scale}, {database})")
        with world(database, options.scale) as made:
            if 1 in lines:
                yield from search_page.measure(made, rounds=options.rounds, requests=options.requests)
            if 2 in lines:
                yield from place_order.measure(made, rounds=options.rounds, orders=options.requests, seconds=options.seconds)
    if 9 in lines:
        yield from import_module("tests.benchmarks.search_bench").measure(listings=options.listings, rounds=options.rounds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
