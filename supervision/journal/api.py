"""JSON ways in to the log: receipts for the parties of an order, the checkpoint and proofs for everybody."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from pydantic import Field

from app.config import Settings
from app.kernel.errors import N_, Missing
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, public, requires
from app.web.openapi import Answers, Model, Problem, Verbatim, spec, titled
from orders.comparisons import queries as comparisons
from orders.purchases import queries as purchases
from supervision.journal import leaf, queries, service
from supervision.journal.events import STREAM
from supervision.journal.queries import NotYetSealed
from supervision.journal.receipts import hashes, opened_to

api = Blueprint("journal_api", __name__, url_prefix="/api/v1")
TAG = ("log",)


class Step(Model):
    """One event of an order as the log sees it; `receipt` is missing until a checkpoint covers it."""

    version: int
    type: str
    at: datetime
    index: int | None
    leaf_hash: str | None
    sealed: bool
    receipt: dict[str, Any] | None


class Receipts(Model):
    """Every step of an order with its receipt."""

    order: str
    steps: list[Step]


class Announcements(Model):
    """What happened to the log itself, each as a receipt with every field opened: keys announced and retired, epochs."""

    items: list[dict[str, Any]]


class CheckpointOut(Model):
    """The newest signed checkpoint; `note` is what the signature stands on (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: str = Field(description=N_("SHA-256，十六进制"))
    note: Verbatim
    vkey: str
    at: datetime


class ProofQuery(Model):
    """Which leaf."""

    index: int = Field(ge=0, le=2**62)


class ProofOut(Model):
    """A public leaf with its audit path (RFC 6962) to the root of the newest checkpoint."""

    index: int
    size: int
    root: str
    leaf_hash: str
    entry: Verbatim
    family: str
    path: list[str] = Field(description=N_("审计路径，base64，自叶向根"))
    note: Verbatim


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


@api.get("/orders/<number>/receipts")
@titled(N_("订单每一步的回执"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=Receipts, HTTP_404=Problem), tags=("orders",))
def receipts(number: str) -> Receipts:
    """The receipts of an order's steps, with the fields that the caller may see opened."""
    session, actor = db.session(), me()
    order = purchases.by_number(session, actor, number)
    steps = []
    for tick in queries.leaves_for(session, order.number):
        event = queries.event_of(session, order.number, tick.version)
        shown = opened_to(queries.field_names(event), is_supplier=actor.is_supplier)
        try:
            made = queries.receipt(session, _settings().folder("journal"), event, shown).as_json()
        except NotYetSealed:
            made = None
        steps.append(
            Step(
                version=tick.version,
                type=tick.type,
                at=tick.at,
                index=tick.index,
                leaf_hash=tick.leaf_hash,
                sealed=tick.sealed,
                receipt=made,
            )
        )
    return Receipts(order=order.number, steps=steps)


@api.get("/orders/<number>/receipts/<int:version>")
@titled(N_("一步的回执（可直接交给 /log 核验）"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers("HTTP_200", HTTP_404=Problem, HTTP_503=Problem), tags=("orders",))
def receipt(number: str, version: int) -> Response:
    """One receipt as the proof page and offline programs take it, as a file; 503 until a checkpoint covers the step."""
    session, actor = db.session(), me()
    order = purchases.by_number(session, actor, number)
    return _receipt(order.number, version)


@api.get("/comparisons/<number>/receipt")
@titled(N_("比选单的回执（可直接交给 /log 核验）"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers("HTTP_200", HTTP_404=Problem, HTTP_503=Problem), tags=("comparisons",))
def receipt_of_comparison(number: str) -> Response:
    """The receipt of a frozen comparison: its digest stands in it; 503 until a checkpoint covers it."""
    return _receipt(comparisons.by_number(db.session(), me(), number).number, 1)


def _receipt(stream: str, version: int) -> Response:
    """One receipt as a file, with the fields opened that the caller may see; the stream was found to be his to see."""
    session = db.session()
    event = queries.event_of(session, stream, version)
    shown = opened_to(queries.field_names(event), is_supplier=me().is_supplier)
    answer = jsonify(queries.receipt(session, _settings().folder("journal"), event, shown).as_json())
    answer.headers["Content-Disposition"] = f"attachment; filename={stream}-{version}.receipt.json"
    return answer


@api.get("/log/checkpoint")
@titled(N_("最新检查点"))
@public
@spec.validate(resp=Answers(HTTP_200=CheckpointOut, HTTP_404=Problem), tags=TAG)
def checkpoint() -> CheckpointOut:
    """The newest signed checkpoint of the log."""
    key = service.verifier_at(_settings().journal_key_path)
    newest = queries.published(_settings().folder("journal"), key)
    if newest is None:
        raise Missing()
    head = newest.head
    return CheckpointOut(origin=head.origin, size=head.size, root=head.root.hex(), note=newest.note, vkey=key.vkey, at=newest.at)


@api.get("/log/announcements")
@titled(N_("日志自身的公告：密钥更换与新纪元，附回执"))
@public
@spec.validate(resp=Answers(HTTP_200=Announcements), tags=TAG)
def announcements() -> Announcements:
    """The receipts of the log's own stream; everybody may see all of it."""
    session, folder = db.session(), _settings().folder("journal")
    found = [queries.event_of(session, STREAM, tick.version) for tick in queries.leaves_for(session, STREAM) if tick.sealed]
    return Announcements(items=[queries.receipt(session, folder, event, queries.field_names(event)).as_json() for event in found])


@api.get("/log/proof")
@titled(N_("一条的包含证明"))
@public
@spec.validate(resp=Answers(HTTP_200=ProofOut, HTTP_404=Problem), tags=TAG)
def proof(query: ProofQuery) -> ProofOut:
    """A public leaf and its way to the signed root; 404 beyond the newest checkpoint."""
    directory = _settings().folder("journal")
    newest = queries.published(directory, service.verifier_at(_settings().journal_key_path))
    if newest is None:
        raise Missing()
    found = queries.proof(directory, newest.head, query.index)
    return ProofOut(
        index=found.index,
        size=found.size,
        root=found.root.hex(),
        leaf_hash=found.leaf.hex(),
        entry=found.entry.decode(),
        family=leaf.shown_by(found.entry)["type"],
        path=hashes([step.hash for step in found.steps]),
        note=newest.note,
    )
