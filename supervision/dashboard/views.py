"""What supervisors look at: the board of regions, the live stream, an order from end to end, a refused attempt."""

import itertools
from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.config import Settings
from app.kernel import clock, regions, sheets
from app.kernel.errors import N_
from app.policy import Actor, Permission
from app.web import filters, htmx
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.streams import streamed
from orders.budgets import queries as budgets
from orders.contracts import queries as contracts
from orders.purchases import queries as purchases
from orders.purchases.queries import Order
from orders.purchases.states import STATE_NAMES
from orders.purchases.views import worded_all
from supervision.alerts import queries as alerts
from supervision.alerts.rules import TEXTS
from supervision.alerts.states import ALERT_STATE_NAMES
from supervision.dashboard import queries, rules
from supervision.dashboard.broadcast import HEADERS, frames, reader, shared, start_at
from supervision.dashboard.forms import (
    PERIOD_NAMES,
    Span,
    address_of,
    days_back,
    filter_of,
    index_of,
    is_live,
    period_of,
    span_of,
)
from supervision.dashboard.queries import FIGURES, Figures, Filter, StreamEntry
from supervision.dashboard.states import EVENT_NAMES, KIND_NAMES, LINE_STATES, MODE_NAMES, RISK_NAMES, Risk
from supervision.journal import queries as journal
from supervision.journal import service as log

bp = Blueprint("dashboard", __name__, url_prefix="/watch", template_folder="templates")

SHOWN = 50
EXPORT = 5_000
TREND_DAYS = 30
TONES = {Risk.PASS: "ok", Risk.WATCH: "warn", Risk.HOLD: "hold", Risk.BLOCK: "bad"}
PLACES = (
    "", "", "410600", "410500", "410900",
    "", "419001", "410800", "410700", "",
    "411200", "410300", "410100", "410200", "411400",
    "", "410400", "411000", "411600", "",
    "", "411300", "411100", "", "410000",
    "", "", "411700", "411500", "",
)  # fmt: skip
"""Where the cities lie to one another, five in a row; the last is the province's own level."""


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


# ---------------------------------------------------------------- the board


@bp.get("")
@requires(Permission.STREAM_WATCH)
def board() -> ResponseReturnValue:
    """A region at one glance, with a way down to each region below and each unit; every figure leads to its list."""
    session, actor = db.session(), me()
    code = queries.seen_region(actor, request.args.get("region"))
    today, period = clock.today(), period_of(request.args.get("period"))
    span, days = span_of(period, today), days_back(today, TREND_DAYS)
    parts = [code, *(each.code for each in regions.children(code))]
    alone = queries.by_region(session, regions.below(code), span.since, span.until)
    trends = queries.by_day(session, regions.below(code), days[0], days[-1])
    rows = [_board_row(part, part == code, alone, trends, days) for part in parts]
    most = max((row["density"] for row in rows), default=0)
    for row in rows:
        row["shade"] = rules.shade(row["density"], most)
    return htmx.show(
        "dashboard/board.html",
        code=code,
        path=[each for each in regions.path(code) if regions.within(each.code, actor.region)],
        region=regions.by_code(code),
        period=period,
        periods=PERIOD_NAMES,
        span=span,
        total=queries.total(row["figures"] for row in rows),
        trend={name: [sum(row["trend"][name][n] for row in rows) for n in range(len(days))] for name in FIGURES},
        rows=rows,
        tiles=_tiles(code, rows),
        units=queries.by_unit(session, code, span.since, span.until),
        stopped=queries.latest(session, actor, Filter(region=code, risk=Risk.BLOCK, since=span.since, until=span.until), limit=8),
        held=queries.latest(session, actor, Filter(region=code, risk=Risk.HOLD, since=span.since, until=span.until), limit=8),
        now=clock.now(),
        list_of=lambda kind, region=code, own=False, **more: _list(kind, region, span, own=own, **more),
        name_of=region_name,
        tones=TONES,
    )


