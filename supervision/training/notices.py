"""Public notices of the training province, published seconds after the contract as the consumer would."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.kernel import clock, numbers, regions
from app.kernel.outbox import Event
from catalog.taxonomy import queries as taxonomy
from supervision.disclosure import rules
from supervision.disclosure.events import NoticePublished
from supervision.disclosure.tables import Notice
from supervision.training.writer import Writer


class Press:
    """Publishes contracts and their ends."""

    def __init__(self, session: Session, writer: Writer, rng: Random) -> None:
        self.session = session
        self.writer = writer
        self.rng = rng

    def contract(self, region: str, at: datetime) -> dict[str, Any]:
        """Publish the contract whose confirmation was recorded last; returns the body that a later end repeats."""
        event = json.loads(self.writer.rows[Event][-1]["body"])
        names = taxonomy.names(self.session, {line["category"] for line in event["lines"]})
        told = at.astimezone(UTC).isoformat(timespec="seconds")
        draft = rules.contract_notice(event, region=region, region_name=regions.full_name(region), at=told, names=names)
        self._publish(draft, at)
        body: dict[str, Any] = json.loads(draft.body)
        return body

    def termination(self, contract: dict[str, Any], at: datetime) -> None:
        """Publish that a contract ended."""
        self._publish(rules.termination_notice(contract, at=at.astimezone(UTC).isoformat(timespec="seconds")), at)

    def _publish(self, draft: rules.Draft, at: datetime) -> None:
        at += timedelta(seconds=self.rng.uniform(0.5, 3))
        number = numbers.new("GG", at=clock.local(at).date(), rng=self.rng)
        self.writer.add(
            Notice,
            {
                "id": self.writer.id(Notice),
                "number": number,
                "kind": draft.kind,
                "region": draft.region,
                "title": rules.title_of(draft),
                "contract_number": draft.contract,
                "order_number": draft.order,
                "unit_name": draft.unit_name,
                "supplier_name": draft.supplier_name,
                "amount_fen": draft.amount_fen,
                "is_sme": draft.is_sme,
                "body": draft.body,
                "search_text": draft.search_text,
                "sha256": draft.sha256,
                "published_at": at,
            },
        )
        fact = NoticePublished(notice=number, kind=draft.kind.value, contract=draft.contract, order=draft.order, sha256=draft.sha256)
        self.writer.record(fact, stream=number, version=1, region=draft.region, owner=None, actor=None, at=at)
