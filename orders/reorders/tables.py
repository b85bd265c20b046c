"""Lists of what a unit buys again and again; shared by its buyers, no promise of anything."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class ReorderList(Base):
    """A named list of a unit."""

    __tablename__ = "reorder_lists"
    __table_args__ = (UniqueConstraint("unit_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]


class ReorderLine(Base):
    """A product of a list, how much of it, and the offer and price it was put there with (fen)."""

    __tablename__ = "reorder_lines"
    __table_args__ = (UniqueConstraint("list_id", "product_id"), CheckConstraint("quantity > 0", name="quantity"))

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("reorder_lists.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    quantity: Mapped[int]
    price_fen: Mapped[int]
