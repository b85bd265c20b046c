"""Reads of what waits for a decision, and of all that the one who decides should see."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.kernel import clock, regions
from app.kernel.errors import N_
from app.kernel.paging import Key, Page, page
from app.policy import Actor, Permission
from catalog.listings import prices
from catalog.listings.rules import Quartiles
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName
from orders.approvals.tables import LineDecision
from orders.budgets import queries as budgets
from orders.budgets.queries import Buckets
from orders.budgets.tables import Allotment, BudgetProject
from orders.comparisons import queries as comparisons
from orders.purchases import queries as purchases
from orders.purchases.queries import ActionLink
from orders.purchases.rules import Funding
from orders.purchases.states import State
from orders.purchases.tables import Hold, Order, OrderLine
from orders.purchases.verdicts import Verdict

SIMILAR_DAYS = 90
WAITING = (State.HELD, State.SUBMITTED, State.PLACED)
"""States in which an order may run out of time and release what it holds."""


class Show(StrEnum):
    """Which part of the inbox."""

    TODO = "todo"
    HELD = "held"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """One order in the list on the left."""

    order: Order
    title: str
    lines: int
    buyer: str
    findings: int
    """Checks of the submission that did not simply pass."""
    is_mine: bool
    """Sent off by the reader himself, who therefore cannot decide on it."""

    @property
    def is_plain(self) -> bool:
        """Whether it can be approved in bulk."""
        return not self.findings and not self.is_mine and self.order.state is State.SUBMITTED


def inbox(session: Session, actor: Actor, show: Show = Show.TODO, *, cursor: str | None = None, limit: int = 30) -> Page[InboxRow]:
    """What waits for the actor's decision, the nearest deadline first; or what he has decided, latest first."""
    query = select(Order).where(_waiting(actor, show))
    soonest = func.coalesce(Order.due_at, Order.submitted_at)
    keys = (
        [Key(Order.state_since), Key(Order.id)] if show is Show.DONE else [Key(soonest, descending=False), Key(Order.id, descending=False)]
    )
    found = page(session, query, keys, cursor=cursor, limit=limit)
    return Page(rows=_rows(session, actor, found.rows), next=found.next, prev=found.prev)


def counts(session: Session, actor: Actor) -> dict[Show, int]:
    """How many orders wait in each part that needs a decision."""
    rows = session.execute(
        select(Order.state, func.count())
        .where(Order.unit_id == actor.organisation_id, Order.state.in_((State.HELD, State.SUBMITTED)))
        .group_by(Order.state)
    )
    found = {row[0]: row[1] for row in rows}
    return {Show.TODO: found.get(State.SUBMITTED, 0), Show.HELD: found.get(State.HELD, 0)}


def _waiting(actor: Actor, show: Show) -> ColumnElement[bool]:
    own = and_(purchases.visible_to(actor), Order.unit_id == (actor.organisation_id or 0))
    if show is Show.DONE:
        decided = select(LineDecision.order_id).where(LineDecision.actor_id == actor.person_id)
        return and_(own, Order.id.in_(decided))
    return and_(own, Order.state == (State.HELD if show is Show.HELD else State.SUBMITTED))


def _rows(session: Session, actor: Actor, orders: Sequence[Order]) -> list[InboxRow]:
    ids = [order.id for order in orders]
    if not ids:
        return []
    titles: dict[int, str] = {}
    lines: Counter[int] = Counter()
    for order_id, title in session.execute(
        select(OrderLine.order_id, OrderLine.title).where(OrderLine.order_id.in_(ids)).order_by(OrderLine.order_id, OrderLine.line_no)
    ):
        titles.setdefault(order_id, title)
        lines[order_id] += 1
    findings = purchases.findings_of(session, ids)
    names = people.names(session, {order.buyer_id for order in orders})
    return [
        InboxRow(
            order=order,
            title=titles.get(order.id, ""),
            lines=lines[order.id],
            buyer=names.get(order.buyer_id, ""),
            findings=findings.get(order.id, 0),
            is_mine=order.buyer_id == actor.person_id,
        )
        for order in orders
    ]


def is_plain(session: Session, order: Order) -> bool:
    """Whether no check of the submission found anything."""
    return not purchases.findings_of(session, [order.id])


# ---------------------------------------------------------------- one order, as the one who decides sees it


@dataclass(frozen=True, kw_only=True)
class Money:
    """An allotment as it stands with this order's money already inside 冻结: shown apart, never counted twice. In fen."""

    title: str
    number: str
    buckets: Buckets
    this_fen: int

    @property
    def other_reserved_fen(self) -> int:
        """What other orders have reserved."""
        return self.buckets.reserved_fen - self.this_fen


