"""Orders on their way to a supplier's own shop, and the shop's parcels that became shipments."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.dispatch.states import DispatchState


class Dispatch(Base):
    """One order at one shop. The tradeNO is written down before the first call and never changes."""

    __tablename__ = "dispatches"
    __table_args__ = (
        Index("ix_dispatches_state_next_at", "state", "next_at"),
        Index("ix_dispatches_supplier_id_order_id", "supplier_id", "order_id"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    trade_no: Mapped[str] = mapped_column(unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    state: Mapped[DispatchState] = enum_column(DispatchState, default=DispatchState.SENT)
    shop_order: Mapped[str | None]
    """The shop's own number."""
    trouble: Mapped[str | None]
    """Why the last call came to nothing, in a stable word."""
    note: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    first_sent_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """When the shop is told or asked next; while somebody does, when another may."""
    decided_at: Mapped[datetime | None]


class DispatchParcel(Base):
    """A parcel of the shop that is a shipment of the mall."""

    __tablename__ = "dispatch_parcels"

    order_id: Mapped[int] = mapped_column(ForeignKey("dispatches.order_id"), primary_key=True)
    parcel: Mapped[str] = mapped_column(primary_key=True)
    shipment: Mapped[str]
