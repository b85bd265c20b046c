"""What a cart takes and what it refuses. A cart promises nothing; everything is judged when it is sent off."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.errors import N_, Conflict, Invalid
from orders.purchases.rules import Facts

MOST_LINES = 100
MOST_PIECES = 100_000


class BadQuantity(Invalid):
    """A quantity is a whole number from one up."""

    code = "cart.bad_quantity"
    message = N_("数量须为 1 到 100,000 之间的整数")
    field: str | None = "quantity"


class CartFull(Conflict):
    """So many lines are more than one submission should hold."""

    code = "cart.full"
    message = N_("购物车最多 %(most)s 行")
    way_out = N_("请先提交或移出一部分")
    most: int = MOST_LINES


class CannotSplit(Invalid):
    """A line is split into two parts of at least one piece."""

    code = "cart.cannot_split"
    message = N_("本行共 %(quantity)s 件，不能分出 %(pieces)s 件")
    way_out = N_("请填写小于本行数量的件数")
    quantity: int
    pieces: int


class NothingRejected(Conflict):
    """Only what was not approved, refused or not confirmed in time can be put back into the cart."""

    code = "cart.nothing_rejected"
    message = N_("订单 %(number)s 没有被驳回或释放的行，不能重建购物车")
    number: str


def check_quantity(quantity: int) -> None:
    """Raises BadQuantity."""
    if not 1 <= quantity <= MOST_PIECES:
        raise BadQuantity()


def check_split(quantity: int, pieces: int) -> None:
    """Raises CannotSplit."""
    if not 0 < pieces < quantity:
        raise CannotSplit(quantity=quantity, pieces=pieces)


# ---------------------------------------------------------------- how near the limits are


@dataclass(frozen=True, kw_only=True)
class Meter:
    """How near a sum is to a limit, and which rule the next yuan meets. Amounts in fen."""

    used: int
    this: int
    limit: int
    rule: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The meters of one level-3 category: direct ceiling and mall ceiling per supplier, and the unit's window of days."""

    code: str
    name: str
    direct: Meter
    mall: Meter
    window: Meter
    days: int


def limits_of(facts: Facts, names: Mapping[str, str], days: int) -> tuple[Limits, ...]:
    """What each level-3 category has used of its limits: the submission per supplier (P01, P02), the unit over days (S02)."""
    found = []
    for level3 in dict.fromkeys(line.level3 for line in facts.lines):
        lines = [line for line in facts.lines if line.level3 == level3]
        by_supplier: dict[str, int] = defaultdict(int)
        for line in lines:
            by_supplier[line.offer.supplier_name] += line.amount_fen
        supplier, largest = max(by_supplier.items(), key=lambda pair: pair[1])
        direct, mall = facts.direct_ceiling_fen[level3[0]], facts.mall_ceiling_fen[level3[0]]
        past = sum(each.amount_fen for each in facts.past if each.level3 == level3)
        found.append(
            Limits(
                code=level3,
                name=names.get(f"{level3}00", lines[0].offer.category_name),
                direct=Meter(used=0, this=largest, limit=direct, rule="P02", note=supplier),
                mall=Meter(used=0, this=largest, limit=mall, rule="P01", note=supplier),
                window=Meter(used=past, this=sum(by_supplier.values()), limit=mall, rule="S02"),
                days=days,
            )
        )
    return tuple(found)
