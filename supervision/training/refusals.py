"""Carts of the training province that the checks must refuse; each stands in the answer key with the rules that block it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from supervision.training.cast import Unit
from supervision.training.deals import Want
from supervision.training.key import Refused
from supervision.training.market import Article
from supervision.training.stage import DESKTOP, LASER, PAPER, Stage

Cart = Callable[[Stage, Unit, datetime], list[Want]]


class NoSuchCart(Exception):
    """The market of this province offers nothing of the kind; the story is left out."""


def plant(stage: Stage) -> None:
    """Send the carts off, the last ones today."""
    for tag, ago, rules, what, cart in CASES:
        stage.at(ago, _case(stage, stage.units[tag], rules, what, cart))


def _case(stage: Stage, unit: Unit, rules: list[str], what: str, cart: Cart) -> Callable[[datetime], None]:
    def go(at: datetime) -> None:
        wants = cart(stage, unit, at)
        before = len(stage.year.attempts)
        stage.year.send(unit, wants, at)
        if len(stage.year.attempts) == before:
            raise AssertionError(f"the cart of {unit.tag} was to be refused: {what}")
        attempt = stage.year.attempts[-1]
        stage.key.refused.append(Refused(rules=rules, subject=unit.name, login=unit.tag, what=what, attempt=attempt))

    return go


def _article(stage: Stage, unit: Unit, category: str, at: datetime, *, most_fen: int = 10_000_00) -> Article:
    able = [
        article
        for article in stage.year.market.by_category[category]
        if article.seller.trades_at(at) and article.seller.serves(unit.region) and article.price_at(at).price_fen <= most_fen
    ]
    if not able:
        raise NoSuchCart(category)
    return stage.rng.choice(able)


def over_budget(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """One piece more than the plan line has left, and more money."""
    planned = stage.planned(unit, PAPER, at)
    article = _article(stage, unit, PAPER, at, most_fen=300_00)
    if planned is None:
        raise NoSuchCart(PAPER)
    price = article.price_at(at).price_fen
    pieces = max((planned.purse.quantity or 0) - planned.purse.ordered, planned.purse.free_fen // price) + 1
    return [stage.want(unit, article, planned, pieces)]


def without_plan(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """Nothing was planned."""
    return [stage.want(unit, _article(stage, unit, LASER, at), None, 2)]


def wrong_category(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """Printers on the plan line for paper."""
    return [stage.want(unit, _article(stage, unit, LASER, at, most_fen=2_500_00), stage.planned(unit, PAPER, at), 1)]


def at_direct_ceiling(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """50,000 yuan and more of one category from one supplier."""
    article = _article(stage, unit, DESKTOP, at)
    return [stage.want(unit, article, stage.planned(unit, DESKTOP, at), -(-50_000_00 // article.price_at(at).price_fen))]


def at_mall_ceiling(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """300,000 yuan and more: both limits are reached."""
    article = _article(stage, unit, DESKTOP, at)
    return [stage.want(unit, article, stage.planned(unit, DESKTOP, at), -(-300_000_00 // article.price_at(at).price_fen))]


def on_two_lines(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """60,000 yuan from one supplier, split over two lines of the cart."""
    article = _article(stage, unit, DESKTOP, at)
    pieces = -(-30_000_00 // article.price_at(at).price_fen)
    planned = stage.planned(unit, DESKTOP, at)
    other = stage.planned(unit, DESKTOP, at, "30201") or planned
    places = list(unit.places)
    return [
        Want(article=article, planned=planned, quantity=pieces, address_id=places[0]),
        Want(article=article, planned=other, quantity=pieces, address_id=places[-1]),
    ]


def outside_mall(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """A category that is left out of the mall catalogue on purpose."""
    shelves: Sequence[list[Article]] = list(stage.year.market.by_category.values())
    outside = next(
        (a for shelf in shelves for a in shelf if not a.in_mall and a.seller.trades_at(at) and a.seller.serves(unit.region)), None
    )
    if outside is None:
        raise NoSuchCart("outside")
    return [stage.want(unit, outside, None, 1)]


def price_raised(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """The supplier raised the price after the buyer had put it into the cart."""
    article = _article(stage, unit, LASER, at, most_fen=3_000_00)
    return [stage.want(unit, article, stage.planned(unit, LASER, at), 1, seen_fen=article.price_at(at).price_fen * 9 // 10)]


def out_of_stock(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """Others were faster."""
    return [stage.want(unit, _article(stage, unit, LASER, at, most_fen=3_000_00), stage.planned(unit, LASER, at), 2, stock=1)]


def suspended(stage: Stage, unit: Unit, at: datetime) -> list[Want]:
    """A supplier that may not trade."""
    barred = [article for article in stage.year.market.articles if not article.seller.trades_at(at) and article.in_mall]
    article = stage.rng.choice(barred)
    return [stage.want(unit, article, stage.planned(unit, article.seed.category_code, at), 1)]


CASES: tuple[tuple[str, int, list[str], str, Cart], ...] = (
    ("zz01", 0, ["B02", "B04"], "超出计划明细余额与数量", over_budget),
    ("zz02", 1, ["B01"], "没有选择已备案的采购计划", without_plan),
    ("zz03", 2, ["B03"], "品目不属于所选计划", wrong_category),
    ("ly01", 3, ["P02"], "同一供应商同一品目达到直接订购限额", at_direct_ceiling),
    ("js01", 5, ["P01", "P02"], "达到商城限额", at_mall_ceiling),
    ("zm01", 7, ["P09"], "品目不在商城目录内", outside_mall),
    ("ny01", 9, ["PRICE"], "加入购物车后涨价", price_raised),
    ("zz04", 10, ["STOCK"], "库存不足", out_of_stock),
    ("zz05", 11, ["K02"], "供应商被暂停交易", suspended),
    ("zz01", 15, ["P02"], "分两条预算明细、两个地址向同一供应商采购六万元", on_two_lines),
    ("ly02", 40, ["B02", "B04"], "超出计划明细余额与数量", over_budget),
    ("ny02", 66, ["P09"], "品目不在商城目录内", outside_mall),
    ("xc01", 100, ["P02"], "同一供应商同一品目达到直接订购限额", at_direct_ceiling),
)
"""Unit, working days ago, the rules that must block among others, what it is, and the cart."""
