"""Commands on product definitions and on the documents that prove something of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.kernel import clock, outbox
from app.kernel.errors import Forbidden, Missing
from app.kernel.events import Fact
from app.policy import Actor, Permission
from catalog.brands import queries as brand_queries
from catalog.brands import service as brands
from catalog.brands.rules import key_of
from catalog.products import events, queries
from catalog.products.rules import (
    Attribute,
    FactInput,
    FactReasonMissing,
    GtinOfAnother,
    NotLeaf,
    check_fact,
    gtin14,
    gtin_as_printed,
    proven_text,
    stored,
)
from catalog.products.states import FACT_NAMES, Counts, FactKind, Origin
from catalog.products.tables import Product, ProductFact
from catalog.profiles import queries as profiles
from catalog.profiles import rules as profile_rules
from catalog.taxonomy import queries as taxonomy


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a product is, whoever offers it. `energy_saving` and `environment` are claims; `facts` have documents and count."""

    category_code: str
    brand: str
    model: str
    title: str
    unit: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    origin: Origin = Origin.DOMESTIC
    gtin: str = ""
    facts: Sequence[FactInput] = ()
    energy_saving: bool = False
    environment: bool = False
    created_at: datetime | None = None

    @property
    def said(self) -> tuple[FactInput, ...]:
        """Documents, and claims where there is none."""
        named = {fact.kind for fact in self.facts}
        claims = ((FactKind.ENERGY, self.energy_saving), (FactKind.ENVIRONMENT, self.environment))
        return (*self.facts, *(FactInput(kind=kind) for kind, claimed in claims if claimed and kind not in named))


class How(StrEnum):
    """Where the product of an offer came from."""

    NEW = "new"
    MODEL = "model"
    GTIN = "gtin"


@dataclass(frozen=True)
class Found:
    """A product, and whether it was there: by brand and model, or by its trade item number."""

    product_id: int
    how: How


def find_or_define(session: Session, actor: Actor, definition: Definition) -> Product:
    """The product of this definition; defined now when it is new. Raises what `find_or_define_all` raises."""
    (found,) = find_or_define_all(session, actor, [definition])
    return queries.by_id(session, found.product_id)


def find_or_define_all(session: Session, actor: Actor, definitions: Sequence[Definition]) -> list[Found]:
    """The products of these definitions in their order; the new ones are defined with one statement.

    Alike are the same category, brand (by any of its names) and model, and the same trade item number of the same brand.
    A product that is there keeps its definition; documents given with it are added.
    Raises UnknownCategory, NotLeaf, AttributesRefused, BadAttributes, BadBrand, BrandArchived, BadGtin, WrongCheckDigit, GtinOfAnother,
    FactIncomplete, FactPeriod, FactNotNow.
    """
    actor.must(Permission.LISTING_KEEP)
    found = recognise(session, definitions)
    keys = brand_queries.keys_of(session, (each.brand for each in definitions))
    identities = [(each.category_code, keys[each.brand], key_of(each.model)) for each in definitions]
    fresh: dict[tuple[str, str, str], Definition] = {}
    for definition, identity, there in zip(definitions, identities, found, strict=True):
        if there is None:
            fresh.setdefault(identity, definition)
    new = dict(zip(fresh, define_all(session, actor, list(fresh.values())) if fresh else (), strict=True))
    for definition, there in zip(definitions, found, strict=True):
        if there is not None and definition.said:
            record_facts(session, actor, there.product_id, definition.said)
    return [there or Found(new[identity], How.NEW) for identity, there in zip(identities, found, strict=True)]


