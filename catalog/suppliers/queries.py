"""Reads of the supplier library. Everybody may see who trades here; only payments ask for accounts."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.errors import Missing
from catalog.suppliers.states import Scale, Standing
from catalog.suppliers.tables import Supplier


@dataclass(frozen=True, kw_only=True)
class Payee:
    """Where a supplier is paid: bank and account as printed, and the account at the payment gateway."""

    name: str
    bank_name: str
    bank_account: str
    payee_account: str


def trading() -> ColumnElement[bool]:
    """The suppliers that may trade now."""
    return Supplier.standing == Standing.ACTIVE


def by_id(session: Session, supplier_id: int) -> Supplier:
    """The supplier with this organisation id. Raises Missing."""
    row = session.get(Supplier, supplier_id)
    if row is None:
        raise Missing()
    return row


def visible(session: Session, *, q: str = "", cursor: str | None = None, limit: int = 50) -> paging.Page[Supplier]:
    """The library by name, those that left it excepted; `q` is part of a name."""
    query = select(Supplier).where(Supplier.standing != Standing.REMOVED)
    if q:
        query = query.where(Supplier.name.contains(q, autoescape=True))
    keys = (paging.Key(Supplier.name, descending=False), paging.Key(Supplier.organisation_id, descending=False))
    return paging.page(session, query, keys, cursor=cursor, limit=limit)


def those(session: Session, ids: Iterable[int]) -> dict[int, Supplier]:
    """Those of these organisations that are in the library, by id."""
    return {row.organisation_id: row for row in session.scalars(select(Supplier).where(Supplier.organisation_id.in_(set(ids))))}


def names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Legal names by id; unknown ids are left out."""
    rows = session.execute(select(Supplier.organisation_id, Supplier.name).where(Supplier.organisation_id.in_(set(ids))))
    return {row.organisation_id: row.name for row in rows}


def payee(session: Session, supplier_id: int) -> Payee:
    """Where the supplier is paid. Raises Missing."""
    row = session.execute(
        select(Supplier.name, Supplier.bank_name, Supplier.bank_account, Supplier.payee_account).where(
            Supplier.organisation_id == supplier_id
        )
    ).first()
    if row is None:
        raise Missing()
    return Payee(name=row.name, bank_name=row.bank_name, bank_account=row.bank_account, payee_account=row.payee_account)


def scale(session: Session, supplier_id: int) -> Scale:
    """The size class of the supplier. Raises Missing."""
    found = session.scalar(select(Supplier.scale).where(Supplier.organisation_id == supplier_id))
    if found is None:
        raise Missing()
    return found
