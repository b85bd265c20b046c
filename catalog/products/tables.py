"""Product definitions: one row per brand and model, whoever offers it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.products.states import Origin


class Product(Base):
    """A product of one category, brand and model, with its typed attributes as JSON text."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("category_code", "brand", "model"), Index("ix_products_model", "model"))

    id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), index=True)
    brand: Mapped[str]
    model: Mapped[str]
    title: Mapped[str]
    unit: Mapped[str]
    attributes: Mapped[str] = mapped_column(Text, default="{}")
    origin: Mapped[Origin] = enum_column(Origin, default=Origin.DOMESTIC)
    energy_saving: Mapped[bool] = mapped_column(default=False)
    environment: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
