"""Questions that found nothing, and words that people taught the search."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.vocabulary.states import MissState


class Miss(Base):
    """A question in normal form that found nothing, and how many readers asked it; who they were is not kept."""

    __tablename__ = "search_misses"
    __table_args__ = (Index("ix_search_misses_state_readers", "state", "readers"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(String(60), unique=True)
    readers: Mapped[int] = mapped_column(default=0)
    days: Mapped[int] = mapped_column(default=0)
    first_on: Mapped[date]
    last_on: Mapped[date]
    state: Mapped[MissState] = enum_column(MissState, default=MissState.OPEN)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class MissMark(Base):
    """One reader of one question on one day; gone the day after."""

    __tablename__ = "search_miss_marks"

    miss_id: Mapped[int] = mapped_column(ForeignKey("search_misses.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(24), primary_key=True)


class Synonym(Base):
    """A group of words that mean the same, beside those that come with the product."""

    __tablename__ = "search_synonyms"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(Text)
    """A JSON list, as typed."""
    miss_id: Mapped[int | None] = mapped_column(ForeignKey("search_misses.id"))
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    removed_at: Mapped[datetime | None]
