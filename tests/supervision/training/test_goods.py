"""The training province's goods, suppliers and units are repeatable and valid."""

from collections import Counter
from random import Random

import pytest

from app.kernel import credit_codes, regions
from catalog.taxonomy import service
from catalog.taxonomy.rules import covers
from supervision.training import goods

PLACES = ["410000", "410100", "410300", "410200", "410105", "410225", "410122", "419001", "410181", "410323"]


def test_the_same_seed_gives_the_same_world() -> None:
    def world(seed: int) -> tuple[object, ...]:
        rng = Random(seed)
        return (*goods.products(rng, 200), *goods.suppliers(rng, 120), *goods.units(rng, PLACES, 40))

    assert world(5) == world(5)
    assert world(5) != world(6)


def test_every_product_belongs_to_a_leaf_of_the_catalogue_and_has_its_attributes() -> None:
    leaves = {row["code"] for row in service.catalogue() if row["leaf"]}
    facts = goods.categories()
    assert facts.keys() <= leaves
    for product in goods.products(Random(1), 2500):
        assert product.category_code in leaves
        assert 0 < product.low_fen <= product.high_fen
        assert [a.key for a in facts[product.category_code].attributes] == list(product.specs)
        assert product.unit in facts[product.category_code].units
        assert product.model in product.title
        assert len(product.title) <= 120


def test_products_differ_and_every_category_comes_early() -> None:
    made = list(goods.products(Random(1), 6000))
    assert len({(p.category_code, p.brand, p.model) for p in made}) == 6000
    assert {p.category_code for p in made[:83]} == goods.categories().keys()
    assert any(p.imported and p.specs["origin"] == "是" for p in made)


def test_the_two_categories_outside_the_mall_are_on_offer() -> None:
    on_offer = {p.category_code for p in goods.products(Random(1), 83)}
    assert set(service.left_out()) <= on_offer
    mall = [row["category_code"] for row in service.mall_catalogue(supplement=True)]
    assert {code for code in on_offer if not any(covers(above, code) for above in mall)} == set(service.left_out())


def test_suppliers_have_names_and_codes_of_their_own() -> None:
    made = list(goods.suppliers(Random(1), 1000))
    assert len({s.name for s in made}) == len({s.credit_code for s in made}) == 1000
    assert all(credit_codes.valid(s.credit_code) for s in made)
    assert all(s.region_code == "" or s.region_code in regions.REGIONS for s in made)
    assert {s.kind for s in made[:4]} == {"e-shop", "framework", "dealer", "service"}
    assert all(set(s.category_codes) <= goods.categories().keys() and s.category_codes for s in made)


def test_every_category_is_sold_by_several_of_sixty_suppliers() -> None:
    sold = Counter(code for s in goods.suppliers(Random(1), 60) for code in s.category_codes)
    assert all(sold[code] >= (2 if code.startswith("C") else 5) for code in goods.categories())


def test_units_form_a_tree_of_three_levels_with_parents_first() -> None:
    made = list(goods.units(Random(1), PLACES, 60))
    assert {u.level for u in made} == {1, 2, 3}
    seen: set[tuple[str, str]] = set()
    for unit in made:
        assert unit.parent_code is None or (unit.region_code, unit.parent_code) in seen
        seen.add((unit.region_code, unit.code))
        assert credit_codes.valid(unit.credit_code)
        assert len(unit.code) == 3 * unit.level
    assert Counter(u.region_code for u in made) == dict.fromkeys(PLACES, 6)


def test_a_whole_province_has_five_thousand_units_with_different_names() -> None:
    made = list(goods.units(Random(1), list(regions.REGIONS), 5000))
    assert len({u.credit_code for u in made}) == 5000
    assert len({(u.region_code, u.code) for u in made}) == 5000
    assert len({u.name for u in made}) == 5000


def test_too_few_regions_are_reported() -> None:
    with pytest.raises(ValueError, match="1 regions have no more than"):
        list(goods.units(Random(1), ["410000"], 5000))
