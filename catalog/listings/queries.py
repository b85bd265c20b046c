"""Reads of listings. Price and stock come from here, never from the search index."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, case, func, inspect, or_, select, true
from sqlalchemy.orm import Session

from app.kernel import clock, paging, regions
from app.kernel.db import among, run
from app.kernel.errors import Missing
from app.policy import Actor
from catalog.brands.rules import key_of
from catalog.listings.prices import KEPT, WHERE, comparable, kept, live, sold_in
from catalog.listings.rules import Offer, Quartiles
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, PriceSpread
from catalog.products.rules import Attribute, attributes_of, proven_on, summary
from catalog.products.states import FactKind, Origin
from catalog.products.tables import Product
from catalog.suppliers import queries as suppliers
from catalog.suppliers.rules import is_sme
from catalog.suppliers.states import Scale, Standing
from catalog.suppliers.tables import Supplier
from catalog.taxonomy import queries as taxonomy

_OFFERS: Final = (
    select(
        Listing.id, Listing.version, Listing.price_fen, Listing.stock, Listing.shelf, Listing.regions, Listing.delivery_days, Listing.title,
        Product.id.label("product_id"), Product.category_code, Product.brand, Product.model, Product.unit,
        Supplier.organisation_id.label("supplier_id"), Supplier.name.label("supplier_name"), Supplier.standing, Supplier.standing_until,
        suppliers.barred_where(among(suppliers.StandingDecision.region, "above")).label("barred"),
        *comparable(),
    )
    .join(Product, Product.id == Listing.product_id)
    .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
    .where(among(Listing.id, "ids"))
)  # fmt: skip


def offers(session: Session, listing_ids: Iterable[int], region: str, on: date) -> dict[int, Offer]:
    """These listings as they stand now for a buyer of a region, by id; one statement."""
    above = [each.code for each in reversed(regions.path(region))]
    where = dict(zip(WHERE, above + above[-1:] * len(WHERE), strict=False))
    rows = run(session, _OFFERS, {"ids": sorted(set(listing_ids)), "above": above, **where}).all()
    terms = {code: taxonomy.terms_of_sale(session, code, region, on) for code in {row.category_code for row in rows}}
    return {
        row.id: Offer(
            listing_id=row.id,
            version=row.version,
            price_fen=row.price_fen,
            stock=row.stock,
            on_shelf=row.shelf is Shelf.ON_SHELF,
            areas=row.regions,
            delivery_days=row.delivery_days,
            product_id=row.product_id,
            category=row.category_code,
            category_name=terms[row.category_code].name,
            title=row.title,
            brand=row.brand,
            model=row.model,
            unit=row.unit,
            supplier_id=row.supplier_id,
            supplier_name=row.supplier_name,
            may_trade=row.standing is Standing.ACTIVE and not row.barred,
            standing_until=row.standing_until,
            tax_rate=terms[row.category_code].tax_rate_percent,
            in_mall=terms[row.category_code].in_mall,
            allowed_classes=terms[row.category_code].classes,
            lowest_fen=row.lowest_fen,
            rivals=row.rivals,
        )
        for row in rows
    }


# ---------------------------------------------------------------- whole offers, for pages and the index


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A listing with its product and supplier, as pages, the API and the index show it; prices in fen."""

    listing_id: int
    version: int
    sku: str
    title: str
    price_fen: int
    stock: int
    shelf: Shelf
    areas: tuple[str, ...]
    delivery_days: int
    warranty_months: int
    sold: int
    created_at: datetime
    updated_at: datetime
    product_id: int
    category_code: str
    brand: str
    model: str
    product_title: str
    unit: str
    attributes: str
    origin: Origin
    proven: str
    supplier_id: int
    supplier_name: str
    scale: Scale
    standing: Standing
    score: int
    facts: frozenset[FactKind] = frozenset()

    @property
    def is_live(self) -> bool:
        """Whether it can be bought: on the shelf of a supplier that may trade."""
        return self.shelf is Shelf.ON_SHELF and self.standing is Standing.ACTIVE

    def serves(self, region: str) -> bool:
        """Whether it is delivered to a region."""
        return any(regions.within(region, area) for area in self.areas)

    @property
    def is_sme(self) -> bool:
        """Whether the supplier is a micro, small or medium enterprise."""
        return is_sme(self.scale)

    @property
    def is_imported(self) -> bool:
        """Whether the product needs a permit for imports."""
        return self.origin is Origin.IMPORTED

    @property
    def energy_saving(self) -> bool:
        """Whether a certificate shows today that it saves energy."""
        return FactKind.ENERGY in self.facts

    @property
    def environment(self) -> bool:
        """Whether a certificate shows today that it bears the environment label."""
        return FactKind.ENVIRONMENT in self.facts

    @property
    def spec(self) -> dict[str, Attribute]:
        """The product's attributes by name."""
        return attributes_of(self.attributes)

    @property
    def summary(self) -> str:
        """The first attributes in one line."""
        return summary(self.spec)


