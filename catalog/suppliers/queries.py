"""Reads of the supplier library. Everybody may see who trades here; only payments ask for accounts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.organisations import queries as organisations
from app.kernel import paging, regions
from app.kernel.errors import Missing
from app.policy import Actor, Permission
from catalog.suppliers.states import DecisionKind, DecisionState, Scale, Standing
from catalog.suppliers.tables import Dishonest, StandingDecision, Supplier, SupplierArea, SupplierClass

__all__ = ["StandingDecision", "Supplier"]  # rows that other packages name in their annotations


@dataclass(frozen=True, kw_only=True)
class Payee:
    """Where a supplier is paid: bank and account as printed, and the account at the payment gateway."""

    name: str
    bank_name: str
    bank_account: str
    payee_account: str


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What narrows the library; `region` is where goods are wanted, `code` a class of the procurement catalogue."""

    q: str = ""
    region: str = ""
    scale: Scale | None = None
    code: str = ""
    standing: Standing | None = None


def trading() -> ColumnElement[bool]:
    """The suppliers that may trade now."""
    return Supplier.standing == Standing.ACTIVE


def barred_in(places: Collection[str]) -> ColumnElement[bool]:
    """The suppliers whose trade a decision in force stops in one of these regions."""
    return barred_where(StandingDecision.region.in_(places))


def barred_where(
    inside: ColumnElement[bool], supplier_id: ColumnElement[int] | InstrumentedAttribute[int] = Supplier.organisation_id
) -> ColumnElement[bool]:
    """The suppliers with a decision in force, short of everywhere, for which the condition holds."""
    return exists().where(StandingDecision.supplier_id == supplier_id, StandingDecision.state == DecisionState.IN_FORCE, inside)


def barred_ids(session: Session, wanted_in: Collection[str]) -> tuple[int, ...]:
    """The suppliers whose trade a decision in force stops in one of these regions or in one above it; one statement, in id order."""
    above = {each.code for region in wanted_in for each in regions.path(region)}
    query = select(StandingDecision.supplier_id).where(
        StandingDecision.state == DecisionState.IN_FORCE, StandingDecision.region.in_(above)
    )
    return tuple(session.scalars(query.distinct().order_by(StandingDecision.supplier_id))) if above else ()


def may_trade(session: Session, supplier_id: int, region: str) -> bool:
    """Whether the supplier may make contracts with units of this region now. Raises Missing."""
    above = [each.code for each in regions.path(region)]
    row = session.execute(
        select(Supplier.standing, barred_in(above).label("barred")).where(Supplier.organisation_id == supplier_id)
    ).first()
    if row is None:
        raise Missing()
    return row.standing is Standing.ACTIVE and not row.barred


def by_id(session: Session, supplier_id: int) -> Supplier:
    """The supplier with this organisation id. Raises Missing."""
    row = session.get(Supplier, supplier_id)
    if row is None:
        raise Missing()
    return row


def has_entered(session: Session, organisation_id: int | None) -> bool:
    """Whether the organisation stands in the library."""
    return organisation_id is not None and session.get(Supplier, organisation_id) is not None


