"""Approval decisions inside the unit."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text
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
