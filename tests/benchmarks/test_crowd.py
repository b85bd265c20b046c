from sqlalchemy.orm import Session

from orders.plans.tables import PlanLine
from tests.benchmarks import crowd
from tests.benchmarks.crowd import Buyer


def controls(session: Session, buyers: list[Buyer]) -> tuple[int, int]:
    """How many plan lines, and how many allotments above them, the buyers draw on."""
    lines = [session.get_one(PlanLine, buyer.plan_line_id) for buyer in buyers]
    return len({line.control_id for line in lines}), len({line.allotment_id for line in lines})


def test_each_buyer_has_a_unit_a_plan_line_and_five_listings_of_one_supplier(database_url):
    buyers = crowd.seat(database_url, 2)
    assert len({buyer.plan_line_id for buyer in buyers}) == len({buyer.address_id for buyer in buyers}) == 2
    assert [len(buyer.lines) for buyer in buyers] == [5, 5]


def test_buyers_of_one_unit_share_one_budget_or_have_one_each_and_never_share_goods(database_url, session):
    hot, many = crowd.seat_together(database_url, 3)
    assert (controls(session, hot), controls(session, many)) == ((1, 1), (3, 3))
    assert {buyer.address_id for buyer in hot} == {buyer.address_id for buyer in many} and len({buyer.token for buyer in many}) == 3
    assert len({listing for buyer in hot for listing in buyer.listings}) == 15
