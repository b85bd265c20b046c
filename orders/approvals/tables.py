"""Approval decisions inside the unit, and holds with their explanations."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column


class Decision(StrEnum):
    """What the approver said of a line."""

    APPROVED = "approved"
    REJECTED = "rejected"


class LineDecision(Base):
    """The approver's word on one line."""

    __tablename__ = "line_decisions"

    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    decision: Mapped[Decision] = enum_column(Decision)
    reason: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]


class Hold(Base):
    """A rule holds the order until the buyer has explained and the unit's finance head has cleared it."""

    __tablename__ = "holds"
    __table_args__ = (UniqueConstraint("order_id", "rule"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    rule: Mapped[str]
    explanation: Mapped[str | None] = mapped_column(Text)
    explained_by: Mapped[int | None]
    explained_at: Mapped[datetime | None]
    cleared_by: Mapped[int | None]
    cleared_at: Mapped[datetime | None]