_NAMES = tuple(field.name for field in fields(Shown) if field.name != "facts")
_SHOWN = (  # in the order of the fields
    Listing.id.label("listing_id"), Listing.version, Listing.sku, Listing.title, Listing.price_fen, Listing.stock, Listing.shelf,
    Listing.regions, Listing.delivery_days, Listing.warranty_months, Listing.sold, Listing.created_at, Listing.updated_at,
    Product.id.label("product_id"), Product.category_code, Product.brand, Product.model, Product.title.label("product_title"), Product.unit,
    Product.attributes, Product.origin, Product.proven,
    Supplier.organisation_id.label("supplier_id"), Supplier.name.label("supplier_name"), Supplier.scale, Supplier.standing, Supplier.score,
)  # fmt: skip


def _whole() -> Select[Any]:
    columns: tuple[Any, ...] = _SHOWN
    return (
        select(*columns)
        .join(Product, Product.id == Listing.product_id)
        .join(Supplier, Supplier.organisation_id == Listing.supplier_id)
    )


def _shown(session: Session, query: Select[Any], **values: Any) -> Iterator[Shown]:
    for row in run(session, query, values):
        yield _offer(row)


def _offer(row: Row[Any]) -> Shown:
    facts = dict(zip(_NAMES, row, strict=False))  # the sort keys of a page follow
    facts["areas"] = tuple(facts["areas"].split(","))
    facts["facts"] = proven_on(facts["proven"], clock.today())
    return Shown(**facts)


def visible_to(actor: Actor | None) -> ColumnElement[bool]:
    """The listings somebody may see: live ones, a supplier its own too, and those who supervise all; needs the supplier joined."""
    if actor is not None and (actor.is_system or actor.watches):
        return true()
    if actor is not None and actor.is_supplier:
        return or_(live(), Listing.supplier_id == actor.organisation_id)
    return live()


def by_id(session: Session, actor: Actor | None, listing_id: int) -> Shown:
    """One listing as the actor may see it. Raises Missing."""
    row = next(_shown(session, _whole().where(Listing.id == listing_id, visible_to(actor))), None)
    if row is None:
        raise Missing()
    return row


def shown(session: Session, listing_ids: Iterable[int]) -> dict[int, Shown]:
    """These listings by id, whatever their state; one statement."""
    wanted = sorted(set(listing_ids))
    return {row.listing_id: row for row in _shown(session, _BY_IDS, ids=wanted)} if wanted else {}


_BY_IDS = _whole().where(among(Listing.id, "ids"))


def cards(session: Session, listing_ids: Iterable[int]) -> dict[int, tuple[Shown, Quartiles | None]]:
    """These listings by id, each with the spread of its product's prices, whatever their state; one statement."""
    wanted = sorted(set(listing_ids))
    rows = run(session, _CARDS, {"ids": wanted}) if wanted else ()
    return {row[0]: (_offer(row), kept(row[_WIDTH:])) for row in rows}


Mark = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Something that a reader keeps of products, as a column beside their id; it asks for the value `reader`."""


def cards_marked(
    session: Session, listing_ids: Iterable[int], mark: Mark, reader: int
) -> dict[int, tuple[Shown, Quartiles | None, bool]]:
    """The same with whether the reader's mark is on the product, in the same statement."""
    wanted = sorted(set(listing_ids))
    rows = run(session, _marked(mark), {"ids": wanted, "reader": reader}) if wanted else ()
    return {row[0]: (_offer(row), kept(row[_WIDTH:-1]), bool(row[-1])) for row in rows}


@cache
def _marked(mark: Mark) -> Select[Any]:
    return _CARDS.add_columns(mark(inspect(Listing).columns.product_id).label("marked"))


