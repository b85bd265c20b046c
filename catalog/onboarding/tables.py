"""Applications to enter the supplier library, what was returned and why, and the agreement in its versions."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.onboarding.states import State
from catalog.suppliers.states import Scale


class Agreement(Base):
    """A version of the agreement; its text never changes, a new version follows it."""

    __tablename__ = "supplier_agreements"

    version: Mapped[str] = mapped_column(String(20), primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[date]


class Application(Base):
    """What a supplier writes to enter the library; a draft until it is submitted, so most of it may be empty."""

    __tablename__ = "supplier_applications"
    __table_args__ = (
        CheckConstraint("capital_fen IS NULL OR capital_fen > 0", name="capital_positive"),
        CheckConstraint(
            "(agreement_version IS NULL) = (agreed_at IS NULL) AND (agreed_by IS NULL) = (agreed_at IS NULL)", name="agreed_by_somebody"
        ),
        Index("ix_supplier_applications_region_state", "region", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), unique=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    state: Mapped[State] = enum_column(State)
    version: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=0)
    """How often it was submitted."""
    region: Mapped[str] = mapped_column(String(6))
    kind: Mapped[str | None] = mapped_column(String(20))
    scale: Mapped[Scale | None] = enum_column(Scale, nullable=True)
    legal_representative: Mapped[str | None] = mapped_column(String(40))
    founded_on: Mapped[date | None]
    capital_fen: Mapped[int | None]
    address: Mapped[str | None] = mapped_column(String(120))
    business: Mapped[str | None] = mapped_column(String(500))
    classes: Mapped[str | None] = mapped_column(String(400))
    areas: Mapped[str | None] = mapped_column(String(1600))
    contact: Mapped[str | None] = mapped_column(String(40))
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(80))
    bank_name: Mapped[str | None] = mapped_column(String(80))
    bank_account: Mapped[str | None] = mapped_column(String(40))
    payee_account: Mapped[str | None] = mapped_column(String(60))
    agreement_version: Mapped[str | None] = mapped_column(ForeignKey("supplier_agreements.version"))
    agreed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    agreed_at: Mapped[datetime | None]
    began_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]


class Knock(Base):
    """How often somebody tried to register from one network address on one day; the address itself is not kept."""

    __tablename__ = "supplier_join_knocks"

    mark: Mapped[str] = mapped_column(String(24), primary_key=True)
    """Of the address and the day: no two days share one."""
    day: Mapped[date]
    attempts: Mapped[int] = mapped_column(default=0)


class Remark(Base):
    """Why an application was returned, for one part of it or one required document."""

    __tablename__ = "supplier_application_remarks"
    __table_args__ = (UniqueConstraint("application_id", "round", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("supplier_applications.id"))
    round: Mapped[int]
    subject: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]
