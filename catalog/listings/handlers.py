"""What offers do when something else changes: spreads follow a standing, offers a merger, and what may not stay leaves the shelf."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep
from app.kernel.outbox import Consumer, Event, Timer
from catalog.listings import decisions, moves, queries, service
from catalog.qualifications import queries as qualifications
from catalog.suppliers import queries as suppliers

EVERY_S: Final = 60.0
AT_ONCE: Final = 500
"""Offers that leave the shelf in one transaction."""


def clear(sessions: Callable[[], Session]) -> int:
    """Take off the shelf what suppliers offer that came onto a list of dishonest firms (K01) or whose licence has ended (K05).

    The lists name their days, so the clock asks; it returns in how many transactions something left.
    """
    with sessions() as session:
        today = clock.today()
        barred = {*suppliers.all_dishonest(session, today), *_without_licence(session)}
        due = queries.on_shelf(session, suppliers=barred) if barred else {}
    return sweep.each(sessions, _parts(due), lambda session, part: decisions.take_off_barred(session, *part) > 0, name="listings.clear")


def _without_licence(session: Session) -> Iterator[int]:
    for page in qualifications.all_ending(session, days=-1):
        for supplier_id in {each.organisation_id for each in page}:
            if qualifications.lapsed(session, supplier_id, clock.today()):
                yield supplier_id


def _parts(listings: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, Sequence[int]]]:
    for supplier_id, ids in listings.items():
        for start in range(0, len(ids), AT_ONCE):
            yield supplier_id, ids[start : start + AT_ONCE]


def _facts(events: Iterable[Event], name: str) -> dict[int, None]:
    return dict.fromkeys(json.loads(event.body)[name] for event in events)


def consumers(_settings: Settings) -> tuple[Consumer, ...]:
    """Who keeps the spreads of prices when a standing changes, who brings offers to what their product became, and who takes them
    off the shelf when a certificate that they must have counts no more (P08).

    Changes of an offer are followed in their own transaction.
    """

    def follow(session: Session, events: Sequence[Event], _result: None) -> None:
        for supplier_id in _facts(events, "supplier_id"):
            moves.follow_prices(session, queries.products_of_supplier(session, supplier_id))

    def move(session: Session, events: Sequence[Event], _result: None) -> None:
        for event in events:
            merged = json.loads(event.body)
            service.follow_merge(session, merged["product_id"], merged["into_id"])

    def leave(session: Session, events: Sequence[Event], _result: None) -> None:
        for part in _parts(queries.on_shelf(session, products=_facts(events, "product_id"))):
            decisions.take_off_barred(session, *part)

    return (
        Consumer(name="listings.spreads", types=("supplier.suspended", "supplier.lifted"), inside=follow, lane="fast"),
        Consumer(name="listings.merges", types=("product.merged",), inside=move, lane="fast"),
        Consumer(name="listings.proofs", types=("product.proof_expired", "product.proof_withdrawn"), inside=leave, lane="fast"),
    )


def timers(_settings: Settings) -> tuple[Timer, ...]:
    """What the clock starts."""
    return (Timer("listings.clear", EVERY_S, clear),)
