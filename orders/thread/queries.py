"""The list of orders, and one order with all that hangs on it: few statements, however many lines."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.organisations import queries as organisations
from app.accounts.organisations.queries import Organisation
from app.kernel import clock, paging, regions
from app.kernel.db import Moment
from app.kernel.errors import Missing
from app.kernel.outbox import Event
from app.kernel.paging import Key, Page
from app.policy import Actor, Permission
from catalog.taxonomy import queries as taxonomy
from orders.approvals import queries as approvals
from orders.assets import queries as assets
from orders.budgets import queries as budgets
from orders.budgets.states import Pool
from orders.budgets.tables import Allotment, Control, Move
from orders.comparisons.tables import Comparison
from orders.contracts import queries as contracts
from orders.contracts.tables import Contract, ContractDocument
from orders.deliveries import queries as deliveries
from orders.deliveries.tables import Acceptance, Shipment
from orders.payments import queries as payments
from orders.payments.tables import Invoice, PaymentApplication, PaymentClock
from orders.plans.tables import Plan, PlanLine
from orders.purchases import queries as purchases
from orders.purchases.queries import ActionLink
from orders.purchases.states import State
from orders.purchases.tables import Hold, Order, OrderLine, Submission
from orders.purchases.verdicts import Verdict
from orders.ratings import queries as ratings
from orders.thread import rules
from orders.thread.rules import Filters, Fund, Moved, Pieces, Step, Told
from orders.thread.states import OPEN, Sort

FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""Where orders without a deadline stand when they are sorted by it."""

SOON = timedelta(days=2)
MOST_EXPORTED = 20_000

_ACTIONS = (approvals.actions, contracts.actions, deliveries.actions, payments.actions, assets.actions, ratings.actions)


# ---------------------------------------------------------------- the list


@dataclass(frozen=True, kw_only=True)
class OrderRow:
    """An order as lists show it; `held_fen` is what of it stands in the bucket that was asked for."""

    order: Order
    unit: str
    supplier: str
    title: str
    lines: int
    held_fen: int | None = None


@dataclass(frozen=True)
class Count:
    """How many orders, worth how much."""

    orders: int
    total_fen: int


def orders(
    session: Session,
    actor: Actor,
    filters: Filters,
    *,
    only: ColumnElement[bool] | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrderRow]:
    """A page of the orders the actor may see, narrowed further by `only`: three statements. Raises BadCursor."""
    query, held = _narrowed(actor, filters, only)
    keys = [_KEYS[filters.sort](filters), Key(Order.id, descending=not filters.ascending)]
    columns = [Order] if held is None else [Order, held]
    found = paging.rows(session, query.with_only_columns(*columns, maintain_column_froms=True), keys, cursor=cursor, limit=limit)
    figures = [None if held is None else int(row[1]) for row in found.rows]
    return Page(_dressed(session, [row[0] for row in found.rows], figures), found.next, found.prev)


_KEYS: dict[Sort, Any] = {
    Sort.SUBMITTED: lambda filters: Key(Order.submitted_at, descending=not filters.ascending),
    Sort.TOTAL: lambda filters: Key(Order.total_fen, descending=not filters.ascending),
    Sort.DUE: lambda filters: Key(func.coalesce(Order.due_at, literal(FAR, Moment)), descending=not filters.ascending),
}


