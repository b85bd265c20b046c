"""Reads of connections: a supplier sees its own; orders ask which goods a shop knows."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.kernel import clock, paging
from app.kernel.errors import Missing
from app.policy import Actor
from catalog.connections.rules import Terms
from catalog.connections.states import ConnectionState, Job
from catalog.connections.tables import ConnectedGood, Connection
from catalog.taxonomy import queries as taxonomy

__all__ = ["ConnectedGood", "Connection"]

RULE = "CN"
DUE = {Job.POOL: Connection.pool_due_at, Job.PRICE: Connection.price_due_at, Job.STOCK: Connection.stock_due_at}


def terms(session: Session) -> Terms:
    """How often shops are asked today."""
    return Terms.of(taxonomy.parameters(session, RULE, clock.today()))


def own(session: Session, actor: Actor) -> Connection | None:
    """The connection of the actor's own supplier."""
    found = session.get(Connection, actor.organisation_id) if actor.organisation_id is not None and actor.is_supplier else None
    return found


def by_supplier(session: Session, supplier_id: int) -> Connection:
    """The connection of a supplier as it stands now. Raises Missing."""
    found = session.get(Connection, supplier_id, populate_existing=True)
    if found is None:
        raise Missing()
    return found


def active(session: Session, supplier_id: int) -> Connection | None:
    """The connection of a supplier if the mall may call the shop."""
    found = session.get(Connection, supplier_id, populate_existing=True)
    return found if found is not None and found.state is ConnectionState.ACTIVE else None


def due(session: Session, job: Job, at: datetime) -> list[int]:
    """The suppliers whose shop is to be asked now."""
    rested = or_(Connection.rest_until.is_(None), Connection.rest_until <= at)
    query = select(Connection.supplier_id).where(Connection.state == ConnectionState.ACTIVE, DUE[job] <= at, rested)
    return list(session.scalars(query.order_by(DUE[job])))


def goods(session: Session, actor: Actor, *, troubled: bool = False, cursor: str | None = None) -> paging.Page[ConnectedGood]:
    """One page of the goods that the actor's own shop offers."""
    query = select(ConnectedGood).where(ConnectedGood.supplier_id == actor.organisation_id)
    if troubled:
        query = query.where(ConnectedGood.trouble.is_not(None))
    return paging.page(session, query, (paging.Key(ConnectedGood.id, descending=False),), cursor=cursor, limit=30)


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many goods the shop offers, how many are listings, how many met a refusal."""
    columns = func.count(), func.count(ConnectedGood.listing_id), func.count(ConnectedGood.trouble)
    row = session.execute(select(*columns).where(ConnectedGood.supplier_id == actor.organisation_id)).one()
    return {"all": row[0], "listed": row[1], "troubled": row[2]}


def listed(session: Session, supplier_id: int) -> dict[str, int]:
    """Listing ids of the shop's goods by SKU."""
    query = select(ConnectedGood.sku, ConnectedGood.listing_id).where(
        ConnectedGood.supplier_id == supplier_id, ConnectedGood.listing_id.is_not(None)
    )
    return {row.sku: row.listing_id for row in session.execute(query.order_by(ConnectedGood.id))}


def known(session: Session, supplier_id: int) -> dict[str, ConnectedGood]:
    """Every good that the shop has offered, by SKU."""
    query = select(ConnectedGood).where(ConnectedGood.supplier_id == supplier_id)
    return {row.sku: row for row in session.scalars(query)}


def skus_of(session: Session, supplier_id: int, listing_ids: Iterable[int]) -> dict[int, str]:
    """The shop's SKUs of these listings; listings that do not come from the shop are left out."""
    query = select(ConnectedGood.listing_id, ConnectedGood.sku).where(
        ConnectedGood.supplier_id == supplier_id, ConnectedGood.listing_id.in_(set(listing_ids))
    )
    return {row.listing_id: row.sku for row in session.execute(query) if row.listing_id is not None}
