"""What may be sent, received and accepted. Quantities are pieces of order lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.kernel.errors import N_, Conflict, Invalid


class NothingToShip(Invalid):
    """An empty parcel."""

    code = "delivery.nothing_to_ship"
    message = N_("请至少填写一行的发货数量")


class TooManyShipped(Conflict):
    """More than was ordered and not yet sent."""

    code = "delivery.too_many_shipped"
    message = N_("第 %(line)s 行还可发 %(rest)s，本次填写 %(pieces)s")
    way_out = N_("请改为不超过可发数量")
    line: int
    rest: int
    pieces: int


class UnknownLine(Invalid):
    """A line that is not of this order, or the same one twice."""

    code = "delivery.unknown_line"
    message = N_("明细行不属于本订单或重复填写，请刷新页面")


class AlreadyReceived(Conflict):
    """The parcel has been received."""

    code = "delivery.already_received"
    message = N_("包裹 %(shipment)s 已签收")
    shipment: str


class NothingJudged(Invalid):
    """An acceptance without a finding."""

    code = "acceptance.nothing_judged"
    message = N_("请至少填写一行的合格或退回数量")


class TooManyJudged(Conflict):
    """More than has arrived and not yet been judged."""

    code = "acceptance.too_many_judged"
    message = N_("第 %(line)s 行待验收 %(rest)s，本次合格与退回合计 %(pieces)s")
    way_out = N_("只有已签收的货物可以验收；请改为不超过待验收数量")
    line: int
    rest: int
    pieces: int


class ReturnReasonMissing(Invalid):
    """What is sent back is explained (实施条例 45)."""

    code = "acceptance.return_reason_missing"
    message = N_("第 %(line)s 行有退回，请写明退回原因")
    line: int


class ItemNotMet(Conflict):
    """Goods that fail a technical, service or safety item cannot be accepted (实施条例 45)."""

    code = "acceptance.item_not_met"
    message = N_("第 %(line)s 行有验收项目不合格，不能计为合格数量")
    way_out = N_("请把不合格的数量填入“退回”，合格的另行验收")
    basis = N_("政府采购法实施条例第45条")
    line: int


class SerialsDiffer(Invalid):
    """Serial numbers are given for every accepted piece or for none."""

    code = "acceptance.serials_differ"
    message = N_("第 %(line)s 行合格 %(accepted)s，填写了 %(serials)s 个序列号；请逐台填写，或全部留空")
    line: int
    accepted: int
    serials: int


@dataclass(frozen=True)
class Piece:
    """How many of a line are in a parcel."""

    line_id: int
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The finding on one line: how many are accepted and sent back, item by item, and why."""

    line_id: int
    accepted: int = 0
    returned: int = 0
    technical_ok: bool = True
    service_ok: bool = True
    safety_ok: bool = True
    serials: str = ""
    reason: str = ""

    @property
    def pieces(self) -> int:
        """How many pieces are judged."""
        return self.accepted + self.returned

    @property
    def is_met(self) -> bool:
        """Whether every item is met."""
        return self.technical_ok and self.service_ok and self.safety_ok


@dataclass(frozen=True, kw_only=True)
class Stand:
    """The six quantities of an order line as far as deliveries go."""

    line_id: int
    no: int
    ordered: int
    shipped: int
    delivered: int
    judged: int

    @property
    def to_ship(self) -> int:
        """Pieces not yet sent."""
        return self.ordered - self.shipped

    @property
    def to_judge(self) -> int:
        """Pieces that arrived and wait for acceptance."""
        return self.delivered - self.judged


def check_parcel(stands: Sequence[Stand], pieces: Sequence[Piece]) -> dict[int, int]:
    """What is sent by line id. Raises NothingToShip, TooManyShipped, UnknownLine."""
    by_line = {stand.line_id: stand for stand in stands}
    sent: dict[int, int] = {}
    for piece in pieces:
        if piece.line_id not in by_line or piece.line_id in sent or piece.quantity < 0:
            raise UnknownLine()
        if piece.quantity:
            sent[piece.line_id] = piece.quantity
    if not sent:
        raise NothingToShip()
    for line_id, quantity in sent.items():
        stand = by_line[line_id]
        if quantity > stand.to_ship:
            raise TooManyShipped(line=stand.no, rest=stand.to_ship, pieces=quantity)
    return sent


def check_judgements(stands: Sequence[Stand], judgements: Sequence[Judgement]) -> list[Judgement]:
    """The findings that say something.

    Raises NothingJudged, UnknownLine, TooManyJudged, ReturnReasonMissing, ItemNotMet, SerialsDiffer.
    """
    by_line = {stand.line_id: stand for stand in stands}
    if len({judgement.line_id for judgement in judgements}) < len(judgements):
        raise UnknownLine()
    said = [judgement for judgement in judgements if judgement.pieces]
    if any(j.line_id not in by_line or j.accepted < 0 or j.returned < 0 for j in judgements):
        raise UnknownLine()
    if not said:
        raise NothingJudged()
    for judgement in said:
        stand = by_line[judgement.line_id]
        if judgement.pieces > stand.to_judge:
            raise TooManyJudged(line=stand.no, rest=stand.to_judge, pieces=judgement.pieces)
        if judgement.returned and not judgement.reason.strip():
            raise ReturnReasonMissing(line=stand.no)
        if judgement.accepted and not judgement.is_met:
            raise ItemNotMet(line=stand.no)
        given = serials_of(judgement.serials)
        if given and len(given) != judgement.accepted:
            raise SerialsDiffer(line=stand.no, accepted=judgement.accepted, serials=len(given))
    return said


def serials_of(text: str | None) -> list[str]:
    """Serial numbers as typed, separated by spaces, commas or lines."""
    return [part for part in re.split(r"[\s,，;；、]+", text or "") if part]
