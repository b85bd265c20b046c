"""Organisations in the region tree, with their delivery addresses and invoice titles."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from app.policy import OrganisationKind


class Organisation(Base):
    """A purchasing unit, a supplier, a finance department… Units form a tree (lead, second level, base)."""

    __tablename__ = "organisations"
    __table_args__ = (Index("ix_organisations_kind_region", "kind", "region"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[OrganisationKind] = enum_column(OrganisationKind)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    short_name: Mapped[str]
    credit_code: Mapped[str | None] = mapped_column(unique=True)
    region: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    level: Mapped[int] = mapped_column(default=1)
    unit_kind: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    registered_at: Mapped[datetime]


class Address(Base):
    """Where a unit has goods delivered."""

    __tablename__ = "addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    label: Mapped[str]
    region: Mapped[str]
    street: Mapped[str]
    contact: Mapped[str]
    phone: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)


class InvoiceTitle(Base):
    """The buyer's title and tax number that an invoice must carry."""

    __tablename__ = "invoice_titles"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    title: Mapped[str]
    tax_number: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
