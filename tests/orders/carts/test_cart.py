"""The cart: what is merged, split, preselected, re-priced, filed on the spot and brought back."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.policy import Role
from catalog.listings import service as listings
from orders.approvals import service as approvals
from orders.carts import queries, service
from orders.carts.rules import BadQuantity, CannotSplit, NothingRejected
from orders.plans.rules import NothingFits
from orders.plans.tables import Plan
from tests import factories
from tests.orders.till import Till, till


@pytest.fixture
def shop(session: Session) -> Till:
    return till(session)


def lines(shop: Till) -> list[tuple[int, int, int | None]]:
    """Listing, quantity and plan line of each line of the cart."""
    shop.session.rollback()
    return [(item.listing_id, item.quantity, item.plan_line_id) for item in queries.items_of(shop.session, shop.buyer)]


def test_the_same_listing_on_the_same_plan_line_is_merged_and_the_best_plan_line_preselected(shop: Till) -> None:
    printers, paper = shop.world.lines
    shop.put(shop.world.laser, 2)
    shop.put(shop.world.paper, 5)
    shop.put(shop.world.laser, 3)
    assert lines(shop) == [(shop.world.laser.id, 5, printers.id), (shop.world.paper.id, 5, paper.id)]


def test_a_plan_line_with_too_little_money_is_not_preselected_when_another_has_enough(session: Session, shop: Till) -> None:
    with commit(session):
        small = factories.budget_line(session, shop.world.allotment, amount_fen=500_00, quantity=5)
        factories.plan(session, shop.world.actor(Role.FINANCE), small)
    shop.put(shop.world.laser, 1)
    assert lines(shop) == [(shop.world.laser.id, 1, shop.world.lines[0].id)]


def test_a_line_is_split_for_a_second_address(session: Session, shop: Till) -> None:
    line = shop.put(shop.world.laser, 5)
    with commit(session):
        row = Address(
            organisation_id=shop.world.unit.id, label="二号楼", region=factories.CITY, street="中原路 2 号", contact="李", phone="0371-1"
        )
        session.add(row)
        session.flush()
        part = service.split(session, shop.buyer, line, 2)
        service.change(session, shop.buyer, part.id, address_id=row.id)
    assert [(item.quantity, item.address_id) for item in queries.items_of(session, shop.buyer)] == [(3, None), (2, row.id)]
    with pytest.raises(CannotSplit), commit(session):
        service.split(session, shop.buyer, line, 3)
    assert [quantity for _, quantity, _ in lines(shop)] == [3, 2]


def test_quantities_are_whole_and_positive(session: Session, shop: Till) -> None:
    line = shop.put(shop.world.laser, 1)
    for wrong in (0, -1, 100_001):
        with pytest.raises(BadQuantity), commit(session):
            service.change(session, shop.buyer, line, quantity=wrong)
    assert [quantity for _, quantity, _ in lines(shop)] == [1]


def test_nobody_reaches_into_another_cart_or_another_units_plan(session: Session, shop: Till) -> None:
    line, other = shop.put(shop.world.laser, 1), till(session)
    with pytest.raises(Missing), commit(session):
        service.remove(session, other.buyer, line)
    with pytest.raises(Missing), commit(session):
        service.change(session, shop.buyer, line, plan_line_id=other.world.lines[0].id)
    with pytest.raises(Missing), commit(session):
        service.add(session, shop.buyer, other.world.laser.id, 1, plan_line_id=other.world.lines[0].id)
    with pytest.raises(Forbidden), commit(session):
        service.add(session, shop.world.actor(Role.APPROVER), shop.world.laser.id, 1)
    assert lines(shop) == [(shop.world.laser.id, 1, shop.world.lines[0].id)]


def test_the_cart_shows_money_limits_and_verdicts_as_they_stand(session: Session, shop: Till) -> None:
    shop.put(shop.world.laser, 3)
    shop.put(shop.world.paper, 10)
    with commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.paper.id, price_fen=26_00)
    seen = queries.look(session, shop.buyer, queries.entries_of(session, shop.buyer))
    assert seen.total_fen == 3_260_00
    assert [(ruler.this_fen, ruler.buckets.free_fen, len(ruler.parts)) for ruler in seen.rulers] == [
        (3_000_00, 100_000_00, 1),
        (260_00, 20_000_00, 1),
    ]
    assert [(limit.code, limit.direct.this, limit.direct.rule, limit.window.rule) for limit in seen.limits] == [
        ("A020210", 3_000_00, "P02", "S02"),
        ("A050401", 260_00, "P02", "S02"),
    ]
    assert [row.change_fen for row in seen.changed] == [1_00]
    assert [[verdict.rule for verdict in row.verdicts] for row in seen.rows] == [[], ["PRICE"]]


def test_the_quantity_that_would_pass_is_offered(session: Session, shop: Till) -> None:
    with commit(session):
        listings.restock(session, shop.world.actor(Role.LISTER), shop.world.laser.id, stock=4)
    shop.put(shop.world.laser, 9)
    (row,) = queries.look(session, shop.buyer, queries.entries_of(session, shop.buyer)).rows
    assert row.fix == 4


def test_a_plan_is_filed_on_the_spot_for_just_what_the_line_needs(session: Session, shop: Till) -> None:
    with commit(session):
        money = factories.allotment(session, shop.world.unit)
        spare = factories.budget_line(session, money, category_code=factories.DESKTOP, amount_fen=10_000_00, quantity=10)
        computer = factories.listing(session, shop.world.supplier, factories.product(session, factories.DESKTOP), price_fen=4_000_00)
    line = shop.put(computer, 2)
    assert lines(shop) == [(computer.id, 2, None)]
    with commit(session):
        plan = service.file_plan(session, shop.buyer, line)
    (drawn,) = factories.plan_lines(session, plan)
    assert (drawn.amount_fen, drawn.quantity, drawn.budget_line_id) == (8_000_00, 2, spare.id)
    assert lines(shop) == [(computer.id, 2, drawn.id)]
    assert shop.order().total_fen == 8_000_00
    assert factories.figures(session, drawn.control_id) == (0, 8_000_00, 0, 0, 0)


def test_without_budget_no_plan_is_filed(session: Session, shop: Till) -> None:
    line = shop.put(shop.world.laser, 1)
    before = len(session.scalars(select(Plan.id)).all())
    with pytest.raises(NothingFits), commit(session):
        service.file_plan(session, shop.buyer, line)
    assert len(session.scalars(select(Plan.id)).all()) == before
    assert lines(shop) == [(shop.world.laser.id, 1, shop.world.lines[0].id)]


def test_rejected_lines_come_back_into_the_cart(session: Session, shop: Till) -> None:
    shop.put(shop.world.laser, 2)
    shop.put(shop.world.paper, 10)
    order = shop.order()
    with pytest.raises(NothingRejected), commit(session):
        service.rebuild(session, shop.buyer, order)
    paper = shop.lines(order)[1]
    with commit(session):
        approvals.approve(session, shop.world.actor(Role.APPROVER), shop.reload(order.number), {paper.id: "库房尚有"})
    with commit(session):
        assert service.rebuild(session, shop.buyer, shop.reload(order.number)) == 1
    assert lines(shop) == [(shop.world.paper.id, 10, shop.world.lines[1].id)]
    assert [action.url for action in queries.actions(session, shop.buyer, shop.reload(order.number))] == [
        f"/cart/from-order/{order.number}"
    ]


def test_the_header_says_money_and_cart_with_one_statement(session: Session, shop: Till) -> None:
    shop.put(shop.world.laser, 3)
    found = queries.header(session, shop.buyer)
    assert (found.money.amount_fen, found.money.free_fen, found.pieces, found.cart_fen) == (120_000_00, 120_000_00, 1, 3_000_00)
