"""JSON ways in: what waits for a decision, and the decisions inside the unit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint
from pydantic import Field
from sqlalchemy.orm import Session

from app.kernel.db import commit
from app.kernel.errors import N_, Forbidden, Missing
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Id, Model, PageQuery, Problem, spec, titled
from orders.approvals import queries, service
from orders.approvals.queries import Show
from orders.purchases import queries as purchases
from orders.purchases.tables import Order
from orders.purchases.views import spoken

api = Blueprint("approvals_api", __name__, url_prefix="/api/v1")
TAG = ("approvals",)


class InboxQuery(PageQuery):
    """Which part of the inbox."""

    show: Show = Show.TODO


class WaitingOut(Model):
    """One order that waits for a decision (or was decided)."""

    number: str
    state: str
    title: str
    lines: int
    buyer: str
    total_fen: int
    submitted_at: datetime
    due_at: datetime | None
    findings: int = Field(description=N_("未直接通过的校验项数"))
    plain: bool = Field(description=N_("可以批量通过"))


class WaitingPage(CursorPage):
    """A page of the inbox."""

    items: list[WaitingOut]


class RejectedLine(Model):
    """A line that is not approved."""

    line_id: Id | None = None
    line_no: int | None = Field(default=None, ge=1, description=N_("与 line_id 二选一"))
    reason: str = Field(min_length=1, max_length=200)


class ApprovalIn(Model):
    """An approval, with the lines that are rejected."""

    rejected: list[RejectedLine] = Field(default_factory=list, max_length=200)
    note: str | None = Field(default=None, max_length=300)


class ReasonIn(Model):
    """Why."""

    reason: str = Field(min_length=1, max_length=300)


class MaybeReasonIn(Model):
    """Why, where it is needed."""

    reason: str | None = Field(default=None, max_length=300)


class ExplanationIn(Model):
    """What the buyer says to each rule that holds the order."""

    explanations: dict[str, str] = Field(min_length=1, description=N_("规则代码 → 说明"))


class OrderState(Model):
    """Where the order stands after the step."""

    number: str
    version: int
    state: str
    total_fen: int
    due_at: datetime | None


class DecisionOut(Model):
    """One recorded check."""

    rule: str
    version: str
    outcome: str
    subject: str
    inputs: dict[str, Any]
    threshold: dict[str, Any]
    facts: dict[str, Any]
    title: str
    basis: str
    sentence: str
    way_out: str


class HoldOut(Model):
    """A rule that holds (or held) the order."""

    rule: str
    explanation: str | None
    explained_at: datetime | None
    cleared_at: datetime | None


class LineDecisionOut(Model):
    """The approver's word on one line."""

    line_no: int
    decision: str
    reason: str | None
    at: datetime


class DecisionsOut(Model):
    """The whole decision record of an order."""

    order: str
    verdicts: list[DecisionOut]
    holds: list[HoldOut]
    lines: list[LineDecisionOut]


def _stepped() -> Answers:
    """What every step answers with."""
    return Answers(HTTP_200=OrderState, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem)


@api.get("/approvals")
@titled(N_("待我审批"))
@requires(Permission.ORDER_APPROVE)
@spec.validate(resp=Answers(HTTP_200=WaitingPage, HTTP_422=Problem), tags=TAG)
def inbox(query: InboxQuery) -> WaitingPage:
    """Orders of the own unit that wait for a decision, the nearest deadline first."""
    page = queries.inbox(db.session(), me(), query.show, cursor=query.cursor, limit=query.limit)
    return WaitingPage(
        items=[
            WaitingOut(
                number=row.order.number,
                state=row.order.state.value,
                title=row.title,
                lines=row.lines,
                buyer=row.buyer,
                total_fen=row.order.total_fen,
                submitted_at=row.order.submitted_at,
                due_at=row.order.due_at,
                findings=row.findings,
                plain=row.is_plain,
            )
            for row in page.rows
        ],
        next=page.next,
    )


