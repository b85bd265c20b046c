"""What the gate looks at, gathered for many offers at once, and the verdicts on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app.kernel import clock, regions
from catalog.listings import queries
from catalog.listings.rules import Candidate, Parameters, Quartiles, Reference, Traded, judge
from catalog.listings.verdicts import RULES, Verdict
from catalog.products import queries as products
from catalog.products.states import Origin
from catalog.products.tables import Product
from catalog.references import queries as references
from catalog.suppliers import queries as suppliers
from catalog.suppliers.states import Standing
from catalog.taxonomy import queries as taxonomy

RULES_IN_FORCE: Final = tuple(rule for rule in RULES if "." not in rule)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A product that a supplier would offer, at a price in fen (None: not said yet)."""

    product_id: int
    price_fen: int | None


TradedPrices = Callable[[Session, Sequence[int], datetime], Mapping[int, Traded]]
"""What these products were bought for since a moment, by product."""

_traded: list[TradedPrices] = []


def learn(traded: TradedPrices) -> None:
    """Say who knows concluded prices; the roof calls it once. Without orders nothing was ever concluded."""
    _traded[:] = [traded]


def parameters(session: Session) -> Parameters:
    """The parameters of the rules of the shelf that are in force today."""
    today = clock.today()
    found = {rule: taxonomy.parameters(session, rule, today) for rule in RULES_IN_FORCE}
    return {rule: given for rule, given in found.items() if given}


def judge_all(session: Session, supplier_id: int, wishes: Sequence[Wish], *, but: int | None = None) -> list[tuple[Verdict, ...]]:
    """The verdicts on offers of one supplier, in the order given, with a handful of statements however many there are.

    `but` is a listing of the supplier that is no duplicate of itself.
    """
    given = parameters(session)
    ids = sorted({wish.product_id for wish in wishes})
    known = products.by_ids(session, ids)
    twins = queries.duplicates(session, supplier_id, ids, but=but)
    others = queries.quartiles_of_others(session, ids, supplier_id)
    wanted = [(known[wish.product_id], wish.price_fen) for wish in wishes]
    return [judge(candidate, given) for candidate in _candidates(session, supplier_id, wanted, twins, others, given)]


def judge_definition(session: Session, supplier_id: int, product: Product, price_fen: int | None) -> tuple[Verdict, ...]:
    """The verdicts on an offer of a product that nobody has defined yet: it has no offers, references or trades."""
    given = parameters(session)
    return judge(_candidates(session, supplier_id, [(product, price_fen)], {}, {}, given)[0], given)


def _candidates(
    session: Session,
    supplier_id: int,
    wishes: Sequence[tuple[Product, int | None]],
    twins: Mapping[int, str],
    others: Mapping[int, Quartiles],
    given: Parameters,
) -> list[Candidate]:
    today = clock.today()
    supplier = suppliers.by_id(session, supplier_id)
    ids = [product.id for product, _ in wishes if inspect(product).has_identity]
    days = max((given[rule]["d"] for rule in ("R01",) if rule in given), default=0)
    newest = references.newest(session, ids, today, days)
    since = clock.now() - timedelta(days=given["R03"]["d"]) if "R03" in given else None
    traded = _traded[0](session, ids, since) if _traded and since is not None and ids else {}
    found = []
    for product, price_fen in wishes:
        mall = taxonomy.mall_row(session, product.category_code, regions.PROVINCE, today)
        reference = newest.get(product.id)
        found.append(
            Candidate(
                supplier=supplier.name,
                may_trade=supplier.standing is Standing.ACTIVE,
                until=supplier.standing_until,
                dishonest=None,
                category=product.category_code,
                doc_no=mall.doc_no if mall else None,
                unit=product.unit,
                imported=product.origin is Origin.IMPORTED,
                certified=product.energy_saving,
                reliable=False,
                price_fen=price_fen,
                others=others.get(product.id),
                reference=Reference(price_fen=reference.price_fen, source=reference.source, on=reference.day) if reference else None,
                traded=traded.get(product.id),
                duplicate=twins.get(product.id),
            )
        )
    return found
