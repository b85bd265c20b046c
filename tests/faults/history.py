"""What the clients and the nemesis wrote down: one JSON object a line, flushed at once, so that it survives whoever wrote it.

invoke: a request leaves. ok: it was done, and this is what was made. fail: it surely was not done. info: nobody knows.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Recorder:
    """Appends lines to one file; the clock is the machine's monotonic one, the same for all processes."""

    def __init__(self, file: Path) -> None:
        self.out = file.open("a", buffering=1, encoding="utf-8")

    def __call__(self, phase: str, **what: Any) -> None:
        self.out.write(json.dumps({"at": time.monotonic_ns(), "phase": phase, **what}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self.out.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """All lines of all writers in the order of time; a last line that was cut off with its writer is left out."""
    lines = []
    for file in sorted(folder.glob("*.jsonl")):
        for text in file.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue
    return sorted(lines, key=lambda line: int(line["at"]))


@dataclass
class Checkout:
    """Everything known of one idempotency key."""

    key: str
    buyer: int
    lines: list[dict[str, int]]
    made: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: int = 0

    @property
    def amount_fen(self) -> int:
        return sum(line["quantity"] * line["seen_price_fen"] for line in self.lines)

    @property
    def is_answered(self) -> bool:
        """Whether at least one of its requests was answered for certain."""
        return bool(self.made or self.refused)


@dataclass
class Steps:
    """Steps of orders: what was acknowledged, and how many ended otherwise."""

    done: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: int = 0


@dataclass
class Told:
    """The history, put together."""

    checkouts: dict[str, Checkout] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)
    foreign: list[dict[str, Any]] = field(default_factory=list)
    """Answers to another content under a key that was used already."""

    @property
    def answered(self) -> int:
        return sum(checkout.is_answered for checkout in self.checkouts.values())

    @property
    def demanded_fen(self) -> int:
        return sum(checkout.amount_fen for checkout in self.checkouts.values())


def put_together(lines: Iterable[dict[str, Any]]) -> Told:
    """Pair every request with its answer; a request without one has an unknown outcome."""
    told = Told()
    open_requests: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["phase"] == "invoke":
            open_requests[line["op"]] = line
            if line["kind"] == "submit":
                told.checkouts.setdefault(line["key"], Checkout(line["key"], line["buyer"], line["lines"]))
        elif line["phase"] in {"ok", "fail", "info"}:
            _close(told, open_requests.pop(line["op"]), line)
    for request in open_requests.values():
        _close(told, request, {"phase": "info"})
    return told


def _close(told: Told, request: dict[str, Any], line: dict[str, Any]) -> None:
    if request["kind"] == "foreign":
        told.foreign.append({**request, **line})
        return
    target: Checkout | Steps = told.checkouts[request["key"]] if request["kind"] == "submit" else told.steps
    if line["phase"] == "info":
        target.unknown += 1
    elif line["phase"] == "fail":
        target.refused.append(line["code"])
    elif isinstance(target, Checkout):
        target.made.append(line["made"])
    else:
        target.done.append({**request, **line["made"]})
