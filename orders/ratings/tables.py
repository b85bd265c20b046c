"""Ratings by both sides; silence is not counted."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.ratings.states import Side


class Rating(Base):
    """What one side says of the other after an order: one to five, with words."""

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="score"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    side: Mapped[Side] = enum_column(Side, primary_key=True)
    score: Mapped[int]
    words: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]
