"""What a person keeps an eye on: products, searches, and prices or stock that he waits for. His own, and no promise of anything."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class Favourite(Base):
    """A product with a star."""

    __tablename__ = "favourites"
    __table_args__ = (UniqueConstraint("person_id", "product_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    at: Mapped[datetime]


class Awaited(Base):
    """A price (fen) or fresh stock of a product that somebody waits for; once told it ends and stays as a message until dismissed."""

    __tablename__ = "awaited"
    __table_args__ = (
        Index("ix_awaited_product", "product_id", "told_at"),
        Index("ix_awaited_person", "person_id"),
        CheckConstraint("below_fen IS NULL OR below_fen > 0", name="priced"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    region: Mapped[str]
    below_fen: Mapped[int | None]
    """Waits for a price not above this; None: for pieces in stock."""
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"))
    """The offer that ended the waiting, and its price then (fen)."""
    price_fen: Mapped[int | None]


class SavedSearch(Base):
    """A search that somebody comes back to: its address, what it found when last looked at, and what is new since."""

    __tablename__ = "saved_searches"
    __table_args__ = (UniqueConstraint("person_id", "question"), Index("ix_saved_searches_refreshed_at", "refreshed_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    words: Mapped[str]
    question: Mapped[str] = mapped_column(Text)
    """The query string of its page."""
    request: Mapped[str] = mapped_column(Text)
    """The same for the engine, as JSON."""
    known: Mapped[str] = mapped_column(Text)
    """Prices by listing, as JSON (fen)."""
    fresh: Mapped[int] = mapped_column(default=0)
    cheaper: Mapped[int] = mapped_column(default=0)
    looked_at: Mapped[datetime]
    refreshed_at: Mapped[datetime | None]
    """When it was looked through last, by its owner or by the clock."""