def _board_row(
    code: str, own: bool, alone: dict[str, Figures], trends: dict[tuple[str, date], Figures], days: list[date]
) -> dict[str, Any]:
    """One region of the board: its own level alone, or all that lies below it."""
    codes = {code} if own else regions.below(code)
    figures = queries.total(alone[each] for each in codes if each in alone)
    daily = [queries.total(trends[each, day] for each in codes if (each, day) in trends) for day in days]
    return {
        "code": code,
        "own": own,
        "name": _("本级") if own else regions.by_code(code).name,
        "figures": figures,
        "trend": {name: [getattr(each, name) for each in daily] for name in FIGURES},
        "density": round(figures.alerts * 1000 / figures.submitted) if figures.submitted else 0,
    }


def _tiles(code: str, rows: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """The regions as tiles: cities where they lie, counties in order."""
    if code != regions.PROVINCE:
        return list(rows)
    by_code = {row["code"]: row for row in rows}
    return [by_code.get(place) for place in PLACES]


def _list(kind: str, region: str, span: Span, *, own: bool = False, **more: Any) -> str:
    """Where a figure leads: the lines that it counts."""
    given = {"region": region, "own": "1" if own else None, "kind": kind, "from": span.since, "to": span.until, **more}
    return url_for("dashboard.stream", **{name: value for name, value in given.items() if value is not None})


def region_name(code: str) -> str:
    """A region in the fewest words: the province's own level, a city, city · county."""
    way = regions.path(code)
    if len(way) == 1:
        return str(_("省本级"))
    return " · ".join(each.name.removesuffix("市") if len(way) > 2 and each is way[1] else each.name for each in way[1:])


# ---------------------------------------------------------------- the stream


@bp.get("/stream")
@requires(Permission.STREAM_WATCH)
def stream() -> ResponseReturnValue:
    """The newest lines under the filter of the address; the module of the page keeps them coming."""
    session, actor = db.session(), me()
    wanted = _wanted(actor)
    head = queries.head(session)
    lines = queries.latest(session, actor, wanted, before=index_of(request.args.get("before")), limit=SHOWN)
    keep = address_of(wanted)
    today = clock.today()
    codes = regions.below(wanted.region or actor.region)
    return htmx.show(
        "dashboard/stream.html",
        lines=[item(each) for each in lines],
        older=_older(keep, lines),
        is_live=is_live(wanted) and "before" not in request.args,
        head=head,
        wanted=wanted,
        keep=keep,
        risks=RISK_NAMES,
        kinds=KIND_NAMES,
        states={code: name for code, name in LINE_STATES.items() if "." not in code},
        regions_shown=_choices(actor),
        sums=queries.total(queries.by_region(session, codes, today, today).values()),
        age=_age(lines),
        region_of=region_name,
        tones=TONES,
    )


@bp.get("/stream/events")
@requires(Permission.STREAM_WATCH)
def stream_events() -> ResponseReturnValue:
    """The lines as they come; 204 tells the browser to stop trying and to poll instead."""
    actor, wanted, engine = me(), _wanted(me()), db.engine
    given = index_of(request.headers.get("Last-Event-ID")) if "Last-Event-ID" in request.headers else index_of(request.args.get("after"))
    broadcaster = shared(current_app.extensions, engine, threads=settings().web_threads)
    start = start_at(engine, given)
    try:
        seat = broadcaster.take_seat()
    except rules.StreamFull:
        return Response(status=204)
    db.session.remove()
    show = _shower()
    response = Response(frames(broadcaster, reader(engine, actor, wanted, show), start), mimetype="text/event-stream", headers=HEADERS)
    response.call_on_close(seat.give_back)
    return response


@bp.get("/stream/since")
@requires(Permission.STREAM_WATCH)
def stream_since() -> ResponseReturnValue:
    """The lines above an index, for polling; 204 when the log has not moved."""
    session, actor = db.session(), me()
    index = index_of(request.args.get("after"))
    index = queries.head(session) if index is None else index
    found, reached = queries.after(session, actor, _wanted(actor), index)
    if reached <= index:
        return Response(status=204)
    return jsonify(after=index, head=reached, items=[item(each) for each in found])


@bp.get("/stream.csv")
@requires(Permission.STREAM_WATCH)
def stream_csv() -> ResponseReturnValue:
    """Exactly what the filter shows, at most 5,000 lines, newest first."""
    actor = me()
    lines = queries.latest(db.session(), actor, _wanted(actor), limit=EXPORT)
    columns = {
        "leaf_index": _("日志序号"), "at": _("时间"), "region_name": _("区域"), "unit": _("采购单位"), "supplier": _("供应商"),
        "category": _("品目"), "amount": _("金额（元）"), "number": _("单号"),
        "state_name": _("状态"), "risk_name": _("风险"), "rules": _("规则"),
    }  # fmt: skip
    marks: list[list[object]] = [[_("演示数据")]] if settings().is_demo else []
    rows: Iterable[list[object]] = ([each[name] for name in columns] for each in map(item, lines))
    content = streamed(sheets.written(itertools.chain(marks, [list(columns.values())], rows)))
    return Response(content, mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=stream.csv"})


def _older(keep: dict[str, str], lines: list[StreamEntry]) -> str | None:
    arguments: dict[str, Any] = {**keep, "before": lines[-1].leaf_index if lines else 0}
    return url_for("dashboard.stream", **arguments) if len(lines) == SHOWN else None


def _age(lines: list[StreamEntry]) -> float | None:
    """Seconds since the newest line, when it is fresh."""
    return (clock.now() - lines[0].at).total_seconds() if lines else None


def _wanted(actor: Actor) -> Filter:
    return filter_of(request.args, queries.seen_region(actor, request.args.get("region")) if request.args.get("region") else None)


def _choices(actor: Actor) -> list[tuple[str, str]]:
    return [("", _("全部区域")), *((each.code, each.name) for each in regions.children(actor.region))]


def _shower() -> Any:
    """`item` with its words looked up now, for use outside the request."""
    words = {code: _(name) for code, name in LINE_STATES.items()}, {risk.value: _(name) for risk, name in RISK_NAMES.items()}
    modes = {mode: _(name) if name else "" for mode, name in MODE_NAMES.items()}
    names = {code: region_name(code) for code in regions.REGIONS}
    return lambda entry: _item(entry, words[0], words[1], modes, names[entry.region])


def item(entry: StreamEntry) -> dict[str, Any]:
    """A line as the page shows it."""
    state, risk, mode = LINE_STATES.get(entry.state, entry.state), RISK_NAMES[Risk(entry.risk)], MODE_NAMES.get(entry.mode, "")
    return _item(entry, {entry.state: _(state)}, {entry.risk: _(risk)}, {entry.mode: _(mode) if mode else ""}, region_name(entry.region))


def _item(entry: StreamEntry, states: dict[str, str], risks: dict[str, str], modes: dict[str, str], region: str) -> dict[str, Any]:
    return {
        "leaf_index": entry.leaf_index,
        "at": entry.at.isoformat(timespec="milliseconds"),
        "time": clock.local(entry.at).strftime("%H:%M:%S"),
        "day": "" if clock.local(entry.at).date() == clock.today() else clock.local(entry.at).strftime("%m-%d"),
        "type": entry.type,
        "number": entry.number,
        "href": page_of(entry),
        "aside": entry.type.startswith(("order.", "submission.")),
        "lag": round(max((clock.now() - entry.at).total_seconds(), 0.0), 1),
        "region": entry.region,
        "region_name": region,
        "unit": entry.unit_name,
        "supplier": entry.supplier_name,
        "category": entry.category,
        "amount": filters.fen(entry.amount_fen),
        "mode": modes.get(entry.mode, entry.mode),
        "state_name": states.get(entry.state, entry.state),
        "risk": entry.risk,
        "risk_name": risks[entry.risk],
        "tone": TONES[Risk(entry.risk)],
        "rules": entry.rules,
    }


def page_of(entry: StreamEntry) -> str:
    """Where a line leads."""
    folder = {"order": "/watch/orders", "submission": "/watch/attempts", "alert": "/watch/alerts", "plan": "/plans"}
    return f"{folder[entry.type.partition('.')[0]]}/{entry.number}"


# ---------------------------------------------------------------- one order, one attempt


@bp.get("/orders/<number>")
@requires(Permission.STREAM_WATCH)
def order(number: str) -> ResponseReturnValue:
    """An order from end to end: decisions, budget as it was, every step with its leaf, and the proof of one of them."""
    session, actor = db.session(), me()
    found = purchases.by_number(session, actor, number)
    lines = purchases.lines_of(session, found)
    steps = journal.leaves_for(session, number)
    verdicts = worded_all(purchases.decisions_of(session, found))
    return htmx.show(
        "dashboard/order.html",
        part="dashboard/_order.html",
        order=found,
        state_name=_(STATE_NAMES[found.state]),
        names=budgets.owners(session, [found.unit_id, found.supplier_id]),
        lines=lines,
        verdicts=verdicts,
        rulers=_rulers(found, lines),
        steps=[
            {
                "title": _(EVENT_NAMES.get(step.type, step.type)),
                "at": step.at,
                "detail": "",
                "state": "done",
                "leaf": step.index,
                "hash": step.leaf_hash,
                "href": url_for("dashboard.order", number=number, step=step.version) if step.sealed else None,
            }
            for step in steps
        ],
        proof=_proof(steps, request.args.get("step", type=int)),
        contract=contracts.of_order(session, found),
        alerts=alerts.of_order(session, actor, number, unit_id=found.unit_id, supplier_id=found.supplier_id),
        alert_titles={rule: text.title for rule, text in TEXTS.items()},
        alert_states=ALERT_STATE_NAMES,
        region_of=region_name,
    )


def _rulers(found: Order, lines: list[Any]) -> list[dict[str, Any]]:
    """Both kinds of controls as they stood right after the submission, this order's part apart."""
    drawn: dict[int, int] = {}
    kinds: dict[int, str] = {}
    for line in lines:
        for control, kind in ((line.plan_control_id, N_("计划明细")), (line.allotment_control_id, N_("预算指标"))):
            drawn[control] = drawn.get(control, 0) + line.amount_fen
            kinds[control] = kind
    then = budgets.buckets_then(db.session(), drawn, found.number, 1)
    return [
        {"title": _(kinds[control]), "buckets": each, "this": min(drawn[control], each.reserved_fen)}
        for control, each in sorted(then.items())
    ]


def _proof(steps: list[journal.Tick], version: int | None) -> dict[str, Any] | None:
    """The way of one step's leaf to the signed root: the step asked for, or the last one under a checkpoint."""
    sealed = [step for step in steps if step.sealed]
    chosen = next((step for step in sealed if step.version == version), sealed[-1] if sealed else None)
    if chosen is None or chosen.index is None:
        return None
    directory = settings().folder("journal")
    newest = journal.published(directory, log.verifier_at(settings().journal_key_path))
    if newest is None or newest.head.size <= chosen.index:
        return None
    found = journal.proof(directory, newest.head, chosen.index)
    return {
        "version": chosen.version,
        "title": _(EVENT_NAMES.get(chosen.type, chosen.type)),
        "at": newest.at,
        "index": chosen.index,
        "size": newest.head.size,
        "leaf": found.leaf.hex(),
        "root": newest.head.root.hex(),
        "steps": [{"hash": one.hash.hex(), "side": one.side, "parent": one.parent.hex(), "leaves": 0} for one in found.steps],
    }


@bp.get("/attempts/<number>")
@requires(Permission.STREAM_WATCH)
def attempt(number: str) -> ResponseReturnValue:
    """A refused submission with every verdict; nothing moved, but it is in the log."""
    session, actor = db.session(), me()
    found, verdicts = purchases.attempt(session, actor, number)
    steps = journal.leaves_for(session, number)
    return htmx.show(
        "dashboard/attempt.html",
        part="dashboard/_attempt.html",
        attempt=found,
        unit=budgets.owner(session, found.unit_id),
        verdicts=worded_all(verdicts),
        step=steps[0] if steps else None,
        proof=_proof(steps, None),
        region_of=region_name,
    )
