from tests.benchmarks import crowd


def test_each_buyer_has_a_unit_a_plan_line_and_five_listings_of_one_supplier(database_url):
    buyers = crowd.seat(database_url, 2)
    assert len({buyer.plan_line_id for buyer in buyers}) == 2
    assert [len(buyer.lines) for buyer in buyers] == [5, 5]