_WIDTH: Final = len(_SHOWN)
_CARDS: Final = _BY_IDS.add_columns(*KEPT).outerjoin(PriceSpread, PriceSpread.product_id == Listing.product_id)
"""Made once: every search page asks it."""


def offers_for_product(session: Session, product_id: int, region: str | None = None) -> list[Shown]:
    """The live offers of a product for a buyer of the region, the lowest price first; one statement."""
    query = _whole().where(Listing.product_id == product_id, *sold_in(region)).order_by(Listing.price_fen, Listing.stock == 0, Listing.id)
    return list(_shown(session, query))


def offers_for_products(session: Session, product_ids: Iterable[int], region: str | None = None) -> dict[int, list[Shown]]:
    """The live offers of each of these products for a buyer of the region, the lowest price first; one statement."""
    wanted = sorted(set(product_ids))
    found: dict[int, list[Shown]] = {product_id: [] for product_id in wanted}
    query = _whole().where(Listing.product_id.in_(wanted), *sold_in(region)).order_by(Listing.price_fen, Listing.stock == 0, Listing.id)
    for row in _shown(session, query) if wanted else ():
        found[row.product_id].append(row)
    return found


def by_codes(session: Session, codes: Iterable[str], region: str | None = None) -> dict[str, list[Shown]]:
    """Live offers by what buyers type: a supplier's number, a bar code, or a model in any way of writing; the lowest price first.

    Those that a buyer of the region can buy; one statement.
    """
    wanted = {code: (code.upper(), key_of(code), code.zfill(14)) for code in codes}
    if not wanted:
        return {}
    numbers, models, bars = ({each[place] for each in wanted.values()} for place in range(3))
    named = or_(Listing.sku.in_(numbers | set(wanted)), Product.model_key.in_(models - {""}), Product.gtin.in_(bars))
    query = _whole().add_columns(Product.gtin, Product.model_key).where(*sold_in(region), named).order_by(Listing.price_fen, Listing.id)
    found: dict[str, list[Shown]] = {code: [] for code in wanted}
    for row in run(session, query):
        offer, (gtin, model) = _offer(row), tuple(row)[-2:]
        for code, (number, key, bar) in wanted.items():
            if offer.sku in {code, number} or model == key or gtin == bar:
                found[code].append(offer)
    return found


def of_supplier(session: Session, supplier_id: int) -> list[int]:
    """Ids of all listings of a supplier."""
    return list(session.scalars(select(Listing.id).where(Listing.supplier_id == supplier_id).order_by(Listing.id)))


def on_shelf(session: Session, *, suppliers: Iterable[int] = (), products: Iterable[int] = ()) -> dict[int, list[int]]:
    """Ids of the listings on the shelf of these suppliers and of these products, by supplier; one statement."""
    of = or_(among(Listing.supplier_id, "suppliers"), among(Listing.product_id, "products"))
    query = select(Listing.supplier_id, Listing.id).where(Listing.shelf == Shelf.ON_SHELF, of).order_by(Listing.supplier_id, Listing.id)
    found: dict[int, list[int]] = {}
    for row in run(session, query, {"suppliers": sorted(set(suppliers)), "products": sorted(set(products))}):
        found.setdefault(row.supplier_id, []).append(row.id)
    return found


def of_products(session: Session, product_ids: Sequence[int]) -> list[int]:
    """Ids of all listings of these products, whoever offers them."""
    return list(session.scalars(select(Listing.id).where(Listing.product_id.in_(product_ids)).order_by(Listing.id)))


def products_of_supplier(session: Session, supplier_id: int) -> list[int]:
    """Ids of the products a supplier offers or has offered."""
    return list(session.scalars(select(Listing.product_id).where(Listing.supplier_id == supplier_id).distinct()))


def all_live(session: Session, batch: int = 1000) -> Iterator[Shown]:
    """Every live offer in id order, read in batches (index rebuild)."""
    last = 0
    while True:
        rows = list(_shown(session, _whole().where(Listing.id > last, live()).order_by(Listing.id).limit(batch)))
        yield from rows
        if len(rows) < batch:
            return
        last = rows[-1].listing_id