@dataclass(frozen=True, kw_only=True)
class Similar:
    """A line of an earlier order in one of the same level-3 categories."""

    number: str
    at: datetime
    title: str
    supplier: str
    price_fen: int
    quantity: int
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All that a decision needs."""

    order: Order
    lines: tuple[OrderLine, ...]
    plans: dict[int, Funding]
    spread: dict[int, Quartiles]
    verdicts: tuple[Verdict, ...]
    holds: tuple[Hold, ...]
    money: tuple[Money, ...]
    similar: tuple[Similar, ...]
    decisions: dict[int, LineDecision]
    supplier: str
    buyer: str
    approver: str
    comparison: str | None
    """The frozen comparison that the submission cites."""


def sheet(session: Session, actor: Actor, order: Order) -> Sheet:
    """Lines, money, checks, holds and similar orders of an order."""
    lines = purchases.lines_of(session, order)
    names = people.names(session, {order.buyer_id, *([order.approver_id] if order.approver_id else [])})
    return Sheet(
        order=order,
        lines=tuple(lines),
        plans=purchases.fundings(session, actor, (line.plan_line_id for line in lines)),
        spread=prices.quartiles_by_product(session, {line.product_id for line in lines}),
        verdicts=purchases.decisions_of(session, order),
        holds=tuple(purchases.holds_of(session, order)),
        money=_money(session, order, lines),
        similar=similar(session, order, lines),
        decisions=line_decisions(session, order),
        supplier=organisations.names(session, [order.supplier_id]).get(order.supplier_id, ""),
        buyer=names.get(order.buyer_id, ""),
        approver=names.get(order.approver_id or 0, ""),
        comparison=comparisons.number_cited_by(session, order),
    )


def line_decisions(session: Session, order: Order) -> dict[int, LineDecision]:
    """The approver's word by line."""
    return {row.order_line_id: row for row in session.scalars(select(LineDecision).where(LineDecision.order_id == order.id))}


def _money(session: Session, order: Order, lines: Sequence[OrderLine]) -> tuple[Money, ...]:
    held: Counter[int] = Counter()
    for line in lines:
        held[line.allotment_id] += (line.quantity - line.rejected) * line.price_fen if order.state in WAITING else 0
    figures = budgets.buckets_of(session, {line.allotment_control_id for line in lines})
    rows = session.execute(
        select(Allotment.id, Allotment.number, Allotment.economic_class, Allotment.control_id, BudgetProject.name)
        .join(BudgetProject, BudgetProject.id == Allotment.project_id)
        .where(Allotment.id.in_(held))
        .order_by(Allotment.id)
    )
    return tuple(
        Money(title=f"{row.economic_class} {row.name}", number=row.number, buckets=figures[row.control_id], this_fen=held[row.id])
        for row in rows
    )


def similar(session: Session, order: Order, lines: Sequence[OrderLine], *, days: int = SIMILAR_DAYS, most: int = 20) -> tuple[Similar, ...]:
    """The unit's other orders of the last days in the same level-3 categories, latest first."""
    cut = func.substr(OrderLine.category_code, 1, 7)
    rows = session.execute(
        select(
            Order.number,
            Order.submitted_at,
            Order.supplier_id,
            OrderLine.title,
            OrderLine.price_fen,
            OrderLine.quantity,
            OrderLine.amount_fen,
        )
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(
            Order.unit_id == order.unit_id,
            Order.id != order.id,
            Order.submitted_at >= clock.now() - timedelta(days=days),
            cut.in_({line.category_code[:7] for line in lines}),
        )
        .order_by(Order.submitted_at.desc(), OrderLine.line_no)
        .limit(most)
    ).all()
    names = organisations.names(session, {row.supplier_id for row in rows})
    return tuple(
        Similar(
            number=row.number,
            at=row.submitted_at,
            title=row.title,
            supplier=names.get(row.supplier_id, ""),
            price_fen=row.price_fen,
            quantity=row.quantity,
            amount_fen=row.amount_fen,
        )
        for row in rows
    )


# ---------------------------------------------------------------- time-outs


def overdue(order: Order, kept: timedelta) -> str | None:
    """Why an order has run out of time, or None: its own deadline, or that price and stock are kept no longer."""
    now = clock.now()
    if order.state in WAITING and order.due_at is not None and order.due_at < now:
        return {
            State.HELD: N_("说明与放行超时，自动释放"),
            State.SUBMITTED: N_("审批超时，自动释放"),
            State.PLACED: N_("供应商确认超时，自动释放"),
        }[order.state]
    if order.state in {State.HELD, State.SUBMITTED} and order.submitted_at + kept < now:
        return N_("价格与库存保留期满，自动释放")
    return None


def overdue_numbers(session: Session, *, most: int = 100) -> list[str]:
    """Orders that may have run out of time, longest overdue first; `overdue` decides on each."""
    now = clock.now()
    kept = taxonomy.term(session, TermName.HOLD_PRICE_STOCK, regions.PROVINCE, clock.today()).days
    query = (
        select(Order.number)
        .where(
            or_(
                and_(Order.state.in_(WAITING), Order.due_at < now),
                and_(
                    Order.state.in_((State.HELD, State.SUBMITTED)),
                    Order.submitted_at < now - timedelta(days=kept),
                ),
            )
        )
        .order_by(Order.due_at)
        .limit(most)
    )
    return list(session.scalars(query))


# ---------------------------------------------------------------- what may be done now


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """The steps inside the unit that the actor may take on an order now."""
    del session
    at = f"/orders/{order.number}"
    own = actor.organisation_id == order.unit_id
    is_buyer = actor.person_id == order.buyer_id
    found: list[ActionLink] = []
    if order.state is State.HELD and is_buyer and actor.may(Permission.ORDER_EXPLAIN):
        found.append(ActionLink(label=N_("填写说明"), url=f"{at}/explain", primary=True))
    if order.state is State.HELD and own and not is_buyer and actor.may(Permission.HOLD_CLEAR):
        found.append(ActionLink(label=N_("查看说明并决定"), url=f"/approvals?show=held&order={order.number}", primary=True))
    if order.state is State.SUBMITTED and own and not is_buyer and actor.may(Permission.ORDER_APPROVE):
        found.append(ActionLink(label=N_("审批"), url=f"/approvals?order={order.number}", primary=True))
    if order.state in WAITING and is_buyer and actor.may(Permission.ORDER_SUBMIT):
        found.append(ActionLink(label=N_("撤回"), url=f"{at}/withdraw"))
    return found
