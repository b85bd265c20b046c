"""Reads of reference prices; they are public."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.kernel import paging
from app.kernel.db import among, run
from catalog.products.tables import Product
from catalog.references.tables import ReferencePrice


class Newest(NamedTuple):
    """The reference price that counts: the newest of a product, the lowest when several were found on that day; in fen."""

    product_id: int
    price_fen: int
    source: str
    day: date


_RANKED: Final = (
    select(
        ReferencePrice.product_id, ReferencePrice.price_fen, ReferencePrice.source, ReferencePrice.day,
        func.row_number()
        .over(partition_by=ReferencePrice.product_id, order_by=(ReferencePrice.day.desc(), ReferencePrice.price_fen, ReferencePrice.id))
        .label("place"),
    )
    .where(among(ReferencePrice.product_id, "products"))
    .where(ReferencePrice.day.between(bindparam("first"), bindparam("last")))
    .subquery()
)  # fmt: skip
_NEWEST: Final = select(_RANKED.c.product_id, _RANKED.c.price_fen, _RANKED.c.source, _RANKED.c.day).where(_RANKED.c.place == 1)


def newest(session: Session, product_ids: Iterable[int], on: date, days: int) -> dict[int, Newest]:
    """The reference price of each of these products that is not older than so many days; one statement."""
    wanted = sorted(set(product_ids))
    if not wanted:
        return {}
    rows = run(session, _NEWEST, {"products": wanted, "first": on - timedelta(days=days), "last": on})
    return {row.product_id: Newest(row.product_id, row.price_fen, row.source, row.day) for row in rows}


def of_product(session: Session, product_id: int, *, most: int = 30) -> list[ReferencePrice]:
    """The reference prices of a product, the newest first."""
    query = select(ReferencePrice).where(ReferencePrice.product_id == product_id)
    return list(session.scalars(query.order_by(ReferencePrice.day.desc(), ReferencePrice.price_fen, ReferencePrice.id).limit(most)))


def latest(session: Session, *, q: str = "", cursor: str | None = None, limit: int = 50) -> paging.Page[Any]:
    """Reference prices with their product, the newest first; `q` is part of a brand, a model or a source."""
    query = select(
        ReferencePrice.id, ReferencePrice.source, ReferencePrice.day, ReferencePrice.price_fen, ReferencePrice.product_id,
        Product.category_code, Product.brand, Product.model,
    ).join(Product, Product.id == ReferencePrice.product_id)  # fmt: skip
    if q:
        query = query.where(
            Product.brand.icontains(q, autoescape=True)
            | Product.model.icontains(q, autoescape=True)
            | ReferencePrice.source.icontains(q, autoescape=True)
        )
    return paging.rows(session, query, (paging.Key(ReferencePrice.day), paging.Key(ReferencePrice.id)), cursor=cursor, limit=limit)
