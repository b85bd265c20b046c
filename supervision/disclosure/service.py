"""Publishing notices."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.kernel import clock, numbers, outbox, regions
from app.policy import SYSTEM
from catalog.taxonomy import queries as taxonomy
from supervision.disclosure import events, queries, rules
from supervision.disclosure.states import NoticeKind
from supervision.disclosure.tables import Notice


def publish_contract(session: Session, event: Mapping[str, Any], *, region: str, at: datetime) -> Notice | None:
    """Publish the contract that a confirmation concluded; None when it is public already. `event` is the fact's body."""
    if queries.of_contract(session, event["details"]["contract"]) is not None:
        return None
    names = taxonomy.names(session, {line["category"] for line in event["lines"]})
    draft = rules.contract_notice(
        event, region=region, region_name=regions.full_name(region), at=at.isoformat(timespec="seconds"), names=names
    )
    return _publish(session, draft)


def publish_termination(session: Session, event: Mapping[str, Any], *, at: datetime) -> Notice | None:
    """Publish that a contract ended; None when that is public already. Raises NotYetPublished before the contract's own notice."""
    concluded = queries.named(session, event["order"])
    if concluded is None:
        raise rules.NotYetPublished()
    if queries.of_contract(session, concluded.contract_number, NoticeKind.TERMINATION) is not None:
        return None
    return _publish(session, rules.termination_notice(queries.body_of(concluded), at=at.isoformat(timespec="seconds")))


def _publish(session: Session, draft: rules.Draft) -> Notice:
    notice = Notice(
        number=numbers.new("GG", at=clock.today()),
        kind=draft.kind,
        region=draft.region,
        title=rules.title_of(draft),
        contract_number=draft.contract,
        order_number=draft.order,
        unit_name=draft.unit_name,
        supplier_name=draft.supplier_name,
        amount_fen=draft.amount_fen,
        is_sme=draft.is_sme,
        body=draft.body,
        search_text=draft.search_text,
        sha256=draft.sha256,
        published_at=clock.now(),
    )
    session.add(notice)
    fact = events.NoticePublished(
        notice=notice.number, kind=draft.kind.value, contract=draft.contract, order=draft.order, sha256=draft.sha256
    )
    outbox.record(session, SYSTEM, fact, stream=notice.number, version=1, region=draft.region)
    session.flush()
    return notice


def tidy(number: str) -> str:
    """A typed number as numbers are stored."""
    return numbers.tidy(re.sub(r"\s", "", number))[:40]
