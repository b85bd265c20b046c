"""JSON ways in: orders as the caller may see them, one order with all that hangs on it, and what waits for the caller."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from pydantic import Field

from app.kernel.errors import N_
from app.policy import Permission
from app.web.errors import shown
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Id, Model, PageQuery, Problem, spec, titled
from orders.purchases.states import STATE_NAMES
from orders.purchases.views import spoken
from orders.thread import desk, forms, queries, rules
from orders.thread.states import WORKS, Kind

api = Blueprint("thread_api", __name__, url_prefix="/api/v1")
TAG = ("orders",)


class OrderQuery(PageQuery):
    """What narrows and orders the list; the same words as in the page's address."""

    state: str | None = Field(default=None, description=N_("一个状态，或 open、done、ended"))
    q: str | None = Field(default=None, max_length=rules.LONGEST_TEXT, description=N_("订单号、商品、单位或供应商"))
    since: date | None = None
    until: date | None = None
    unit: Id | None = None
    supplier: Id | None = None
    region: str | None = None
    control: Id | None = Field(default=None, description=N_("指标或计划明细的 control_id"))
    bucket: str | None = Field(default=None, description=N_("reserved、committed、accrued、paid；与 control 同用"))
    todo: str | None = Field(default=None, description=N_("待本人办理的种类"))
    due: bool = Field(default=False, description=N_("两日内到期或已超期"))
    sort: str | None = Field(default=None, description="submitted、total、due")
    dir: str | None = Field(default=None, description=N_("asc 为升序，默认降序"))


class OrderBrief(Model):
    """An order in a list; `held_fen` is what of it stands in the bucket asked for."""

    number: str
    version: int
    state: str
    unit_id: int
    unit: str
    supplier_id: int
    supplier: str
    region: str
    title: str
    lines: int
    total_fen: Fen
    held_fen: Fen | None
    submitted_at: datetime
    state_since: datetime
    due_at: datetime | None


class OrderPage(CursorPage):
    """A page of orders."""

    items: list[OrderBrief]


class LineOut(Model):
    """An order line: its price as promised, its six quantities, the plan line and the allotment that pay it."""

    no: int
    listing_id: int
    listing_version: int
    product_id: int
    category: str
    title: str
    brand: str
    model: str
    unit: str
    price_fen: Fen
    amount_fen: Fen
    ordered: int
    shipped: int
    delivered: int
    accepted: int
    returned: int
    paid: int
    place: str
    plan: str
    plan_line: int
    allotment: str | None


class StepOut(Model):
    """A step of the spine; `version` finds its receipt, a step without one is still to come."""

    version: int | None
    type: str | None
    title: str
    state: str
    who: str
    said: list[str]
    note: str | None
    at: datetime | None
    due_at: datetime | None


class FundOut(Model):
    """What of an allotment the order holds."""

    control_id: int
    allotment: str
    economic_class: str
    reserved_fen: Fen
    committed_fen: Fen
    accrued_fen: Fen
    paid_fen: Fen


class HoldOut(Model):
    """A rule that holds or held the order."""

    rule: str
    explanation: str | None
    explained_at: datetime | None
    cleared_at: datetime | None


class PaperOut(Model):
    """A paper of the order: contract, shipment, acceptance, invoice, payment application, asset card."""

    kind: str
    number: str
    at: datetime | None
    amount_fen: Fen | None = None
    sha256: str | None = None


class ClockOut(Model):
    """When the order must be paid, and by which document."""

    base_on: date
    due_on: date
    days: int
    document_number: str


class ActionOut(Model):
    """What the caller may do with the order now."""

    label: str
    url: str
    primary: bool


class OrderOut(Model):
    """One order with all that hangs on it; budget money and checks are for the unit and those who supervise it."""

    number: str
    version: int
    state: str
    state_name: str
    submission: str
    unit_id: int
    unit: str
    supplier_id: int
    supplier: str
    region: str
    mode: str
    reason: str | None
    total_fen: Fen
    accepted_fen: Fen
    paid_fen: Fen
    submitted_at: datetime
    state_since: datetime
    due_at: datetime | None
    due_provisional: bool
    lines: list[LineOut]
    spine: list[StepOut]
    decisions: list[dict[str, Any]]
    holds: list[HoldOut]
    funds: list[FundOut]
    documents: list[PaperOut]
    payment_clock: ClockOut | None
    actions: list[ActionOut]


class TodoOut(Model):
    """One kind of work that waits, with its ages and the piece that is due first."""

    kind: Kind
    label: str
    count: int
    fresh: int
    older: int
    late: int
    first: str | None
    due_at: datetime | None
    due_on: date | None
    href: str


class StateOut(Model):
    """How many orders under way stand in a state, worth how much."""

    state: str
    name: str
    orders: int
    total_fen: Fen


class WorkbenchOut(Model):
    """What waits for the caller."""

    total: int
    todo: list[TodoOut]
    states: list[StateOut]


@api.get("/orders")
@titled(N_("订单"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=OrderPage, HTTP_422=Problem), tags=TAG)
def orders(query: OrderQuery) -> OrderPage:
    """The orders the caller may see: own unit's, own supplier's, or those of the region and below."""
    filters, only = forms.narrowing(me(), query.model_dump(exclude={"cursor", "limit"}))
    page = queries.orders(db.session(), me(), filters, only=only, cursor=query.cursor, limit=query.limit)
    return OrderPage(items=[_brief(row) for row in page.rows], next=page.next)


