"""What offers say of themselves when they stand side by side, in the words of the reader."""

from collections.abc import Sequence
from typing import Any

from app.kernel import clock, regions
from app.web.extensions import db
from app.web.texts import gettext
from catalog.listings.queries import Shown
from catalog.products import rules as product_rules
from catalog.products.rules import Pieces, PolicyFact
from catalog.products.states import COUNTS_NAMES, FACT_NAMES, FactKind
from catalog.profiles import queries as profiles
from catalog.profiles.rules import arranged
from catalog.suppliers.rules import SCALE_NAMES
from catalog.taxonomy import queries as taxonomy


def compared(offers: Sequence[Shown]) -> list[tuple[str, list[str], bool]]:
    """Rows of the comparison: name, one text per offer, whether they are all the same."""
    session = db.session()
    yes, no = gettext("是"), gettext("否")
    names = taxonomy.names(session, (offer.category_code for offer in offers))
    rows: list[tuple[str, list[str]]] = [
        (gettext("品目"), [f"{names[offer.category_code]} {offer.category_code}" for offer in offers]),
        (gettext("品牌"), [offer.brand for offer in offers]),
        (gettext("型号"), [offer.model for offer in offers]),
        (gettext("供应商规模"), [gettext(SCALE_NAMES[offer.scale]) for offer in offers]),
        (gettext("供货区域"), [places(offer) for offer in offers]),
        (gettext("承诺送达"), [gettext("%(n)s 日", n=offer.delivery_days) for offer in offers]),
        (gettext("库存"), [f"{offer.stock:,} {offer.unit}" for offer in offers]),
        (gettext("质保"), [gettext("%(n)s 个月", n=offer.warranty_months) for offer in offers]),
        *_by_the_piece(offers),
        (gettext("进口产品"), [yes if offer.is_imported else no for offer in offers]),
    ]
    on = clock.today()
    facts = {offer.product_id: product_rules.documents(offer.proven, offer.product_id, on) for offer in offers}
    for kind in FactKind:
        if any(kind in facts[offer.product_id] for offer in offers):
            rows.append((gettext(FACT_NAMES[kind]), [_proved(facts[offer.product_id].get(kind)) for offer in offers]))
    specs = [dict(arranged(profiles.of(session, offer.category_code, on), offer.spec)) for offer in offers]
    for name in dict.fromkeys(name for spec in specs for name in spec):
        rows.append((name, [in_words(spec[name]) if name in spec else "—" for spec in specs]))
    return [(name, texts, len(set(texts)) <= 1) for name, texts in rows]


def _by_the_piece(offers: Sequence[Shown]) -> list[tuple[str, list[str]]]:
    """What one sheet, one bottle costs, where a unit of sale is said to hold several."""
    held = [product_rules.pieces(offer.unit, offer.spec) for offer in offers]
    if not any(held):
        return []
    texts = [_each_costs(offer, each) if each else "—" for offer, each in zip(offers, held, strict=True)]
    return [(gettext("折合单价"), texts)]


def _each_costs(offer: Shown, held: Pieces) -> str:
    price, n = held.each_of(offer.price_fen), f"{held.n:,}"
    return gettext("%(price)s 元/%(piece)s（%(n)s %(piece)s/%(unit)s）", price=price, piece=held.of, n=n, unit=offer.unit)


def _proved(fact: PolicyFact | None) -> str:
    """Whether a fact counts, until when, and if not why."""
    if fact is None:
        return gettext("否")
    if not fact.holds:
        return gettext("否（%(why)s）", why=gettext(COUNTS_NAMES[fact.counts]))
    return gettext("是，至 %(day)s", day=fact.valid_to.isoformat()) if fact.valid_to else gettext("是")


def places(offer: Shown) -> str:
    """The names of the regions served."""
    if regions.PROVINCE in offer.areas:
        return gettext("全省")
    return gettext("、").join(regions.by_code(code).name for code in offer.areas if code in regions.REGIONS)


def in_words(value: Any) -> str:
    """A specification as people read it; what the supplier wrote stays as it is."""
    words = product_rules.words(value)
    return gettext(words) if isinstance(value, bool) else words
