"""Reads of organisations, addresses and invoice titles."""

from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.kernel import paging, regions
from app.kernel.errors import Missing
from app.policy import Actor, OrganisationKind, Permission, Reach, scope_of

__all__ = ["Address", "InvoiceTitle", "Organisation"]  # rows that other packages name in their annotations

OfUnit = TypeVar("OfUnit", Address, InvoiceTitle)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which rows of the register the actor may list: own, own region and below, or all for who keeps the register."""
    if actor.is_system or actor.may(Permission.ORGANISATION_REGISTER) or (actor.may(Permission.PEOPLE_GRANT) and _is_operator(actor)):
        return true()
    scope = scope_of(actor)
    if scope.reach is Reach.REGION and scope.region is not None:
        return or_(Organisation.region.in_(regions.below(scope.region)), Organisation.id == actor.organisation_id)
    return Organisation.id == actor.organisation_id if actor.organisation_id is not None else false()


def _is_operator(actor: Actor) -> bool:
    return actor.organisation_kind is OrganisationKind.OPERATOR


def by_id(session: Session, organisation_id: int) -> Organisation:
    """The organisation with this id. Raises Missing."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise Missing()
    return found


def by_code(session: Session, code: str) -> Organisation:
    """The organisation with this code. Raises Missing."""
    found = session.scalars(select(Organisation).where(Organisation.code == code)).one_or_none()
    if found is None:
        raise Missing()
    return found


def by_codes(session: Session, codes: Collection[str]) -> dict[str, Organisation]:
    """Those of these codes that are registered."""
    return {row.code: row for row in session.scalars(select(Organisation).where(Organisation.code.in_(set(codes))))}


def is_registered(session: Session, credit_code: str) -> bool:
    """Whether an organisation with this credit code stands in the register, by that code or under it."""
    found = select(Organisation.id).where(or_(Organisation.credit_code == credit_code, Organisation.code == credit_code))
    return session.scalar(found) is not None


def credit_code_of(organisation_id: int) -> Select[str | None]:
    """The credit code of an organisation, to be asked inside another statement."""
    return select(Organisation.credit_code).where(Organisation.id == organisation_id)


def ids_of_codes(codes: Select[str]) -> Select[int]:
    """Ids of the organisations with these credit codes, to be used inside a statement."""
    return select(Organisation.id).where(Organisation.credit_code.in_(codes))


def by_credit_codes(session: Session, codes: Collection[str]) -> set[str]:
    """Which of these credit codes are registered."""
    return {str(code) for code in session.scalars(select(Organisation.credit_code).where(Organisation.credit_code.in_(set(codes))))}


def of_ids(session: Session, ids: Collection[int]) -> dict[int, Organisation]:
    """These organisations by id, with one statement."""
    return {row.id: row for row in session.scalars(select(Organisation).where(Organisation.id.in_(set(ids))))}


def codes(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Codes by id, with one statement."""
    return {row.id: row.code for row in session.execute(select(Organisation.id, Organisation.code).where(Organisation.id.in_(set(ids))))}


def names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Names by id, with one statement."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row.id: row.name for row in session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted)))}


def homes(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Regions by id, with one statement."""
    rows = session.execute(select(Organisation.id, Organisation.region).where(Organisation.id.in_(set(ids))))
    return {row.id: row.region for row in rows}


def children(session: Session, organisation_id: int) -> list[Organisation]:
    """The units directly below, by code."""
    return list(session.scalars(select(Organisation).where(Organisation.parent_id == organisation_id).order_by(Organisation.code)))


def subtree(session: Session, organisation_id: int) -> list[int]:
    """Ids of the unit and of everything below it."""
    start = select(Organisation.id).where(Organisation.id == organisation_id).cte("subtree", recursive=True)
    tree = start.union_all(select(Organisation.id).where(Organisation.parent_id == start.c.id))
    return list(session.scalars(select(tree.c.id)))


def ids_in(places: Collection[str]) -> Select[int]:
    """Ids of the organisations in these regions, to be used inside a statement."""
    return select(Organisation.id).where(Organisation.region.in_(places))


def of_kind(session: Session, kind: OrganisationKind, *, region: str | None = None) -> list[Organisation]:
    """All active organisations of a kind, in one region when given."""
    query = select(Organisation).where(Organisation.kind == kind, Organisation.active).order_by(Organisation.code)
    return list(session.scalars(query if region is None else query.where(Organisation.region == region)))


def register(
    session: Session, actor: Actor, *, words: str = "", kind: OrganisationKind | None = None, cursor: str | None = None, limit: int = 50
) -> paging.Page[Organisation]:
    """The register as far as the actor sees it, by code; `words` looks into codes and names."""
    query = select(Organisation).where(visible_to(actor))
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    if words:
        query = query.where(
            or_(Organisation.code.startswith(words, autoescape=True), Organisation.name.contains(words, autoescape=True))
        )
    return paging.page(session, query, [paging.Key(Organisation.code, descending=False)], cursor=cursor, limit=limit)


def addresses_of(session: Session, organisation_id: int) -> list[Address]:
    """Where the unit has goods delivered, the default first."""
    return _of_unit(session, Address, organisation_id)


def invoice_titles_of(session: Session, organisation_id: int) -> list[InvoiceTitle]:
    """The titles that invoices to the unit may carry, the default first."""
    return _of_unit(session, InvoiceTitle, organisation_id)


def address(session: Session, actor: Actor, address_id: int) -> Address:
    """One address of the actor's own organisation. Raises Missing."""
    return _own(session, actor, Address, address_id)


def invoice_title(session: Session, actor: Actor, invoice_title_id: int) -> InvoiceTitle:
    """One invoice title of the actor's own organisation. Raises Missing."""
    return _own(session, actor, InvoiceTitle, invoice_title_id)


def _of_unit(session: Session, table: type[OfUnit], organisation_id: int) -> list[OfUnit]:
    query = select(table).where(table.organisation_id == organisation_id, table.active)
    return list(session.scalars(query.order_by(table.is_default.desc(), table.id)))


def _own(session: Session, actor: Actor, table: type[OfUnit], row_id: int) -> OfUnit:
    query = select(table).where(table.id == row_id, table.organisation_id == actor.organisation_id, table.active)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise Missing()
    return found
