"""What the live stream and the region tables read: one row per journal leaf, and day sums per region."""

from datetime import date, datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class StreamEntry(Base):
    """One line of the live order stream, ordered by leaf index: the only commit-ordered number."""

    __tablename__ = "stream_entries"
    __table_args__ = (
        Index("ix_stream_entries_region", "region", "leaf_index"),
        Index("ix_stream_entries_region_at", "region", "at"),
        Index("ix_stream_entries_number", "number"),
    )

    leaf_index: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(unique=True)
    at: Mapped[datetime]
    type: Mapped[str]
    number: Mapped[str]
    region: Mapped[str]
    unit_id: Mapped[int | None]
    supplier_id: Mapped[int | None]
    unit_name: Mapped[str]
    supplier_name: Mapped[str]
    category: Mapped[str]
    amount_fen: Mapped[int | None]
    mode: Mapped[str]
    state: Mapped[str]
    risk: Mapped[str]
    rules: Mapped[str]


class RegionDay(Base):
    """Sums of one region and day, kept up as events come in; superiors add up their children."""

    __tablename__ = "region_days"

    region: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    submitted: Mapped[int] = mapped_column(default=0)
    submitted_fen: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    confirmed: Mapped[int] = mapped_column(default=0)
    confirmed_fen: Mapped[int] = mapped_column(default=0)
    paid: Mapped[int] = mapped_column(default=0)
    paid_fen: Mapped[int] = mapped_column(default=0)
    alerts: Mapped[int] = mapped_column(default=0)


class StreamCursor(Base):
    """How far the log has been read into the two tables above; moved in the transaction that wrote them."""

    __tablename__ = "stream_cursors"

    name: Mapped[str] = mapped_column(primary_key=True)
    leaf_index: Mapped[int]
