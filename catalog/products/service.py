"""Commands on product definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.kernel import clock
from app.policy import Actor, Permission
from catalog.products import queries
from catalog.products.rules import Attribute, NotLeaf, stored
from catalog.products.states import Origin
from catalog.products.tables import Product
from catalog.taxonomy import queries as taxonomy


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a product is, whoever offers it."""

    category_code: str
    brand: str
    model: str
    title: str
    unit: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    origin: Origin = Origin.DOMESTIC
    energy_saving: bool = False
    environment: bool = False
    created_at: datetime | None = None


def find_or_define(session: Session, actor: Actor, definition: Definition) -> Product:
    """The product of this category, brand and model; defined now when it is new. Raises UnknownCategory, NotLeaf, BadAttributes."""
    return queries.same(session, definition.category_code, definition.brand, definition.model) or define(session, actor, definition)


def define(session: Session, actor: Actor, definition: Definition) -> Product:
    """A new product. Raises UnknownCategory, NotLeaf, BadAttributes."""
    (made,) = define_all(session, actor, [definition])
    return queries.by_id(session, made)


def define_all(session: Session, actor: Actor, definitions: Sequence[Definition]) -> list[int]:
    """New products with one statement; their ids in the order given. Raises UnknownCategory, NotLeaf, BadAttributes."""
    actor.must(Permission.LISTING_KEEP)
    now = clock.now()
    rows = []
    for each in definitions:
        category = taxonomy.category(session, each.category_code)
        if not category.leaf:
            raise NotLeaf(category=category.code, name=category.name)
        rows.append(
            {
                "category_code": each.category_code, "brand": each.brand, "model": each.model, "title": each.title, "unit": each.unit,
                "attributes": stored(each.attributes), "origin": each.origin, "energy_saving": each.energy_saving,
                "environment": each.environment, "created_at": each.created_at or now,
            }
        )
    return list(session.scalars(insert(Product).returning(Product.id, sort_by_parameter_order=True), rows))
