"""Reads of frozen comparisons, and what a search finds to be frozen."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, select, true
from sqlalchemy.orm import Session

from app.kernel import clock, paging, regions
from app.kernel.errors import Missing
from app.policy import Actor, Reach, scope_of
from catalog.listings import queries as listings
from catalog.search.port import MAX_PAGE, SearchEngine, SearchRequest
from catalog.taxonomy import queries as taxonomy
from orders.comparisons import rules
from orders.comparisons.rules import Kind
from orders.comparisons.tables import Comparison
from orders.purchases import queries as purchases
from orders.purchases.rules import Cited
from orders.purchases.tables import Order, Submission

__all__ = ["Comparison"]

PAGE: Final = 30
OFFERED: Final = 12
"""Sheets from which a buyer chooses at checkout."""


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The sheets an actor may see: his unit's own; those who supervise a region see what an order there cites; suppliers none."""
    scope = scope_of(actor)
    if scope.reach is Reach.EVERYWHERE:
        return true()
    if scope.reach is Reach.REGION and scope.region is not None:
        cited = select(Submission.id).where(Submission.comparison == Comparison.number).exists()
        return and_(Comparison.region.in_(regions.below(scope.region)), cited)
    if scope.reach is Reach.ORGANISATION and actor.is_unit:
        return Comparison.unit_id == scope.organisation_id
    return false()


def by_number(session: Session, actor: Actor, number: str) -> Comparison:
    """The sheet with this number if the actor may see it. Raises Missing."""
    found = session.scalar(select(Comparison).where(Comparison.number == number, visible_to(actor)))
    if found is None:
        raise Missing()
    return found


def page(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE) -> paging.Page[Comparison]:
    """The sheets an actor may see, the latest first."""
    keys = (paging.Key(Comparison.at), paging.Key(Comparison.id))
    return paging.page(session, select(Comparison).where(visible_to(actor)), keys, cursor=cursor, limit=limit)


def orders_citing(session: Session, actor: Actor, sheet: Comparison) -> list[Order]:
    """The orders that cite a sheet, as far as the actor may see them."""
    query = (
        select(Order)
        .join(Submission, Submission.id == Order.submission_id)
        .where(Submission.comparison == sheet.number, purchases.visible_to(actor))
        .order_by(Order.id)
    )
    return list(session.scalars(query))


def number_cited_by(session: Session, order: Order) -> str | None:
    """The sheet that an order's submission cites."""
    return session.scalar(select(Submission.comparison).where(Submission.id == order.submission_id))


# ---------------------------------------------------------------- what a submission cites


def cited(session: Session, actor: Actor, number: str | None) -> Cited | None:
    """A sheet of the actor's own unit as the checks look at it; None for none. Raises Missing."""
    return as_cited(by_number(session, actor, number)) if number else None


def as_cited(sheet: Comparison) -> Cited:
    """What the checks need to know of a sheet."""
    hits = content_of(sheet)["hits"]
    return Cited(number=sheet.number, sha256=sheet.sha256, frozen_at=sheet.at, suppliers=rules.suppliers_by_category(hits))


def recent(session: Session, actor: Actor) -> list[Comparison]:
    """The unit's sheets that are not too old to be cited today, the latest first."""
    days = taxonomy.parameters(session, "P03", clock.today()).get(rules.OLD_DAYS)
    query = select(Comparison).where(Comparison.unit_id == (actor.organisation_id or 0))
    if days is not None:
        query = query.where(Comparison.at > clock.now() - timedelta(days=int(days)))
    return list(session.scalars(query.order_by(Comparison.at.desc(), Comparison.id.desc()).limit(OFFERED)))


def best(sheets: Iterable[Comparison], categories: Sequence[str]) -> Comparison | None:
    """The sheet that serves these lines best: it compares the most suppliers in the most of their categories; the latest of equals."""

    def serves(sheet: Comparison) -> tuple[int, int]:
        held = rules.suppliers_by_category(content_of(sheet)["hits"])
        counts = [len(held.get(category, ())) for category in set(categories)]
        return sum(count > 0 for count in counts), sum(counts)

    found = [(serves(sheet), sheet) for sheet in sheets]
    chosen = max(found, key=lambda pair: pair[0], default=None)
    return chosen[1] if chosen is not None and chosen[0] > (0, 0) else None


def content_of(sheet: Comparison) -> dict[str, Any]:
    """Everything that was frozen."""
    read: dict[str, Any] = json.loads(sheet.content)
    return read


# ---------------------------------------------------------------- what is to be frozen


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is to be put on record: listings in their order, how many there were, and how they were found."""

    kind: Kind
    words: str
    listing_ids: tuple[int, ...]
    total: int
    exact: bool = True
    question: Mapping[str, Any] = field(default_factory=dict)
    engine: Mapping[str, Any] | None = None


def most_hits(session: Session) -> int:
    """How many hits a sheet holds at most today (a dated row)."""
    return int(taxonomy.parameters(session, "P03", clock.today()).get(rules.MOST_HITS, MAX_PAGE))


def collect(engine: SearchEngine, request: SearchRequest, most: int, *, question: Mapping[str, Any]) -> Found:
    """Every hit of a search up to `most`, page by page, with its total and the generation that answered. Raises SearchUnavailable."""
    ids: dict[int, None] = {}
    asked = replace(request, facets=(), disjunctive=(), page=None, limit=min(MAX_PAGE, most), highlight=False)
    answer = first = engine.search(asked)
    while True:
        ids.update(dict.fromkeys(hit.pk for hit in answer.hits))
        if len(ids) >= most or answer.next_page is None:
            break
        answer = engine.search(replace(asked, page=answer.next_page))
    found = tuple(ids)[:most]
    return Found(
        kind=Kind.SEARCH,
        words=request.q,
        listing_ids=found,
        total=max(first.total, len(found)),
        exact=first.total_exact,
        question=question,
        engine={"name": engine.stats().engine, "generation": first.generation, "degraded": first.degraded},
    )


def offers_of_products(session: Session, product_ids: Iterable[int], region: str, most: int) -> tuple[int, ...]:
    """Offers of these products that the region can buy now, product by product, the lowest price first."""
    wanted = tuple(dict.fromkeys(product_ids))
    offers = listings.offers_for_products(session, wanted, region)
    found = [
        offer.listing_id
        for product_id in wanted
        for offer in offers[product_id]
        if offer.stock and offer.serves(region)
    ]
    return tuple(found[:most])
