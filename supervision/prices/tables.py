"""Concluded prices month by month, and the index of each category that is chained from them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class TradedMonth(Base):
    """What a product was bought for in one month."""

    __tablename__ = "traded_months"
    __table_args__ = (
        CheckConstraint("median_fen > 0 AND lines > 0", name="traded"),
        Index("ix_traded_months_category_month", "category_code", "month"),
    )

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    category_code: Mapped[str] = mapped_column(String(9))
    median_fen: Mapped[int]
    """Of the unit prices of the lines, in fen."""
    lines: Mapped[int]


class IndexPoint(Base):
    """The index of a category in one month in which anything of it was bought."""

    __tablename__ = "price_index"
    __table_args__ = (CheckConstraint("index_bp > 0", name="positive"),)

    category_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    index_bp: Mapped[int]
    """In hundredths: 10000 is the 100.00 of the first month."""
    matched: Mapped[int]
    """Products that were bought before too; too few of them carry the index on as it was."""
    products: Mapped[int]
    lines: Mapped[int]
    at: Mapped[datetime]
    """When it was worked out."""