def recognise(session: Session, definitions: Sequence[Definition]) -> list[Found | None]:
    """The products that are there already for these definitions, None for new ones. Raises BadGtin, WrongCheckDigit, GtinOfAnother."""
    asked = [(each.category_code, each.brand, each.model) for each in definitions]
    numbers = [gtin14(each.gtin) for each in definitions]
    alike = queries.same_of(session, asked)
    marked = queries.by_gtin(session, (number for number in numbers if number))
    keys = brand_queries.keys_of(session, (each.brand for each in definitions))
    found: list[Found | None] = []
    for definition, key, number in zip(definitions, asked, numbers, strict=True):
        bearer = marked.get(number or "")
        if bearer is not None and bearer.brand_key != keys[definition.brand]:
            raise GtinOfAnother(gtin=gtin_as_printed(number), brand=bearer.brand, model=bearer.model)
        if key in alike:
            found.append(Found(alike[key].id, How.MODEL))
        else:
            found.append(Found(bearer.id, How.GTIN) if bearer is not None else None)
    return found


def define(session: Session, actor: Actor, definition: Definition) -> Product:
    """A new product. Raises what `define_all` raises."""
    (made,) = define_all(session, actor, [definition])
    return queries.by_id(session, made)


def define_all(session: Session, actor: Actor, definitions: Sequence[Definition]) -> list[int]:
    """New products with one statement; their ids in the order given.

    Raises UnknownCategory, NotLeaf, AttributesRefused, BadAttributes, BadBrand, BrandArchived, BadGtin, WrongCheckDigit,
    FactIncomplete, FactPeriod, FactNotNow.
    """
    actor.must(Permission.LISTING_KEEP)
    now, today = clock.now(), clock.today()
    named = brands.named(session, actor, (each.brand for each in definitions))
    rows: list[dict[str, Any]] = []
    for each in definitions:
        category = taxonomy.category(session, each.category_code)
        if not category.leaf:
            raise NotLeaf(category=category.code, name=category.name)
        attributes = profile_rules.check(profiles.of(session, each.category_code, today), each.attributes)
        rows.append(
            {
                "category_code": each.category_code, "brand": named[each.brand].name, "brand_key": named[each.brand].key,
                "model": each.model, "model_key": key_of(each.model), "gtin": gtin14(each.gtin), "title": each.title, "unit": each.unit,
                "attributes": stored(attributes), "origin": each.origin, "created_at": each.created_at or now,
            }
        )  # fmt: skip
        for fact in each.said:
            check_fact(fact, FACT_NAMES[fact.kind], today)
    made = list(session.scalars(insert(Product).returning(Product.id, sort_by_parameter_order=True), rows))
    outbox.record_all(
        session,
        actor,
        [
            outbox.Entry(
                events.ProductDefined(
                    product_id=product_id, category_code=row["category_code"], brand=row["brand"], model=row["model"],
                    gtin=row["gtin"] or "",
                ),
                stream_of(product_id), 1, owner_id=actor.organisation_id,
            )
            for product_id, row in zip(made, rows, strict=True)
        ],
    )  # fmt: skip
    for product_id, each in zip(made, definitions, strict=True):
        if each.said:
            record_facts(session, actor, product_id, each.said)
    return made


# ---------------------------------------------------------------- documents


def record_facts(session: Session, actor: Actor, product_id: int, facts: Iterable[FactInput]) -> list[int]:
    """Keep documents (or mere claims) about a product; those that are there already stay. Ids of the new ones.

    Raises Missing, FactIncomplete, FactPeriod, FactNotNow.
    """
    if not actor.may(Permission.CATALOGUE_ADMINISTER):
        actor.must(Permission.LISTING_KEEP)
    product, today, at = queries.by_id(session, product_id), clock.today(), clock.now()
    known = queries.all_facts(session, [product.id], today)
    there = {(each.kind, each.number, each.valid_to) for each in known if each.counts is not Counts.WITHDRAWN}
    made = []
    for given in facts:
        fact = check_fact(given, FACT_NAMES[given.kind], today)
        if (fact.kind, fact.number, fact.valid_to) in there:
            continue
        there.add((fact.kind, fact.number, fact.valid_to))
        row = ProductFact(
            product_id=product.id, kind=fact.kind, number=fact.number, issuer=fact.issuer, valid_from=fact.valid_from,
            valid_to=fact.valid_to, recorded_by=actor.person_id, recorded_for=actor.organisation_id, recorded_at=at,
        )  # fmt: skip
        session.add(row)
        session.flush()
        made.append(row.id)
        _record(session, actor, product, events.ProofRecorded(**_told(row), issuer=row.issuer))
    _renew(session, product)
    return made


