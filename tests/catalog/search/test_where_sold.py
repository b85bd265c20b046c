"""A supplier suspended in one region sells nothing there or below: whoever buys there is not shown its offers, everybody else is."""

import pytest

from app.kernel.db import commit
from app.policy import OrganisationKind, Role
from catalog.suppliers import queries as suppliers
from catalog.suppliers import service as standing
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.catalog.search.test_shop import count, page

ELSEWHERE = factories.OTHER_CITY


@pytest.fixture
def barred(shop):
    """The supplier of the world, suspended by the bureau of the buyer's city; a buyer of another city and one of a county below."""
    supplier_id = shop.world.supplier.organisation_id
    with shop.session() as session, commit(session):
        bureau = factories.organisation(session, OrganisationKind.FINANCE, region=factories.CITY)
        by = factories.actor(session, factories.person(session, bureau, Role.SUPERVISOR))
        standing.suspend(session, by, supplier_id, reason="虚假库存")
        for region, login in ((ELSEWHERE, "buyer-there"), (factories.COUNTY, "buyer-below")):
            factories.person(session, factories.unit(session, region=region), Role.BUYER, login=login, password_hash=KEPT)
    return shop


def browser(shop, login):
    there = shop.browser()
    assert there.sign_in(login).status_code == 303
    return there


def test_search_product_comparison_and_supplier_page_hide_its_offers_from_who_buys_there(barred):
    world, here = barred.world, barred.browser(Role.BUYER)
    product = f"/products/{world.laser.product_id}"
    assert count(page(here, "/search?q=打印机")) == 0
    assert count(page(here, "/")) == 0
    assert "去掉" not in page(here, "/search?q=打印机"), "no condition of the reader's own stands in the way"
    page(here, product, status=404)
    assert "没有在架报价" in page(here, product, status=404) or "/cart/items" not in page(here, product, status=404)
    assert f"/products/{world.laser.product_id}" not in page(here, f"/compare?ids={world.laser.id}&ids={world.paper.id}")
    assert count(page(here, f"/suppliers/{world.supplier.organisation_id}")) == 0
    assert count(page(browser(barred, "buyer-below"), "/search?q=打印机")) == 0


def test_who_buys_elsewhere_and_who_only_looks_still_see_them(barred):
    product = f"/products/{barred.world.laser.product_id}"
    for reader in (browser(barred, "buyer-there"), barred.browser()):
        assert count(page(reader, "/search?q=打印机")) == 1
        assert "1,000.00" in page(reader, product)
    asked = page(barred.browser(), f"/search?q=打印机&region={factories.COUNTY}")
    assert count(asked) == 0, "whoever asks for delivery there is told what is sold there"


def test_the_api_hides_them_too_by_whose_token_it_is(barred):
    api, world = barred.app.test_client(), barred.world
    own = {"Authorization": f"Bearer {barred.token(Role.BUYER)}"}
    addresses = ("/api/v1/search?q=打印机", f"/api/v1/products/{world.laser.product_id}", f"/api/v1/offers/{world.laser.id}")
    hidden, shown = ([api.get(address, headers=headers) for address in addresses] for headers in (own, {}))
    assert (hidden[0].get_json()["total"], hidden[1].get_json()["offers"], hidden[2].status_code) == (0, [], 404)
    assert (shown[0].get_json()["total"], len(shown[1].get_json()["offers"]), shown[2].status_code) == (1, 1, 200)


def test_they_are_back_at_once_when_the_suspension_is_lifted(barred):
    here = barred.browser(Role.BUYER)
    with barred.session() as session, commit(session):
        bureau = factories.organisation(session, OrganisationKind.FINANCE, region=factories.CITY)
        by = factories.actor(session, factories.person(session, bureau, Role.SUPERVISOR))
        standing.lift(session, by, barred.world.supplier.organisation_id, reason="整改完成")
    assert count(page(here, "/search?q=打印机")) == 1


@pytest.mark.both_databases
def test_only_decisions_in_force_at_or_above_the_region_bar_a_supplier(session):
    with commit(session):
        of = factories.supplier(session)
        finance = {
            region: factories.actor(session, factories.person(session, factories.organisation(session, OrganisationKind.FINANCE, region=region), Role.SUPERVISOR))
            for region in (factories.CITY, factories.COUNTY)
        }
        standing.suspend(session, finance[factories.COUNTY], of.organisation_id, reason="县")
    assert suppliers.barred_ids(session, [factories.COUNTY]) == (of.organisation_id,)
    assert suppliers.barred_ids(session, [factories.CITY]) == suppliers.barred_ids(session, []) == ()
    with commit(session):
        standing.suspend(session, finance[factories.CITY], of.organisation_id, reason="市")
    assert suppliers.barred_ids(session, [factories.COUNTY, factories.CITY]) == (of.organisation_id,)
    with commit(session):
        standing.lift(session, finance[factories.COUNTY], of.organisation_id, reason="好了")
        standing.lift(session, finance[factories.CITY], of.organisation_id, reason="好了")
    assert suppliers.barred_ids(session, [factories.COUNTY]) == ()
