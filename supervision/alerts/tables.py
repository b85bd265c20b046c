"""Alerts: findings of the early-warning rules, each with one owner and a clock."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from supervision.alerts.states import AlertState, Severity


class Alert(Base):
    """A finding. The key makes identical inputs raise it once; later hits join the open one."""

    __tablename__ = "alerts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["number", "version"],
            ["events.stream", "events.version"],
            name="fk_alerts_event",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_alerts_region_state", "region", "state"),
        Index("ix_alerts_owner_state", "owner_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    rule: Mapped[str]
    rule_version: Mapped[str]
    severity: Mapped[Severity] = enum_column(Severity)
    region: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    order_number: Mapped[str | None] = mapped_column(index=True)
    amount_fen: Mapped[int | None]
    parameters: Mapped[str] = mapped_column(Text)
    inputs: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    state: Mapped[AlertState] = enum_column(AlertState, default=AlertState.NEW)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    due_at: Mapped[datetime | None]
    raised_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    close_code: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(Text)
