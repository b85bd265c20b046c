"""The public side of the journal: static tiles for verifiers, and the proof page for people. Nobody has to sign in."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from app.config import Settings
from app.kernel.errors import N_, Missing
from app.web import htmx
from app.web.extensions import db
from app.web.guard import public
from supervision.journal import leaf, queries, receipts, service, tiles, tree
from supervision.journal.forms import ReceiptForm
from supervision.journal.note import Head, Verifier, head_of

bp = Blueprint("journal", __name__, url_prefix="/log", template_folder="templates")

NUMBER = r"(?:x\d{3}/)*\d{3}(?:\.p/(?:[1-9]\d{0,2}))?"
TILE = re.compile(rf"(?:entries|[0-9]|[1-5]\d)/{NUMBER}")
FOR_EVER = 365 * 24 * 3600

WHY = {
    "form": N_("这不是一份完整的回执：请粘贴订单页下载的回执全文，或上传原文件"),
    "checkpoint": N_("检查点签名不成立：它不是由本日志的密钥签署的，或签署后被改动过"),
    "leaf": N_("叶子哈希与公开条目不符：条目被改动过"),
    "proof": N_("包含证明不成立：这一条不在检查点所签署的日志里"),
    "fields": N_("公开字段与存证不符：字段内容、名称或单号被改动过"),
}
ENVELOPE = {
    "@id": N_("事件编号"), "@stream": N_("单号"), "@version": N_("版本"), "@prev": N_("上一版本"), "@type": N_("事件"),
    "@at": N_("时间"), "@region": N_("区划"), "@owner": N_("所属单位编号"), "@actor": N_("经办人编号"),
}  # fmt: skip

FAMILIES = {
    "trade": N_("交易"), "money": N_("预算"), "catalogue": N_("目录与商品"), "people": N_("机构与人员"),
    "watch": N_("监督"), "journal": N_("日志自身"), "other": N_("其他"),
}  # fmt: skip


def directory() -> Path:
    """The folder that holds the log's files."""
    return settings().folder("journal")


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def verifier() -> Verifier:
    """The log's public key. Raises KeyMissing."""
    return service.verifier_at(settings().journal_key_path)


@bp.get("/checkpoint")
@public
def checkpoint() -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    return _file(tiles.CHECKPOINT, "text/plain", max_age=0)


@bp.get("/vkey")
@public
def vkey() -> Response:
    """The public key in the text form of sumdb/note."""
    return Response(verifier().vkey + "\n", mimetype="text/plain")


@bp.get("/vkeys")
@public
def vkeys() -> Response:
    """Every public key of the log, one a line: the current one first; a retired one with the largest size that it counts for."""
    return Response(verifier().listed, mimetype="text/plain")


@bp.get("/tile/<path:name>")
@public
def tile(name: str) -> Response:
    """A tile or entry bundle (C2SP tlog-tiles); it never changes."""
    if not TILE.fullmatch(name):
        raise Missing()
    return _file(f"tile/{name}", "application/octet-stream", max_age=FOR_EVER)


def _file(name: str, kind: str, *, max_age: int) -> Response:
    if not (directory() / name).is_file():
        raise Missing()
    response = send_from_directory(directory(), name, mimetype=kind, max_age=max_age, conditional=True)
    if max_age:
        response.cache_control.immutable = True
        response.cache_control.public = True
    return response


@bp.get("")
@public
def page() -> ResponseReturnValue:
    """What the log is, its newest checkpoint, and how to verify it."""
    return _page(ReceiptForm())


@bp.post("")
@public
def check() -> ResponseReturnValue:
    """Verify a receipt that somebody pasted or uploaded."""
    form = ReceiptForm()
    if not form.validate():
        return _page(form, why=_(WHY["form"]), status=422)
    try:
        given = receipts.parse(form.given())
        proven = receipts.verify(given, verifier())
    except receipts.BadReceipt as refused:
        return _page(form, why=_(WHY[refused.why]), status=422)
    head = head_of(given.checkpoint, verifier())
    steps = tree.climb(given.index, head.size, given.leaf_hash, given.path)
    return _page(form, proven=proven, fields=_fields(proven), proof=_drawn(given.index, head, given.leaf_hash, steps))


