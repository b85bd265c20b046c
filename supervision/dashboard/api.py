"""JSON ways in to the stream: a cursor feed by leaf index, and the same as server-sent events."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic import Field, ValidationError

from app.kernel.errors import N_, Invalid
from app.policy import Actor, Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Model, Problem, spec, streamed, titled
from supervision.dashboard import queries
from supervision.dashboard.broadcast import HEADERS, frames, reader, shared, start_at
from supervision.dashboard.forms import index_of
from supervision.dashboard.queries import Filter, StreamEntry
from supervision.dashboard.states import Kind, Risk

api = Blueprint("dashboard_api", __name__, url_prefix="/api/v1/stream")
TAG = ("stream",)


class BadFilter(Invalid):
    """The filter of a stream has the wrong shape."""

    code = "stream.bad_filter"
    message = N_("筛选条件有误")
    way_out = N_("可用的条件见接口文档：region、risk、kind、state、least_fen、q")


class FilterQuery(Model):
    """What of the stream is wanted."""

    region: str | None = Field(default=None, pattern=r"^\d{6}$")
    risk: Risk | None = None
    kind: Kind | None = None
    state: str | None = Field(default=None, max_length=40)
    least_fen: int | None = Field(default=None, ge=0, le=10**15)
    q: str = Field(default="", max_length=100)


class StreamQuery(FilterQuery):
    """Where the feed is read from."""

    after: int = Field(default=-1, ge=-1, le=2**62, description=N_("上一次回答中的 head；从头读取为 -1"))
    limit: int = Field(default=200, ge=1, le=500)


class StreamItem(Model):
    """One line of the stream: one leaf of the log."""

    leaf_index: int
    at: datetime
    type: str
    number: str
    region: str
    unit_id: int | None
    unit: str
    supplier_id: int | None
    supplier: str
    category: str
    amount_fen: int | None
    mode: str
    state: str
    risk: Risk
    rules: list[str]


class StreamFeed(Model):
    """Lines in the order of the log; ask again with `after` = `head`."""

    after: int
    head: int
    items: list[StreamItem]


@api.get("")
@titled(N_("订单流（按日志序号）"))
@requires(Permission.STREAM_WATCH)
@spec.validate(resp=Answers(HTTP_200=StreamFeed, HTTP_404=Problem), tags=TAG)
def feed(query: StreamQuery) -> StreamFeed:
    """The lines above an index: no line is skipped or repeated when each call goes on from `head`."""
    found, reached = queries.after(db.session(), me(), _filter(me(), query), query.after, limit=query.limit)
    return StreamFeed(after=query.after, head=reached, items=[StreamItem(**plain(each)) for each in found])


@api.get("/events")
@titled(N_("订单流（SSE，可用 Last-Event-ID 续传）"))
@requires(Permission.STREAM_WATCH)
@streamed(query=FilterQuery, resp=Answers(HTTP_404=Problem, HTTP_422=Problem, HTTP_503=Problem), tags=TAG)
def events() -> Response:
    """The lines as they come, resumed by `Last-Event-ID`; 503 when this process has no seat left."""
    try:
        query = FilterQuery.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise BadFilter() from error
    actor, wanted, engine = me(), _filter(me(), query), db.engine
    db.session.remove()
    broadcaster = shared(current_app.extensions, engine, threads=current_app.config["SETTINGS"].web_threads)
    start = start_at(engine, index_of(request.headers.get("Last-Event-ID")))
    seat = broadcaster.take_seat()
    response = Response(frames(broadcaster, reader(engine, actor, wanted, _text), start), mimetype="text/event-stream", headers=HEADERS)
    response.call_on_close(seat.give_back)
    return response


def _filter(actor: Actor, query: FilterQuery) -> Filter:
    region = queries.seen_region(actor, query.region)
    return Filter(region=region, risk=query.risk, kind=query.kind, state=query.state, least_fen=query.least_fen, text=query.q)


def _text(entry: StreamEntry) -> dict[str, Any]:
    return {**plain(entry), "at": entry.at.isoformat()}


def plain(entry: StreamEntry) -> dict[str, Any]:
    """A line for a program."""
    return {
        "leaf_index": entry.leaf_index,
        "at": entry.at,
        "type": entry.type,
        "number": entry.number,
        "region": entry.region,
        "unit_id": entry.unit_id,
        "unit": entry.unit_name,
        "supplier_id": entry.supplier_id,
        "supplier": entry.supplier_name,
        "category": entry.category,
        "amount_fen": entry.amount_fen,
        "mode": entry.mode,
        "state": entry.state,
        "risk": entry.risk,
        "rules": entry.rules.split(),
    }
