"""How a supplier's own shop is reached, and which of its goods are which listings."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Int, enum_column
from catalog.connections.states import ConnectionState


class Connection(Base):
    """One shop of one supplier. Secret and token are sealed; what is due when stands in the row, so that workers share it."""

    __tablename__ = "connections"

    supplier_id: Mapped[int] = mapped_column(Int, ForeignKey("suppliers.organisation_id"), primary_key=True)
    base_url: Mapped[str]
    client_id: Mapped[str]
    secret: Mapped[str] = mapped_column(Text)
    regions: Mapped[str] = mapped_column(Text)
    """Codes of the regions that stock is asked for."""
    state: Mapped[ConnectionState] = enum_column(ConnectionState, default=ConnectionState.ACTIVE)
    token: Mapped[str | None] = mapped_column(Text)
    token_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    """In a row, without an answer in between."""
    rest_until: Mapped[datetime | None]
    """Until then no call leaves."""
    trouble: Mapped[str | None]
    """Why the last call failed, in a stable word."""
    pool_due_at: Mapped[datetime]
    price_due_at: Mapped[datetime]
    stock_due_at: Mapped[datetime]
    pool_done_at: Mapped[datetime | None]
    price_done_at: Mapped[datetime | None]
    stock_done_at: Mapped[datetime | None]
    connected_by: Mapped[int]
    connected_at: Mapped[datetime]


class ConnectedGood(Base):
    """A good of a shop: the listing that follows it, or why there is none."""

    __tablename__ = "connected_goods"
    __table_args__ = (UniqueConstraint("supplier_id", "sku"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("connections.supplier_id"))
    sku: Mapped[str]
    title: Mapped[str]
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"), index=True)
    trouble: Mapped[str | None]
    """The code of the refusal that the last change met."""
    images: Mapped[str] = mapped_column(Text, default="[]")
    """Addresses of its pictures as the shop tells them, as JSON text."""
    seen_at: Mapped[datetime]
