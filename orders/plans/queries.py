"""Reads of plans. Lists begin with what the actor may see: the own unit, or the region and below."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.kernel import clock, paging, regions
from app.kernel.errors import Missing
from app.kernel.paging import Key, Page
from app.policy import Actor, Reach, scope_of
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import covers
from orders.budgets import queries as budgets
from orders.budgets.tables import Allotment, BudgetLine, Control, Move
from orders.plans.states import PlanState
from orders.plans.tables import Plan, PlanLine


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition on plans: the own unit, the region and below, or everything for the system."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return true()
    if scope.reach is Reach.ORGANISATION and actor.is_unit:
        return Plan.unit_id == scope.organisation_id
    if scope.reach is Reach.REGION and scope.region is not None:
        return Plan.region.in_(regions.below(scope.region))
    return false()


def by_number(session: Session, actor: Actor, number: str) -> Plan:
    """The plan, if the actor may see it. Raises Missing."""
    found = session.scalar(select(Plan).where(Plan.number == number, visible_to(actor)))
    if found is None:
        raise Missing()
    return found


class PlanRow(NamedTuple):
    """A plan with its sums."""

    plan: Plan
    total_fen: int
    lines: int
    ordered: bool
    unit: budgets.Owner


def plans(
    session: Session,
    actor: Actor,
    *,
    year: int | None = None,
    state: PlanState | None = None,
    region: str | None = None,
    returnable: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[PlanRow]:
    """A page of the plans the actor may see, newest first; `returnable` keeps those in their return period. Raises BadCursor."""
    query = (
        select(Plan, func.sum(PlanLine.amount_fen), func.count(PlanLine.id))
        .join(PlanLine, PlanLine.plan_id == Plan.id)
        .where(visible_to(actor))
        .group_by(Plan.id)
    )
    if year is not None:
        query = query.where(Plan.year == year)
    if state is not None:
        query = query.where(Plan.state == state)
    if region is not None:
        query = query.where(Plan.region == region)
    if returnable:
        query = query.where(Plan.returnable_until >= clock.now(), Plan.state == PlanState.FILED)
    found = paging.rows(session, query, [Key(Plan.id)], cursor=cursor, limit=limit)
    units = budgets.owners(session, {row[0].unit_id for row in found.rows})
    used = ordered_ids(session, [row[0].id for row in found.rows])
    rows = [PlanRow(row[0], int(row[1]), row[2], row[0].id in used, units[row[0].unit_id]) for row in found.rows]
    return Page(rows, found.next, found.prev)


def ordered_ids(session: Session, plan_ids: Collection[int]) -> set[int]:
    """Which of these plans have ever had an order, even one that was withdrawn later."""
    if not plan_ids:
        return set()
    used = exists().where(and_(Move.control_id == PlanLine.control_id, Move.order_line_id.is_not(None)))
    return set(session.scalars(select(PlanLine.plan_id).where(PlanLine.plan_id.in_(plan_ids), used).distinct()))


class LineRow(NamedTuple):
    """A plan line with the budget line and the allotment behind it, and its figures now."""

    line: PlanLine
    budget_line: BudgetLine
    allotment: Allotment
    buckets: budgets.Buckets
    ordered: int
    category_name: str


def lines_of(session: Session, plan: Plan) -> list[LineRow]:
    """The lines of a plan in order."""
    query = (
        select(PlanLine, BudgetLine, Allotment, Control)
        .join(BudgetLine, BudgetLine.id == PlanLine.budget_line_id)
        .join(Allotment, Allotment.id == PlanLine.allotment_id)
        .join(Control, Control.id == PlanLine.control_id)
        .where(PlanLine.plan_id == plan.id)
        .order_by(PlanLine.line_no)
        .execution_options(populate_existing=True)
    )
    rows = session.execute(query).all()
    names = taxonomy.names(session, {row[0].category_code for row in rows})
    return [
        LineRow(line, budget_line, allotment, budgets.buckets(control), control.ordered, names.get(line.category_code, ""))
        for line, budget_line, allotment, control in rows
    ]


class Told(NamedTuple):
    """A plan with its lines as a table tells them, by line number."""

    plan: Plan
    lines: dict[int, dict[str, Any]]


def told(
    session: Session, actor: Actor, *, numbers: Collection[str], titles: Collection[str] = (), year: int | None = None
) -> dict[str, Told]:
    """The plans with these numbers, and the filed ones of the actor's unit and the year with these titles, by number or title."""
    named = and_(Plan.title.in_(titles), Plan.year == year, Plan.unit_id == actor.organisation_id, Plan.state == PlanState.FILED)
    query = (
        select(Plan, PlanLine, BudgetLine.code, Allotment.number)
        .join(PlanLine, PlanLine.plan_id == Plan.id)
        .join(BudgetLine, BudgetLine.id == PlanLine.budget_line_id)
        .join(Allotment, Allotment.id == PlanLine.allotment_id)
        .where(visible_to(actor), or_(Plan.number.in_(numbers), named) if titles else Plan.number.in_(numbers))
    )
    found: dict[str, Told] = {}
    for plan, line, code, allotment in session.execute(query):
        told = found.get(plan.number) or Told(plan, {})
        told.lines[line.line_no] = {
            "allotment": allotment, "budget_line": code, "category_code": line.category_code, "name": line.name, "quantity": line.quantity,
            "amount_fen": line.amount_fen,
        }  # fmt: skip
        found[plan.number] = told
        if plan.title in titles and plan.year == year and plan.unit_id == actor.organisation_id and plan.state is PlanState.FILED:
            found[plan.title] = told
    return found


