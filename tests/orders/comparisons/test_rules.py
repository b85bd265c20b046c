"""P03 and P04 with exact figures, and what a sheet's digest stands on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.listings.rules import Offer
from orders.comparisons import rules
from orders.comparisons.rules import ReasonTooLong, UnknownReason
from orders.purchases.rules import Cited, Line
from orders.purchases.verdicts import Outcome
from tests import factories

AT = factories.moment(2026, 11, 24)
P03 = {"n": 3, "d": 30, "most": 200}
P04 = {"p_percent": 0}
OFFER = Offer(
    listing_id=1, version=2, price_fen=1_000_00, stock=5, on_shelf=True, areas="410000", delivery_days=3, product_id=7, category=factories.LASER,
    category_name="激光打印机", title="打印机", brand="甲", model="M1", unit="台", supplier_id=11, supplier_name="甲公司", may_trade=True, standing_until=None,
    tax_rate=13, in_mall=True, allowed_classes=(), lowest_fen=1_000_00, rivals=5,
)  # fmt: skip
LINE = Line(no=1, quantity=2, seen_price_fen=1_000_00, offer=OFFER, funding=None, place="")


def cited(*suppliers: int, category: str = factories.LASER, days: int = 0) -> Cited:
    return Cited(number="BX1", sha256="0" * 64, frozen_at=AT - timedelta(days=days), suppliers={category: frozenset(suppliers)})


@pytest.mark.parametrize(
    ("rivals", "sheet", "outcome", "compared", "needed"),
    [
        (5, None, Outcome.HOLD, 0, 3),
        (5, cited(11, 12), Outcome.HOLD, 2, 3),
        (5, cited(11, 12, 13), Outcome.PASS, 3, 3),
        (2, cited(11, 12), Outcome.PASS, 2, 2),
        (2, cited(11), Outcome.HOLD, 1, 2),
        (1, None, Outcome.PASS, 0, 1),
        (0, None, Outcome.PASS, 0, 0),
        (5, cited(11, 12, 13, category="A05040101"), Outcome.HOLD, 0, 3),
        (5, cited(11, 12, 13, days=30), Outcome.PASS, 3, 3),
        (5, cited(11, 12, 13, days=31), Outcome.HOLD, 0, 3),
    ],
)
def test_as_many_suppliers_are_compared_as_are_asked_for_where_so_many_offer_the_product(rivals, sheet, outcome, compared, needed):
    found = rules.enough_compared(replace(LINE, offer=replace(OFFER, rivals=rivals)), sheet, AT, P03)
    assert (found.outcome, found.inputs["compared"], found.threshold["needed"]) == (outcome, compared, needed)


@pytest.mark.parametrize(
    ("price", "percent", "words", "outcome"),
    [
        (1_000_00, 0, "", Outcome.PASS),
        (1_000_01, 0, "", Outcome.HOLD),
        (1_000_01, 0, "  ", Outcome.HOLD),
        (1_000_01, 0, "三日内要用", Outcome.WATCH),
        (1_100_00, 10, "", Outcome.PASS),
        (1_100_01, 10, "", Outcome.HOLD),
    ],
)
def test_above_the_lowest_offer_is_held_until_a_reason_is_said_and_stays_visible_then(price, percent, words, outcome):
    line = replace(LINE, offer=replace(OFFER, price_fen=price), why="delivery", words=words)
    found = rules.lowest_or_reason(line, 1_000_00, {"p_percent": percent})
    assert found.outcome is outcome
    assert (found.inputs["price_fen"], found.threshold["lowest_fen"], found.facts["over_fen"]) == (price, 1_000_00, price - 1_000_00)
    if outcome is Outcome.WATCH:
        assert (found.inputs["why"], found.facts["why"], found.facts["reason"]) == ("delivery", "送达更快", "三日内要用")


def test_a_reason_has_a_known_code_and_few_words():
    rules.check_reasons([(None, None), ("delivery", "急用")])
    with pytest.raises(UnknownReason) as unknown:
        rules.check_reasons([(None, None), ("because", "急用")])
    assert (unknown.value.line, unknown.value.given) == (2, "because")
    with pytest.raises(ReasonTooLong) as long:
        rules.check_reasons([("other", "长" * 201)])
    assert (long.value.line, long.value.length, long.value.most) == (1, 201, 200)


def test_the_same_content_has_one_text_and_one_digest_whatever_its_order():
    text = rules.canonical({"b": [1, {"d": "打印机", "c": None}], "a": True})
    assert text == '{"a":true,"b":[1,{"c":null,"d":"打印机"}]}' == rules.canonical({"a": True, "b": [1, {"c": None, "d": "打印机"}]})
    assert rules.digest(text) != rules.digest(text.replace("1", "2"))


def test_conditions_are_named_and_their_codes_spelt_out():
    told = rules.conditions({"q": "打印机", "category": ["A02021003"], "in_stock": 1, "sort": "price_up", "view": "table"}, {"A02021003": "激光打印机"})
    assert [(each.name, each.value, each.marked) for each in told] == [
        ("搜索词", "打印机", False), ("品目", "激光打印机", False), ("现货", "是", True), ("排序", "价格从低", True),
    ]  # fmt: skip
