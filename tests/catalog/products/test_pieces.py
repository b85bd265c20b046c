"""What a unit of sale holds, and what one piece of it costs."""

from decimal import Decimal

import pytest

from catalog.products.rules import Pieces, pieces


@pytest.mark.parametrize(
    ("unit", "attributes", "held"),
    [
        ("包", {"每包张数": 500, "每箱包数": 8}, Pieces(500, "张")),
        ("箱", {"每包张数": 500, "每箱包数": "8"}, Pieces(4000, "张")),
        ("箱", {"包装": "24瓶/箱"}, Pieces(24, "瓶")),
        ("盒", {"包装": "12 支 / 盒"}, Pieces(12, "支")),
        ("盒", {"包装": "12支/箱"}, None),
        ("台", {"每包张数": 500}, None),
        ("包", {"每包张数": 1}, None),
        ("包", {"每包张数": "五百"}, None),
        ("包", {"每包包数": 9}, None),
        ("箱", {"每箱包数": 9, "每包箱数": 9}, Pieces(9**9, "包")),
        ("台", {}, None),
    ],
)
def test_a_unit_holds_what_its_attributes_tell(unit, attributes, held):
    assert pieces(unit, attributes) == held


def test_a_piece_costs_its_part_in_yuan_to_four_places():
    assert Pieces(500, "张").each_of(23_90) == Decimal("0.0478")
    assert Pieces(3, "支").each_of(10_00) == Decimal("3.3333")
