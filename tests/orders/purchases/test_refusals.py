"""Submissions that the law refuses: every failing verdict at once, and then nothing has changed but one attempt."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisations.tables import Address
from app.accounts.people.tables import Post
from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from catalog.listings import service as listings
from catalog.suppliers import service as suppliers
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import CategoryKind, What
from orders.carts import service as carts
from orders.plans import service as plans
from orders.plans.rules import PlanInUse, ReturnReason
from orders.purchases.states import State
from tests import factories
from tests.orders.till import Till, till

pytestmark = pytest.mark.both_databases

RICH = {"amount_fen": 3_000_000_00, "planned_fen": 2_000_000_00}


def ceiling(session: Session, what: What) -> int:
    return taxonomy.limit(session, what, factories.CITY, CategoryKind.GOODS, clock.today()).amount_fen


def second_address(till: Till) -> int:
    with commit(till.session) as session:
        row = Address(
            organisation_id=till.world.unit.id,
            label="二号楼",
            region=factories.CITY,
            street="中原路 2 号",
            contact="李收",
            phone="0371-60000001",
        )
        session.add(row)
        session.flush()
        return row.id


def test_one_fen_over_the_budget_is_refused(session: Session) -> None:
    shop = till(session, planned_fen=2_000_00, price_fen=2_000_01)
    shop.put(shop.world.laser, 1, plan_line_id=shop.world.lines[0].id)
    refused = shop.refused()
    assert refused.rules == {"B02"}
    assert (refused.facts("B02")["wanted_fen"], refused.facts("B02")["free_fen"], refused.facts("B02")["over_fen"]) == (
        2_000_01,
        2_000_00,
        1,
    )
    assert shop.figures() == (2_000_00, 0, 0, 0, 0)


def test_exactly_to_the_last_fen_is_accepted(session: Session) -> None:
    shop = till(session, planned_fen=2_000_00, price_fen=2_000_00)
    shop.put(shop.world.laser, 1, plan_line_id=shop.world.lines[0].id)
    order = shop.order()
    assert (order.state, order.total_fen) == (State.SUBMITTED, 2_000_00)
    assert shop.figures() == (0, 2_000_00, 0, 0, 0)
    assert shop.picture()["cart"] == [] and shop.attempts() == 0


def test_the_allotment_counts_as_well_as_the_plan_line(session: Session) -> None:
    shop = till(session, amount_fen=50_000_00, planned_fen=50_000_00, price_fen=20_000_00)
    other = shop.world.allotment
    with commit(session):
        more = factories.budget_line(session, factories.allotment(session, shop.world.unit, amount_fen=1_00), amount_fen=1_00)
        (thin,) = factories.plan_lines(session, factories.plan(session, shop.world.actor(Role.FINANCE), more))
    shop.put(shop.world.laser, 1, plan_line_id=thin.id)
    assert shop.refused().rules == {"B02"}
    assert factories.figures(session, other.control_id) == (50_000_00, 0, 0, 0, 0)


def test_a_plan_that_was_sent_back_or_is_missing_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1, plan_line_id=shop.world.lines[0].id)
    with commit(session):
        plans.send_back(session, shop.world.actor(Role.PLAN_CLERK), shop.world.plan, ReturnReason.INCOMPLETE, "缺附件")
    assert "B01" in shop.refused().rules
    bare = till(session)
    line = bare.put(bare.world.laser, 1)
    with commit(session):
        carts.change(session, bare.buyer, line, plan_line_id=None)
    assert bare.refused().rules == {"B01"}


def test_a_plan_sent_back_after_its_first_order_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    shop.order()
    with pytest.raises(PlanInUse), commit(session):
        plans.send_back(session, shop.world.actor(Role.PLAN_CLERK), shop.world.plan, ReturnReason.INCOMPLETE, "缺附件")
    assert shop.figures() == (49_000_00, 1_000_00, 0, 0, 0)


def test_a_plan_line_of_another_category_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1, plan_line_id=shop.world.lines[1].id)
    assert shop.refused().rules == {"B03"}


def test_outside_the_mall_catalogue_is_refused(session: Session) -> None:
    shop = till(session)
    outside = next(
        row.code
        for row in taxonomy.search_categories(session, "A0")
        if row.leaf and not taxonomy.in_mall(session, row.code, factories.CITY, clock.today())
    )
    with commit(session):
        odd = factories.listing(session, shop.world.supplier, factories.product(session, outside))
    shop.put(odd, 1, plan_line_id=shop.world.lines[0].id)
    assert shop.refused().rules == {"P09", "B03"}


def test_one_fen_below_the_direct_ceiling_is_accepted_and_the_ceiling_itself_refused(session: Session) -> None:
    limit = ceiling(session, What.DIRECT_CEILING)
    shop = till(session, price_fen=limit - 1, **RICH)
    shop.put(shop.world.laser, 1)
    assert shop.order().total_fen == limit - 1
    at = till(session, price_fen=limit, **RICH)
    at.put(at.world.laser, 1)
    refused = at.refused()
    assert refused.rules == {"P02"}
    assert (refused.facts("P02")["total_fen"], refused.facts("P02")["limit_fen"]) == (limit, limit)


def test_at_the_mall_ceiling_both_limits_are_reported(session: Session) -> None:
    shop = till(session, price_fen=ceiling(session, What.MALL_CEILING), **RICH)
    shop.put(shop.world.laser, 1)
    assert shop.refused().rules == {"P01", "P02"}


def test_sixty_thousand_on_two_budget_lines_is_refused(session: Session) -> None:
    shop = till(session, price_fen=30_000_00, **RICH)
    with commit(session):
        line = factories.budget_line(session, factories.allotment(session, shop.world.unit, amount_fen=50_000_00), amount_fen=40_000_00)
        (second,) = factories.plan_lines(session, factories.plan(session, shop.world.actor(Role.FINANCE), line))
    shop.put(shop.world.laser, 1, plan_line_id=shop.world.lines[0].id)
    shop.put(shop.world.laser, 1, plan_line_id=second.id)
    refused = shop.refused()
    assert refused.rules == {"P02"} and refused.facts("P02")["total_fen"] == 60_000_00


def test_sixty_thousand_to_two_addresses_is_refused(session: Session) -> None:
    shop = till(session, price_fen=30_000_00, **RICH)
    elsewhere = second_address(shop)
    shop.put(shop.world.laser, 1)
    shop.put(shop.world.laser, 1, address_id=elsewhere)
    assert len(shop.picture()["cart"]) == 2  # type: ignore[arg-type]
    refused = shop.refused()
    assert refused.rules == {"P02"} and refused.facts("P02")["total_fen"] == 60_000_00


def test_a_price_that_changed_since_the_cart_is_refused_until_it_is_accepted(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    with commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=990_00)
    refused = shop.refused()
    assert refused.rules == {"PRICE"}
    assert (refused.facts("PRICE")["seen_fen"], refused.facts("PRICE")["now_fen"]) == (1_000_00, 990_00)
    with commit(session):
        assert carts.accept_prices(session, shop.buyer) == 1
    assert shop.order().total_fen == 990_00


def test_more_than_the_stock_is_refused(session: Session) -> None:
    shop = till(session)
    with commit(session):
        listings.restock(session, shop.world.actor(Role.LISTER), shop.world.laser.id, stock=1)
    shop.put(shop.world.laser, 2)
    refused = shop.refused()
    assert refused.rules == {"STOCK"} and refused.facts("STOCK")["stock"] == 1


def test_a_suspended_supplier_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    with commit(session):
        suppliers.suspend(session, shop.world.actor(Role.SUPERVISOR), shop.world.supplier.organisation_id, reason="虚假资质")
    assert shop.refused().rules == {"K02"}


def test_an_offer_off_the_shelf_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    with commit(session):
        listings.take_off_shelf(session, shop.world.actor(Role.LISTER), shop.world.laser.id)
    assert shop.refused().rules == {"SHELF"}


def test_more_pieces_than_the_plan_has_left_is_refused(session: Session) -> None:
    shop = till(session, price_fen=1_00)
    with commit(session):
        listings.restock(session, shop.world.actor(Role.LISTER), shop.world.laser.id, stock=500)
    shop.put(shop.world.laser, 101)
    refused = shop.refused()
    assert refused.rules == {"B04"} and (refused.facts("B04")["wanted"], refused.facts("B04")["free"]) == (101, 100)


def test_a_unit_without_a_second_person_is_refused(session: Session) -> None:
    shop = till(session)
    shop.put(shop.world.laser, 1)
    with commit(session):
        approver = shop.world.actor(Role.APPROVER).person_id
        session.delete(session.scalars(select(Post).where(Post.person_id == approver)).one())
    assert shop.refused().rules == {"P12"}


def test_everything_wrong_is_said_at_once(session: Session) -> None:
    shop = till(session, price_fen=60_000_00)
    with commit(session):
        listings.restock(session, shop.world.actor(Role.LISTER), shop.world.laser.id, stock=0)
    shop.put(shop.world.laser, 2, plan_line_id=shop.world.lines[1].id)
    assert shop.refused().rules == {"B02", "B03", "P02", "STOCK"}
