"""Geometry of the charts: pure functions from values to SVG coordinates, so that templates only place them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise


def share(part: float, whole: float) -> float:
    """Part of a whole in percent, 0 to 100, three decimals; an empty whole counts as nothing."""
    return round(min(max(part / whole, 0.0), 1.0) * 100, 3) if whole > 0 else 0.0


@dataclass(frozen=True)
class Scale:
    """A linear map from values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value stands, one decimal."""
        if self.high == self.low:
            return round((self.start + self.end) / 2, 1)
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round marks (1, 2 or 5 times a power of ten) that enclose the values."""
    if high <= low:
        high = low + (abs(low) or 1)
    rough = (high - low) / wanted
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = int(low // step) * step
    marks = [first]
    while marks[-1] < high:
        marks.append(marks[-1] + step)
    return marks


def spark(values: Sequence[float], ref: float | None = None, *, width: float = 100, height: float = 32) -> dict[str, object]:
    """A sparkline: `line` and `area` paths and the height of the reference line (None without one)."""
    known = [*values, *([ref] if ref is not None else [])] or [0]
    scale = Scale(min(known), max(known), height - 2, 2)
    step = width / max(len(values) - 1, 1)
    points = [f"{round(index * step, 2):g} {scale.at(value):g}" for index, value in enumerate(values)]
    line = "M" + "L".join(points) if points else ""
    area = f"{line}L{width:g} {height:g}L0 {height:g}Z" if points else ""
    return {"line": line, "area": area, "ref": scale.at(ref) if ref is not None else None}


@dataclass(frozen=True)
class History:
    """A price history ready to be drawn on `width` × `height`."""

    width: int
    height: int
    path: str
    dots: list[tuple[float, float, int]]
    rows: list[tuple[float, int]]
    days: list[tuple[float, date]]
    median: float | None
    external: float | None
    band: tuple[float, float] | None
    end: tuple[float, float] | None
    left: int = 64
    right: int = 620


def history(
    points: Sequence[tuple[date, int]],
    *,
    until: date | None = None,
    median: int | None = None,
    external: int | None = None,
    band: tuple[int, int] | None = None,
) -> History:
    """A step line of prices in fen over days, with marks at the changes, from the first point to `until`."""
    width, height, left, right, top, bottom = 760, 200, 64, 620, 12, 168
    values = [fen for _, fen in points] + [fen for fen in (median, external, *(band or ())) if fen is not None]
    low, high = min(values, default=0) / 100, max(values, default=100) / 100
    marks = ticks(low, high) if high > low else ticks(low * 0.9, low * 1.1)  # a price that never changed runs through the middle
    rise = Scale(marks[0] * 100, marks[-1] * 100, bottom, top)
    first = points[0][0] if points else (until or date.min)
    last = max([until or first, *(day for day, _ in points)], default=first)
    run = Scale(first.toordinal(), max(last.toordinal(), first.toordinal() + 1), left, right)
    path = ""
    for index, (day, fen) in enumerate(points):
        across, up = run.at(day.toordinal()), rise.at(fen)
        path += f"M{across:g} {up:g}" if index == 0 else f"H{across:g}V{up:g}"
    dots = [(run.at(day.toordinal()), rise.at(fen), fen) for (_, before), (day, fen) in pairwise(points) if before != fen]
    if points:
        path += f"H{right}"
    span = max((last - first).days, 1)
    days = [date.fromordinal(first.toordinal() + round(span * part / 4)) for part in range(5)]
    return History(
        width=width, height=height, path=path, dots=dots,
        rows=[(rise.at(mark * 100), round(mark * 100)) for mark in marks],
        days=[(run.at(day.toordinal()), day) for day in days],
        median=rise.at(median) if median is not None else None,
        external=rise.at(external) if external is not None else None,
        band=(rise.at(band[1]), rise.at(band[0])) if band else None,
        end=(right, rise.at(points[-1][1])) if points else None,
    )


def quartile(low: int, q1: int, median: int, q3: int, high: int, price: int, limit: int | None = None) -> dict[str, float]:
    """Where min, quartiles, max, this price and the limit stand on a bar, in percent of its width."""
    known = [low, high, price, *([limit] if limit is not None else [])]
    scale = Scale(min(known), max(known), 4, 96)
    places = {"low": low, "q1": q1, "median": median, "q3": q3, "high": high, "price": price}
    found = {name: scale.at(value) for name, value in places.items()}
    if limit is not None:
        found["limit"] = scale.at(limit)
    return found


def bars(values: Sequence[float], ref: float | None = None) -> dict[str, object]:
    """Columns on 720 × 200: marks with their height, and for each value (x, y, width, height)."""
    marks = ticks(0, max([*values, ref or 0, 1e-9]))
    rise = Scale(0, marks[-1], 170, 14)
    pitch = 660 / max(len(values), 1)
    wide = min(pitch * 0.6, 48)
    columns = [
        (round(50 + pitch * index + (pitch - wide) / 2, 1), rise.at(value), round(wide, 1), round(170 - rise.at(value), 1))
        for index, value in enumerate(values)
    ]
    return {"marks": [(rise.at(mark), mark) for mark in marks], "columns": columns, "ref": rise.at(ref) if ref is not None else None}


def log_ticks(digest: str) -> list[int]:
    """The heights (1 to 14) of eight ticks that draw the first eight digits of a hash."""
    return [2 + round(int(digit, 16) * 12 / 15) for digit in digest[:8] if digit in "0123456789abcdef"]
