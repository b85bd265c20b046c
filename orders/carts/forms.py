"""Shape of what cart and checkout send. Checkout carries what the buyer saw, so that sending off reads no cart."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from werkzeug.datastructures import MultiDict

from app.kernel.errors import Refusal
from app.kernel.money import parse_yuan
from orders.carts.queries import Entry
from orders.carts.service import Sending
from orders.purchases.queries import Wish

Fields = MultiDict[str, str]

MOST_WORDS = 300
_LARGEST = 2**63 - 1


def number(text: str | None) -> int | None:
    """A whole number as typed, or None for nothing or nonsense."""
    words = (text or "").strip()
    return int(words) if words.isascii() and words.isdecimal() and int(words) <= _LARGEST else None


def fen(text: str | None) -> int | None:
    """An amount typed in yuan, or None."""
    try:
        return parse_yuan(text) if text and text.strip() else None
    except Refusal:
        return None


@dataclass(frozen=True)
class LineChange:
    """What the form of one cart line says."""

    quantity: int
    plan_line_id: int | None
    address_id: int | None
    chosen: bool


def line_change(fields: Fields) -> LineChange:
    """Read the form of one cart line; a `fix` button carries its own quantity."""
    return LineChange(
        quantity=number(fields.get("fix") or fields.get("quantity")) or 0,
        plan_line_id=number(fields.get("plan")),
        address_id=number(fields.get("address")),
        chosen="chosen" in fields,
    )


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The whole checkout as it was sent."""

    key: str
    entries: tuple[Entry, ...]
    address_id: int | None
    invoice_title_id: int | None
    reason: str
    comparison: str | None
    """The frozen comparison to cite; empty for none, None when nobody has chosen yet."""
    places: tuple[int | None, ...]
    """The place chosen for each line; None: the common one."""

    @property
    def sending(self) -> Sending:
        """What is sent off."""
        return Sending(
            wishes=tuple(entry.wish for entry in self.entries),
            key=self.key,
            invoice_title_id=self.invoice_title_id,
            reason=self.reason or None,
            items=tuple(entry.item_id for entry in self.entries if entry.item_id),
            comparison=self.comparison or None,
        )


def checkout(fields: Fields) -> Checkout:
    """Read the checkout form."""
    common = number(fields.get("address"))
    places = tuple(number(each) for each in fields.getlist("place"))
    return Checkout(
        key=fields.get("key", "")[:80],
        entries=tuple(_entries(fields, common)),
        address_id=common,
        invoice_title_id=number(fields.get("invoice")),
        reason=fields.get("reason", "").strip()[:MOST_WORDS],
        comparison=fields["comparison"][:40] if "comparison" in fields else None,
        places=places,
    )


def _entries(fields: Fields, common: int | None) -> Iterator[Entry]:
    columns = [fields.getlist(name) for name in ("item", "listing", "quantity", "seen", "plan", "place")]
    reasons = zip_longest(fields.getlist("why"), fields.getlist("words"), fillvalue="")
    for item, listing, quantity, seen, plan, place in zip(*columns, strict=False):
        why, words = next(reasons, ("", ""))
        yield Entry(
            wish=Wish(
                listing_id=number(listing) or 0,
                quantity=number(quantity) or 0,
                seen_price_fen=number(seen) or 0,
                plan_line_id=number(plan),
                address_id=number(place) or common,
                why=why[:40] or None,
                words=words.strip()[:MOST_WORDS] or None,
            ),
            item_id=number(item) or 0,
        )


def own_address(address: str | None) -> str | None:
    """An address within this site, or none."""
    if address and address.startswith("/") and not address.startswith("//") and "\\" not in address:
        return address
    return None
