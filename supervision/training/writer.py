"""Rows of the training province on their way into the database, in bulk, parents before children.

Ids are given here, counted from one, so that a row can name another before either is written. Events come in the order
of their time, so their ids, and the leaves of the journal, stand in that order too.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address, InvoiceTitle, Organisation
from app.accounts.people.tables import Person, Post
from app.kernel.db import Base
from app.kernel.events import Fact, body_of
from app.kernel.outbox import Event
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.tables import Product, ProductFact
from catalog.suppliers.tables import Supplier
from orders.approvals.tables import LineDecision
from orders.assets.tables import AssetCard
from orders.budgets.tables import Allotment, BudgetLine, BudgetProject, Control, Move
from orders.contracts.tables import Contract, Termination
from orders.deliveries.tables import Acceptance, AcceptanceLine, Shipment, ShipmentLine
from orders.payments.tables import Invoice, PaymentApplication, PaymentClock
from orders.plans.tables import Plan, PlanLine
from orders.purchases.tables import Attempt, DecisionRecord, Hold, Order, OrderLine, Submission
from orders.ratings.tables import Rating
from supervision.alerts.tables import Alert
from supervision.disclosure.tables import Notice

ORDER_OF_TABLES: Final[tuple[type[Base], ...]] = (
    Organisation,
    Address,
    InvoiceTitle,
    Person,
    Post,
    Supplier,
    Product,
    ProductFact,
    Listing,
    ListingVersion,
    Event,
    BudgetProject,
    Control,
    Move,
    Allotment,
    BudgetLine,
    Plan,
    PlanLine,
    Submission,
    Attempt,
    DecisionRecord,
    Order,
    OrderLine,
    Hold,
    LineDecision,
    Contract,
    Termination,
    Shipment,
    ShipmentLine,
    Acceptance,
    AcceptanceLine,
    Invoice,
    PaymentApplication,
    PaymentClock,
    AssetCard,
    Rating,
    Notice,
    Alert,
)
"""A table comes after those it refers to."""

BATCH: Final = 20_000


class Writer:
    """Collects rows per table and writes them together."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        self.last: dict[type[Base], int] = {}
        self.waiting = 0
        self.written = 0
        self.events = 0

    def id(self, table: type[Any]) -> int:
        """The next id of a table."""
        if table not in self.last:
            self.last[table] = self.session.scalar(select(func.max(table.id))) or 0
        self.last[table] += 1
        return self.last[table]

    def add(self, table: type[Base], row: dict[str, Any]) -> None:
        """Keep a row for the next write; rows of one table all have the same columns."""
        self.rows[table].append(row)
        self.waiting += 1

    def record(
        self, fact: Fact, *, stream: str, version: int, region: str | None, owner: int | None, actor: int | None, at: datetime
    ) -> int:
        """Keep an event; called in the order of time."""
        number = self.id(Event)
        self.events += 1
        self.add(
            Event,
            {
                "id": number,
                "stream": stream,
                "version": version,
                "prev_version": version - 1 or None,
                "type": fact.type,
                "body": body_of(fact),
                "region": region,
                "owner_id": owner,
                "actor_id": actor,
                "at": at,
            },
        )
        return number

    def flush(self) -> None:
        """Write everything that waits."""
        for table in ORDER_OF_TABLES:
            rows = self.rows.pop(table, [])
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                self.session.connection().execute(insert(table), part)
                self.written += len(part)
        if self.rows:
            raise AssertionError(f"no place in the order of tables for {', '.join(t.__tablename__ for t in self.rows)}")
        self.waiting = 0

    def finish(self) -> None:
        """Write the rest and let the database count on from the ids given here."""
        self.flush()
        if self.session.get_bind().dialect.name != "postgresql":
            return
        for table in self.last:
            name = table.__tablename__
            self.session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"))  # noqa: S608 - our own table names  # nosec B608
