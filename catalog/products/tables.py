"""Product definitions: one row per brand and model, whoever offers it; and what policy says of each, with its document."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.brands.rules import key_of
from catalog.products.states import FactKind, Origin


def _key(column: str) -> Any:
    """The key of what is written in another column of the same row."""
    return lambda context: key_of(context.get_current_parameters()[column])


class Product(Base):
    """A product of one category, brand and model, with its typed attributes as JSON text.

    `brand_key` is the key of the brand that the brand's name stands for; `gtin` has fourteen digits. `proven` is a JSON
    object of the kinds that have a document, each with the last day it counts, number, issuer and whether it was checked;
    `product_facts` has all of them. A product that was merged leads to another one and has no offers.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("category_code", "brand", "model"),
        Index("ix_products_same", "brand_key", "model_key"),
        Index("ix_products_gtin", "gtin", unique=True),
        Index("ix_products_model_key", "model_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), index=True)
    brand: Mapped[str]
    model: Mapped[str]
    brand_key: Mapped[str] = mapped_column(default=_key("brand"))
    model_key: Mapped[str] = mapped_column(default=_key("model"))
    gtin: Mapped[str | None] = mapped_column(String(14))
    title: Mapped[str]
    unit: Mapped[str]
    attributes: Mapped[str] = mapped_column(Text, default="{}")
    origin: Mapped[Origin] = enum_column(Origin, default=Origin.DOMESTIC)
    proven: Mapped[str] = mapped_column(Text, default="{}")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    created_at: Mapped[datetime]


class ProductFact(Base):
    """What policy says of a product by one document. Without a number it is only claimed; withdrawn ones stay.

    `valid_to` is the last day; documents without one hold until they are withdrawn. `expired_at` tells when their end was noticed.
    """

    __tablename__ = "product_facts"
    __table_args__ = (CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="one_period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    kind: Mapped[FactKind] = enum_column(FactKind)
    number: Mapped[str] = mapped_column(String(60), default="")
    issuer: Mapped[str] = mapped_column(String(80), default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None] = mapped_column(index=True)
    recorded_by: Mapped[int | None]
    recorded_for: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    recorded_at: Mapped[datetime]
    checked_by: Mapped[int | None]
    checked_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(String(200))
