"""The figures of the documentation come from a run, whole: nobody writes them by hand."""

import re

import pytest

from tests.benchmarks import publish, report
from tests.benchmarks.__main__ import ALL, main, parse
from tests.benchmarks.chart import chart
from tests.benchmarks.promises import kept
from tests.docs.pages import blocks

RUN = report.read(publish.NUMBERS.read_text())
WRITTEN = 'make bench BENCH="--stored docs/performance.json --publish"'


def test_the_table_and_the_picture_say_what_the_stored_run_says():
    assert publish.between(publish.PAGE.read_text()) == report.page(RUN), WRITTEN
    assert publish.PICTURE.read_text() == chart(RUN), WRITTEN


def test_the_stored_run_holds_every_line_measured_or_with_the_reason_why_not():
    lines = {each.line for each in (*RUN.figures, *RUN.omitted)}
    assert lines == {int(line) for line in ALL.split(",")}
    assert {each.line for each in RUN.omitted} <= {8}
    assert {figure.line for figure in RUN.figures if figure.database == "postgresql"} >= {1, 2, 3, 6, 7}


def test_the_statements_that_the_page_tells_are_the_ones_that_the_test_counts():
    assert [figure for figure in RUN.figures if figure.line == 5] == list(kept())


def test_every_line_has_a_row_that_says_what_is_compared():
    rows = re.findall(r"(?m)^\| (\d) \|", publish.PAGE.read_text().partition("## How it is measured")[2])
    assert rows == ALL.split(",")


def test_every_command_of_the_page_is_understood():
    commands = [re.findall(r'BENCH="(.*)"', command) for block in blocks("deep") if block.page == publish.PAGE for command in block.commands()]
    assert len(commands) > 4
    for (options,) in filter(None, commands):
        parse(options.split())


def test_figures_of_some_lines_only_are_not_published():
    with pytest.raises(SystemExit):
        parse(["--publish", "--lines", "1,2"])


def test_a_stored_run_is_shown_as_it_stands_in_the_documentation(capsys: pytest.CaptureFixture[str]):
    assert main(["--stored", str(publish.NUMBERS)]) == 0
    assert capsys.readouterr().out == publish.between(publish.PAGE.read_text()) + "\n"
