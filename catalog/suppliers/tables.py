"""The supplier library: what the mall knows of a supplier beyond the organisation."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from catalog.suppliers.states import Scale, Standing


class Supplier(Base):
    """A supplier that has entered the library."""

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
