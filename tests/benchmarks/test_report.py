from tests.benchmarks.report import Figure, chart, table


def figure(ours: float, better: str = "lower") -> Figure:
    must, aim = (2.0, 1.5) if better == "lower" else (0.35, 0.6)
    return Figure(1, "search page", "sqlite", ours, 1.0, "CPU-ms", must, aim, better)  # type: ignore[arg-type]


def test_a_ratio_is_judged_by_the_side_it_must_stay_on():
    assert [figure(ours).verdict for ours in (1.5, 2.0, 2.01)] == ["aim reached", "enough", "MISSED"]
    assert [figure(ours, "higher").verdict for ours in (0.6, 0.35, 0.34)] == ["aim reached", "enough", "MISSED"]


def test_the_table_and_the_chart_name_every_figure():
    figures = [figure(1.7), figure(0.5, "higher")]
    assert table(figures).count("search page") == 2
    assert chart(figures).count("<rect") == 1 + len(figures)