@bp.get("/<int:index>")
@public
def entry(index: int) -> ResponseReturnValue:
    """One public leaf and its way to the signed root."""
    newest = queries.published(directory(), verifier())
    if newest is None:
        raise Missing()
    found = queries.proof(directory(), newest.head, index)
    return htmx.show(
        "journal/entry.html",
        index=index,
        entry=found.entry.decode(),
        shown=(shown := leaf.shown_by(found.entry)),
        family=_(FAMILIES.get(shown["type"], FAMILIES[leaf.OTHER])),
        at=datetime.fromisoformat(shown["time"]),
        newest=newest,
        proof=_drawn(index, newest.head, found.leaf, found.steps),
    )


# ---------------------------------------------------------------- on pages of packages below, through slots


def order_leaf(*, stream: str, version: int) -> Markup:
    """The leaf of one event beside its step; who shows it has made sure that the reader may see the stream."""
    tick = next((each for each in _ticks(stream) if each.version == version), None)
    return Markup(render_template("journal/_leaf.html", tick=tick)) if tick and tick.index is not None else Markup()  # noqa: S704 - our own template


def order_receipt(*, order: Any) -> Markup:
    """The newest sealed event of an order, under which checkpoint it stands, and where to take the receipts and check them."""
    return _receipt_of(order.number, "order", lambda tick: f"/api/v1/orders/{order.number}/receipts/{tick.version}")


def stream_receipt(*, number: str, receipts: str) -> Markup:
    """The same of any stream that its page may show; `receipts` is where its receipt is taken."""
    return _receipt_of(number, "stream", lambda _tick: receipts)


def _receipt_of(stream: str, what: str, download: Callable[[queries.Tick], str]) -> Markup:
    ticks = _ticks(stream)
    tick = next((each for each in reversed(ticks) if each.sealed), None)
    newest = queries.head(db.session()) if tick else None
    waiting = sum(not each.sealed for each in ticks)
    at = download(tick) if tick else ""
    part = render_template("journal/_receipt.html", what=what, download=at, tick=tick, newest=newest, waiting=waiting)
    return Markup(part)  # noqa: S704 - our own template  # nosec B704


def _ticks(stream: str) -> list[queries.Tick]:
    """The stream in the log, read once per request."""
    kept: dict[str, list[queries.Tick]] = g.setdefault("journal_ticks", {})
    if stream not in kept:
        kept[stream] = queries.leaves_for(db.session(), stream)
    return kept[stream]


def _page(form: ReceiptForm, *, status: int = 200, **context: Any) -> ResponseReturnValue:
    key = verifier()
    return htmx.show(
        "journal/page.html", status=status, form=form, newest=queries.published(directory(), key), vkey=key.vkey, past=key.others,
        base=url_for("journal.page", _external=True), **context,
    )  # fmt: skip


def _fields(proven: receipts.Proven) -> list[tuple[str, str]]:
    """Opened fields with readable names; texts without their JSON quotes, a dash for none."""
    return [(_(ENVELOPE[name]) if name in ENVELOPE else name, _plain(value)) for name, value in proven.fields.items()]


def _plain(value: str) -> str:
    if value == "null":
        return "—"
    return value[1:-1] if value.startswith('"') and "\\" not in value else value


def _drawn(index: int, head: Head, value: bytes, steps: Any) -> dict[str, Any]:
    """A proof as the drawing wants it: hashes in hexadecimal."""
    return {
        "index": index,
        "size": head.size,
        "leaf": value.hex(),
        "root": head.root.hex(),
        "steps": [{"hash": step.hash.hex(), "side": step.side, "parent": step.parent.hex(), "leaves": 0} for step in steps],
    }
