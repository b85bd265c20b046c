"""The contract's PDF is made within seconds of the confirmation, outside the transaction, and its digest noted inside it."""

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock
from app.kernel.outbox import Consumer, Event, Timer
from orders.contracts import documents
from orders.contracts.tables import Contract, ContractDocument


def consumers(settings: Settings) -> tuple[Consumer, ...]:
    """The maker of documents."""

    def make(session: Session, events: Sequence[Event]) -> list[tuple[int, str]]:
        numbers = [json.loads(event.body)["details"]["contract"] for event in events]
        found = session.scalars(select(Contract).where(Contract.number.in_(numbers)))
        return [(each.id, hashlib.sha256(documents.file_of(each, settings).read_bytes()).hexdigest()) for each in found]

    def note(session: Session, _events: Sequence[Event], made: list[tuple[int, str]]) -> None:
        for contract_id, digest in made:
            if session.get(ContractDocument, contract_id) is None:
                session.add(ContractDocument(contract_id=contract_id, sha256=digest, made_at=clock.now()))

    return (Consumer(name="contracts.document", types=("order.confirmed",), outside=make, inside=note, batch=5, lane="documents"),)


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """Nothing in this chapter waits for the clock; an unconfirmed order lapses with the approvals' deadlines."""
    return ()
