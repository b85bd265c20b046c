"""Reads of contracts; who sees the order sees its contract."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock, paging
from app.kernel.errors import N_, Missing
from app.policy import Actor, Permission
from orders.budgets.tables import Allotment
from orders.contracts.tables import Contract, ContractDocument, Termination
from orders.plans.tables import Plan, PlanLine
from orders.purchases import queries as purchases
from orders.purchases.queries import ActionLink, address
from orders.purchases.states import State
from orders.purchases.tables import Order, OrderLine

__all__ = ["Contract", "ContractDocument", "Termination"]


@dataclass(frozen=True)
class Funds:
    """Which plan line and allotment pay an order line."""

    plan: str
    allotment: str


def by_number(session: Session, actor: Actor, number: str) -> tuple[Contract, Order]:
    """The contract and its order, if the actor may see the order. Raises Missing."""
    found = session.execute(
        select(Contract, Order).join(Order, Order.id == Contract.order_id).where(Contract.number == number, purchases.visible_to(actor))
    ).first()
    if found is None:
        raise Missing()
    return found[0], found[1]


def of_order(session: Session, order: Order) -> Contract | None:
    """The contract of an order, once it is concluded."""
    return session.scalar(select(Contract).where(Contract.order_id == order.id))


def concluded_on(session: Session, order_ids: Collection[int]) -> dict[int, date]:
    """The Henan days on which these orders' contracts were concluded; orders without a contract are left out."""
    query = select(Contract.order_id, Contract.concluded_at).where(Contract.order_id.in_(order_ids))
    return {row.order_id: clock.local(row.concluded_at).date() for row in session.execute(query)}


def document_of(session: Session, contract: Contract) -> ContractDocument | None:
    """The PDF of a contract, once it is made."""
    return session.get(ContractDocument, contract.id)


def termination_of(session: Session, contract: Contract) -> Termination | None:
    """The proposal, or agreement, to end a contract, as it stands now."""
    query = select(Termination).where(Termination.contract_id == contract.id)
    return session.scalar(query.execution_options(populate_existing=True))


def visible(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = 50) -> paging.Page[tuple[Contract, Order]]:
    """Contracts of the orders the actor may see, the latest first."""
    query = select(Contract, Order).join(Order, Order.id == Contract.order_id).where(purchases.visible_to(actor))
    page = paging.rows(session, query, (paging.Key(Contract.id),), cursor=cursor, limit=limit)
    return paging.Page(rows=[(row[0], row[1]) for row in page.rows], next=page.next, prev=page.prev)


def funds_of(session: Session, lines: Sequence[OrderLine]) -> dict[int, Funds]:
    """Plan line and allotment by order line id, as people name them; one statement."""
    query = (
        select(OrderLine.id, Plan.number, PlanLine.line_no, Allotment.number.label("allotment"))
        .join(PlanLine, PlanLine.id == OrderLine.plan_line_id)
        .join(Plan, Plan.id == PlanLine.plan_id)
        .join(Allotment, Allotment.id == OrderLine.allotment_id)
        .where(OrderLine.id.in_([line.id for line in lines]))
    )
    return {row.id: Funds(f"{row.number} · {row.line_no}", row.allotment) for row in session.execute(query)}


def actions(session: Session, actor: Actor, order: Order) -> list[ActionLink]:
    """What the actor may do with the contract of an order now."""
    if order.state is State.PLACED and actor.may(Permission.CONTRACT_CONFIRM) and actor.organisation_id == order.supplier_id:
        return [ActionLink(label=N_("确认订单"), url=address(order.number, "confirm"), primary=True)]
    if order.state not in {State.CONFIRMED, State.SHIPPED} or not actor.may(Permission.CONTRACT_AGREE):
        return []
    if actor.organisation_id not in (order.unit_id, order.supplier_id):
        return []
    query = select(Termination).join(Contract, Contract.id == Termination.contract_id).where(Contract.order_id == order.id)
    proposal = session.scalar(query)
    waits = proposal is not None and proposal.proposed_for != actor.organisation_id
    label = N_("签署终止合同") if waits else N_("协商终止合同")
    return [ActionLink(label=label, url=address(order.number, "terminate"), primary=waits)]
