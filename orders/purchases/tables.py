"""Submissions, the orders they were split into, refused attempts, and the record of every check."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.purchases.states import State


class Submission(Base):
    """One cart sent off and accepted; the key makes a second click harmless."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("buyer_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str]
    digest: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime]
    comparison: Mapped[str | None] = mapped_column(index=True)
    """The number of the frozen comparison that it cites."""


class Attempt(Base):
    """One cart sent off and refused: nothing moved, but it is remembered with every verdict."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("buyer_id", "key"), Index("ix_attempts_unit_at", "unit_id", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str]
    digest: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    region: Mapped[str]
    buyer_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    total_fen: Mapped[int]
    verdicts: Mapped[str] = mapped_column(Text)
    lines: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Order(Base):
    """One order to one supplier. Its number names its event stream; its version is the last event's."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(
            ["number", "version"],
            ["events.stream", "events.version"],
            name="fk_orders_event",
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint("total_fen >= 0", name="total_not_negative"),
        Index("ix_orders_unit_at", "unit_id", "submitted_at"),
        Index("ix_orders_supplier_at", "supplier_id", "submitted_at"),
        Index("ix_orders_state_due", "state", "due_at"),
        Index("ix_orders_region_at", "region", "submitted_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    region: Mapped[str]
    buyer_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    acceptor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    mode: Mapped[str] = mapped_column(default="direct")
    state: Mapped[State] = enum_column(State)
    total_fen: Mapped[int]
    reason: Mapped[str | None]
    invoice_title: Mapped[str]
    invoice_tax_number: Mapped[str]
    submitted_at: Mapped[datetime]
    state_since: Mapped[datetime]
    deliver_by: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    due_provisional: Mapped[bool] = mapped_column(default=False)


class OrderLine(Base):
    """A line: what was offered at that moment, its two controls, its place, and six quantities."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "line_no"),
        CheckConstraint("quantity > 0 AND amount_fen = price_fen * quantity", name="amount"),
        CheckConstraint("rejected >= 0 AND shipped >= 0 AND delivered >= 0 AND accepted >= 0 AND returned >= 0", name="not_negative"),
        CheckConstraint("shipped + rejected <= quantity AND delivered <= shipped", name="shipped_within"),
        CheckConstraint("accepted + returned <= delivered", name="accepted_within"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    line_no: Mapped[int]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    listing_version: Mapped[int]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    category_code: Mapped[str]
    title: Mapped[str]
    brand: Mapped[str]
    model: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[int]
    price_fen: Mapped[int]
    amount_fen: Mapped[int]
    unit_tax_fen: Mapped[int]
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_lines.id"), index=True)
    plan_control_id: Mapped[int] = mapped_column(ForeignKey("controls.id"))
    allotment_id: Mapped[int] = mapped_column(ForeignKey("allotments.id"))
    allotment_control_id: Mapped[int] = mapped_column(ForeignKey("controls.id"))
    place: Mapped[str]
    rejected: Mapped[int] = mapped_column(default=0)
    shipped: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    returned: Mapped[int] = mapped_column(default=0)


class DecisionRecord(Base):
    """Every check of one submission: rule, version, inputs, threshold, verdict. Replaying them gives the same answers.

    They are made, read and kept together, so they are one row: `verdicts` holds them as JSON, `findings` counts those that did
    not simply pass.
    """

    __tablename__ = "decision_records"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str] = mapped_column(unique=True)
    rule_version: Mapped[str]
    verdicts: Mapped[str] = mapped_column(Text)
    findings: Mapped[int]
    at: Mapped[datetime]


class Hold(Base):
    """A rule holds the order until the buyer has explained and the unit's finance head has cleared it."""

    __tablename__ = "holds"
    __table_args__ = (UniqueConstraint("order_id", "rule"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    rule: Mapped[str]
    explanation: Mapped[str | None] = mapped_column(Text)
    explained_by: Mapped[int | None]
    explained_at: Mapped[datetime | None]
    cleared_by: Mapped[int | None]
    cleared_at: Mapped[datetime | None]
