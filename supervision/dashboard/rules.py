"""From an event to a line of the stream, and to what it adds to the figures of its region and day. Amounts in fen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import N_, Unavailable
from orders.purchases.states import State
from supervision.dashboard.states import REFUSED_ATTEMPT, Risk

SHOWN = ("order.", "submission.", "plan.", "alert.")
"""Which matters of the log are lines of the stream; all others only move the sequence on."""

_WEIGHT = {"pass": 0, "watch": 1, "hold": 2, "block": 3}


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a line shows, before names of categories are looked up."""

    unit_id: int | None
    unit_name: str
    supplier_id: int | None
    supplier_name: str
    categories: tuple[str, ...]
    amount_fen: int | None
    mode: str
    state: str
    risk: Risk
    rules: tuple[str, ...]


class StreamFull(Unavailable):
    """Each stream holds a thread; the rest of the product comes first."""

    code = "stream.full"
    message = N_("实时连接已满")
    way_out = N_("请改用轮询：GET /api/v1/stream?after=<序号>")


def is_shown(event_type: str) -> bool:
    """Whether an event is a line of the stream."""
    return event_type.startswith(SHOWN)


def line_of(event_type: str, body: Mapping[str, Any], earlier: Iterable[str] = ()) -> Line:
    """The line of an event; `earlier` are the rules that the same order tripped before."""
    matter = event_type.partition(".")[0]
    if matter == "order":
        return _order(event_type, body, tuple(earlier))
    if matter == "submission":
        tripped = [each for each in body["verdicts"] if each["outcome"] != Risk.PASS.value]
        return Line(
            unit_id=body["unit_id"],
            unit_name=body["unit_name"],
            supplier_id=body["supplier_ids"][0] if len(body["supplier_ids"]) == 1 else None,
            supplier_name="、".join(body["supplier_names"]),
            categories=tuple(body["categories"]),
            amount_fen=body["total_fen"],
            mode="direct",
            state=REFUSED_ATTEMPT,
            risk=Risk.BLOCK,
            rules=_ranked(tripped),
        )
    if matter == "alert":
        return Line(
            unit_id=body.get("unit_id"),
            unit_name=body.get("unit_name", ""),
            supplier_id=body.get("supplier_id"),
            supplier_name=body.get("supplier_name", ""),
            categories=(),
            amount_fen=body.get("amount_fen"),
            mode="",
            state=event_type,
            risk=Risk.WATCH,
            rules=(body["rule"],),
        )
    return Line(
        unit_id=body.get("unit_id"),
        unit_name=body.get("unit_name", ""),
        supplier_id=None,
        supplier_name="",
        categories=tuple(body.get("categories", ())),
        amount_fen=body.get("total_fen"),
        mode="",
        state=event_type,
        risk=Risk.PASS,
        rules=(),
    )


def _order(event_type: str, body: Mapping[str, Any], earlier: tuple[str, ...]) -> Line:
    tripped = _ranked(body["verdicts"]) if event_type == "order.submitted" else earlier
    held = body["state"] == State.HELD.value
    return Line(
        unit_id=body["unit_id"],
        unit_name=body["unit_name"],
        supplier_id=body["supplier_id"],
        supplier_name=body["supplier_name"],
        categories=tuple(body["categories"]),
        amount_fen=body["total_fen"],
        mode="direct",
        state=body["state"],
        risk=Risk.HOLD if held else Risk.WATCH if tripped else Risk.PASS,
        rules=tripped,
    )


def _ranked(verdicts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The rules that did not pass, each once, the heaviest first."""
    worst: dict[str, int] = {}
    for each in verdicts:
        weight = _WEIGHT.get(each["outcome"], 0)
        if weight:
            worst[each["rule"]] = max(worst.get(each["rule"], 0), weight)
    return tuple(sorted(worst, key=lambda rule: (-worst[rule], rule)))


def tally(event_type: str, line: Line) -> dict[str, int]:
    """What an event adds to the figures of its region and day."""
    amount = line.amount_fen or 0
    match event_type:
        case "order.submitted":
            return {"submitted": 1, "submitted_fen": amount, "held": int(line.risk is Risk.HOLD)}
        case "submission.refused":
            return {"refused": 1}
        case "order.confirmed":
            return {"confirmed": 1, "confirmed_fen": amount}
        case "order.paid":
            return {"paid": 1, "paid_fen": amount}
        case "alert.raised":
            return {"alerts": 1}
    return {}


def shade(value: int, most: int) -> int:
    """One of five shades, 1 to 5, for a value among others; nothing is the lightest."""
    return 1 if most <= 0 or value <= 0 else min(5, 1 + value * 5 // (most + 1))
