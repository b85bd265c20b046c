"""Filed procurement plans (采购计划备案). Filing is no approval: the receipt comes at once."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.plans.states import PlanState


class Plan(Base):
    """A plan of a unit and year; its number is the receipt and the name of its event stream."""

    __tablename__ = "plans"
    __table_args__ = (
        ForeignKeyConstraint(
            ["number", "version"],
            ["events.stream", "events.version"],
            name="fk_plans_event",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_plans_unit_year", "unit_id", "year"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    region: Mapped[str]
    year: Mapped[int]
    title: Mapped[str]
    method: Mapped[str] = mapped_column(default="mall")
    state: Mapped[PlanState] = enum_column(PlanState)
    version: Mapped[int]
    filed_by: Mapped[int]
    filed_at: Mapped[datetime]
    returnable_until: Mapped[datetime]
    return_reason: Mapped[str | None]
    returned_by: Mapped[int | None]


class PlanLine(Base):
    """What a plan lets a unit order: category, quantity, money; backed by a control of its own.

    How many pieces have been ordered stands with the money on the control (`Control.ordered` of `Control.quantity`).
    """

    __tablename__ = "plan_lines"
    __table_args__ = (UniqueConstraint("plan_id", "line_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    line_no: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    year: Mapped[int]
    budget_line_id: Mapped[int] = mapped_column(ForeignKey("budget_lines.id"))
    allotment_id: Mapped[int] = mapped_column(ForeignKey("allotments.id"))
    control_id: Mapped[int] = mapped_column(ForeignKey("controls.id"), unique=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    name: Mapped[str]
    quantity: Mapped[int]
    amount_fen: Mapped[int]
