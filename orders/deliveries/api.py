"""JSON ways in: send parcels, sign for them, accept goods line by line. Lines are named by their number on the order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Fen, Model, Problem, spec, titled
from orders.contracts.api import Standing
from orders.deliveries import queries, service
from orders.deliveries.queries import Parcel, Record
from orders.deliveries.rules import Judgement, Piece, UnknownLine
from orders.deliveries.states import AcceptanceKind
from orders.purchases import queries as purchases
from orders.purchases.tables import Order

api = Blueprint("deliveries_api", __name__, url_prefix="/api/v1/orders/<number>")
TAG = ("deliveries",)

No = Annotated[int, Field(ge=1, le=10**6, description=N_("订单明细行号"))]
Seen = Annotated[int, Field(ge=1, le=10**9, description=N_("读到的订单版本；订单已有变动时拒绝，重复提交不会重复办理"))]
Pieces = Annotated[int, Field(ge=0, le=10**9)]


class PieceIn(Model):
    """How many of a line are in the parcel."""

    line: No
    quantity: Pieces


class ShipmentIn(Model):
    """A parcel."""

    carrier: str = Field(min_length=1, max_length=40)
    tracking: str = Field(min_length=1, max_length=60)
    version: Seen
    lines: list[PieceIn] = Field(min_length=1, max_length=500)


class PieceOut(Model):
    """How many of a line are in a parcel."""

    line: int
    quantity: int


class ShipmentOut(Model):
    """A parcel with its contents."""

    number: str
    carrier: str
    tracking: str
    shipped_at: datetime
    received_at: datetime | None
    lines: list[PieceOut]


class ShipmentList(Model):
    """The parcels of an order."""

    items: list[ShipmentOut]


class ReceiptIn(Model):
    """Which parcel has arrived."""

    shipment: str = Field(min_length=1, max_length=40)


class JudgementIn(Model):
    """The finding on a line."""

    line: No
    accepted: Pieces = 0
    returned: Pieces = 0
    technical_ok: bool = True
    service_ok: bool = True
    safety_ok: bool = True
    serials: list[Annotated[str, Field(min_length=1, max_length=80)]] = Field(default=[], max_length=5000)
    reason: str = Field(default="", max_length=200)


class AcceptanceIn(Model):
    """An acceptance."""

    version: Seen
    lines: list[JudgementIn] = Field(min_length=1, max_length=500)
    remarks: str = Field(default="", max_length=400)


class FindingOut(Model):
    """A finding as recorded."""

    line: int
    accepted: int
    returned: int
    technical_ok: bool
    service_ok: bool
    safety_ok: bool
    serials: str | None
    reason: str | None


class AcceptanceOut(Model):
    """An acceptance record; amounts in fen."""

    number: str
    kind: AcceptanceKind
    at: datetime
    remarks: str | None
    accepted_fen: Fen
    returned_fen: Fen
    lines: list[FindingOut]


class AcceptanceList(Model):
    """The acceptance records of an order."""

    items: list[AcceptanceOut]


@api.get("/shipments")
@titled(N_("订单的包裹"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ShipmentList, HTTP_404=Problem), tags=TAG)
def shipments(number: str) -> ShipmentList:
    """The parcels of an order, oldest first."""
    order = purchases.by_number(db.session(), me(), number)
    return ShipmentList(items=[_parcel(each) for each in queries.parcels_of(db.session(), order)])


@api.post("/shipments")
@titled(N_("发货"))
@requires(Permission.GOODS_SHIP)
@spec.validate(resp=Answers(HTTP_201=ShipmentOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def ship(number: str, json: ShipmentIn) -> tuple[ShipmentOut, int]:
    """Send a parcel with part or all of what is not yet sent."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        ids = _line_ids(session, order, [each.line for each in json.lines])
        pieces = [Piece(ids[each.line], each.quantity) for each in json.lines]
        made = service.ship(session, me(), order, pieces, carrier=json.carrier, tracking=json.tracking, seen=json.version).number
        parcel = next(each for each in queries.parcels_of(session, order) if each.shipment.number == made)
        return _parcel(parcel), 201


@api.post("/receipts")
@titled(N_("签收包裹"))
@requires(Permission.GOODS_RECEIVE)
@spec.validate(resp=Answers(HTTP_200=Standing, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def receive(number: str, json: ReceiptIn) -> Standing:
    """Sign for a parcel."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.receive(session, me(), order, json.shipment)
        return Standing.model_validate(order)


@api.get("/acceptances")
@titled(N_("订单的验收单"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=AcceptanceList, HTTP_404=Problem), tags=TAG)
def acceptances(number: str) -> AcceptanceList:
    """The acceptance records of an order, oldest first."""
    order = purchases.by_number(db.session(), me(), number)
    return AcceptanceList(items=[_record(each) for each in queries.acceptances_of(db.session(), order)])


@api.post("/acceptances")
@titled(N_("逐项验收"))
@requires(Permission.GOODS_ACCEPT)
@spec.validate(resp=Answers(HTTP_201=AcceptanceOut, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def accept(number: str, json: AcceptanceIn) -> tuple[AcceptanceOut, int]:
    """Accept what arrived line by line, or send it back."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        ids = _line_ids(session, order, [each.line for each in json.lines])
        said = [
            Judgement(
                line_id=ids[each.line],
                accepted=each.accepted,
                returned=each.returned,
                technical_ok=each.technical_ok,
                service_ok=each.service_ok,
                safety_ok=each.safety_ok,
                serials=" ".join(each.serials),
                reason=each.reason,
            )
            for each in json.lines
        ]
        made = service.accept(session, me(), order, said, remarks=json.remarks, seen=json.version).number
        record = next(each for each in queries.acceptances_of(session, order) if each.acceptance.number == made)
        return _record(record), 201


def _line_ids(session: Session, order: Order, wanted: Sequence[int]) -> Mapping[int, int]:
    """Line ids by line number. Raises UnknownLine."""
    ids = {line.line_no: line.id for line in purchases.lines_of(session, order)}
    if any(no not in ids for no in wanted):
        raise UnknownLine()
    return ids


def _parcel(parcel: Parcel) -> ShipmentOut:
    shipment = parcel.shipment
    return ShipmentOut(
        number=shipment.number,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        shipped_at=shipment.shipped_at,
        received_at=shipment.received_at,
        lines=[PieceOut(line=line.line_no, quantity=quantity) for line, quantity in parcel.lines],
    )


def _record(record: Record) -> AcceptanceOut:
    return AcceptanceOut(
        number=record.acceptance.number,
        kind=record.acceptance.kind,
        at=record.acceptance.at,
        remarks=record.acceptance.remarks,
        accepted_fen=record.accepted_fen,
        returned_fen=record.returned_fen,
        lines=[
            FindingOut(
                line=line.line_no,
                accepted=finding.accepted,
                returned=finding.returned,
                technical_ok=finding.technical_ok,
                service_ok=finding.service_ok,
                safety_ok=finding.safety_ok,
                serials=finding.serials,
                reason=finding.reason,
            )
            for line, finding in record.lines
        ],
    )
