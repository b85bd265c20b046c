"""JSON ways in: file plans, read them, send them back, and ask what a new line could draw on."""

from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Id, Model, PageQuery, Problem, spec, titled
from orders.plans import queries, service
from orders.plans.queries import LineRow
from orders.plans.rules import Origin, PlanLineInput, ReturnReason
from orders.plans.states import PlanState
from orders.plans.tables import Plan

api = Blueprint("plans_api", __name__, url_prefix="/api/v1/plans")
TAG = ("plans",)

Code = Annotated[str, Field(pattern=r"^[ABC][0-9]{8}$", description=N_("政府采购品目编码（2022）"))]
Pieces = Annotated[int, Field(ge=1, le=10**9)]
Money = Annotated[int, Field(ge=1, le=10**15, description=N_("金额，单位：分"))]


class PlanQuery(PageQuery):
    """Which plans."""

    year: int | None = Field(default=None, ge=2000, le=2100)
    state: PlanState | None = None


class PlanLineIn(Model):
    """A line to be filed; without a category the budget line's own is meant."""

    budget_line_id: Id
    name: str = Field(min_length=1, max_length=80)
    quantity: Pieces
    amount_fen: Money
    category: Code | None = None


class PlanIn(Model):
    """A plan to be filed."""

    title: str = Field(min_length=1, max_length=80)
    lines: list[PlanLineIn] = Field(min_length=1, max_length=200)


class SpotIn(Model):
    """A one-line plan from a cart line; without a budget line the one that fits best is taken."""

    category: Code
    quantity: Pieces
    amount_fen: Money
    budget_line_id: Id | None = None
    name: str | None = Field(default=None, max_length=80)


class PlanLineOut(Model):
    """A plan line in its four buckets, in fen; `id` is what an order line names, `control_id` finds its orders."""

    id: int
    line_no: int
    category: str
    category_name: str
    name: str
    budget_line: str
    allotment: str
    control_id: int
    quantity: int
    ordered: int
    amount_fen: Fen
    reserved_fen: Fen
    committed_fen: Fen
    accrued_fen: Fen
    paid_fen: Fen
    free_fen: Fen


class PlanHead(Model):
    """A plan without its lines."""

    number: str
    title: str
    unit_id: int
    region: str
    year: int
    method: str
    state: PlanState
    version: int
    filed_at: datetime
    returnable_until: datetime
    return_reason: str | None


class PlanOut(PlanHead):
    """A plan with its lines; its number is the receipt."""

    lines: list[PlanLineOut]


class PlanRowOut(PlanHead):
    """A plan in a list, with its sum in fen."""

    total_fen: Fen
    line_count: int
    ordered: bool


class PlanPage(CursorPage):
    """A page of plans."""

    items: list[PlanRowOut]


class ReturnIn(Model):
    """Why a plan is sent back, and what must be corrected."""

    reason: ReturnReason
    note: str = Field(min_length=1, max_length=400)


class CandidateQuery(Model):
    """What a new line would need."""

    category: Code
    amount_fen: Money
    quantity: Pieces = 1


class CandidateOut(Model):
    """A budget line that could carry the new line; what is open of it in fen and pieces."""

    budget_line_id: int
    code: str
    name: str
    category: str
    allotment: str
    economic_class: str
    open_fen: Fen
    open_quantity: int


class CandidateList(Model):
    """The budget lines that fit, the closest category first."""

    items: list[CandidateOut]


@api.get("")
@titled(N_("采购计划"))
@requires(Permission.PLAN_READ)
@spec.validate(resp=Answers(HTTP_200=PlanPage), tags=TAG)
def index(query: PlanQuery) -> PlanPage:
    """The plans of the caller's unit, or of the region and below, newest first."""
    page = queries.plans(db.session(), me(), year=query.year, state=query.state, cursor=query.cursor, limit=query.limit)
    rows = [
        PlanRowOut(**_head(row.plan), total_fen=row.total_fen, line_count=row.lines, ordered=row.ordered) for row in page.rows
    ]
    return PlanPage(items=rows, next=page.next)


