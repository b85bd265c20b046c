"""The money of the training province while its year is played: controls, allotments, plan lines; written down when it is over."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from orders.budgets.states import Pool
from orders.budgets.tables import Control
from orders.purchases.rules import Funding

WRONG_CLASS: Final = ("A02010105", "30201")
"""Desktop computers on office expenses, the classic finding of auditors (rule B11)."""


@dataclass(slots=True, kw_only=True)
class Purse:
    """A control while the year is played; amounts in fen."""

    id: int
    amount_fen: int
    quantity: int | None = None
    reserved_fen: int = 0
    committed_fen: int = 0
    accrued_fen: int = 0
    paid_fen: int = 0
    ordered: int = 0

    @property
    def free_fen(self) -> int:
        """What is left."""
        return self.amount_fen - self.reserved_fen - self.committed_fen - self.accrued_fen - self.paid_fen

    def shift(self, source: Pool, target: Pool, amount_fen: int, pieces: int) -> None:
        """Move money between two pools; pieces are ordered when it leaves the free pool and free again when it returns."""
        for pool, sign in ((source, -1), (target, 1)):
            if pool is not Pool.FREE:
                name = f"{pool.value}_fen"
                setattr(self, name, getattr(self, name) + sign * amount_fen)
        self.ordered += pieces if source is Pool.FREE else -pieces if target is Pool.FREE else 0
        if self.free_fen < 0 or min(self.reserved_fen, self.committed_fen, self.accrued_fen, self.paid_fen, self.ordered) < 0:
            raise AssertionError(f"control {self.id} cannot bear {amount_fen} from {source} to {target}")


@dataclass(kw_only=True)
class Grant:
    """An allotment."""

    id: int
    number: str
    economic_class: str
    purse: Purse


@dataclass(kw_only=True)
class Planned:
    """A filed plan line that orders draw on."""

    id: int
    plan_number: str
    line_no: int
    year: int
    category: str
    name: str
    purse: Purse
    grant: Grant

    def funding(self) -> Funding:
        """The plan line with both its controls as they stand now."""
        return Funding(
            plan_line_id=self.id,
            plan_number=self.plan_number,
            line_no=self.line_no,
            filed=True,
            year=self.year,
            category=self.category,
            remaining_quantity=(self.purse.quantity or 0) - self.purse.ordered,
            plan_control_id=self.purse.id,
            plan_free_fen=self.purse.free_fen,
            allotment_id=self.grant.id,
            allotment_number=self.grant.number,
            allotment_control_id=self.grant.purse.id,
            allotment_free_fen=self.grant.purse.free_fen,
            economic_class=self.grant.economic_class,
        )


@dataclass(kw_only=True)
class Wanted:
    """A procurement-budget line to be: what a unit means to buy in a year."""

    category: str
    economic_class: str
    quantity: int
    amount_fen: int
    plan_share: float


@dataclass
class Purses:
    """All plan lines of a year by unit, and every control."""

    by_unit: dict[int, list[Planned]] = field(default_factory=lambda: defaultdict(list))
    controls: list[Purse] = field(default_factory=list)


def write_counters(session: Session, purses: Purses) -> None:
    """The counters as the year left them."""
    control = Control.__table__
    names = ("reserved_fen", "committed_fen", "accrued_fen", "paid_fen", "ordered")
    touched = [purse for purse in purses.controls if any(getattr(purse, name) for name in names)]
    if touched:
        statement = update(control).where(control.c.id == bindparam("of")).values({name: bindparam(f"new_{name}") for name in names})  # type: ignore[arg-type]
        session.connection().execute(
            statement, [{"of": purse.id} | {f"new_{name}": getattr(purse, name) for name in names} for purse in touched]
        )
