"""Brands: one row per way of writing a brand; those that stand for another one are its aliases."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class Brand(Base):
    """A brand, or another name of one (`stands_for_id`); archived brands take no new products."""

    __tablename__ = "brands"
    __table_args__ = (CheckConstraint("stands_for_id IS NULL OR stands_for_id <> id", name="not_its_own_alias"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    stands_for_id: Mapped[int | None] = mapped_column(ForeignKey("brands.id"), index=True)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