@api.get("/orders/<number>")
@titled(N_("一个订单"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=OrderOut, HTTP_404=Problem), tags=TAG)
def order(number: str) -> OrderOut:
    """One order: lines, spine, checks, money, papers, and what the caller may do now."""
    found = queries.thread(db.session(), me(), number)
    row = found.order
    return OrderOut(
        number=row.number,
        version=row.version,
        state=row.state,
        state_name=_(STATE_NAMES[row.state]),
        submission=found.submission,
        unit_id=row.unit_id,
        unit=found.unit,
        supplier_id=row.supplier_id,
        supplier=found.supplier,
        region=row.region,
        mode=row.mode,
        reason=row.reason if found.inside else None,
        total_fen=row.total_fen,
        accepted_fen=found.accepted_fen,
        paid_fen=found.paid_fen,
        submitted_at=row.submitted_at,
        state_since=row.state_since,
        due_at=row.due_at,
        due_provisional=row.due_provisional,
        lines=[_line(each, inside=found.inside) for each in found.lines],
        spine=[_step(each) for each in found.steps],
        decisions=[spoken(verdict) for verdict in found.decisions],
        holds=[HoldOut.model_validate(hold) for hold in found.holds],
        funds=[FundOut.model_validate(fund) for fund in found.funds],
        documents=_papers(found),
        payment_clock=ClockOut.model_validate(found.clock) if found.clock else None,
        actions=[ActionOut(label=_(link.label), url=link.url, primary=link.primary) for link in found.actions],
    )


@api.get("/workbench")
@titled(N_("工作台"))
@requires(Permission.ACCOUNT_USE)
@spec.validate(resp=Answers(HTTP_200=WorkbenchOut), tags=TAG)
def workbench() -> WorkbenchOut:
    """What waits for the caller by kind and age, and the orders under way by state."""
    session, actor = db.session(), me()
    todo = desk.todo(session, actor)
    counts = queries.counts(session, actor) if actor.may(Permission.ORDER_READ) else {}
    return WorkbenchOut(
        total=sum(each.count for each in todo),
        todo=[
            TodoOut(
                kind=each.kind,
                label=_(WORKS[each.kind].label),
                count=each.count,
                fresh=each.fresh,
                older=each.older,
                late=each.late,
                first=each.first,
                due_at=each.due_at,
                due_on=each.due_on,
                href=WORKS[each.kind].href,
            )
            for each in todo
        ],
        states=[
            StateOut(state=state, name=_(STATE_NAMES[state]), orders=each.orders, total_fen=each.total_fen)
            for state, each in counts.items()
        ],
    )


def _brief(row: queries.OrderRow) -> OrderBrief:
    order = row.order
    return OrderBrief(
        number=order.number,
        version=order.version,
        state=order.state,
        unit_id=order.unit_id,
        unit=row.unit,
        supplier_id=order.supplier_id,
        supplier=row.supplier,
        region=order.region,
        title=row.title,
        lines=row.lines,
        total_fen=order.total_fen,
        held_fen=row.held_fen,
        submitted_at=order.submitted_at,
        state_since=order.state_since,
        due_at=order.due_at,
    )


def _line(row: queries.LineRow, *, inside: bool) -> LineOut:
    line = row.line
    return LineOut(
        no=line.line_no,
        listing_id=line.listing_id,
        listing_version=line.listing_version,
        product_id=line.product_id,
        category=line.category_code,
        title=line.title,
        brand=line.brand,
        model=line.model,
        unit=line.unit,
        price_fen=line.price_fen,
        amount_fen=row.amount_fen,
        ordered=row.ordered,
        shipped=line.shipped,
        delivered=line.delivered,
        accepted=line.accepted,
        returned=line.returned,
        paid=row.paid,
        place=line.place,
        plan=row.plan,
        plan_line=row.plan_line_no,
        allotment=row.allotment if inside else None,
    )


def _step(step: rules.Step) -> StepOut:
    return StepOut(
        version=step.version,
        type=step.type,
        title=_(step.title),
        state=step.state,
        who=_(step.who) if step.who else "",
        said=[_(sentence, **shown(facts)) for sentence, facts in step.said],
        note=step.note,
        at=step.at,
        due_at=step.due_at,
    )


def _papers(found: queries.Thread) -> list[PaperOut]:
    papers: list[PaperOut] = []
    if (signed := found.contract) is not None:
        about = {"at": signed.concluded_at, "amount_fen": signed.amount_fen, "sha256": signed.sha256}
        papers.append(PaperOut.model_validate({"kind": "contract", "number": signed.number, **about}))
    papers += [PaperOut(kind="shipment", number=each.number, at=each.shipped_at) for each in found.shipments]
    papers += [PaperOut(kind="acceptance", number=each.number, at=each.at) for each in found.acceptances]
    papers += [PaperOut(kind="invoice", number=each.number, at=each.recorded_at, amount_fen=each.amount_fen) for each in found.invoices]
    papers += [
        PaperOut(kind="payment_application", number=each.number, at=each.applied_at, amount_fen=each.amount_fen)
        for each in found.applications
    ]
    papers += [PaperOut(kind="asset_card", number=each.number, at=each.registered_at, amount_fen=each.value_fen) for each in found.cards]
    return papers
