"""What was shown to whoever searched: a sample of searches, and its sums by day, region, category and supplier."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class SearchSample(Base):
    """One search that was drawn: what was asked and what was shown in which place. Nobody's name, unit or session is in it."""

    __tablename__ = "search_samples"
    __table_args__ = (Index("ix_search_samples_day_id", "day", "id"), Index("ix_search_samples_region_id", "region", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    """Of the file that brought it, so that none is taken in twice."""
    day: Mapped[date]
    at: Mapped[datetime]
    question: Mapped[str | None] = mapped_column(String(60))
    """In normal form; empty when only the shelves were browsed, None when it might have held something personal."""
    conditions: Mapped[str] = mapped_column(Text)
    """The filters as the address has them, without the words."""
    sort: Mapped[str] = mapped_column(String(20))
    engine: Mapped[str] = mapped_column(String(40))
    generation: Mapped[int]
    rules: Mapped[str] = mapped_column(String(20))
    """The version of the rules of the order."""
    region: Mapped[str] = mapped_column(String(6))
    """Of the reader; empty for the public."""
    role: Mapped[str] = mapped_column(String(40))
    total: Mapped[int]
    hits: Mapped[str] = mapped_column(Text)
    """JSON: place, listing, supplier and category code of each hit shown, in their order."""


class ExposureDay(Base):
    """What the samples of a day add up to."""

    __tablename__ = "exposure_days"
    __table_args__ = (CheckConstraint("shown > 0 AND weight > 0", name="counted"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6), primary_key=True)
    category_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"), primary_key=True)
    shown: Mapped[int]
    """Hits shown."""
    weight: Mapped[int]
    """The same, each weighed by its place (`rules.weight`)."""
