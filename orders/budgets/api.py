"""JSON ways in: allotments and procurement-budget lines, as far as the caller may see them."""

from flask import Blueprint
from pydantic import Field

from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Model, PageQuery, Problem, spec, titled
from orders.budgets import queries
from orders.budgets.queries import AllotmentRow, LineRow

api = Blueprint("budgets_api", __name__, url_prefix="/api/v1/budgets")
TAG = ("budgets",)


class BudgetQuery(PageQuery):
    """Which year."""

    year: int | None = Field(default=None, ge=2000, le=2100)


class AllotmentOut(Model):
    """An allotment in its four buckets, in fen; `control_id` finds its orders."""

    number: str
    unit_id: int
    unit: str
    region: str
    year: int
    project: str
    functional_class: str
    economic_class: str
    fund_nature: str
    source: str
    document_number: str
    control_id: int
    amount_fen: Fen
    reserved_fen: Fen
    committed_fen: Fen
    accrued_fen: Fen
    paid_fen: Fen
    free_fen: Fen


class AllotmentPage(CursorPage):
    """A page of allotments."""

    items: list[AllotmentOut]


class BudgetLineOut(Model):
    """A procurement-budget line with what no plan has taken of it yet, in fen and pieces."""

    id: int
    code: str
    year: int
    unit_id: int
    allotment: str
    category: str
    name: str
    quantity: int
    open_quantity: int
    amount_fen: Fen
    planned_fen: Fen
    open_fen: Fen
    sme_reserved: bool
    import_allowed: bool


class BudgetLinePage(CursorPage):
    """A page of procurement-budget lines."""

    items: list[BudgetLineOut]


@api.get("/allotments")
@titled(N_("预算指标"))
@requires(Permission.BUDGET_READ)
@spec.validate(resp=Answers(HTTP_200=AllotmentPage), tags=TAG)
def allotments(query: BudgetQuery) -> AllotmentPage:
    """The allotments of the caller's unit, or of the region and below, oldest first."""
    page = queries.allotments(db.session(), me(), year=query.year, cursor=query.cursor, limit=query.limit)
    return AllotmentPage(items=[_allotment(row) for row in page.rows], next=page.next)


@api.get("/allotments/<number>")
@titled(N_("一笔预算指标"))
@requires(Permission.BUDGET_READ)
@spec.validate(resp=Answers(HTTP_200=AllotmentOut, HTTP_404=Problem), tags=TAG)
def allotment(number: str) -> AllotmentOut:
    """One allotment."""
    return _allotment(queries.allotment(db.session(), me(), number))


@api.get("/lines")
@titled(N_("采购预算明细"))
@requires(Permission.BUDGET_READ)
@spec.validate(resp=Answers(HTTP_200=BudgetLinePage), tags=TAG)
def lines(query: BudgetQuery) -> BudgetLinePage:
    """The procurement-budget lines of the caller's unit, or of the region and below, oldest first."""
    page = queries.line_page(db.session(), me(), year=query.year, cursor=query.cursor, limit=query.limit)
    return BudgetLinePage(items=[line_out(row) for row in page.rows], next=page.next)


def _allotment(row: AllotmentRow) -> AllotmentOut:
    allotment, figures = row.allotment, row.buckets
    return AllotmentOut(
        number=allotment.number,
        unit_id=allotment.unit_id,
        unit=row.unit.name,
        region=row.unit.region,
        year=allotment.year,
        project=row.project.name,
        functional_class=allotment.functional_class,
        economic_class=allotment.economic_class,
        fund_nature=allotment.fund_nature,
        source=allotment.source,
        document_number=allotment.document_number,
        control_id=figures.control_id,
        amount_fen=figures.amount_fen,
        reserved_fen=figures.reserved_fen,
        committed_fen=figures.committed_fen,
        accrued_fen=figures.accrued_fen,
        paid_fen=figures.paid_fen,
        free_fen=figures.free_fen,
    )


def line_out(row: LineRow) -> BudgetLineOut:
    """A line as the API gives it."""
    return BudgetLineOut(
        id=row.line.id,
        code=row.line.code,
        year=row.line.year,
        unit_id=row.line.unit_id,
        allotment=row.allotment.number,
        category=row.line.category_code,
        name=row.line.name,
        quantity=row.line.quantity,
        open_quantity=row.open_quantity,
        amount_fen=row.line.amount_fen,
        planned_fen=row.line.planned_fen,
        open_fen=row.open_fen,
        sme_reserved=row.line.sme_reserved,
        import_allowed=row.line.import_allowed,
    )
