"""The figures of a run as a picture for the documentation."""

from html import escape

from tests.benchmarks.report import VERDICTS, Figure, Run

ROW, TOP, LEFT, BOUND = 34, 34, 400, 260
"""Height of a row and of the head; where bars begin, and how far from there the bound stands."""
COLORS = dict(zip(VERDICTS, ("#2f7d4f", "#9a7b1f", "#b3372f"), strict=True))


def chart(run: Run) -> str:
    """Horizontal bars: each figure against the bound it must keep, which is drawn at the same place for all."""
    height = TOP + ROW * len(run.figures) + 8
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{height}" viewBox="0 0 960 {height}"',
        'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Figures of the benchmarks against their bounds">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT + BOUND}" y="18" text-anchor="middle" fill="#555">bound</text>',
        f'<line x1="{LEFT + BOUND}" y1="24" x2="{LEFT + BOUND}" y2="{height - 6}" stroke="#555" stroke-dasharray="4 3"/>',
        *(part for number, figure in enumerate(run.figures) for part in _row(figure, TOP + ROW * number)),
        "</svg>",
    ]) + "\n"  # fmt: skip


def _row(figure: Figure, top: int) -> list[str]:
    """A name, which side of the bound is good, and a bar; what is far beyond the bound is cut off."""
    end = LEFT + min(figure.result / figure.must, 1.9) * BOUND
    word = "left of" if figure.better == "lower" else "right of"
    return [
        f'<text x="10" y="{top + 12}" fill="#222">{escape(f"{figure.line} {figure.name}")}</text>',
        f'<text x="10" y="{top + 26}" fill="#777" font-size="11">{escape(figure.database)}, good is {word} {figure.must:.3g}</text>',
        f'<rect x="{LEFT}" y="{top + 3}" width="{max(2, end - LEFT):.0f}" height="20" rx="3" fill="{COLORS[figure.verdict]}"/>',
        f'<text x="{end + 8:.0f}" y="{top + 18}" fill="#222" stroke="#fff" stroke-width="4" paint-order="stroke">{figure.result:.3g}</text>',
    ]
