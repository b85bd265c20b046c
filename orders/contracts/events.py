"""Facts of a contract's end before it has come about; the steps themselves are facts of the order."""

from dataclasses import dataclass
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class TerminationSpoken(Fact):
    """What one party said about ending a contract by agreement."""

    contract: str
    order: str
    unit_id: int
    supplier_id: int
    by: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class TerminationProposed(TerminationSpoken):
    """One party proposed to end the contract."""

    type: ClassVar[str] = "contract.termination_proposed"


@dataclass(frozen=True, kw_only=True)
class TerminationDropped(TerminationSpoken):
    """The proposal was withdrawn by its author or declined by the other party."""

    type: ClassVar[str] = "contract.termination_dropped"
