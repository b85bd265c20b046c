"""The rules of the shelf: each is a pure function of facts and dated parameters, exact to the fen."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from app.kernel.verdicts import read, written
from catalog.listings.rules import Candidate, DuplicateListing, GateRefused, Reference, Traded, eased, is_held, judge, quartiles_of, refused
from catalog.listings.verdicts import Outcome, Verdict

PARAMETERS = {
    "K01": {"stage": "block"}, "K02": {"stage": "block"}, "K05": {"stage": "watch", "listing_stage": "block"}, "P09": {"stage": "block", "listing_stage": "watch"},
    "P07": {"stage": "block", "listing_stage": "hold"}, "P08": {"stage": "block", "categories": ["A020210", "A02010105"]},
    "P13": {"stage": "block", "listing_stage": "watch", "categories": ["A02010105"]}, "R01": {"stage": "hold", "p_percent": 0, "d": 7},
    "R02": {"stage": "block", "p_percent": 20, "n": 3}, "R03": {"stage": "watch", "p_percent": 10, "d": 180, "n": 3},
    "R07": {"stage": "watch", "p_percent": 50, "A020210": ["台"], "A02": ["个"]}, "R08": {"stage": "block"},
}  # fmt: skip
FINE = Candidate(
    supplier="甲公司", may_trade=True, until=None, dishonest=None, category="A02021003", doc_no="豫财购〔2020〕4号", unit="台", imported=False,
    certified=True, reliable=True, price_fen=1_000_00, others=None, reference=None, traded=None, duplicate=None,
)  # fmt: skip
NEWEST = Reference(price_fen=1_000_00, source="某大型电商自营", on=date(2026, 11, 24))


def outcome(rule, **more):
    """What one rule says of an offer that is fine but for these facts."""
    (verdict,) = (each for each in judge(replace(FINE, **more), PARAMETERS) if each.rule == rule)
    return verdict.outcome.value


def test_a_fine_offer_passes_every_rule():
    found = judge(FINE, PARAMETERS)
    assert [verdict.rule for verdict in found] == ["K01", "K02", "K05", "P09", "P07", "P08", "P13", "R08", "R01", "R02", "R03", "R07"]
    assert {verdict.outcome for verdict in found} == {Outcome.PASS}
    assert [verdict.rule for verdict in found if not verdict.judged] == ["R01", "R02", "R03"], "nothing to compare with is said, not hidden"


@pytest.mark.parametrize(("rule", "more", "expected"), [
    ("K01", {"dishonest": "严重违法失信名单"}, "block"),
    ("K02", {"may_trade": False}, "block"),
    ("P09", {"doc_no": None}, "watch"),
    ("P07", {"imported": True}, "hold"),
    ("K05", {"lapsed": ("食品经营许可证",)}, "block"),
    ("P08", {"certified": False}, "block"),
    ("P08", {"certified": False, "category": "A05040101"}, "pass"),
    ("P13", {"reliable": False, "category": "A02010105"}, "watch"),
    ("P13", {"reliable": False}, "pass"),
    ("R08", {"duplicate": "K-1"}, "block"),
    ("R07", {"unit": "卡"}, "watch"),
    ("R07", {"unit": "个"}, "watch"),
    ("R07", {"unit": "个", "category": "A02061804"}, "pass"),
    ("R07", {"unit": "卡", "category": "C21040000"}, "pass"),
])  # fmt: skip
def test_each_rule_looks_at_its_fact(rule, more, expected):
    assert outcome(rule, **more) == expected


def test_a_price_is_held_one_fen_above_the_reference():
    assert outcome("R01", reference=NEWEST) == "pass"
    assert outcome("R01", reference=NEWEST, price_fen=1_000_01) == "hold"


def test_a_price_is_blocked_one_fen_above_a_fifth_over_the_median_of_three_others():
    three = quartiles_of([1_000_00] * 3)
    assert outcome("R02", price_fen=1_200_00, others=three) == "pass"
    assert outcome("R02", price_fen=1_200_01, others=three) == "block"
    assert outcome("R02", price_fen=9_999_00, others=quartiles_of([1_000_00] * 2)) == "pass"


def test_a_price_is_marked_one_fen_above_a_tenth_over_three_trades():
    assert outcome("R03", price_fen=1_100_00, traded=Traded(n=3, average_fen=1_000_00)) == "pass"
    assert outcome("R03", price_fen=1_100_01, traded=Traded(n=3, average_fen=1_000_00)) == "watch"
    assert outcome("R03", price_fen=9_999_00, traded=Traded(n=2, average_fen=1_000_00)) == "pass"


def test_a_price_is_bait_one_fen_below_half_the_reference():
    assert outcome("R07", price_fen=500_00, reference=NEWEST) == "pass"
    assert outcome("R07", price_fen=499_99, reference=NEWEST) == "watch"


def test_without_a_price_only_supplier_and_product_are_judged():
    assert [verdict.rule for verdict in judge(replace(FINE, price_fen=None), PARAMETERS)] == ["K01", "K02", "K05", "P09", "P07", "P08", "P13", "R08"]


def test_a_rule_without_parameters_is_not_in_force():
    assert judge(replace(FINE, may_trade=False, duplicate="K-1"), {}) == ()


def test_what_blocks_refuses_and_names_every_reason():
    found = judge(replace(FINE, may_trade=False, duplicate="K-1", imported=True, until=datetime(2026, 12, 31, tzinfo=UTC)), PARAMETERS)
    refusal = refused(found)
    assert isinstance(refusal, GateRefused) and refusal.titles == "供应商不能交易、重复铺货" and refusal.verdicts == found
    assert isinstance(refused(judge(replace(FINE, duplicate="K-1"), PARAMETERS)), DuplicateListing)
    held = judge(replace(FINE, imported=True), PARAMETERS)
    assert refused(held) is None and is_held(held) and not is_held(judge(FINE, PARAMETERS))


def test_a_falling_price_is_remarked_instead_of_stopped():
    high = judge(replace(FINE, price_fen=2_000_00, reference=NEWEST, others=quartiles_of([1_000_00] * 3), imported=True), PARAMETERS)
    assert {each.rule: each.outcome.value for each in eased(high) if each.outcome is not Outcome.PASS} == {"P07": "hold", "R01": "watch", "R02": "watch"}


def test_checks_are_stored_and_read_back_whole():
    found = judge(replace(FINE, reference=NEWEST, duplicate="K-1", unit="卡"), PARAMETERS)
    assert read(Verdict, written(found)) == found
