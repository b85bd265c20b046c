"""A supplier that may not trade has no live offers: the spreads of its products follow its standing."""

import json
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.outbox import Consumer, Event, Timer
from catalog.listings import moves, queries, service


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who keeps the spreads of prices when a standing changes, and who brings offers to what their product became.

    Changes of an offer are followed in their own transaction.
    """

    def follow(session: Session, events: Sequence[Event], _result: None) -> None:
        for supplier_id in dict.fromkeys(json.loads(event.body)["supplier_id"] for event in events):
            moves.follow_prices(session, queries.products_of_supplier(session, supplier_id))

    def move(session: Session, events: Sequence[Event], _result: None) -> None:
        for event in events:
            merged = json.loads(event.body)
            service.follow_merge(session, merged["product_id"], merged["into_id"])

    return (
        Consumer(name="listings.spreads", types=("supplier.suspended", "supplier.lifted"), inside=follow, lane="fast"),
        Consumer(name="listings.merges", types=("product.merged",), inside=move, lane="fast"),
    )


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """Prices wait for no clock."""
    return ()
