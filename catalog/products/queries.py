"""Reads of product definitions and of what policy says of them; they are public."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.kernel import clock, paging
from app.kernel.db import among
from app.kernel.errors import Missing
from catalog.brands import queries as brands
from catalog.brands.rules import key_of
from catalog.products.rules import Attribute, PolicyFact, attributes_of, best, counting
from catalog.products.states import FactKind
from catalog.products.tables import Product, ProductFact


def by_id(session: Session, product_id: int) -> Product:
    """The product with this id, or the one it was merged into. Raises Missing."""
    row = session.get(Product, product_id)
    while row is not None and row.merged_into_id is not None:
        row = session.get(Product, row.merged_into_id)
    if row is None:
        raise Missing()
    return row


def by_ids(session: Session, product_ids: Iterable[int]) -> dict[int, Product]:
    """These products by id as they stand, merged or not; one statement."""
    wanted = sorted(set(product_ids))
    return {row.id: row for row in session.scalars(select(Product).where(among(Product.id, "ids")), {"ids": wanted})} if wanted else {}


def same(session: Session, category_code: str, brand: str, model: str) -> Product | None:
    """The product of this category, brand and model, however the two are written, if somebody has defined it."""
    return same_of(session, [(category_code, brand, model)]).get((category_code, brand, model))


def same_of(session: Session, wanted: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], Product]:
    """The products of these categories, brands and models that somebody has defined, by what was asked; merged ones lead on."""
    asked = list(dict.fromkeys(wanted))
    keys = brands.keys_of(session, (brand for _, brand, _ in asked))
    of = {each: (each[0], keys[each[1]], key_of(each[2])) for each in asked}
    # other brands' products of these models come along, which are few: pairs would be a parameter for each, and be planned anew
    rows = session.scalars(_SAME, {"models": sorted({model for _, _, model in of.values()})}) if asked else ()
    there = {(row.category_code, row.brand_key, row.model_key): row for row in rows}
    return {each: by_id(session, there[key].id) for each, key in of.items() if key in there}


_SAME = (
    select(Product)
    .where(among(Product.model_key, "models"))
    .order_by(Product.merged_into_id.is_(None), Product.id.desc())
)


def by_gtin(session: Session, gtins: Iterable[str]) -> dict[str, Product]:
    """The products with these trade item numbers of fourteen figures."""
    wanted = sorted(set(gtins))
    return {str(row.gtin): row for row in session.scalars(select(Product).where(Product.gtin.in_(wanted)))} if wanted else {}


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


def facts_of(session: Session, product_ids: Iterable[int], on: date) -> dict[int, dict[FactKind, PolicyFact]]:
    """What policy says of these products on a day, by product and kind, the best document of each; one statement.

    A kind is missing where nothing was ever said of it. `fact.holds` tells whether it counts on that day, `fact.counts` why not.
    """
    kept: dict[int, list[PolicyFact]] = {product_id: [] for product_id in product_ids}
    for fact in all_facts(session, list(kept), on):
        kept[fact.product_id].append(fact)
    return {product_id: best(facts) for product_id, facts in kept.items()}


def page(session: Session, *, q: str = "", twins: bool = False, cursor: str | None = None, limit: int = 30) -> paging.Page[Product]:
    """One page of products, the latest first, found by words of brand, model or name, by category code or trade item number.

    `twins` keeps those whose brand and model another product has too.
    """
    query = select(Product).where(Product.merged_into_id.is_(None))
    for word in q.split():
        texts = (Product.brand, Product.model, Product.title, Product.gtin)
        found = [text.icontains(word, autoescape=True) for text in texts]
        query = query.where(or_(Product.category_code.startswith(word.upper(), autoescape=True), *found))
    if twins:
        pairs = (
            select(Product.brand_key, Product.model_key)
            .where(Product.merged_into_id.is_(None))
            .group_by(Product.brand_key, Product.model_key)
            .having(func.count() > 1)
        )
        query = query.where(tuple_(Product.brand_key, Product.model_key).in_(pairs))
        order = paging.Key(Product.model_key), paging.Key(Product.id)
    else:
        order = paging.Key(Product.created_at), paging.Key(Product.id)
    return paging.page(session, query, order, cursor=cursor, limit=limit)


def twins_of(session: Session, product: Product) -> list[Product]:
    """The other products of the same brand and model, of whatever category."""
    alike = (Product.brand_key == product.brand_key, Product.model_key == product.model_key, Product.merged_into_id.is_(None))
    return list(session.scalars(select(Product).where(*alike, Product.id != product.id).order_by(Product.id)))


def expired_unnoticed(session: Session, *, most: int = 500) -> list[int]:
    """Ids of documents whose last day has passed without anybody having been told."""
    query = select(ProductFact.id).where(
        ProductFact.valid_to < clock.today(), ProductFact.expired_at.is_(None), ProductFact.withdrawn_at.is_(None)
    )
    return list(session.scalars(query.order_by(ProductFact.valid_to, ProductFact.id).limit(most)))


def of_proof(session: Session, proof_id: int) -> Product:
    """The product that a document is about. Raises Missing."""
    row = session.get(ProductFact, proof_id)
    if row is None:
        raise Missing()
    return by_id(session, row.product_id)


def all_facts(session: Session, product_ids: Sequence[int], on: date) -> list[PolicyFact]:
    """Every document recorded for these products, judged on a day, the latest first."""
    if not product_ids:
        return []
    query = select(ProductFact).where(among(ProductFact.product_id, "products")).order_by(ProductFact.id.desc())
    rows = session.scalars(query, {"products": sorted(set(product_ids))})
    return [
        PolicyFact(
            id=row.id, product_id=row.product_id, kind=row.kind, number=row.number, issuer=row.issuer, valid_from=row.valid_from,
            valid_to=row.valid_to, checked=row.checked_at is not None, withdrawn_reason=row.withdrawn_reason or "",
            counts=counting(row.number, row.valid_from, row.valid_to, withdrawn=row.withdrawn_at is not None, on=on),
        )
        for row in rows
    ]  # fmt: skip