def live_ids(session: Session, batch: int = 10_000) -> Iterator[int]:
    """Ids of all live offers in their order, read in batches."""
    query = select(Listing.id).join(Supplier, Supplier.organisation_id == Listing.supplier_id).where(live()).order_by(Listing.id)
    found: Sequence[int] = (0,)
    while found:
        found = session.scalars(query.where(Listing.id > found[-1]).limit(batch)).all()
        yield from found


def count_live(session: Session) -> int:
    """How many offers can be bought."""
    query = select(func.count()).select_from(Listing).join(Supplier, Supplier.organisation_id == Listing.supplier_id).where(live())
    return session.scalar(query) or 0


# ---------------------------------------------------------------- a supplier's own list


def own(actor: Actor) -> ColumnElement[bool]:
    """The supplier's own listings."""
    return Listing.supplier_id == actor.organisation_id


def words(text: str) -> str:
    """What was typed to search the own list, as it is looked for."""
    return " ".join(text.split())[:60]


def own_page(
    session: Session,
    actor: Actor,
    *,
    shelf: Shelf | None = None,
    low: bool = False,
    q: str = "",
    cursor: str | None = None,
    limit: int = 30,
) -> paging.Page[Shown]:
    """One page of a supplier's listings, the latest change first; `low` keeps those on the shelf with nothing left."""
    query = _own(actor, shelf=shelf, low=low, q=q)
    found = paging.rows(session, query, (paging.Key(Listing.updated_at), paging.Key(Listing.id)), cursor=cursor, limit=limit)
    return paging.Page(rows=[_offer(row) for row in found.rows], next=found.next, prev=found.prev)


def own_all(
    session: Session, actor: Actor, *, shelf: Shelf | None = None, low: bool = False, q: str = "", batch: int = 1000
) -> Iterator[Shown]:
    """The same listings without end, read in batches (export), in the order of their making."""
    last = 0
    while True:
        query = _own(actor, shelf=shelf, low=low, q=q).where(Listing.id > last).order_by(Listing.id).limit(batch)
        rows = list(_shown(session, query))
        yield from rows
        if len(rows) < batch:
            return
        last = rows[-1].listing_id


def own_by_sku(session: Session, actor: Actor, skus: Sequence[str]) -> dict[str, Shown]:
    """The supplier's listings with these numbers; one statement."""
    query = _whole().where(own(actor), among(Listing.sku, "skus"))
    return {row.sku: row for row in _shown(session, query, skus=sorted(set(skus)))}


def _own(actor: Actor, *, shelf: Shelf | None, low: bool, q: str) -> Select[Any]:
    query = _whole().where(own(actor))
    if shelf is not None:
        query = query.where(Listing.shelf == shelf)
    if low:
        query = query.where(Listing.shelf == Shelf.ON_SHELF, Listing.stock == 0)
    for word in q.split():
        texts = (Listing.title, Listing.sku, Product.model, Product.brand)
        in_text = [text.icontains(word, autoescape=True) for text in texts]
        query = query.where(or_(Product.category_code.startswith(word.upper(), autoescape=True), *in_text))
    return query


def own_counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many listings of a supplier stand where; `low` are on the shelf with nothing left."""
    empty_ones = func.count(case((Listing.stock == 0, 1)))
    rows = session.execute(select(Listing.shelf, func.count(), empty_ones).where(own(actor)).group_by(Listing.shelf))
    counts = {"all": 0, "low": 0}
    for shelf, number, empty in rows:
        counts[shelf.value] = number
        counts["all"] += number
        if shelf is Shelf.ON_SHELF:
            counts["low"] = empty
    return counts


def duplicates(session: Session, supplier_id: int, product_ids: Sequence[int], *, but: int | None = None) -> dict[int, str]:
    """Numbers of the supplier's listings of these products that are on the shelf, by product."""
    query = select(Listing.product_id, Listing.sku).where(
        Listing.supplier_id == supplier_id, Listing.product_id.in_(product_ids), Listing.shelf == Shelf.ON_SHELF
    )
    if but is not None:
        query = query.where(Listing.id != but)
    return {row.product_id: row.sku for row in session.execute(query)}


def ids_by_sku(session: Session, actor: Actor, skus: Iterable[str]) -> dict[str, int]:
    """Ids of the supplier's own listings by its numbers for them; unknown numbers are left out."""
    query = select(Listing.sku, Listing.id).where(own(actor), Listing.sku.in_(set(skus)))
    return {row.sku: row.id for row in session.execute(query)}
