"""Reads of product definitions; they are public."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import Missing
from catalog.products.rules import Attribute, attributes_of
from catalog.products.tables import Product


def by_id(session: Session, product_id: int) -> Product:
    """The product with this id. Raises Missing."""
    row = session.get(Product, product_id)
    if row is None:
        raise Missing()
    return row


def by_ids(session: Session, product_ids: Iterable[int]) -> dict[int, Product]:
    """These products by id; unknown ids are left out. One statement."""
    rows = session.scalars(select(Product).where(Product.id.in_(sorted(set(product_ids)))))
    return {row.id: row for row in rows}


def same(session: Session, category_code: str, brand: str, model: str) -> Product | None:
    """The product of this category, brand and model, if somebody has defined it."""
    query = select(Product).where(Product.category_code == category_code, Product.brand == brand, Product.model == model)
    return session.scalar(query)


def attributes(session: Session, product_id: int) -> dict[str, Attribute]:
    """The attributes of a product by name. Raises Missing."""
    return attributes_of(by_id(session, product_id).attributes)


def usual_attributes(session: Session, category_code: str) -> tuple[str, ...]:
    """The attribute names that the latest products of a category are described by, the most usual first."""
    texts = session.scalars(select(Product.attributes).where(Product.category_code == category_code).order_by(Product.id.desc()).limit(50))
    counts: dict[str, int] = {}
    for text in texts:
        for name in attributes_of(text):
            counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts, key=lambda name: -counts[name]))