@api.post("/orders/<number>/approve")
@titled(N_("审批通过（可逐行驳回）"))
@requires(Permission.ORDER_APPROVE)
@spec.validate(resp=_stepped(), tags=TAG)
def approve(number: str, json: ApprovalIn) -> OrderState:
    """Rejected lines release their money and stock at once; all lines rejected is a rejection."""

    def command(session: Session, order: Order) -> None:
        numbers = {line.line_no: line.id for line in purchases.lines_of(session, order)} if json.rejected else {}
        rejected = {}
        for each in json.rejected:
            line_id = each.line_id or numbers.get(each.line_no or 0)
            if line_id is None:
                raise Missing()
            rejected[line_id] = each.reason
        service.approve(session, me(), order, rejected, note=json.note)

    return _step(number, command)


@api.post("/orders/<number>/reject")
@titled(N_("整单驳回"))
@requires(Permission.ORDER_APPROVE)
@spec.validate(resp=_stepped(), tags=TAG)
def reject(number: str, json: ReasonIn) -> OrderState:
    """All that the order held is free again."""
    return _step(number, lambda session, order: service.reject(session, me(), order, json.reason))


@api.post("/orders/<number>/explain")
@titled(N_("说明挂起项"))
@requires(Permission.ORDER_EXPLAIN)
@spec.validate(resp=_stepped(), tags=TAG)
def explain(number: str, json: ExplanationIn) -> OrderState:
    """The buyer's words on each rule that holds the order."""
    return _step(number, lambda session, order: service.explain(session, me(), order, json.explanations))


@api.post("/orders/<number>/clear")
@titled(N_("放行挂起的订单"))
@requires(Permission.HOLD_CLEAR)
@spec.validate(resp=_stepped(), tags=TAG)
def clear(number: str, json: MaybeReasonIn) -> OrderState:
    """The order goes to approval."""
    return _step(number, lambda session, order: service.clear(session, me(), order, json.reason))


@api.post("/orders/<number>/release")
@titled(N_("不予放行"))
@requires(Permission.HOLD_CLEAR)
@spec.validate(resp=_stepped(), tags=TAG)
def release(number: str, json: ReasonIn) -> OrderState:
    """The order ends and all it held is free again."""
    return _step(number, lambda session, order: service.release(session, me(), order, json.reason))


@api.post("/orders/<number>/withdraw")
@titled(N_("经办人撤回"))
@requires(Permission.ORDER_SUBMIT)
@spec.validate(resp=_stepped(), tags=TAG)
def withdraw(number: str, json: MaybeReasonIn) -> OrderState:
    """Before the contract; after approval a reason is needed."""
    return _step(number, lambda session, order: service.withdraw(session, me(), order, json.reason))


@api.get("/orders/<number>/decisions")
@titled(N_("订单的校验与决定记录"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=DecisionsOut, HTTP_403=Problem, HTTP_404=Problem), tags=TAG)
def decisions(number: str) -> DecisionsOut:
    """Every check with its inputs, threshold and verdict; holds; the approver's word on each line."""
    session, actor = db.session(), me()
    if actor.is_supplier:  # the record holds the unit's balances
        raise Forbidden()
    order = purchases.by_number(session, actor, number)
    lines = purchases.lines_of(session, order)
    decided = queries.line_decisions(session, order)
    return DecisionsOut(
        order=order.number,
        verdicts=[
            DecisionOut.model_validate(spoken(verdict) | {"version": verdict.version}) for verdict in purchases.decisions_of(session, order)
        ],
        holds=[HoldOut.model_validate(hold) for hold in purchases.holds_of(session, order)],
        lines=[
            LineDecisionOut(line_no=line.line_no, decision=found.decision.value, reason=found.reason, at=found.at)
            for line in lines
            if (found := decided.get(line.id)) is not None
        ],
    )


def _step(number: str, command: Callable[[Session, Order], object]) -> OrderState:
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        command(session, order)
        return OrderState(
            number=order.number, version=order.version, state=order.state.value, total_fen=order.total_fen, due_at=order.due_at
        )
