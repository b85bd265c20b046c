"""What was measured: a table for people, JSON for machines, a chart for the documentation."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One ratio of the product to its yardstick, measured in the same run."""

    line: int
    name: str
    database: str
    ours: float
    yardstick: float
    unit: str
    must: float
    aim: float
    better: Literal["lower", "higher"]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.ours / self.yardstick

    @property
    def verdict(self) -> str:
        for name, bound in (("aim reached", self.aim), ("enough", self.must)):
            if self.ratio <= bound if self.better == "lower" else self.ratio >= bound:
                return name
        return "MISSED"


def table(figures: Sequence[Figure]) -> str:
    rows = [("line", "what", "database", "ours", "yardstick", "ratio", "must", "aim", "verdict")]
    for figure in figures:
        sign = "≤" if figure.better == "lower" else "≥"
        rows.append((
            str(figure.line), figure.name, figure.database, f"{figure.ours:.2f} {figure.unit}", f"{figure.yardstick:.2f} {figure.unit}",
            f"{figure.ratio:.2f}", f"{sign} {figure.must:g}", f"{sign} {figure.aim:g}", figure.verdict,
        ))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for figure in figures:
        if figure.details:
            lines += ["", f"{figure.line} {figure.name} ({figure.database})"]
            lines += [f"    {key}: {value}" for key, value in figure.details.items()]
    return "\n".join(lines)


def write(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Store the run as JSON and as a chart. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cores": len(os.sched_getaffinity(0))},
        "figures": [{**asdict(figure), "ratio": round(figure.ratio, 4), "verdict": figure.verdict} for figure in figures],
    }
    numbers, picture = folder / f"bench-{stamp}.json", folder / f"bench-{stamp}.svg"
    numbers.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    picture.write_text(chart(figures))
    return [numbers, picture]


def chart(figures: Sequence[Figure]) -> str:
    """Horizontal bars: each ratio against the bound it must keep, which is drawn at the same place for all."""
    row, left, scale = 44, 330, 260
    height = 56 + row * len(figures)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{height}" viewBox="0 0 860 {height}"',
        'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="benchmark ratios">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{left + scale}" y="22" text-anchor="middle" fill="#555">bound</text>',
        f'<line x1="{left + scale}" y1="30" x2="{left + scale}" y2="{height - 12}" stroke="#555" stroke-dasharray="4 3"/>',
    ]
    for number, figure in enumerate(figures):
        top = 40 + row * number
        share = min(figure.ratio / figure.must, 1.9)
        color = {"aim reached": "#2f7d4f", "enough": "#9a7b1f", "MISSED": "#b3372f"}[figure.verdict]
        word = "stay left of" if figure.better == "lower" else "pass"
        label = escape(f"{figure.line} {figure.name}"[:44])
        parts += [
            f'<text x="12" y="{top + 13}" fill="#222">{label}</text>',
            f'<text x="12" y="{top + 29}" fill="#777" font-size="11">{escape(figure.database)}, {word} the bound {figure.must:g}</text>',
            f'<rect x="{left}" y="{top}" width="{max(2, share * scale):.0f}" height="22" rx="3" fill="{color}"/>',
            f'<text x="{left + share * scale + 8:.0f}" y="{top + 16}" fill="#222">{figure.ratio:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
