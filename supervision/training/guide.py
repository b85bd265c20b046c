"""What a newcomer to the training province needs: who is who, how to get in, what to look for, and whose money it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Organisation
from app.accounts.people import queries as people
from app.accounts.people import service as people_service
from app.accounts.people.tables import Person, Post
from app.kernel import clock
from app.policy import ROLE_NAMES, STEP_UP, Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing
from catalog.products.tables import Product
from orders.budgets.tables import Allotment, Control
from orders.plans.tables import Plan, PlanLine

UNIT: Final = "zz01"
"""The unit of the tour and of the first logins: an office of 郑州."""

SEARCH: Final = "激光打印机"

LOGINS: Final[dict[Role, str]] = {
    Role.BUYER: f"buyer.{UNIT}",
    Role.APPROVER: f"approver.{UNIT}",
    Role.ACCEPTOR: f"acceptor.{UNIT}",
    Role.FINANCE: f"finance.{UNIT}",
    Role.ASSET_MANAGER: f"asset.{UNIT}",
    Role.UNIT_ADMIN: f"admin.{UNIT}",
    Role.SUPPLIER_ADMIN: "manager.s01",
    Role.LISTER: "lister.s01",
    Role.ORDER_CLERK: "clerk.s01",
    Role.CATALOGUE_ADMIN: "catalogue.zz",
    Role.PLAN_CLERK: "plans.zz",
    Role.PERMIT_OFFICER: "permits.zz",
    Role.SUPERVISOR: "supervisor.zz",
    Role.RULE_ADMIN: "rules.zz",
    Role.DISCLOSURE_EDITOR: "disclosure.zz",
    Role.AUDITOR: "auditor.zz",
    Role.SYSTEM_ADMIN: "system.admin",
    Role.SECURITY_ADMIN: "security.admin",
    Role.AUDIT_ADMIN: "audit.admin",
}
"""One login for each role."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Somebody to sign in as."""

    role: Role
    role_name: str
    login: str
    name: str
    organisation: str


def logins(session: Session) -> list[Login]:
    """One login for each role, in the order of the roles; empty when this is no training province."""
    rows = session.execute(
        select(Person.login, Person.name, Organisation.name.label("organisation"))
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.login.in_(LOGINS.values()))
    )
    found = {row.login: row for row in rows}
    return [
        Login(role=role, role_name=ROLE_NAMES[role], login=login, name=found[login].name, organisation=found[login].organisation)
        for role, login in LOGINS.items()
        if login in found
    ]


def unit_name(session: Session) -> str | None:
    """The tour's unit; None when this is no training province."""
    query = select(Organisation.name).join(Person, Person.organisation_id == Organisation.id)
    return session.scalar(query.where(Person.login == LOGINS[Role.BUYER]))


def is_made(session: Session) -> bool:
    """Whether this database holds a training province."""
    return session.scalar(select(Person.id).where(Person.login == LOGINS[Role.BUYER])) is not None


def is_empty(session: Session) -> bool:
    """Whether nobody is registered yet."""
    return session.scalar(select(func.count()).select_from(Organisation)) == 0


def tokens(session: Session, *, name: str = "demo") -> dict[Role, str]:
    """A fresh API token for each role, with everything the role may do; those that approve or pay live for a working day."""
    made: dict[Role, str] = {}
    for role, login in LOGINS.items():
        person = session.scalar(select(Person.id).where(Person.login == login))
        if person is None:
            continue
        actor = people.actor_of(session, person)
        ttl = timedelta(hours=8) if actor.granted & STEP_UP else timedelta(days=30)
        _, made[role] = people_service.issue_token(session, actor, name=name, scopes=actor.granted, ttl=ttl)
    return made


def budget_lines(session: Session, unit: str = UNIT) -> list[dict[str, Any]]:
    """The unit's plan lines of this year with what is left of them, the richest that can be ordered on first; amounts in fen."""
    query = (
        select(PlanLine, Plan.number, Allotment.number.label("allotment"), Allotment.economic_class, Control)
        .join(Plan, Plan.id == PlanLine.plan_id)
        .join(Control, Control.id == PlanLine.control_id)
        .join(Allotment, Allotment.id == PlanLine.allotment_id)
        .join(Person, Person.organisation_id == PlanLine.unit_id)
        .where(Person.login == f"buyer.{unit}", PlanLine.year == clock.today().year)
    )
    rows = [
        {
            "plan_line_id": row.PlanLine.id,
            "plan": row.number,
            "line": row.PlanLine.line_no,
            "category": row.PlanLine.category_code,
            "name": row.PlanLine.name,
            "allotment": row.allotment,
            "economic_class": row.economic_class,
            "amount_fen": row.PlanLine.amount_fen,
            "free_fen": row.Control.free_fen,
            "pieces_left": (row.Control.quantity or 0) - row.Control.ordered,
        }
        for row in session.execute(query)
    ]
    return sorted(rows, key=lambda row: (not row["pieces_left"], -int(row["free_fen"])))


def product(session: Session, categories: Sequence[str] = ("A02021003",)) -> dict[str, Any] | None:
    """A product that the unit can order at once, with its cheapest offer."""
    row = session.execute(
        select(Product, Listing)
        .join(Listing, Listing.product_id == Product.id)
        .where(Product.category_code.in_(categories), Listing.shelf == Shelf.ON_SHELF, Listing.stock > 5)
        .order_by(Listing.price_fen, Listing.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return {
        "search": SEARCH,
        "product_id": row.Product.id,
        "listing_id": row.Listing.id,
        "title": row.Listing.title,
        "price_fen": row.Listing.price_fen,
        "supplier_id": row.Listing.supplier_id,
    }


def holders(session: Session, role: Role, organisation_id: int) -> list[int]:
    """The ids of the people of an organisation that hold a role."""
    query = (
        select(Person.id)
        .join(Post, Post.person_id == Person.id)
        .where(Person.organisation_id == organisation_id, Post.role == role)
        .order_by(Person.id)
    )
    return list(session.scalars(query))