@api.post("")
@titled(N_("备案采购计划"))
@requires(Permission.PLAN_FILE)
@spec.validate(resp=Answers(HTTP_201=PlanOut, HTTP_422=Problem), tags=TAG)
def file(json: PlanIn) -> tuple[PlanOut, int]:
    """File a plan: checked at once, its number is the receipt; all faults come back together."""
    lines = [
        PlanLineInput(
            budget_line_id=line.budget_line_id,
            quantity=line.quantity,
            amount_fen=line.amount_fen,
            name=line.name,
            category_code=line.category,
        )
        for line in json.lines
    ]
    with commit(db.session()) as session:
        plan = service.file(session, me(), title=json.title, lines=lines, origin=Origin.API)
    return _plan(plan), 201


@api.post("/on-the-spot")
@titled(N_("就地备案一行计划"))
@requires(Permission.PLAN_FILE)
@spec.validate(resp=Answers(HTTP_201=PlanOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def file_on_spot(json: SpotIn) -> tuple[PlanOut, int]:
    """File a one-line plan for a cart line."""
    with commit(db.session()) as session:
        plan = service.file_on_spot(
            session,
            me(),
            category_code=json.category,
            quantity=json.quantity,
            amount_fen=json.amount_fen,
            budget_line_id=json.budget_line_id,
            name=json.name,
        )
    return _plan(plan), 201


@api.get("/candidates")
@titled(N_("可用于新计划的预算明细"))
@requires(Permission.PLAN_FILE)
@spec.validate(resp=Answers(HTTP_200=CandidateList, HTTP_404=Problem), tags=TAG)
def candidates(query: CandidateQuery) -> CandidateList:
    """The budget lines of the caller's unit that could carry a new line."""
    found = queries.candidates(db.session(), me(), query.category, query.amount_fen, query.quantity)
    return CandidateList(
        items=[
            CandidateOut(
                budget_line_id=each.row.line.id,
                code=each.row.line.code,
                name=each.row.line.name,
                category=each.row.line.category_code,
                allotment=each.row.allotment.number,
                economic_class=each.row.allotment.economic_class,
                open_fen=each.row.open_fen,
                open_quantity=each.row.open_quantity,
            )
            for each in found
        ]
    )


@api.get("/<number>")
@titled(N_("一份采购计划"))
@requires(Permission.PLAN_READ)
@spec.validate(resp=Answers(HTTP_200=PlanOut, HTTP_404=Problem), tags=TAG)
def show(number: str) -> PlanOut:
    """A plan with its lines."""
    return _plan(queries.by_number(db.session(), me(), number))


@api.post("/<number>/return")
@titled(N_("退回采购计划"))
@requires(Permission.PLAN_RETURN)
@spec.validate(resp=Answers(HTTP_200=PlanOut, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def send_back(number: str, json: ReturnIn) -> PlanOut:
    """Send a plan back for correction, within its period and before its first order."""
    with commit(db.session()) as session:
        service.send_back(session, me(), queries.by_number(session, me(), number), json.reason, json.note)
    return _plan(queries.by_number(db.session(), me(), number))


def _head(plan: Plan) -> dict[str, Any]:
    return PlanHead.model_validate(plan).model_dump()


def _plan(plan: Plan) -> PlanOut:
    return PlanOut(**_head(plan), lines=[_line(row) for row in queries.lines_of(db.session(), plan)])


def _line(row: LineRow) -> PlanLineOut:
    return PlanLineOut(
        id=row.line.id,
        line_no=row.line.line_no,
        category=row.line.category_code,
        category_name=row.category_name,
        name=row.line.name,
        budget_line=row.budget_line.code,
        allotment=row.allotment.number,
        control_id=row.line.control_id,
        quantity=row.line.quantity,
        ordered=row.ordered,
        amount_fen=row.line.amount_fen,
        reserved_fen=row.buckets.reserved_fen,
        committed_fen=row.buckets.committed_fen,
        accrued_fen=row.buckets.accrued_fen,
        paid_fen=row.buckets.paid_fen,
        free_fen=row.buckets.free_fen,
    )
