"""Both sides rate once, within the term."""

import pytest

from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.policy import Role
from orders.ratings import queries, rules, service
from orders.ratings.states import Side
from orders.ratings.tables import Rating
from tests import factories
from tests.orders import steps

pytestmark = pytest.mark.both_databases


def rate(session, actor, order, score=5, words=""):
    session.rollback()
    with commit(session):
        service.rate(session, actor, steps.fresh(session, order), score=score, words=words)


def test_each_side_rates_the_other_once(session, world):
    order = steps.accepted(session, world, {world.laser: 1})
    rate(session, world.actor(Role.BUYER), order, 2, "送货慢")
    rate(session, world.actor(Role.ORDER_CLERK), order, 5)
    with pytest.raises(rules.AlreadyRated):
        rate(session, world.actor(Role.BUYER), order, 5)
    said = queries.ratings_of(session, order)
    assert {side: (row.score, row.words) for side, row in said.items()} == {Side.UNIT: (2, "送货慢"), Side.SUPPLIER: (5, None)}
    assert queries.averages(session, [world.supplier.organisation_id]) == {world.supplier.organisation_id: (2.0, 1)}


def test_ratings_have_a_shape_a_time_and_people_who_may(session, world, late):
    waiting = steps.delivered(session, world, {world.laser: 1})
    order = steps.accepted(session, world, {world.laser: 1})
    buyer = world.actor(Role.BUYER)
    with commit(session):
        stranger = factories.staff(session, factories.unit(session), [Role.BUYER])[Role.BUYER]
    refused = (
        (buyer, waiting, 5, rules.NotYetRateable),
        (buyer, order, 0, rules.BadScore),
        (buyer, order, 6, rules.BadScore),
        (buyer, order, 2, rules.WordsMissing),
        (stranger, order, 5, Missing),
        (world.actor(Role.FINANCE), order, 5, Forbidden),
    )
    for actor, of, score, refusal in refused:
        with pytest.raises(refusal):
            rate(session, actor, of, score)
    assert [link.url for link in queries.actions(session, buyer, steps.fresh(session, order))] == [f"/orders/{order.number}/rating"]
    late(days=40)
    with pytest.raises(rules.RatingClosed):
        rate(session, buyer, order)
    assert queries.actions(session, buyer, steps.fresh(session, order)) == []
    assert factories.how_many(session, Rating) == 0
