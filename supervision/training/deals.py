"""An order of the training province on its way, and the dated rows that its steps go by."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName, TermRow, What
from orders.purchases.queries import KIND_OF
from orders.purchases.service import deadline
from orders.purchases.states import State
from supervision.training.cast import Seller, Unit
from supervision.training.market import Article
from supervision.training.purses import Planned


@dataclass(slots=True, kw_only=True)
class DealLine:
    """A line with its six quantities."""

    id: int
    no: int
    article: Article
    planned: Planned
    place: str
    quantity: int
    price_fen: int
    version: int
    rejected: int = 0
    shipped: int = 0
    delivered: int = 0
    accepted: int = 0
    returned: int = 0
    carded: int = 0

    @property
    def left(self) -> int:
        """Pieces that the order still holds money for."""
        return self.quantity - self.rejected - self.accepted - self.returned


@dataclass(kw_only=True)
class Deal:
    """An order on its way."""

    id: int
    number: str
    submission_id: int
    submission: str
    unit: Unit
    seller: Seller
    buyer: int
    state: State
    total_fen: int
    reason: str | None
    submitted_at: datetime
    state_since: datetime
    due_at: datetime | None
    provisional: bool
    lines: list[DealLine]
    holds: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1
    approver: int | None = None
    acceptor: int | None = None
    rows: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    """Rows of other tables, written after the order's own."""
    papers: dict[str, Any] = field(default_factory=dict)
    """What later steps need of earlier ones: contract, parcels, invoices, application, cards."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of its lines."""
        return tuple(sorted({line.article.seed.category_code for line in self.lines}))


@dataclass(frozen=True, kw_only=True)
class Want:
    """One line of a cart in the training province."""

    article: Article
    planned: Planned | None
    quantity: int
    address_id: int
    seen_fen: int | None = None
    stock: int | None = None


class Bureau:
    """Dated rows by name, region and day, asked once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._terms: dict[tuple[str, str, date], TermRow] = {}
        self._limits: dict[tuple[str, str, str, date], int] = {}
        self._deadlines: dict[tuple[State, str, date], tuple[datetime | None, bool]] = {}

    def term(self, name: TermName, region: str, on: date) -> TermRow:
        """The period that holds."""
        key = (name, region, on)
        if key not in self._terms:
            self._terms[key] = taxonomy.term(self.session, name, region, on)
        return self._terms[key]

    def limit(self, what: What, region: str, letter: str, on: date) -> int:
        """The limit that holds, in fen."""
        key = (what, region, letter, on)
        if key not in self._limits:
            self._limits[key] = taxonomy.limit(self.session, what, region, KIND_OF[letter], on).amount_fen
        return self._limits[key]

    def deadline(self, state: State, region: str, start: date) -> tuple[datetime | None, bool]:
        """When a state that an order enters runs out."""
        key = (state, region, start)
        if key not in self._deadlines:
            self._deadlines[key] = deadline(self.session, state, region, start)
        return self._deadlines[key]
