"""What a run measured: figures with their bounds, one table for the terminal and the documentation, JSON for machines."""

import json
import os
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

VERDICTS = ("aim reached", "enough", "MISSED")


@dataclass(frozen=True)
class Figure:
    """The product beside its yardstick, measured in the same run; without a yardstick the bounds are for the figure itself."""

    line: int
    name: str
    database: str
    ours: float
    unit: str
    must: float
    aim: float
    better: Literal["lower", "higher"]
    yardstick: float | None = None
    details: dict[str, str] = field(default_factory=dict)

    @property
    def result(self) -> float:
        """What is held against the bounds."""
        return self.ours if self.yardstick is None else self.ours / self.yardstick

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        for name, bound in zip(VERDICTS, (self.aim, self.must), strict=False):
            if self.result <= bound if self.better == "lower" else self.result >= bound:
                return name
        return VERDICTS[-1]


@dataclass(frozen=True)
class Omitted:
    """A figure that this run could not take, and why."""

    line: int
    name: str
    database: str
    why: str


@dataclass(frozen=True)
class Run:
    """One run of the benchmarks."""

    at: str
    machine: dict[str, Any]
    effort: dict[str, Any]
    figures: Sequence[Figure]
    omitted: Sequence[Omitted] = ()


def now(effort: dict[str, Any], measured: Iterable[Figure | Omitted]) -> Run:
    """What was measured here just now, ordered by line."""
    rows = sorted(measured, key=lambda row: row.line)
    return Run(
        at=time.strftime("%Y-%m-%d %H:%M %z"),
        machine={"system": platform.system(), "python": platform.python_version(), "cores": len(os.sched_getaffinity(0))},
        effort=effort,
        figures=[row for row in rows if isinstance(row, Figure)],
        omitted=[row for row in rows if isinstance(row, Omitted)],
    )


# ---------------------------------------------------------------- for machines


def stored(run: Run) -> str:
    """The run as JSON, each figure with its result and verdict."""
    figures = [{**asdict(figure), "result": figure.result, "verdict": figure.verdict} for figure in run.figures]
    return json.dumps({**asdict(run), "figures": figures}, ensure_ascii=False, indent=2) + "\n"


def read(text: str) -> Run:
    """A run that was stored."""
    told = json.loads(text)
    figures = [Figure(**{name: value for name, value in each.items() if name not in ("result", "verdict")}) for each in told["figures"]]
    return Run(**{**told, "figures": figures, "omitted": [Omitted(**each) for each in told["omitted"]]})


# ---------------------------------------------------------------- for people


def page(run: Run) -> str:
    """The run in Markdown, as the terminal shows it and as it stands in docs/performance.md."""
    effort = ", ".join(f"{name} {value:,}" for name, value in run.effort.items())
    machine = f"{run.machine['cores']} cores, {run.machine['system']}, Python {run.machine['python']}"
    parts = [f"Measured {run.at} on {machine}; {effort}.", table(run)]
    behind = [
        f"- {figure.line}, {figure.name}, {figure.database}: " + "; ".join(f"{name} {value}" for name, value in figure.details.items())
        for figure in run.figures
        if figure.details
    ]
    return "\n\n".join([*parts, *(["Behind the figures:", "\n".join(behind)] if behind else [])])


HEAD = ("line", "what", "database", "ours", "yardstick", "result", "must", "aim", "verdict")


def table(run: Run) -> str:
    """Every figure beside its bounds, and what was left out, in the order of lines."""
    told: list[Figure | Omitted] = [*run.figures, *run.omitted]
    rows = [_row(each) if isinstance(each, Figure) else _why(each) for each in sorted(told, key=lambda each: each.line)]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (HEAD, *rows)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(figure: Figure) -> tuple[str, ...]:
    sign = "≤" if figure.better == "lower" else "≥"
    beside = ("", _number(figure.ours, figure.unit))
    if figure.yardstick is not None:
        beside = (_number(figure.yardstick, figure.unit), f"{figure.result:.3g}")
    ours = (str(figure.line), figure.name, figure.database, _number(figure.ours, figure.unit))
    return (*ours, *beside, f"{sign} {figure.must:.3g}", f"{sign} {figure.aim:.3g}", figure.verdict)


def _why(omitted: Omitted) -> tuple[str, ...]:
    return (str(omitted.line), omitted.name, omitted.database, "", "", "", "", "", f"left out: {omitted.why}")


def _number(value: float, unit: str) -> str:
    """With as many places as say something."""
    places = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{places}f} {unit}"
