"""Listings: a supplier's offer of a product, its immutable versions and thereby its price history, and the spread of a product's prices."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.listings.states import Shelf


class Listing(Base):
    """An offer. Price and stock shown to a buyer come from here, never from the search index."""

    __tablename__ = "listings"
    __table_args__ = (
        UniqueConstraint("supplier_id", "sku"),
        CheckConstraint("price_fen > 0", name="priced"),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        Index("ix_listings_product_state", "product_id", "shelf"),
        Index("ix_listings_sku", "sku"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    sku: Mapped[str]
    title: Mapped[str]
    price_fen: Mapped[int]
    stock: Mapped[int]
    shelf: Mapped[Shelf] = enum_column(Shelf, default=Shelf.DRAFT)
    delivery_days: Mapped[int] = mapped_column(default=5)
    regions: Mapped[str] = mapped_column(default="410000")
    warranty_months: Mapped[int] = mapped_column(default=12)
    version: Mapped[int] = mapped_column(default=1)
    sold: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ListingVersion(Base):
    """What a listing said at one time; append-only. Stock is no part of it."""

    __tablename__ = "listing_versions"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price_fen: Mapped[int]
    shelf: Mapped[Shelf] = enum_column(Shelf)
    delivery_days: Mapped[int]
    actor_id: Mapped[int | None]
    at: Mapped[datetime]


class PriceSpread(Base):
    """How the live offers of a product are spread, in fen; kept beside the offers, so a list of hits need not count them anew."""

    __tablename__ = "price_spreads"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    n: Mapped[int] = mapped_column(default=0)
    min_fen: Mapped[int] = mapped_column(default=0)
    q1_fen: Mapped[int] = mapped_column(default=0)
    median_fen: Mapped[int] = mapped_column(default=0)
    q3_fen: Mapped[int] = mapped_column(default=0)
    max_fen: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
