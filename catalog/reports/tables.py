"""Reports about offers, and their answers."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.reports.states import ReportKind, ReportState

_OPEN = text("state = 'open'")


class Report(Base):
    """Somebody's report of a listing as it stood in one version, or of a question about it."""

    __tablename__ = "listing_reports"
    __table_args__ = (
        Index("ix_listing_reports_state_at", "state", "made_at"),
        Index("ix_listing_reports_maker_at", "made_by", "made_at"),
        Index("ix_listing_reports_listing", "listing_id"),
        Index("uq_listing_reports_open", "made_by", "subject", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    listing_version: Mapped[int]
    question_id: Mapped[int | None] = mapped_column(ForeignKey("questions.id"))
    subject: Mapped[str]
    """What is reported, by name: one open report of one person about one thing."""
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    kind: Mapped[ReportKind] = enum_column(ReportKind)
    words: Mapped[str] = mapped_column(Text)
    made_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    state: Mapped[ReportState] = enum_column(ReportState, default=ReportState.OPEN)
    answer: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
