"""The figures in the documentation: `make bench BENCH="--publish"` writes them, a test holds page and picture against the numbers."""

import re
from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.chart import chart
from tests.benchmarks.report import Run
from tests.peers import ROOT

PAGE = ROOT / "docs" / "performance.md"
NUMBERS = ROOT / "docs" / "performance.json"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
BEGIN, END = "<!-- figures: written by make bench BENCH=\"--publish\", not by hand -->", "<!-- end of the figures -->"


def between(page: str) -> str:
    """What stands between the two marks of the page."""
    (found,) = re.findall(f"{re.escape(BEGIN)}\n\n(.*)\n\n{re.escape(END)}", page, re.DOTALL)
    return str(found)


def publish(run: Run) -> list[Path]:
    """Put a run into the documentation. Returns the files."""
    page = PAGE.read_text()
    PAGE.write_text(page.replace(between(page), report.page(run)))
    NUMBERS.write_text(report.stored(run))
    PICTURE.write_text(chart(run))
    return [PAGE, NUMBERS, PICTURE]
