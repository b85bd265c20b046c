"""The rules on plain values, to the fen and to the day."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from orders.purchases.rules import Past
from orders.purchases.verdicts import Outcome
from supervision.alerts import rules
from tests import factories

AT = factories.moment(2026, 11, 24)
S02 = {"d": 30, "n": 2, "L": 3}
LIMIT = 300_000_00


def past(number: str, amount_fen: int, *, days: int = 1, supplier: int = 7, level3: str = "A020101") -> Past:
    return Past(number=number, supplier_id=supplier, level3=level3, amount_fen=amount_fen, at=AT - timedelta(days=days))


def facts(*lines, past=()):
    wanted = [
        SimpleNamespace(level3=level3, amount_fen=amount, offer=SimpleNamespace(supplier_id=supplier)) for supplier, level3, amount in lines
    ]
    return SimpleNamespace(at=AT, lines=wanted, past=past, mall_ceiling_fen={"A": LIMIT})


def judged(*lines, past=(), figures=S02):
    return list(rules.gate(lambda _day: figures)(facts(*lines, past=past)))


def test_a_split_that_reaches_the_limit_exactly_is_held():
    (verdict,) = judged((7, "A020101", 100_000_00), past=(past("DD1", 200_000_00),))
    assert verdict.outcome is Outcome.HOLD
    assert (verdict.facts["count"], verdict.facts["sum_fen"], verdict.facts["limit_fen"]) == (2, 300_000_00, LIMIT)
    assert [each["number"] for each in verdict.inputs["orders"]] == ["DD1"]


def test_one_fen_below_the_limit_passes():
    (verdict,) = judged((7, "A020101", 99_999_99), past=(past("DD1", 200_000_00),))
    assert verdict.outcome is Outcome.PASS


def test_orders_before_the_window_and_of_other_categories_do_not_count():
    old, other = past("DD1", 250_000_00, days=31), past("DD2", 250_000_00, level3="A020202")
    (verdict,) = judged((7, "A020101", 100_000_00), past=(old, other))
    assert (verdict.outcome, verdict.facts["count"]) == (Outcome.PASS, 1)
    (verdict,) = judged((7, "A020101", 100_000_00), past=(past("DD1", 250_000_00, days=30),))
    assert verdict.outcome is Outcome.HOLD


def test_two_suppliers_of_one_submission_are_two_orders():
    (verdict,) = judged((7, "A020101", 150_000_00), (8, "A020101", 150_000_00))
    assert (verdict.outcome, verdict.facts["count"]) == (Outcome.HOLD, 2)


def test_several_lines_of_one_supplier_are_one_order():
    (verdict,) = judged((7, "A020101", 150_000_00), (7, "A020101", 150_000_00))
    assert (verdict.outcome, verdict.facts["count"]) == (Outcome.PASS, 1)


def test_an_order_at_the_limit_is_no_split_but_the_ceiling_s_own_matter():
    (verdict,) = judged((7, "A020101", 300_000_00), past=(past("DD1", 10_000_00),))
    assert verdict.outcome is Outcome.PASS


def test_a_level_above_puts_categories_together():
    (verdict,) = judged((7, "A020101", 150_000_00), past=(past("DD1", 150_000_00, level3="A020105"),), figures=S02 | {"L": 2})
    assert (verdict.outcome, verdict.subject) == (Outcome.HOLD, "category:A0201")


def test_without_figures_the_rule_is_off():
    assert judged((7, "A020101", 150_000_00), figures={}) == []


@pytest.mark.parametrize(("amount", "counts"), [(47_499_99, False), (47_500_00, True), (49_999_99, True), (50_000_00, False)])
def test_near_the_limit_means_within_five_percent_below_it(amount, counts):
    orders = (past("DD1", 48_000_00, days=3), past("DD2", amount))
    found = rules.near_limit(
        orders, limit_fen=50_000_00, name="direct_ceiling", figures={"d": 90, "n": 2, "p_percent": 5}, region="410100", unit_id=3, year=2026
    )
    assert (found is not None) is counts
    if found:
        assert [each["number"] for each in found.evidence] == ["DD1", "DD2"]
        assert found.key == "S04:3:direct_ceiling:2026"


def test_interest_is_five_ten_thousandths_a_day_rounded_to_the_fen():
    assert rules.interest_fen(50_000_00, 10, 5) == 250_00
    assert rules.interest_fen(1_000_10, 1, 5) == 50
    assert rules.interest_fen(1, 1, 5) == 0


def test_a_late_payment_tells_due_day_days_and_interest():
    order = rules.Overdue(
        number="DD9", region="410100", unit_id=3, supplier_id=7, amount_fen=10_000_00, due=date(2026, 11, 14), at=datetime.fromisoformat("2026-10-01T08:00:00+00:00")
    )
    found = rules.late("T04", order, today=date(2026, 11, 24), figures={"interest_per_myriad": 5})
    assert dict(found.inputs) == {"due": "2026-11-14", "late": 10, "owed_fen": 10_000_00, "interest_fen": 50_00}
    assert (found.key, found.once) == ("T04:DD9:2026-11-14", True)


def test_cancelling_counts_from_the_third():
    figures = {"d": 90, "n": 3}
    two = (past("DD1", 1), past("DD2", 1))
    assert rules.cancelled_without_cause(two, figures=figures, region="410100", unit_id=3, year=2026) is None
    found = rules.cancelled_without_cause((*two, past("DD3", 1)), figures=figures, region="410100", unit_id=3, year=2026)
    assert found is not None
    assert (found.inputs["count"], found.order) == (3, "DD3")


@pytest.mark.parametrize(("lost", "reached", "fires"), [(2, 9, False), (2, 10, True), (2, 11, False), (3, 100, True), (0, 10, False)])
def test_refusing_counts_by_number_or_by_share_of_enough_orders(lost, reached, fires):
    orders = tuple(past(f"DD{n}", 1) for n in range(lost))
    figures = {"d": 90, "n": 3, "t_percent": 20, "m": 10}
    assert (rules.refuses_orders(orders, reached, figures=figures, region="410100", supplier_id=7, year=2026) is not None) is fires
