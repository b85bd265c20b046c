"""Parcels, receipt, acceptance line by line, and what was sent back."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.deliveries.states import AcceptanceKind


class Shipment(Base):
    """A parcel of an order."""

    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    number: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str]
    tracking: Mapped[str]
    shipped_by: Mapped[int]
    shipped_at: Mapped[datetime]
    received_by: Mapped[int | None]
    received_at: Mapped[datetime | None]


class ShipmentLine(Base):
    """How many of a line are in a parcel."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipments.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    quantity: Mapped[int]


class Acceptance(Base):
    """An acceptance record of an order (实施条例 45)."""

    __tablename__ = "acceptances"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[AcceptanceKind] = enum_column(AcceptanceKind)
    remarks: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[int | None]
    at: Mapped[datetime]


class AcceptanceLine(Base):
    """The finding on one line: accepted, sent back, and why."""

    __tablename__ = "acceptance_lines"
    __table_args__ = (UniqueConstraint("acceptance_id", "order_line_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    acceptance_id: Mapped[int] = mapped_column(ForeignKey("acceptances.id"))
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"))
    accepted: Mapped[int]
    returned: Mapped[int]
    technical_ok: Mapped[bool] = mapped_column(default=True)
    service_ok: Mapped[bool] = mapped_column(default=True)
    safety_ok: Mapped[bool] = mapped_column(default=True)
    serials: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
