"""Questions about offers and their answers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.questions.states import QuestionState


class Question(Base):
    """One question with at most one answer; `listing_version` is the version that was looked at."""

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint("state <> 'answered' OR answer IS NOT NULL", name="answered_with_words"),
        Index("ix_questions_product_at", "product_id", "asked_at"),
        Index("ix_questions_supplier_state", "supplier_id", "state", "asked_at"),
        Index("ix_questions_asker_at", "asked_by", "asked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    listing_version: Mapped[int]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    region: Mapped[str]
    """Of the unit that asks: all that is shown of it."""
    words: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    state: Mapped[QuestionState] = enum_column(QuestionState, default=QuestionState.OPEN)
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    hidden_reason: Mapped[str | None] = mapped_column(Text)
    hidden_by: Mapped[int | None]
    hidden_at: Mapped[datetime | None]
