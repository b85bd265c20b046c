"""A list in a condition is one value of the statement, whatever its length."""

import pytest
from sqlalchemy import select

from app.kernel.db import among
from catalog.taxonomy.tables import Category


@pytest.mark.both_databases
@pytest.mark.parametrize("wanted", [[], [2], [1, 3], [3, 1, 1, 99], list(range(-500, 500))])
def test_numbers_among_a_list_are_found(session, wanted):
    where = among(Category.level, "levels")
    found = session.scalars(select(Category.level).where(where).distinct(), {"levels": wanted})
    assert set(found) == set(session.scalars(select(Category.level).where(Category.level.in_(wanted)).distinct()))


@pytest.mark.both_databases
@pytest.mark.parametrize("wanted", [[], ["A02021003"], ["A02021003", "A02010105", "', 1); --"]])
def test_texts_among_a_list_are_found_and_stay_texts(session, wanted):
    found = session.scalars(select(Category.code).where(among(Category.code, "codes")), {"codes": wanted})
    assert set(found) == set(session.scalars(select(Category.code).where(Category.code.in_(wanted))))
