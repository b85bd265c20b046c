"""Builders of a small world. Each adds rows, flushes and returns them; figures are given in yuan where a reader counts.

    with commit(session):
        world = factories.world(session)
    world.actor(Role.BUYER), world.laser.id, world.lines[0].control_id

Money goes in through the product's own services, so that every move has its event and the audits hold.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.accounts.people.tables import Person, Post
from app.kernel import clock, credit_codes
from app.policy import SYSTEM, Actor, OrganisationKind, Role
from catalog.listings.moves import follow_prices
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.tables import Product
from catalog.suppliers.states import Scale
from catalog.suppliers.tables import Supplier
from orders.budgets import service as budgets
from orders.budgets.rules import AllotmentInput, LineInput
from orders.budgets.tables import Allotment, BudgetLine, Control
from orders.plans import service as plans
from orders.plans.rules import PlanLineInput
from orders.plans.tables import Plan, PlanLine

CITY, OTHER_CITY, COUNTY = "410100", "410300", "410122"
"""郑州市, 洛阳市, and a county below the first."""

LASER, PAPER, DESKTOP = "A02021003", "A05040101", "A02010105"
"""A4 laser printers (class 31002), copying paper (30201), desktop computers (31002)."""

UNIT_ROLES = (Role.BUYER, Role.APPROVER, Role.ACCEPTOR, Role.FINANCE, Role.ASSET_MANAGER, Role.UNIT_ADMIN)
SUPPLIER_ROLES = (Role.SUPPLIER_ADMIN, Role.LISTER, Role.ORDER_CLERK)
FINANCE_ROLES = (Role.PLAN_CLERK, Role.SUPERVISOR, Role.DISCLOSURE_EDITOR)

CERTIFIED = '{"energy":["9999-12-31","CQC26-0001","中国质量认证中心",true]}'
"""What a product keeps of an energy-saving certificate without end; the first and the last of the categories above demand one."""

_numbers = count(1)


def serial(prefix: str) -> str:
    """A text that no other call of this run returns."""
    return f"{prefix}{next(_numbers):05d}"


def go_on_from(number: int) -> None:
    """Return no text that another process, whose rows are here now, has used up to this number."""
    global _numbers  # noqa: PLW0603 - one row of numbers for the process, as long as it lives
    _numbers = count(max(number, next(_numbers)) + 1)


# ---------------------------------------------------------------- organisations and people


def organisation(session: Session, kind: OrganisationKind = OrganisationKind.UNIT, *, region: str = CITY, **more: Any) -> Organisation:
    """An organisation of any kind."""
    number = next(_numbers)
    front = "91" if kind is OrganisationKind.SUPPLIER else "11"
    row = Organisation(
        **{
            "kind": kind,
            "code": f"{region}{number:05d}",
            "name": f"测试机构{number}",
            "short_name": f"机构{number}",
            "credit_code": credit_codes.make(Random(number), front=front, region=region),
            "region": region,
            "unit_kind": "机关" if kind is OrganisationKind.UNIT else None,
            "registered_at": clock.now(),
        }
        | more
    )
    session.add(row)
    session.flush()
    return row


def unit(session: Session, *, region: str = CITY, **more: Any) -> Organisation:
    """A purchasing unit with one delivery address and one invoice title."""
    row = organisation(session, region=region, **more)
    session.add_all(
        [
            Address(organisation_id=row.id, label="办公楼", region=region, street="中原路 1 号", contact="王收", phone="0371-60000000"),
            InvoiceTitle(organisation_id=row.id, title=row.name, tax_number=row.credit_code),
        ]
    )
    session.flush()
    return row


def person(session: Session, of: Organisation, *roles: Role, **more: Any) -> Person:
    """Somebody with these roles; cannot sign in until a test gives a password."""
    number = next(_numbers)
    row = Person(
        **{
            "organisation_id": of.id,
            "login": f"p{number:05d}",
            "name": f"张{number}",
            "password_hash": "!",
            "created_at": clock.now(),
        }
        | more
    )
    session.add(row)
    session.flush()
    session.add_all(Post(person_id=row.id, role=role, granted_by=None, granted_at=clock.now()) for role in roles)
    session.flush()
    return row


def actor(session: Session, who: Person, *, stepped_up: bool = True) -> Actor:
    """The person as services see him, with all his roles."""
    of = session.get_one(Organisation, who.organisation_id)
    return Actor(
        person_id=who.id,
        name=who.name,
        organisation_id=of.id,
        organisation_kind=of.kind,
        organisation_name=of.name,
        region=of.region,
        roles=frozenset(session.scalars(select(Post.role).where(Post.person_id == who.id))),
        stepped_up=stepped_up,
    )


def staff(session: Session, of: Organisation, roles: Collection[Role]) -> dict[Role, Actor]:
    """One person for each of the roles, as actors."""
    return {role: actor(session, person(session, of, role)) for role in roles}


# ---------------------------------------------------------------- catalogue


def supplier(session: Session, *, region: str = CITY, **more: Any) -> Supplier:
    """A supplier in the library; its organisation has the same id."""
    of = organisation(session, OrganisationKind.SUPPLIER, region=region)
    row = Supplier(
        **{
            "organisation_id": of.id,
            "name": of.name,
            "kind": "电商",
            "scale": Scale.SMALL,
            "legal_representative": "李法",
            "contact": "赵联",
            "phone": "0371-61111111",
            "bank_name": "中原银行郑州分行",
            "bank_account": f"4100{of.id:012d}",
            "payee_account": f"acct_test{of.id:08d}",
            "entered_at": clock.now(),
        }
        | more
    )
    session.add(row)
    session.flush()
    return row


def product(session: Session, category_code: str = LASER, **more: Any) -> Product:
    """A product of a category."""
    number = next(_numbers)
    row = Product(
        **{
            "category_code": category_code,
            "brand": "联想",
            "model": f"LJ{number}",
            "title": f"联想 LJ{number} 黑白激光打印机",
            "unit": "台",
            "attributes": json.dumps({}),
            "proven": CERTIFIED if category_code in {LASER, DESKTOP} else "{}",
            "created_at": clock.now(),
        }
        | more
    )
    session.add(row)
    session.flush()
    return row


def listing(session: Session, of: Supplier, what: Product, *, price_fen: int = 1_000_00, stock: int = 100, **more: Any) -> Listing:
    """An offer on the shelf with its first version."""
    now = clock.now()
    row = Listing(
        **{
            "supplier_id": of.organisation_id,
            "product_id": what.id,
            "sku": serial("SKU"),
            "title": what.title,
            "price_fen": price_fen,
            "stock": stock,
            "shelf": Shelf.ON_SHELF,
            "created_at": now,
            "updated_at": now,
        }
        | more
    )
    session.add(row)
    session.flush()
    session.add(
        ListingVersion(
            listing_id=row.id,
            version=row.version,
            title=row.title,
            price_fen=row.price_fen,
            shelf=row.shelf,
            delivery_days=row.delivery_days,
            actor_id=None,
            at=now,
        )
    )
    follow_prices(session, [what.id])
    return row


# ---------------------------------------------------------------- budget and plans


def allotment(session: Session, of: Organisation, *, amount_fen: int = 100_000_00, economic_class: str = "31002", **more: Any) -> Allotment:
    """A money source of this year, opened through the service."""
    row = {
        "number": serial("ZB"),
        "unit_id": of.id,
        "unit_name": of.name,
        "region": of.region,
        "year": clock.today().year,
        "project_code": "P01",
        "project_name": "办公设备购置",
        "project_kind": "项目支出",
        "functional_class": "2010301",
        "economic_class": economic_class,
        "fund_nature": "一般公共预算",
        "source": "年初预算",
        "document_number": "豫财预〔2026〕1号",
        "amount_fen": amount_fen,
    }
    (made,) = budgets.open_allotments(session, SYSTEM, [AllotmentInput(**(row | more))])  # type: ignore[arg-type]
    return session.get_one(Allotment, made)


def budget_line(
    session: Session, under: Allotment, *, category_code: str = LASER, quantity: int = 100, amount_fen: int = 50_000_00, **more: Any
) -> BudgetLine:
    """A line of the procurement budget, added through the service."""
    row = {
        "allotment": under.number,
        "code": serial("CG"),
        "category_code": category_code,
        "name": "采购预算明细",
        "quantity": quantity,
        "amount_fen": amount_fen,
    }
    (made,) = budgets.add_budget_lines(session, SYSTEM, [LineInput(**(row | more))])  # type: ignore[arg-type]
    return session.get_one(BudgetLine, made)


def plan(
    session: Session,
    by: Actor,
    *lines: BudgetLine,
    amount_fen: int | None = None,
    quantity: int | None = None,
    category_code: str | None = None,
    name: str = "激光打印机",
) -> Plan:
    """A filed plan with one line per budget line: the whole of each unless figures are given."""
    return plans.file(
        session,
        by,
        title="测试采购计划",
        lines=[
            PlanLineInput(
                budget_line_id=line.id,
                quantity=line.quantity if quantity is None else quantity,
                amount_fen=line.amount_fen if amount_fen is None else amount_fen,
                name=name,
                category_code=category_code,
            )
            for line in lines
        ],
    )


def plan_lines(session: Session, of: Plan) -> list[PlanLine]:
    """The lines of a plan in order."""
    return list(session.scalars(select(PlanLine).where(PlanLine.plan_id == of.id).order_by(PlanLine.line_no)))


# ---------------------------------------------------------------- a whole small world


@dataclass
class World:
    """One unit that can buy, one supplier that sells, one finance department that watches."""

    unit: Organisation
    supplier: Supplier
    finance: Organisation
    people: dict[Role, Actor]
    laser: Listing
    paper: Listing
    allotment: Allotment
    office: Allotment
    printers: BudgetLine
    paper_line: BudgetLine
    plan: Plan
    lines: list[PlanLine] = field(default_factory=list)

    def actor(self, role: Role) -> Actor:
        """Whoever holds the role in this world."""
        return self.people[role]


def world(
    session: Session, *, region: str = CITY, amount_fen: int = 100_000_00, planned_fen: int = 50_000_00, price_fen: int = 1_000_00
) -> World:
    """Everything an order needs: an allotment of 100,000 yuan with a filed line of 50,000 for printers, and one for paper."""
    buyer_unit = unit(session, region=region)
    seller = supplier(session, region=region)
    bureau = organisation(session, OrganisationKind.FINANCE, region=region)
    people = (
        staff(session, buyer_unit, UNIT_ROLES)
        | staff(session, session.get_one(Organisation, seller.organisation_id), SUPPLIER_ROLES)
        | staff(session, bureau, FINANCE_ROLES)
    )
    money = allotment(session, buyer_unit, amount_fen=amount_fen)
    office = allotment(session, buyer_unit, amount_fen=20_000_00, economic_class="30201")
    printers = budget_line(session, money, amount_fen=planned_fen)
    paper_line = budget_line(session, office, category_code=PAPER, quantity=1_000, amount_fen=20_000_00)
    filed = plan(session, people[Role.FINANCE], printers, paper_line)
    laser = listing(session, seller, product(session), price_fen=price_fen)
    ream = product(session, PAPER, brand="得力", title="得力 A4 复印纸 70g 500张/包", unit="包")
    return World(
        unit=buyer_unit,
        supplier=seller,
        finance=bureau,
        people=people,
        laser=laser,
        paper=listing(session, seller, ream, price_fen=25_00, stock=10_000),
        allotment=money,
        office=office,
        printers=printers,
        paper_line=paper_line,
        plan=filed,
        lines=plan_lines(session, filed),
    )


# ---------------------------------------------------------------- looking at what happened


def control(session: Session, control_id: int) -> Control:
    """The control as the database holds it now."""
    return session.execute(
        select(Control).where(Control.id == control_id).execution_options(populate_existing=True)
    ).scalar_one()


def figures(session: Session, control_id: int) -> tuple[int, int, int, int, int]:
    """Free, reserved, committed, accrued, paid of a control, in fen, as the database holds them now."""
    row = control(session, control_id)
    return row.free_fen, row.reserved_fen, row.committed_fen, row.accrued_fen, row.paid_fen


def how_many(session: Session, table: type[Any]) -> int:
    """Rows in a table."""
    return session.scalar(select(func.count()).select_from(table)) or 0


def moment(year: int, month: int, day: int, hour: int = 9) -> datetime:
    """A moment in UTC."""
    return datetime(year, month, day, hour, tzinfo=UTC)
