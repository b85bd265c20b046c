import pytest

from tests.benchmarks import report
from tests.benchmarks.chart import chart
from tests.benchmarks.report import Figure, Omitted, Run


def figure(ours: float, better: str = "lower", line: int = 1) -> Figure:
    must, aim = (2.0, 1.5) if better == "lower" else (0.35, 0.6)
    return Figure(line, "search page", "sqlite", ours, "CPU-ms", must, aim, better, yardstick=1.0, details={"p50": "7 ms"})  # type: ignore[arg-type]


SLOWEST = Figure(4, "slowest order", "sqlite", 0.213, "s", 0.5, 0.2, "lower")
LEFT_OUT = Omitted(8, "search page CPU", "sqlite", "no --peer-url was given")


def a_run() -> Run:
    return report.now({"rounds": 3, "requests": 1200}, [LEFT_OUT, SLOWEST, figure(0.5, "higher", line=2), figure(1.7)])


def test_a_ratio_is_judged_by_the_side_it_must_stay_on():
    assert [figure(ours).verdict for ours in (1.5, 2.0, 2.01)] == ["aim reached", "enough", "MISSED"]
    assert [figure(ours, "higher").verdict for ours in (0.6, 0.35, 0.34)] == ["aim reached", "enough", "MISSED"]


def test_a_figure_without_a_yardstick_is_judged_itself():
    assert (SLOWEST.result, SLOWEST.verdict) == (0.213, "enough")


def test_the_table_has_a_row_for_every_figure_and_for_what_was_left_out_in_the_order_of_lines():
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in report.table(a_run()).splitlines()]
    assert [row[0] for row in rows[2:]] == ["1", "2", "4", "8"]
    assert rows[2] == ["1", "search page", "sqlite", "1.70 CPU-ms", "1 CPU-ms", "1.7", "≤ 2", "≤ 1.5", "enough"]
    assert rows[4][3:] == ["0.21 s", "", "0.21 s", "≤ 0.5", "≤ 0.2", "enough"]
    assert rows[5][-1] == "left out: no --peer-url was given"


def test_a_stored_run_is_read_back_whole_and_shows_the_same_page():
    run = a_run()
    again = report.read(report.stored(run))
    assert (again, report.page(again)) == (run, report.page(run))
    assert "rounds 3, requests 1,200" in report.page(run) and "- 1, search page, sqlite: p50 7 ms" in report.page(run)


@pytest.mark.parametrize(("ours", "color"), [(1.0, "#2f7d4f"), (1.9, "#9a7b1f"), (400.0, "#b3372f")])
def test_the_chart_has_a_bar_for_every_figure_in_the_colour_of_its_verdict_and_inside_the_picture(ours: float, color: str):
    drawn = chart(Run("now", {}, {}, [figure(ours)]))
    assert drawn.count("<rect") == 2 and f'fill="{color}"' in drawn
    assert chart(a_run()).count('rx="3"') == 3
