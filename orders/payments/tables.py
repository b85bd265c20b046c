"""Invoices, payment applications, the payment clock, and the inbox of the gateway's notices."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.payments.states import ApplicationState, Colour, InvoiceKind


class Invoice(Base):
    """An invoice of an order, unique by kind, code and number."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("kind", "code", "number"),
        CheckConstraint("amount_fen > 0 AND tax_fen >= 0", name="amounts"),
        CheckConstraint("(colour = 'red') = (red_of_id IS NOT NULL)", name="red_is_linked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[InvoiceKind] = enum_column(InvoiceKind)
    colour: Mapped[Colour] = enum_column(Colour, default=Colour.BLUE)
    code: Mapped[str] = mapped_column(default="")
    number: Mapped[str]
    amount_fen: Mapped[int]
    tax_fen: Mapped[int]
    buyer_title: Mapped[str]
    buyer_tax_number: Mapped[str]
    seller_tax_number: Mapped[str]
    red_of_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    """The blue invoice that a red one takes back."""
    issued_on: Mapped[date]
    recorded_by: Mapped[int]
    recorded_at: Mapped[datetime]


class PaymentApplication(Base):
    """A request to the treasury to pay one order; its number is the idempotency key for ever."""

    __tablename__ = "payment_applications"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    state: Mapped[ApplicationState] = enum_column(ApplicationState, default=ApplicationState.SENT)
    amount_fen: Mapped[int]
    payee_name: Mapped[str]
    payee_bank: Mapped[str]
    payee_bank_account: Mapped[str]
    payee_account: Mapped[str]
    intent: Mapped[str | None] = mapped_column(unique=True)
    receipt_number: Mapped[str | None]
    return_reason: Mapped[str | None]
    trouble: Mapped[str | None]
    """Why the application is still waiting: the code of the gateway's failure at the last try."""
    applied_by: Mapped[int]
    applied_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class PaymentClock(Base):
    """When an order must be paid, and by which rule (保障中小企业款项支付条例 9; mall rule for others)."""

    __tablename__ = "payment_clocks"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    base_on: Mapped[date]
    due_on: Mapped[date] = mapped_column(index=True)
    days: Mapped[int]
    rule: Mapped[str]
    document_number: Mapped[str]


class GatewayNotice(Base):
    """A webhook of the gateway, kept once by its id; handled when its effect is in."""

    __tablename__ = "gateway_notices"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    intent: Mapped[str | None] = mapped_column(index=True)
    body: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class GatewayLine(Base):
    """Whether the treasury's gateway answers, as every process of the installation sees it: one row."""

    __tablename__ = "gateway_lines"
    __table_args__ = (CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name="pause_has_probe"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    """In a row, without an answer in between."""
    reason: Mapped[str | None]
    """The code of the last failure."""
    paused_at: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    """When one harmless question is asked next; until then nothing leaves."""


class GatewayCharge(Base):
    """A line of the gateway's statement (对账单): one payment that took money, as the gateway told it last. Amounts in fen."""

    __tablename__ = "gateway_charges"

    intent: Mapped[str] = mapped_column(primary_key=True)
    application: Mapped[str | None] = mapped_column(index=True)
    """The number that the payment carries; not always one of ours."""
    captured_fen: Mapped[int]
    refunded_fen: Mapped[int]
    currency: Mapped[str]
    receipt: Mapped[str | None]
    destination: Mapped[str | None]
    charged_on: Mapped[date] = mapped_column(index=True)
    charged_at: Mapped[datetime]
    told_at: Mapped[datetime]


class GatewayStatement(Base):
    """A statement that was fetched whole: from when on, and at what time; one row for each."""

    __tablename__ = "gateway_statements"

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    told_at: Mapped[datetime]
    charges: Mapped[int]
