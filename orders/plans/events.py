"""Facts of a plan's life; the stream is named by the plan's number. Amounts in fen."""

from dataclasses import dataclass
from typing import Any, ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class PlanFact(Fact):
    """What every event of a plan carries."""

    plan: str
    unit_id: int
    unit_name: str
    year: int
    total_fen: int
    categories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlanFiled(PlanFact):
    """A plan passed its checks and got its receipt number; `lines` hold category, name, quantity, amount and sources."""

    type: ClassVar[str] = "plan.filed"
    title: str
    origin: str
    lines: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class PlanReturned(PlanFact):
    """The finance department sent the plan back for correction; its money is free again."""

    type: ClassVar[str] = "plan.returned"
    reason: str
    note: str
