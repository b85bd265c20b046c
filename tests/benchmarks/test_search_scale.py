"""The run of the search gates, made small: every row is there, and a missed gate ends with 1."""

from tests.benchmarks import bench_search, report, search_scale
from tests.benchmarks.effort import Effort
from tests.benchmarks.report import Figure
from tests.benchmarks.search_scale import Scale

SMALL = Scale(listings=200, distractors=50, kills=1, seconds=0.3)


def test_a_run_shows_every_gate_and_what_has_none():
    told: list[str] = []
    figures = {figure.name: figure for figure in search_scale.measure(Effort(1, listings=200), SMALL, told)}
    for case in "abcdef":
        assert [name for name in figures if name.startswith(f"search {case}: ")], case
    assert {"search b, p95", "search b with 3 disjunctive facets / plain b", "search whole call / the same raw calls", "search: bytes on disk"} <= set(figures)
    assert figures["search: errors of readers beside a writer"].ours == 0, told
    assert figures["search: index opened after 1 kills of the writer"].ours == figures["search: last acknowledged batch was whole"].ours == 1
    assert sum(name.startswith("relevance of ") for name in figures) == 9
    assert told[0].startswith("build: 200 listings in ") and any(line.startswith("2 readers made ") for line in told)
    assert any(line.startswith("traditional_mixed") for line in told)


def test_a_missed_gate_is_said_by_the_exit_code_and_the_figures_are_kept(tmp_path, monkeypatch, capsys):
    def measured(effort, scale, told):
        told.append("build: so and so")
        yield Figure(line=9, name="search a", database="embedded", ours=scale.listings, unit="ms", must=100, aim=50, better="lower")

    monkeypatch.setattr(search_scale, "measure", measured)
    assert bench_search.main(["--listings", "200", "--output", str(tmp_path)]) == 1
    assert "MISSED" in capsys.readouterr().out
    assert bench_search.main(["--listings", "60", "--output", str(tmp_path)]) == 0
    (file,) = {report.read(file.read_text()).figures[0].name for file in tmp_path.glob("search-*.json")}
    assert file == "search a"