def check_proof(session: Session, actor: Actor, proof_id: int) -> Product:
    """Note that a document was compared with its register. Raises Missing."""
    actor.must(Permission.CATALOGUE_ADMINISTER)
    row, product = _proof(session, proof_id)
    if row.checked_at is None:
        row.checked_by, row.checked_at = actor.person_id, clock.now()
        _record(session, actor, product, events.ProofChecked(**_told(row)))
        _renew(session, product)
    return product


def withdraw_proof(session: Session, actor: Actor, proof_id: int, *, reason: str) -> Product:
    """Let a document count no more; it stays in sight with the reason. Raises Missing, Forbidden, FactReasonMissing.

    The catalogue administrator may withdraw any; suppliers their own.
    """
    row, product = _proof(session, proof_id)
    own = actor.may(Permission.LISTING_KEEP) and row.recorded_for is not None and row.recorded_for == actor.organisation_id
    if not own and not actor.may(Permission.CATALOGUE_ADMINISTER):
        raise Forbidden()
    if not (said := " ".join(reason.split())[:200]):
        raise FactReasonMissing()
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_reason = clock.now(), said
        session.flush()
        _record(session, actor, product, events.ProofWithdrawn(**_told(row), reason=said))
        _renew(session, product)
    return product


def notice_expiry(session: Session, actor: Actor, proof_id: int) -> bool:
    """Leave an event for a document whose last day has passed, once; what counts is judged by the day anyway. Whether it was new."""
    row, product = _proof(session, proof_id)
    if row.expired_at is not None or row.withdrawn_at is not None or row.valid_to is None or row.valid_to >= clock.today():
        return False
    row.expired_at = clock.now()
    _record(session, actor, product, events.ProofExpired(**_told(row)))
    return True


# ---------------------------------------------------------------- brands and twins


def follow_brand(session: Session, actor: Actor, key: str, into: str, into_key: str) -> list[int]:
    """Move products to the brand that their brand stands for now; those whose new name is taken keep the old one and become twins.

    Ids of the products moved.
    """
    moved = list(session.scalars(select(Product).where(Product.brand_key == key).order_by(Product.id)))
    taken = {
        (row.category_code, row.model)
        for row in session.execute(select(Product.category_code, Product.model).where(Product.brand == into))
    }
    for product in moved:
        product.brand_key = into_key
        if (product.category_code, product.model) not in taken:
            product.brand = into
            taken.add((product.category_code, product.model))
    for product in moved:
        _record(session, actor, product, events.ProductCorrected(product_id=product.id, changed=("brand",), reason=into))
    return [product.id for product in moved]


def stream_of(product_id: int) -> str:
    """The name of a product's stream of events."""
    return f"product/{product_id}"


def _proof(session: Session, proof_id: int) -> tuple[ProductFact, Product]:
    row = session.get(ProductFact, proof_id)
    if row is None:
        raise Missing()
    return row, queries.by_id(session, row.product_id)


def _told(row: ProductFact) -> dict[str, Any]:
    return {"product_id": row.product_id, "proof_id": row.id, "kind": row.kind.value, "number": row.number, "valid_to": row.valid_to}


def _renew(session: Session, product: Product) -> None:
    """Bring what the product keeps of its documents up to date."""
    product.proven = proven_text(queries.all_facts(session, [product.id], clock.today()))
    session.flush()


def _record(session: Session, actor: Actor, product: Product, fact: Fact) -> None:
    session.flush()
    outbox.record(session, actor, fact, stream=stream_of(product.id), owner_id=actor.organisation_id)
