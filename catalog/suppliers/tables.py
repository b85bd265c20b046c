"""The supplier library: what the mall knows of a supplier beyond the organisation, and the decisions on its trade."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.suppliers.states import DecisionKind, DecisionState, Scale, Standing


class Supplier(Base):
    """A supplier that has entered the library; `standing` is what the decisions in force everywhere make of it."""

    __tablename__ = "suppliers"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    scale: Mapped[Scale] = enum_column(Scale)
    standing: Mapped[Standing] = enum_column(Standing, default=Standing.ACTIVE)
    standing_reason: Mapped[str | None]
    standing_until: Mapped[datetime | None]
    legal_representative: Mapped[str]
    contact: Mapped[str]
    phone: Mapped[str]
    bank_name: Mapped[str]
    bank_account: Mapped[str]
    payee_account: Mapped[str]
    score: Mapped[int] = mapped_column(default=100)
    version: Mapped[int] = mapped_column(default=0)
    entered_at: Mapped[datetime]


class SupplierArea(Base):
    """A region, with all below it, that the supplier delivers to."""

    __tablename__ = "supplier_areas"
    __table_args__ = (Index("ix_supplier_areas_region", "region"),)

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"), primary_key=True)
    region: Mapped[str] = mapped_column(String(6), primary_key=True)


class SupplierClass(Base):
    """A class of the procurement catalogue (a letter and two pairs of digits) that the supplier was admitted for."""

    __tablename__ = "supplier_classes"
    __table_args__ = (Index("ix_supplier_classes_code", "code"),)

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(5), primary_key=True)


class StandingDecision(Base):
    """A published decision that stops a supplier's trade: in one region with all below it, or everywhere when none is named."""

    __tablename__ = "standing_decisions"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="one_period"),
        CheckConstraint("kind <> 'ban' OR (ends_at IS NOT NULL AND region IS NULL)", name="bans_end_and_hold_everywhere"),
        CheckConstraint("(state IN ('lapsed', 'lifted')) = (ended_at IS NOT NULL)", name="ended_when_over"),
        Index("ix_standing_decisions_supplier_id_state", "supplier_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.organisation_id"))
    kind: Mapped[DecisionKind] = enum_column(DecisionKind)
    state: Mapped[DecisionState] = enum_column(DecisionState)
    region: Mapped[str | None] = mapped_column(String(6))
    document_no: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(500))
    basis: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]
    decided_for: Mapped[str] = mapped_column(String(60))
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(String(500))


class Dishonest(Base):
    """An entry of an imported list of dishonest firms (rule K01), by credit code and period."""

    __tablename__ = "dishonest_firms"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="one_period"),
        UniqueConstraint("credit_code", "list_name", "document_no"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    credit_code: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(120))
    list_name: Mapped[str] = mapped_column(String(60))
    document_no: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(120))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    imported_at: Mapped[datetime]
