"""Product definitions and their attributes."""

import pytest

from app.kernel.db import commit
from app.policy import SYSTEM
from catalog.products import queries, rules, service
from catalog.products.rules import BadAttributes, NotLeaf
from catalog.products.tables import Product
from catalog.taxonomy.rules import UnknownCategory
from tests import factories


def definition(**more):
    facts = {"category_code": factories.LASER, "brand": "奔图", "model": "P3370DN", "title": "奔图 P3370DN 激光打印机", "unit": "台"}
    return service.Definition(**(facts | more))


@pytest.mark.both_databases
def test_one_brand_and_model_of_a_category_is_one_product(session):
    with commit(session):
        first = service.find_or_define(session, SYSTEM, definition(attributes={"幅面": "A4", "速度": 33, "双面": True}))
        again = service.find_or_define(session, SYSTEM, definition())
    assert first is again
    assert factories.how_many(session, Product) == 1
    assert queries.attributes(session, first.id) == {"幅面": "A4", "速度": 33, "双面": True}
    assert set(queries.usual_attributes(session, factories.LASER)) == {"幅面", "速度", "双面"}


def test_a_product_stands_in_the_narrowest_category_of_the_catalogue(session):
    for kind, code in ((NotLeaf, "A02021000"), (UnknownCategory, "A99999999")):
        with pytest.raises(kind), commit(session):
            service.define(session, SYSTEM, definition(category_code=code))
    assert factories.how_many(session, Product) == 0


@pytest.mark.parametrize("attributes", [{"": "x"}, {"颜色": None}, {"颜色": ["红"]}, {"说明": "长" * 201}, {"名" * 41: 1}, {str(i): i for i in range(61)}])
def test_attributes_are_names_with_plain_values(attributes):
    with pytest.raises(BadAttributes):
        rules.stored(attributes)


def test_attributes_are_typed_as_they_are_written():
    typed = rules.read_lines("幅面：A4\n速度: 33\n\n双面：是\n货号：007\n")
    assert typed == {"幅面": "A4", "速度": 33, "双面": True, "货号": "007"}
    assert rules.lines_of(typed) == "幅面：A4\n速度：33\n双面：是\n货号：007"
    assert rules.summary({**typed, "无线": False, "净重": 8.5}) == "A4 · 33 · 双面 · 007"
    with pytest.raises(BadAttributes):
        rules.read_lines("没有冒号")