def lines_under(session: Session, actor: Actor, allotment_id: int) -> list[tuple[Plan, LineRow]]:
    """The lines of filed plans that draw on an allotment, oldest first, as far as the actor may see them."""
    query = (
        select(Plan, PlanLine, BudgetLine, Allotment, Control)
        .join(PlanLine, PlanLine.plan_id == Plan.id)
        .join(BudgetLine, BudgetLine.id == PlanLine.budget_line_id)
        .join(Allotment, Allotment.id == PlanLine.allotment_id)
        .join(Control, Control.id == PlanLine.control_id)
        .where(PlanLine.allotment_id == allotment_id, Plan.state == PlanState.FILED, visible_to(actor))
        .order_by(PlanLine.id)
        .limit(500)
        .execution_options(populate_existing=True)
    )
    rows = session.execute(query).all()
    names = taxonomy.names(session, {row[1].category_code for row in rows})
    return [
        (plan, LineRow(line, source, money, budgets.buckets(control), control.ordered, names.get(line.category_code, "")))
        for plan, line, source, money, control in rows
    ]


# ---------------------------------------------------------------- what an order may draw on


_PLAN_CONTROL = aliased(Control, name="plan_control")
_ALLOTMENT_CONTROL = aliased(Control, name="allotment_control")


def _figures(control: type[Control]) -> list[Any]:
    return [control.id, control.amount_fen, control.reserved_fen, control.committed_fen, control.accrued_fen, control.paid_fen]


class OpenLine(NamedTuple):
    """A filed plan line that still has money: what an order line may draw on. Amounts in fen."""

    line: PlanLine
    plan_number: str
    allotment: Allotment
    ordered: int
    plan_control: budgets.Buckets
    allotment_control: budgets.Buckets

    @property
    def free_fen(self) -> int:
        """What an order may take: the smaller of what the plan line and its allotment have left."""
        return min(self.plan_control.free_fen, self.allotment_control.free_fen)

    @property
    def left(self) -> int:
        """Pieces not ordered yet."""
        return self.line.quantity - self.ordered


def lines_open_for(
    session: Session,
    actor: Actor,
    category_code: str | None = None,
    *,
    year: int | None = None,
    ids: Collection[int] | None = None,
    unit_id: int | None = None,
) -> list[OpenLine]:
    """The filed plan lines of a unit (the actor's own) for a category, closest category first, then most money.

    With `ids` exactly these lines, whatever is left of them (checkout and submission look at the refused ones too).
    """
    query = (
        select(PlanLine, Plan.number, Allotment, _PLAN_CONTROL.ordered, *_figures(_PLAN_CONTROL), *_figures(_ALLOTMENT_CONTROL))
        .join(Plan, Plan.id == PlanLine.plan_id)
        .join(Allotment, Allotment.id == PlanLine.allotment_id)
        .join(_PLAN_CONTROL, _PLAN_CONTROL.id == PlanLine.control_id)
        .join(_ALLOTMENT_CONTROL, _ALLOTMENT_CONTROL.id == Allotment.control_id)
        .where(PlanLine.unit_id == (unit_id if unit_id is not None else actor.organisation_id), visible_to(actor))
        .where(Plan.state == PlanState.FILED)
        .execution_options(populate_existing=True)
    )
    if ids is not None:
        query = query.where(PlanLine.id.in_(ids))
    else:
        query = query.where(PlanLine.year == (year or clock.today().year), _PLAN_CONTROL.free_fen > 0)
        query = query.where(_PLAN_CONTROL.ordered < _PLAN_CONTROL.quantity)
    if category_code is not None:
        above = [row.code for row in taxonomy.ancestors(session, category_code)]
        query = query.where(PlanLine.category_code.in_(above))
    found = [
        OpenLine(row[0], row[1], row[2], row[3], budgets.Buckets(*row[4:10]), budgets.Buckets(*row[10:16]))
        for row in session.execute(query)
    ]
    return sorted(found, key=lambda row: (-len(row.line.category_code.rstrip("0")), -row.free_fen, row.line.id))


class Candidate(NamedTuple):
    """A budget line that can carry a new plan line: filing on the spot starts from it. Amounts in fen."""

    row: budgets.LineRow
    category_code: str
    category_name: str
    amount_fen: int
    quantity: int


def candidates(session: Session, actor: Actor, category_code: str, amount_fen: int, quantity: int) -> list[Candidate]:
    """The unit's budget lines of this year that fit, closest category first, then most money; empty when nothing fits."""
    if not actor.is_unit or amount_fen <= 0 or quantity <= 0:
        return []
    above = [row.code for row in taxonomy.ancestors(session, category_code)]
    name = taxonomy.category(session, category_code).name
    rows = budgets.lines(session, actor, year=clock.today().year, category_codes=above)
    fitting = [
        row
        for row in rows
        if row.open_fen >= amount_fen
        and row.open_quantity >= quantity
        and row.allotment_free_fen >= amount_fen
        and covers(row.line.category_code, category_code)
    ]
    fitting.sort(key=lambda row: (-len(row.line.category_code.rstrip("0")), -row.open_fen, row.line.id))
    return [Candidate(row, category_code, name, amount_fen, quantity) for row in fitting]
