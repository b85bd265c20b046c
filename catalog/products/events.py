"""Facts of products: what they are, what is proved of them, which of them are one."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ProductDefined(Fact):
    """Somebody was the first to say what a product is."""

    type: ClassVar[str] = "product.defined"
    product_id: int
    category_code: str
    brand: str
    model: str
    gtin: str


@dataclass(frozen=True, kw_only=True)
class ProductCorrected(Fact):
    """The catalogue administrator put a definition right; which parts, and why."""

    type: ClassVar[str] = "product.corrected"
    product_id: int
    changed: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProductMerged(Fact):
    """Two products were one: offers and documents of the first went to the second."""

    type: ClassVar[str] = "product.merged"
    product_id: int
    into_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProofChanged(Fact):
    """What every event of a document carries."""

    product_id: int
    proof_id: int
    kind: str
    number: str
    valid_to: date | None


@dataclass(frozen=True, kw_only=True)
class ProofRecorded(ProofChanged):
    """A document was recorded, by whom its stream tells."""

    type: ClassVar[str] = "product.proof_recorded"
    issuer: str


@dataclass(frozen=True, kw_only=True)
class ProofChecked(ProofChanged):
    """The catalogue administrator compared a document with its register."""

    type: ClassVar[str] = "product.proof_checked"


@dataclass(frozen=True, kw_only=True)
class ProofWithdrawn(ProofChanged):
    """A document does not count any more, whatever its period."""

    type: ClassVar[str] = "product.proof_withdrawn"
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProofExpired(ProofChanged):
    """The last day of a document has passed."""

    type: ClassVar[str] = "product.proof_expired"