def exported(session: Session, actor: Actor, filters: Filters, *, only: ColumnElement[bool] | None = None) -> Iterator[OrderRow]:
    """Every order of the list in its order, up to MOST_EXPORTED."""
    cursor: str | None = None
    for _ in range(MOST_EXPORTED // 500):
        page = orders(session, actor, filters, only=only, cursor=cursor, limit=500)
        yield from page.rows
        if (cursor := page.next) is None:
            return


def numbered(session: Session, actor: Actor, numbers: Sequence[str]) -> dict[str, OrderRow]:
    """Those of these orders that the actor may see, by number."""
    found = list(session.scalars(select(Order).where(purchases.visible_to(actor), Order.number.in_(numbers))))
    return {row.order.number: row for row in _dressed(session, found)} if found else {}


def counts(
    session: Session, actor: Actor, filters: Filters | None = None, *, only: ColumnElement[bool] | None = None
) -> dict[State, Count]:
    """Orders under way by state, whatever state the filters ask for; finished ones are many and are not counted."""
    query, _ = _narrowed(actor, filters or Filters(), only, any_state=True)
    by_state = query.where(Order.state.in_(OPEN)).group_by(Order.state)
    figures = by_state.with_only_columns(Order.state, func.count(), func.sum(Order.total_fen), maintain_column_froms=True)
    return {row[0]: Count(row[1], int(row[2])) for row in session.execute(figures)}


def control_name(session: Session, actor: Actor, control_id: int) -> str:
    """What people call a control: the allotment's number, or plan and line. Raises Missing."""
    found = session.execute(
        select(Allotment.number, Plan.number, PlanLine.line_no)
        .select_from(Control)
        .outerjoin(Allotment, Allotment.control_id == Control.id)
        .outerjoin(PlanLine, PlanLine.control_id == Control.id)
        .outerjoin(Plan, Plan.id == PlanLine.plan_id)
        .where(Control.id == control_id, budgets.visible_to(actor, Control.unit_id))
    ).first()
    if found is None:
        raise Missing()
    return found[0] or f"{found[1]} · {found[2]}"


def side_names(session: Session, filters: Filters) -> dict[int, str]:
    """What the unit and the supplier of the filters are called; nothing is asked when there is none."""
    return organisations.names(session, [each for each in (filters.unit, filters.supplier) if each is not None])


def _narrowed(
    actor: Actor, filters: Filters, only: ColumnElement[bool] | None, *, any_state: bool = False
) -> tuple[Select[Any], ColumnElement[int] | None]:
    query: Select[Any] = select(Order).where(purchases.visible_to(actor), *_conditions(filters))
    if only is not None:
        query = query.where(only)
    if filters.states and not any_state:
        query = query.where(Order.state.in_(filters.states))
    if filters.control is None:
        return query, None
    if filters.bucket is None:
        return query.where(Order.number.in_(select(Move.stream).where(Move.control_id == filters.control))), None
    held = _held(filters.control, filters.bucket)
    return query.join(held, held.c.stream == Order.number), held.c.fen


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.q:
        named = select(Organisation.id).where(Organisation.name.icontains(filters.q, autoescape=True))
        yield or_(purchases.search_condition(filters.q), Order.supplier_id.in_(named), Order.unit_id.in_(named))
    if filters.since:
        yield Order.submitted_at > clock.end_of_day(filters.since - timedelta(days=1))
    if filters.until:
        yield Order.submitted_at <= clock.end_of_day(filters.until) + timedelta(seconds=1)
    if filters.unit is not None:
        yield Order.unit_id == filters.unit
    if filters.supplier is not None:
        yield Order.supplier_id == filters.supplier
    if filters.region is not None:
        yield Order.region.in_(regions.below(filters.region))
    if filters.due:
        yield and_(Order.state.in_(OPEN), Order.due_at <= clock.now() + SOON)


def _held(control_id: int, pool: Pool) -> Any:
    """What of each order stands in one bucket of a control: the fold of its moves, where anything is left."""
    total = func.sum(case((Move.target == pool, Move.amount_fen), else_=-Move.amount_fen))
    return (
        select(Move.stream, total.label("fen"))
        .where(Move.control_id == control_id, or_(Move.source == pool, Move.target == pool))
        .group_by(Move.stream)
        .having(total > 0)
        .subquery()
    )


def _dressed(session: Session, found: Sequence[Order], figures: Sequence[int | None] = ()) -> list[OrderRow]:
    """The rows with the names of both sides and what was ordered first: two statements."""
    if not found:
        return []
    names = organisations.names(session, {side for each in found for side in (each.unit_id, each.supplier_id)})
    ranked = (
        select(
            OrderLine.order_id,
            OrderLine.title,
            func.count().over(partition_by=OrderLine.order_id).label("lines"),
            func.row_number().over(partition_by=OrderLine.order_id, order_by=OrderLine.line_no).label("place"),
        )
        .where(OrderLine.order_id.in_([each.id for each in found]))
        .subquery()
    )
    first = {row.order_id: row for row in session.execute(select(ranked).where(ranked.c.place == 1))}
    return [
        OrderRow(
            order=each,
            unit=names.get(each.unit_id, ""),
            supplier=names.get(each.supplier_id, ""),
            title=first[each.id].title if each.id in first else "",
            lines=first[each.id].lines if each.id in first else 0,
            held_fen=figure,
        )
        for each, figure in zip(found, figures or [None] * len(found), strict=True)
    ]


def submission(session: Session, actor: Actor, number: str) -> tuple[Submission, list[OrderRow]]:
    """A submission with those of its orders that the actor may see. Raises Missing."""
    found = purchases.submission_by_number(session, actor, number)
    query = select(Order).where(Order.submission_id == found.id, purchases.visible_to(actor)).order_by(Order.id)
    return found, _dressed(session, list(session.scalars(query)))


# ---------------------------------------------------------------- one order


@dataclass(frozen=True)
class LineRow:
    """An order line with the plan line and the allotment that pay it, and what of it is paid."""

    line: OrderLine
    plan: str
    plan_line_no: int
    allotment: str
    economic_class: str
    paid_fen: int

    @property
    def ordered(self) -> int:
        """Pieces ordered and not rejected."""
        return self.line.quantity - self.line.rejected

    @property
    def paid(self) -> int:
        """Pieces paid for."""
        return self.paid_fen // self.line.price_fen if self.line.price_fen else 0

    @property
    def amount_fen(self) -> int:
        """The worth of what was ordered and not rejected."""
        return self.ordered * self.line.price_fen


@dataclass(frozen=True, kw_only=True)
class Thread:
    """An order from the submission to the asset card, as far as the reader may see it."""

    order: Order
    submission: str
    comparison: tuple[str, str] | None
    """The frozen comparison that the submission cites, its number and its digest; the supplier is not told."""
    unit: str
    supplier: str
    inside: bool
    lines: tuple[LineRow, ...]
    told: tuple[Told, ...]
    funds: tuple[Fund, ...]
    contract: Contract | None
    document: ContractDocument | None
    shipments: tuple[Shipment, ...]
    acceptances: tuple[Acceptance, ...]
    invoices: tuple[Invoice, ...]
    applications: tuple[PaymentApplication, ...]
    clock: PaymentClock | None
    cards: tuple[assets.AssetCard, ...]
    decisions: tuple[Verdict, ...]
    holds: tuple[Hold, ...]
    actions: tuple[ActionLink, ...]
    terms: dict[str, tuple[int, bool]]

    @property
    def steps(self) -> list[Step]:
        """The spine: what happened, what it waits for, what comes."""
        lines = [row.line for row in self.lines]
        pieces = Pieces(
            to_ship=sum(row.ordered - row.line.shipped for row in self.lines),
            to_receive=sum(line.shipped - line.delivered for line in lines),
            to_judge=sum(line.delivered - line.accepted - line.returned for line in lines),
        )
        pay_by = self.clock.due_on if self.clock else None
        ahead = rules.steps_ahead(self.order.state, due_at=self.order.due_at, pieces=pieces, terms=self.terms, pay_by=pay_by)
        return [rules.past_step(each, inside=self.inside) for each in self.told] + ahead

    @property
    def accepted_fen(self) -> int:
        """The worth of what was accepted."""
        return sum(row.line.accepted * row.line.price_fen for row in self.lines)

    @property
    def paid_fen(self) -> int:
        """What is paid."""
        return sum(row.paid_fen for row in self.lines)


def thread(session: Session, actor: Actor, number: str) -> Thread:
    """One order with everything on it; as many statements for one line as for a hundred. Raises Missing."""
    unit, supplier = aliased(Organisation), aliased(Organisation)
    found = session.execute(
        select(Order, unit.name, supplier.name, Submission.number, Comparison.number, Comparison.sha256)
        .join(unit, unit.id == Order.unit_id)
        .join(supplier, supplier.id == Order.supplier_id)
        .join(Submission, Submission.id == Order.submission_id)
        .outerjoin(Comparison, Comparison.number == Submission.comparison)
        .where(Order.number == number, purchases.visible_to(actor))
    ).first()
    if found is None:
        raise Missing()
    order: Order = found[0]
    inside, bills = not actor.is_supplier, actor.may(Permission.INVOICE_READ)
    funds, paid = rules.fold(_moved(session, order))
    signed = session.execute(
        select(Contract, ContractDocument)
        .outerjoin(ContractDocument, ContractDocument.contract_id == Contract.id)
        .where(Contract.order_id == order.id)
    ).first()
    return Thread(
        order=order,
        submission=found[3],
        comparison=(found[4], found[5]) if inside and found[4] else None,
        unit=found[1],
        supplier=found[2],
        inside=inside,
        lines=tuple(_lines(session, order, paid)),
        told=tuple(told(session, order)),
        funds=tuple(funds) if actor.may(Permission.BUDGET_READ) else (),
        contract=signed[0] if signed else None,
        document=signed[1] if signed else None,
        shipments=tuple(session.scalars(select(Shipment).where(Shipment.order_id == order.id).order_by(Shipment.id))),
        acceptances=tuple(session.scalars(select(Acceptance).where(Acceptance.order_id == order.id).order_by(Acceptance.id))),
        invoices=tuple(payments.invoices_of(session, order)) if bills else (),
        applications=tuple(payments.applications_of(session, order)) if bills else (),
        clock=payments.clock_of(session, order),
        cards=tuple(assets.cards_of(session, order)) if actor.may(Permission.ASSET_READ) else (),
        decisions=purchases.decisions_of(session, order) if inside else (),
        holds=tuple(purchases.holds_of(session, order)) if inside else (),
        actions=tuple(actions(session, actor, order)),
        terms={row.name: (row.days, row.unit.value == "wd") for row in taxonomy.terms(session, order.region, clock.today())},
    )


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the actor may do with an order now, from every chapter; one of them at most is the expected one."""
    found = [link for chapter in _ACTIONS for link in chapter(session, actor, order)]
    first = next((link for link in found if link.primary), None)
    links = [ActionLink(label=link.label, url=link.url, primary=link is first) for link in found]
    return sorted(links, key=lambda link: not link.primary)


def told(session: Session, order: Order) -> Iterator[Told]:
    """The events of an order's stream, oldest first."""
    columns = (Event.version, Event.type, Event.at, Event.actor_id, Event.body)
    for row in session.execute(select(*columns).where(Event.stream == order.number).order_by(Event.version)):
        yield Told(version=row.version, type=row.type, at=row.at, by_system=row.actor_id is None, body=json.loads(row.body))


def _lines(session: Session, order: Order, paid: dict[int, int]) -> Iterator[LineRow]:
    query = (
        select(OrderLine, Plan.number, PlanLine.line_no, Allotment.number, Allotment.economic_class)
        .join(PlanLine, PlanLine.id == OrderLine.plan_line_id)
        .join(Plan, Plan.id == PlanLine.plan_id)
        .join(Allotment, Allotment.id == OrderLine.allotment_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.line_no)
    )
    for line, plan, plan_line_no, allotment, economic_class in session.execute(query):
        yield LineRow(line, plan, plan_line_no, allotment, economic_class, paid.get(line.id, 0))


def _moved(session: Session, order: Order) -> list[Moved]:
    """The order's moves on its allotments, summed by line and way: one statement."""
    query = (
        select(
            Move.control_id,
            Move.order_line_id,
            Move.source,
            Move.target,
            func.sum(Move.amount_fen).label("fen"),
            Allotment.number,
            Allotment.economic_class,
        )
        .join(Allotment, Allotment.control_id == Move.control_id)
        .where(Move.stream == order.number)
        .group_by(Move.control_id, Move.order_line_id, Move.source, Move.target, Allotment.number, Allotment.economic_class)
        .order_by(Allotment.number)
    )
    return [
        Moved(
            control_id=row.control_id,
            line_id=row.order_line_id,
            source=row.source,
            target=row.target,
            amount_fen=int(row.fen),
            allotment=row.number,
            economic_class=row.economic_class,
        )
        for row in session.execute(query)
    ]
