"""Contracts concluded by the supplier's confirmation, their documents, and agreed terminations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class Contract(Base):
    """Number, text, digest and filing record, made in the transaction of the confirmation."""

    __tablename__ = "contracts"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    filing_number: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    amount_fen: Mapped[int]
    payment_days: Mapped[int]
    is_sme: Mapped[bool]
    payee_name: Mapped[str]
    payee_bank: Mapped[str]
    payee_bank_account: Mapped[str]
    payee_account: Mapped[str]
    """Where the supplier is paid, as it stood at the signing; another account later is refused (rule A02)."""
    concluded_by: Mapped[int]
    concluded_at: Mapped[datetime]


class ContractDocument(Base):
    """The digest of the PDF that a consumer made of a contract; the file itself can be made again at any time."""

    __tablename__ = "contract_documents"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    sha256: Mapped[str]
    made_at: Mapped[datetime]


class Termination(Base):
    """An end that both sides must sign, before dispatch (财办库〔2023〕243号: notice within 2 working days)."""

    __tablename__ = "terminations"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[int]
    proposed_for: Mapped[int]
    proposed_at: Mapped[datetime]
    agreed_by: Mapped[int | None]
    agreed_at: Mapped[datetime | None]
