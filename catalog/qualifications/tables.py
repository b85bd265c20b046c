"""Which documents a supplier must hand in, by date, and those that it handed in."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.qualifications.states import PaperState


class Requirement(Base):
    """A document that suppliers of a kind, or of a class of goods, hand in; for all when neither is named."""

    __tablename__ = "supplier_requirements"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="one_period"),
        Index("ix_supplier_requirements_code", "code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(80))
    supplier_kind: Mapped[str | None] = mapped_column(String(20))
    prefix: Mapped[str | None] = mapped_column(String(9))
    required: Mapped[bool]
    ends: Mapped[bool]
    """Whether such a document has a last day."""
    basis: Mapped[str] = mapped_column(String(120))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    doc_no: Mapped[str] = mapped_column(String(120))


class Qualification(Base):
    """A document of a supplier: number, issuer, period and file; without a last day it holds for long."""

    __tablename__ = "qualifications"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="one_period"),
        CheckConstraint("(state = 'returned') = (return_reason IS NOT NULL)", name="returned_with_a_reason"),
        Index("ix_qualifications_organisation_id_state", "organisation_id", "state"),
        Index("ix_qualifications_valid_to", "valid_to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    requirement: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(80))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    upload_id: Mapped[int] = mapped_column(ForeignKey("uploads.id"))
    state: Mapped[PaperState] = enum_column(PaperState)
    return_reason: Mapped[str | None] = mapped_column(String(300))
    handed_in_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    """Since when reviewers may read it: those of an application wait until it is submitted."""
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