def in_library(organisation_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The rows whose organisation stands in the library."""
    return exists().where(Supplier.organisation_id == organisation_id)


def visible(
    session: Session, filters: Filters | None = None, *, q: str = "", cursor: str | None = None, limit: int = 50
) -> paging.Page[Supplier]:
    """The library by name, those that left it excepted; `q` is part of a name."""
    wanted = filters or Filters(q=q)
    query = select(Supplier).where(Supplier.standing != Standing.REMOVED, *_narrowed(wanted))
    keys = (paging.Key(Supplier.name, descending=False), paging.Key(Supplier.organisation_id, descending=False))
    return paging.page(session, query, keys, cursor=cursor, limit=limit)


def _narrowed(wanted: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    above = [each.code for each in regions.path(wanted.region)] if wanted.region else []
    if wanted.q:
        found.append(Supplier.name.contains(wanted.q, autoescape=True))
    if wanted.scale is not None:
        found.append(Supplier.scale == wanted.scale)
    if wanted.region:
        found.append(_has(SupplierArea.supplier_id, SupplierArea.region.in_([*above, *regions.below(wanted.region)])))
    if wanted.code:
        found.append(_has(SupplierClass.supplier_id, SupplierClass.code.startswith(wanted.code, autoescape=True)))
    if wanted.standing is Standing.SUSPENDED:
        in_part = barred_in([*above, *regions.below(wanted.region)] if wanted.region else list(regions.REGIONS))
        found.append(or_(Supplier.standing == Standing.SUSPENDED, in_part))
    elif wanted.standing is Standing.ACTIVE and wanted.region:
        found.append(and_(Supplier.standing == Standing.ACTIVE, ~barred_in(above)))
    elif wanted.standing is not None:
        found.append(Supplier.standing == wanted.standing)
    return found


def _has(column: InstrumentedAttribute[int], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(column == Supplier.organisation_id, condition)


def barred_regions(session: Session, supplier_ids: Collection[int]) -> dict[int, list[str]]:
    """Where, short of everywhere, decisions in force stop each of these suppliers' trade."""
    found: dict[int, list[str]] = {}
    if supplier_ids:
        query = select(StandingDecision.supplier_id, StandingDecision.region).where(
            StandingDecision.supplier_id.in_(supplier_ids),
            StandingDecision.state == DecisionState.IN_FORCE,
            StandingDecision.region.is_not(None),
        )
        for row in session.execute(query.order_by(StandingDecision.region)):
            found.setdefault(row.supplier_id, []).append(row.region)
    return found


def areas(session: Session, supplier_id: int) -> tuple[str, ...]:
    """Where the supplier delivers, by code."""
    query = select(SupplierArea.region).where(SupplierArea.supplier_id == supplier_id).order_by(SupplierArea.region)
    return tuple(session.scalars(query))


def classes(session: Session, supplier_id: int) -> tuple[str, ...]:
    """The classes of the procurement catalogue that the supplier was admitted for."""
    query = select(SupplierClass.code).where(SupplierClass.supplier_id == supplier_id).order_by(SupplierClass.code)
    return tuple(session.scalars(query))


def classes_in_use(session: Session) -> tuple[str, ...]:
    """The classes that any supplier was admitted for."""
    return tuple(session.scalars(select(SupplierClass.code).distinct().order_by(SupplierClass.code)))


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


# ---------------------------------------------------------------- decisions


def decisions(session: Session, supplier_id: int) -> list[StandingDecision]:
    """Every published decision on the supplier's trade, newest first."""
    query = select(StandingDecision).where(StandingDecision.supplier_id == supplier_id).order_by(StandingDecision.id.desc())
    return list(session.scalars(query))


def standing_decisions(session: Session, supplier_id: int) -> list[StandingDecision]:
    """The decisions that hold now or will hold from a later day on, newest first."""
    return [each for each in decisions(session, supplier_id) if each.state in {DecisionState.ORDERED, DecisionState.IN_FORCE}]


def may_lift(actor: Actor | None, decision: StandingDecision) -> bool:
    """Whether the actor may end this decision: it lies in his region, and a ban needs whoever may ban."""
    if actor is None:
        return False
    wanted = Permission.SUPPLIER_BAN if decision.kind is DecisionKind.BAN else Permission.SUPPLIER_SUSPEND
    return actor.may(wanted) and regions.within(decision.region or regions.PROVINCE, actor.region)


def due_decisions(session: Session, now: datetime) -> list[int]:
    """Ids of the decisions that begin or end by now."""
    query = select(StandingDecision.id).where(
        or_(
            and_(StandingDecision.state == DecisionState.ORDERED, StandingDecision.starts_at <= now),
            and_(StandingDecision.state == DecisionState.IN_FORCE, StandingDecision.ends_at <= now),
        )
    )
    return list(session.scalars(query.order_by(StandingDecision.id)))


# ---------------------------------------------------------------- dishonest firms


def dishonest(session: Session, credit_code: str | None, on: date) -> Dishonest | None:
    """The entry of a list of dishonest firms that holds for this credit code on that day (rule K01)."""
    return _listed(session, Dishonest.credit_code == (credit_code or ""), on)


def dishonest_supplier(session: Session, supplier_id: int, on: date) -> Dishonest | None:
    """The entry that holds for this supplier on that day (rule K01); one statement."""
    return _listed(session, Dishonest.credit_code.in_(organisations.credit_code_of(supplier_id)), on)


def all_dishonest(session: Session, on: date) -> tuple[int, ...]:
    """The suppliers of the library that stand on a list of dishonest firms on that day, in id order (rule K01); one statement."""
    codes = select(Dishonest.credit_code).where(*_in_force(on))
    query = select(Supplier.organisation_id).where(Supplier.organisation_id.in_(organisations.ids_of_codes(codes)))
    return tuple(session.scalars(query.order_by(Supplier.organisation_id)))


def _in_force(on: date) -> tuple[ColumnElement[bool], ...]:
    return Dishonest.valid_from <= on, or_(Dishonest.valid_to.is_(None), Dishonest.valid_to >= on)


def _listed(session: Session, whom: ColumnElement[bool], on: date) -> Dishonest | None:
    return session.scalars(select(Dishonest).where(whom, *_in_force(on)).order_by(Dishonest.valid_from.desc(), Dishonest.id)).first()
