"""The indexer: follows listings, suppliers' standings and what is proved of products, and keeps the index alike."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.kernel.outbox import Consumer, Event
from catalog.listings import queries as listings
from catalog.search import service
from catalog.search.port import SearchEngine

PROOFS: Final = ("product.proof_recorded", "product.proof_withdrawn", "product.proof_expired")


def indexer(engine: SearchEngine) -> Consumer:
    """The consumer to be joined to the outbox."""

    def write(session: Session, events: Sequence[Event]) -> None:
        wanted: dict[int, None] = {}
        for event in events:
            body = json.loads(event.body)
            if event.type.startswith("listing."):
                wanted[body["listing_id"]] = None
            elif event.type.startswith("product."):
                wanted.update(dict.fromkeys(listings.of_products(session, [body["product_id"]])))
            else:
                wanted.update(dict.fromkeys(listings.of_supplier(session, body["supplier_id"])))
        service.refresh(session, engine, list(wanted))

    return Consumer(
        name="search.indexer",
        types=("listing.", "supplier.suspended", "supplier.lifted", *PROOFS, "product.corrected"),
        outside=write,
        batch=service.BATCH,
        lane="fast",
    )
