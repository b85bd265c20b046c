"""Sampled searches of the last month, so that the page of exposure is not empty on the first day."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy.orm import Session

from app.policy import Role
from catalog.exposures.rules import Shown
from catalog.exposures.service import take_in
from catalog.search import ranking
from supervision.training.cast import Cast
from supervision.training.market import Article, Market

SAMPLES: Final = 240
CATEGORIES: Final = 12
PAGE: Final = 24


def look(session: Session, rng: Random, cast: Cast, market: Market, now: datetime) -> None:
    """Readers who looked for the most offered kinds of goods, and what they were shown: mostly what sold best, as the rules say."""
    by_category: defaultdict[tuple[str, str], list[Article]] = defaultdict(list)
    for article in market.articles:
        by_category[article.seed.category_code, article.category_name].append(article)
    largest = sorted(by_category.items(), key=lambda one: (-len(one[1]), one[0]))[:CATEGORIES]
    samples = []
    for number in range(SAMPLES if largest else 0):
        (code, name), articles = rng.choices(largest, [len(one[1]) for one in largest])[0]
        reader = rng.choice(cast.units) if rng.random() < 0.7 else None
        samples.append(_sample(number, code, name, articles, reader.region if reader else "", rng, now))
    take_in(session, sorted(samples, key=lambda one: one["at"]))


def _sample(number: int, code: str, name: str, articles: Sequence[Article], region: str, rng: Random, now: datetime) -> dict[str, Any]:
    sort = rng.choices(("relevance", "price_up", "sales", "newest"), (80, 12, 5, 3))[0]
    if sort == "price_up":
        ordered = sorted(articles, key=lambda one: (one.prices[-1].price_fen, one.id))
    else:
        ordered = sorted(articles, key=lambda one: (-one.sold, one.id)) if sort != "newest" else sorted(articles, key=lambda one: -one.id)
    start = PAGE * (rng.random() < 0.15 and len(ordered) > PAGE)
    shown = ordered[start : start + PAGE]
    at = (now - timedelta(minutes=rng.randrange(30 * 24 * 60))).astimezone(UTC)
    return {
        "key": f"training{number:024}", "at": at.isoformat(), "question": name if rng.random() < 0.8 else "",
        "conditions": f"category={code}", "sort": sort, "engine": "embedded", "generation": 1, "rules": ranking.VERSION, "region": region,
        "role": Role.BUYER.value if region else "", "total": len(articles),
        "hits": [Shown(start + place, one.id, one.seller.id, code) for place, one in enumerate(shown, start=1)],
    }  # fmt: skip
