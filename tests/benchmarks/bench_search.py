"""`make bench-search`: relevance and every gate of the search engine in one run; exit code 1 when one is missed.

`make bench-search BENCH="--listings 1000000"` takes a million listings, `BENCH="--distractors 0"` leaves relevance out.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import strftime

from rich.console import Console

from tests.benchmarks import report, search_scale
from tests.benchmarks.effort import Effort
from tests.benchmarks.search_scale import Scale
from tests.peers import ROOT

console = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench-search", description=__doc__)
    parser.add_argument("--listings", type=int, default=200_000)
    parser.add_argument("--distractors", type=int, default=200_000, help="listings among which the labelled questions are judged; 0: not at all")
    parser.add_argument("--rounds", type=int, default=3, help="A-B-A rounds of each case")
    parser.add_argument("--kills", type=int, default=20, help="kills of the writer")
    parser.add_argument("--seconds", type=float, default=10, help="how long readers read beside a writer")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-results")
    options = parser.parse_args(arguments)
    effort = Effort(options.rounds, listings=options.listings, tell=lambda text: console.print(f"… {text}", soft_wrap=True))
    scale = Scale(options.listings, options.distractors, options.kills, options.seconds)
    told: list[str] = []
    figures = []
    for figure in search_scale.measure(effort, scale, told):
        figures.append(figure)
        console.print(f"{figure.name}: {figure.result:.3g} ({figure.verdict})", soft_wrap=True)
    run = report.now(search_scale.facts(scale, effort), figures)
    print(report.page(run), *told, sep="\n")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"search-{strftime('%Y%m%d-%H%M%S')}.json").write_text(report.stored(run))
    return 1 if any(figure.verdict == report.VERDICTS[-1] for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
