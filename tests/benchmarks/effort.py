"""How thoroughly a run measures, and the order in which it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")


def _silent(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Effort:
    """Rounds of each comparison, requests of one leg, seconds of a leg that lasts a fixed time, listings of line 9."""

    rounds: int = 3
    requests: int = 200
    seconds: float = 5.0
    listings: int = 200_000
    tell: Callable[[str], None] = _silent
    """Hears what is being done."""

    def turns(self, what: str, ours: Callable[[], Ours], theirs: Callable[[], Theirs]) -> tuple[list[Ours], list[Theirs]]:
        """Ours, theirs, ours in each round, so that a machine that slows down or speeds up meets both alike."""
        first: list[Ours] = []
        second: list[Theirs] = []
        for number in range(1, self.rounds + 1):
            self.tell(f"{what}: round {number} of {self.rounds}")
            first.append(ours())
            second.append(theirs())
            first.append(ours())
        return first, second
