"""Budget projects, allotments, procurement-budget lines; controls and their append-only moves."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, enum_column
from orders.budgets.states import ControlKind, Pool


class BudgetProject(Base):
    """A budget project of one unit and year (预算项目)."""

    __tablename__ = "budget_projects"
    __table_args__ = (UniqueConstraint("unit_id", "year", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    year: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]


class Control(Base):
    """What may be spent. Four disjoint counters in fen; free is what they leave of the amount.

    A plan line also counts pieces: `ordered` of `quantity`; an allotment counts none.
    """

    __tablename__ = "controls"
    __table_args__ = (
        CheckConstraint("reserved_fen + committed_fen + accrued_fen + paid_fen <= amount_fen", name="covered"),
        CheckConstraint(
            "reserved_fen >= 0 AND committed_fen >= 0 AND accrued_fen >= 0 AND paid_fen >= 0 AND amount_fen >= 0",
            name="not_negative",
        ),
        CheckConstraint("ordered >= 0 AND (quantity IS NULL OR ordered <= quantity)", name="pieces"),
        Index("ix_controls_unit_year", "unit_id", "year", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ControlKind] = enum_column(ControlKind)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    year: Mapped[int]
    amount_fen: Mapped[int]
    reserved_fen: Mapped[int] = mapped_column(default=0)
    committed_fen: Mapped[int] = mapped_column(default=0)
    accrued_fen: Mapped[int] = mapped_column(default=0)
    paid_fen: Mapped[int] = mapped_column(default=0)
    quantity: Mapped[int | None]
    ordered: Mapped[int] = mapped_column(default=0)

    @hybrid_property
    def free_fen(self) -> int:
        """What is left: one expression for Python and SQL."""
        return self.amount_fen - self.reserved_fen - self.committed_fen - self.accrued_fen - self.paid_fen


class Move(Base):
    """One move of money between two pools of a control; append-only, its key given by the caller once for ever."""

    __tablename__ = "budget_moves"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="positive"),
        CheckConstraint("source <> target", name="moves"),
        ForeignKeyConstraint(
            ["stream", "version"],
            ["events.stream", "events.version"],
            name="fk_budget_moves_event",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_budget_moves_stream", "stream", "control_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    control_id: Mapped[int] = mapped_column(ForeignKey("controls.id"), index=True)
    source: Mapped[Pool] = enum_column(Pool, check="known_source")
    target: Mapped[Pool] = enum_column(Pool, check="known_target")
    amount_fen: Mapped[int]
    order_line_id: Mapped[int | None] = mapped_column(index=True)
    quantity: Mapped[int] = mapped_column(default=0)
    stream: Mapped[str]
    version: Mapped[int]
    actor_id: Mapped[int | None]
    at: Mapped[datetime]


class Allotment(Base):
    """A money source of a unit (预算指标), with the classes it may be spent on."""

    __tablename__ = "allotments"

    id: Mapped[int] = mapped_column(primary_key=True)
    control_id: Mapped[int] = mapped_column(ForeignKey("controls.id"), unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("budget_projects.id"))
    year: Mapped[int]
    functional_class: Mapped[str]
    economic_class: Mapped[str]
    fund_nature: Mapped[str]
    source: Mapped[str]
    document_number: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)


class BudgetLine(Base):
    """A line of the procurement budget (政府采购预算明细): what category, how much, from which allotment."""

    __tablename__ = "budget_lines"
    __table_args__ = (
        UniqueConstraint("unit_id", "year", "code"),
        CheckConstraint("planned_fen >= 0 AND planned_fen <= amount_fen", name="planned_within"),
        CheckConstraint("planned_quantity >= 0 AND planned_quantity <= quantity", name="planned_quantity_within"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    year: Mapped[int]
    code: Mapped[str]
    project_id: Mapped[int] = mapped_column(ForeignKey("budget_projects.id"))
    allotment_id: Mapped[int] = mapped_column(ForeignKey("allotments.id"), index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    name: Mapped[str]
    quantity: Mapped[int]
    amount_fen: Mapped[int]
    planned_fen: Mapped[int] = mapped_column(default=0)
    planned_quantity: Mapped[int] = mapped_column(default=0)
    sme_reserved: Mapped[bool] = mapped_column(default=True)
    import_allowed: Mapped[bool] = mapped_column(default=False)
