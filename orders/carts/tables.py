"""The cart: no promise yet."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class CartItem(Base):
    """A line of a buyer's cart, with the price and version seen when it was put in."""

    __tablename__ = "cart_items"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    quantity: Mapped[int]
    seen_price_fen: Mapped[int]
    seen_version: Mapped[int]
    plan_line_id: Mapped[int | None] = mapped_column(ForeignKey("plan_lines.id"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    chosen: Mapped[bool] = mapped_column(default=True)
    added_at: Mapped[datetime]
