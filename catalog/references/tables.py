"""Reference prices from outside the mall, as they were found on a day; a newer one is a new row."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class ReferencePrice(Base):
    """What a product cost at one source on one day, in fen."""

    __tablename__ = "reference_prices"
    __table_args__ = (
        UniqueConstraint("product_id", "source", "day"),
        CheckConstraint("price_fen > 0", name="positive"),
        Index("ix_reference_prices_product_day", "product_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    source: Mapped[str] = mapped_column(String(60))
    day: Mapped[date]
    price_fen: Mapped[int]
    kept_by: Mapped[int | None]
    at: Mapped[datetime]
