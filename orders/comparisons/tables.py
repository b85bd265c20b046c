"""Frozen comparisons: what a search showed, or how some offers stood, at one moment. Append-only."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class Comparison(Base):
    """A sheet: its content as canonical JSON with the digest that stands in the journal, and what lists of sheets show of it."""

    __tablename__ = "comparisons"
    __table_args__ = (
        CheckConstraint("hits > 0 AND total >= hits", name="holds_hits"),
        Index("ix_comparisons_unit_at", "unit_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    region: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str]
    words: Mapped[str]
    """What was searched for, or the title of the first offer."""
    hits: Mapped[int]
    total: Mapped[int]
    """How many there were; more than `hits` where the sheet holds only the first."""
    suppliers: Mapped[int]
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    at: Mapped[datetime]
