"""What the gate looks at, gathered for many offers at once, and the verdicts on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import clock, regions
from app.kernel.db import among
from catalog.listings import prices, queries
from catalog.listings.rules import Candidate, Parameters, Quartiles, Reference, Traded, judge
from catalog.listings.verdicts import RULES, Verdict
from catalog.products.rules import proven_on
from catalog.products.states import FactKind, Origin
from catalog.products.tables import Product
from catalog.qualifications import queries as qualifications
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
    proven: frozenset[FactKind] = frozenset()
    """What is about to be proved of it beside what is already."""


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What the rules look at of a product, defined already (then it has an id) or about to be."""

    category: str
    unit: str
    imported: bool
    proven: frozenset[FactKind]
    id: int | None = None


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
    known = _goods(session, ids)
    twins = queries.duplicates(session, supplier_id, ids, but=but)
    others = prices.quartiles_of_others(session, ids, supplier_id)
    wanted = [(replace(known[wish.product_id], proven=known[wish.product_id].proven | wish.proven), wish.price_fen) for wish in wishes]
    return [judge(candidate, given) for candidate in _candidates(session, supplier_id, wanted, twins, others, given)]


def judge_definition(session: Session, supplier_id: int, goods: Goods, price_fen: int | None) -> tuple[Verdict, ...]:
    """The verdicts on an offer of a product that nobody has defined yet: it has no offers, references or trades."""
    given = parameters(session)
    return judge(_candidates(session, supplier_id, [(goods, price_fen)], {}, {}, given)[0], given)


def judge_goods(session: Session, supplier_id: int, wanted: Sequence[tuple[Goods, int]]) -> list[tuple[Verdict, ...]]:
    """The verdicts on goods, defined already or not, at prices in fen, in the order given and with a handful of statements.

    The caller has made sure that the supplier offers none of them twice (R08), as a table must that moves several at once.
    """
    if not wanted:
        return []
    given = parameters(session)
    others = prices.quartiles_of_others(session, [goods.id for goods, _ in wanted if goods.id is not None], supplier_id)
    return [judge(candidate, given) for candidate in _candidates(session, supplier_id, wanted, {}, others, given)]


def goods_of(product: Product) -> Goods:
    """What the rules look at of a product, as it stands today."""
    return Goods(
        id=product.id,
        category=product.category_code,
        unit=product.unit,
        imported=product.origin is Origin.IMPORTED,
        proven=proven_on(product.proven, clock.today()),
    )


def _goods(session: Session, product_ids: Sequence[int]) -> dict[int, Goods]:
    """These products as the database holds them now; one statement."""
    today = clock.today()
    columns = (Product.id, Product.category_code, Product.unit, Product.origin, Product.proven)
    rows = session.execute(select(*columns).where(among(Product.id, "ids")), {"ids": list(product_ids)})
    return {
        row.id: Goods(
            id=row.id,
            category=row.category_code,
            unit=row.unit,
            imported=row.origin is Origin.IMPORTED,
            proven=proven_on(row.proven, today),
        )
        for row in rows
    }


def _candidates(
    session: Session,
    supplier_id: int,
    wishes: Sequence[tuple[Goods, int | None]] | Sequence[tuple[Goods, int]],
    twins: Mapping[int, str],
    others: Mapping[int, Quartiles],
    given: Parameters,
) -> list[Candidate]:
    today = clock.today()
    supplier, entry = suppliers.by_id(session, supplier_id), suppliers.dishonest_supplier(session, supplier_id, today)
    lapsed = qualifications.lapsed(session, supplier_id, today) if "K05" in given else ()
    ids = [goods.id for goods, _ in wishes if goods.id is not None]
    days = max((given[rule]["d"] for rule in ("R01",) if rule in given), default=0)
    newest = references.newest(session, ids, today, days)
    since = clock.now() - timedelta(days=given["R03"]["d"]) if "R03" in given else None
    traded = _traded[0](session, ids, since) if _traded and since is not None and ids else {}
    found = []
    for goods, price_fen in wishes:
        mall = taxonomy.mall_row(session, goods.category, regions.PROVINCE, today)
        number = goods.id or 0
        reference = newest.get(number)
        found.append(
            Candidate(
                supplier=supplier.name,
                may_trade=supplier.standing is Standing.ACTIVE,
                until=supplier.standing_until,
                dishonest=f"{entry.list_name}（{entry.document_no}）" if entry else None,
                lapsed=lapsed,
                category=goods.category,
                doc_no=mall.doc_no if mall else None,
                unit=goods.unit,
                imported=goods.imported,
                certified=FactKind.ENERGY in goods.proven,
                reliable=FactKind.SAFE_RELIABLE in goods.proven,
                price_fen=price_fen,
                others=others.get(number),
                reference=Reference(price_fen=reference.price_fen, source=reference.source, on=reference.day) if reference else None,
                traded=traded.get(number),
                duplicate=twins.get(number),
            )
        )
    return found
