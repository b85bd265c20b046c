"""Stars, awaited prices and stock, and saved searches: told once, on the workbench, to nobody else."""

import re
from datetime import date, timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.rows import is_first
from app.kernel.worker import Worker
from app.policy import OrganisationKind, Role
from catalog.listings import service as listings
from catalog.products.tables import Product
from catalog.search.port import SearchRequest
from catalog.suppliers import service as suppliers
from catalog.taxonomy import service as taxonomy
from orders.favourites import handlers, queries, rules, service
from orders.favourites.rules import BadBound, TooMany
from orders.favourites.tables import Awaited, Favourite, SavedSearch
from tests import factories
from tests.catalog.conftest import Shop, shop

__all__ = ["shop"]


def kept(shop: Shop, table: Any) -> list[Any]:
    with shop.session() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def work(shop: Shop) -> None:
    """Let the worker do what is due."""
    Worker(shop.session, handlers.consumers(shop.app.config["SETTINGS"]), []).drain()


def reprice(shop: Shop, price_fen: int) -> None:
    with shop.session() as session, commit(session):
        listings.reprice(session, shop.world.actor(Role.LISTER), shop.world.laser.id, price_fen=price_fen)


def restock(shop: Shop, stock: int) -> None:
    with shop.session() as session, commit(session):
        listings.restock(session, shop.world.actor(Role.LISTER), shop.world.laser.id, stock=stock)


@pytest.mark.parametrize(("below", "price", "stock", "told"), [(900_00, 900_00, 1, True), (900_00, 900_01, 1, False), (900_00, 1, 0, False), (None, 9, 1, True), (None, 9, 0, False)])
def test_what_was_waited_for_is_a_price_not_above_the_bound_and_in_stock_or_stock_alone(below, price, stock, told):
    assert rules.fulfilled(below, price, stock) is told


def test_new_and_cheaper_listings_are_counted_against_the_last_look():
    assert rules.news({1: 100, 2: 200, 3: 300}, {1: 100, 2: 199, 4: 400, 5: 1}) == (2, 1)


@pytest.mark.both_databases
def test_a_price_is_told_once_on_the_workbench_and_the_waiting_ends_by_itself(shop: Shop) -> None:
    product, buyer = shop.world.laser.product_id, shop.browser(Role.BUYER)
    page = f"/products/{product}"
    assert buyer.post("/favourites/awaited", page, product=product, below="950.00").status_code == 303
    reprice(shop, 960_00)
    work(shop)
    assert [each.told_at for each in kept(shop, Awaited)] == [None] and "到价、到货" not in buyer.get("/workbench").get_data(as_text=True)
    reprice(shop, 950_00)
    reprice(shop, 940_00)
    work(shop)
    (row,) = kept(shop, Awaited)
    assert (row.listing_id, row.price_fen, row.told_at is not None) == (shop.world.laser.id, 940_00, True)
    first = row.told_at
    reprice(shop, 930_00)
    work(shop)
    assert kept(shop, Awaited)[0].told_at == first
    assert "到价、到货" in buyer.get("/workbench").get_data(as_text=True)
    assert "到价、到货" not in shop.browser(Role.APPROVER).get("/workbench").get_data(as_text=True)
    assert buyer.post(f"/favourites/awaited/{row.id}/drop", "/favourites").status_code == 303
    assert kept(shop, Awaited) == [] and "到价、到货" not in buyer.get("/workbench").get_data(as_text=True)


def test_stock_is_told_when_it_comes_back(shop: Shop) -> None:
    restock(shop, 0)
    work(shop)
    buyer = shop.browser(Role.BUYER)
    buyer.post("/favourites/awaited", f"/products/{shop.world.laser.product_id}", product=shop.world.laser.product_id, stock="1")
    restock(shop, 3)
    work(shop)
    assert [(each.below_fen, each.price_fen) for each in kept(shop, Awaited)] == [(None, 1_000_00)]


def test_an_offer_that_is_not_delivered_here_ends_no_waiting(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        service.wait_for(session, shop.world.actor(Role.BUYER), shop.world.laser.product_id, 950_00)
        afar = factories.supplier(session)
        product = session.get_one(Product, shop.world.laser.product_id)
        listing = factories.listing(session, afar, product, price_fen=1_00, regions=factories.OTHER_CITY)
        assert service.tell(session, {listing.id: factories.moment(2026, 11, 24)}) == 0
    assert kept(shop, Awaited)[0].told_at is None


@pytest.mark.parametrize(("bureau", "told"), [(factories.CITY, 0), (factories.OTHER_CITY, 1)], ids=["here", "elsewhere"])
def test_an_offer_of_a_supplier_who_may_not_trade_here_ends_no_waiting(shop: Shop, bureau: str, told: int) -> None:
    with shop.session() as session, commit(session):
        service.wait_for(session, shop.world.actor(Role.BUYER), shop.world.laser.product_id, 1_000_00)
        house = factories.organisation(session, OrganisationKind.FINANCE, region=bureau)
        by = factories.actor(session, factories.person(session, house, Role.SUPERVISOR))
        suppliers.suspend(session, by, shop.world.supplier.organisation_id, reason="虚假库存")
        assert service.tell(session, {shop.world.laser.id: factories.moment(2026, 11, 24)}) == told


def test_a_bound_that_is_no_price_is_refused_and_kept_in_the_form(shop: Shop) -> None:
    buyer, product = shop.browser(Role.BUYER), shop.world.laser.product_id
    for typed in ("", "0", "便宜点", "-5"):
        answer = buyer.post("/favourites/awaited", f"/products/{product}", product=product, below=typed)
        assert answer.status_code == 422 and f'value="{typed}"' in unescape(answer.get_data(as_text=True)), typed
    with shop.session() as session, pytest.raises(BadBound):
        service.wait_for(session, shop.world.actor(Role.BUYER), product, 0)
    assert kept(shop, Awaited) == []


@pytest.mark.both_databases
def test_a_star_is_put_once_and_taken_away(shop: Shop) -> None:
    buyer, product = shop.browser(Role.BUYER), shop.world.laser.product_id
    for _ in range(2):
        assert buyer.post("/favourites/stars", f"/products/{product}", product=product).status_code == 303
    (row,) = kept(shop, Favourite)
    page = buyer.get("/favourites").get_data(as_text=True)
    assert row.product_id == product and "1,000.00" in page
    buyer.post(f"/favourites/stars/{row.id}/drop", "/favourites")
    assert kept(shop, Favourite) == []
    assert buyer.post("/favourites/stars", "/favourites", product=10**9).status_code == 404


@pytest.mark.both_databases
def test_a_saved_search_tells_of_new_and_cheaper_offers_until_it_is_looked_at(shop: Shop) -> None:
    buyer, engine = shop.browser(Role.BUYER), shop.app.extensions["mall.search"]
    for _ in range(2):
        assert buyer.post("/favourites/searches", "/search?q=打印机", search="q=打印机&sort=price_up").status_code == 303
    (row,) = kept(shop, SavedSearch)
    assert (row.words, queries.known(row)) == ("打印机", {shop.world.laser.id: 1_000_00})
    shop.stock_shelf(others=2)
    reprice(shop, 990_00)
    shop.index()
    with shop.session() as session, commit(session):
        assert service.refresh(session, engine, row.id) is True
        assert service.refresh(session, engine, row.id) is False
    assert "新增 2 件，降价 1 件" in buyer.get("/workbench").get_data(as_text=True)
    to = buyer.post(f"/favourites/searches/{row.id}/look", "/favourites").headers["Location"]
    assert to.startswith("/search?q=") and "sort=price_up" in to
    assert [(each.fresh, each.cheaper) for each in kept(shop, SavedSearch)] == [(0, 0)]


def test_nobody_sees_or_drops_what_is_anothers(shop: Shop) -> None:
    buyer = shop.world.actor(Role.BUYER)
    with shop.session() as session, commit(session):
        service.star(session, buyer, shop.world.laser.product_id)
        service.wait_for(session, buyer, shop.world.laser.product_id, 1_00)
        colleague = factories.actor(session, factories.person(session, shop.world.unit, Role.BUYER))
        other = factories.world(session)
    rows = [(Favourite, kept(shop, Favourite)[0].id), (Awaited, kept(shop, Awaited)[0].id)]
    for actor in (colleague, other.actor(Role.BUYER)):
        with shop.session() as session:
            assert queries.starred(session, actor) == [] and queries.waiting(session, actor) == [] and queries.searches(session, actor) == []
        for table, row_id in rows:
            with pytest.raises(Missing), shop.session() as session, commit(session):
                service.drop(session, actor, table, row_id)
    assert shop.browser(Role.LISTER).get("/favourites").status_code == 403
    assert len(kept(shop, Favourite)) == len(kept(shop, Awaited)) == 1


def test_nobody_keeps_more_than_anybody_looks_at(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        buyer = shop.world.actor(Role.BUYER)
        for _ in range(200):
            session.add(Favourite(person_id=buyer.person_id, product_id=factories.product(session).id, at=factories.moment(2026, 11, 24)))
    with pytest.raises(TooMany) as refused, shop.session() as session, commit(session):
        service.star(session, buyer, shop.world.laser.product_id)
    assert refused.value.most == 200 and len(kept(shop, Favourite)) == 200


def test_a_star_on_a_card_is_put_on_and_taken_off_where_it_stands(shop: Shop) -> None:
    shop.index()
    product, buyer = shop.world.laser.product_id, shop.browser(Role.BUYER)
    page = "/search?q=打印机"
    assert f'name="product" value="{product}"' in buyer.get(page).get_data(as_text=True)
    answer = buyer.post("/favourites/stars", page, product=product, next=page)
    assert (answer.status_code, unquote(answer.headers["Location"])) == (303, page)
    assert f'name="drop" value="{product}"' in buyer.get(page).get_data(as_text=True)
    assert f'name="drop" value="{product}"' in buyer.get(f"/compare?ids={shop.world.laser.id}&ids={shop.world.paper.id}").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', buyer.get(page).get_data(as_text=True))
    assert token
    fragment = buyer.client.post("/favourites/stars", data={"drop": product, "csrf_token": token[1]}, headers={"HX-Request": "true"})
    assert fragment.status_code == 200 and fragment.get_data(as_text=True).strip().startswith(f'<button class="btn quiet s star" type="submit" form="stars" name="product" value="{product}"')
    assert kept(shop, Favourite) == []


def test_who_has_no_cart_sees_no_stars_and_a_star_leads_nowhere_outside(shop: Shop) -> None:
    shop.index()
    for reader in (shop.app.test_client(), shop.browser(Role.LISTER)):
        assert 'form="stars"' not in reader.get("/search?q=打印机").get_data(as_text=True)
    buyer = shop.browser(Role.BUYER)
    answer = buyer.post("/favourites/stars", "/favourites", product=shop.world.laser.product_id, next="//evil.example/")
    assert answer.headers["Location"] == f"/products/{shop.world.laser.product_id}"


def test_saved_searches_are_looked_through_when_a_dated_row_says_so(shop: Shop) -> None:
    with shop.session() as session, commit(session):
        buyer = shop.world.actor(Role.BUYER)
        found = service.save_search(session, buyer, shop.app.extensions["mall.search"], words="纸", question="q=纸", request=SearchRequest(q="纸"))
        assert found.refreshed_at is not None
        at = found.refreshed_at
        assert queries.due(session, at + timedelta(seconds=299)) == []
        assert queries.due(session, at + timedelta(seconds=300)) == [found.id]
        taxonomy.set_parameter(session, rule="FV", name="every_s", value=60, valid_from=date(2026, 3, 1), doc_no="测试")
        assert queries.due(session, at + timedelta(seconds=60)) == [found.id]


@pytest.mark.both_databases
def test_a_star_that_a_second_click_put_on_meanwhile_is_no_error(shop: Shop) -> None:
    product, buyer = shop.world.laser.product_id, shop.world.actor(Role.BUYER)
    with shop.session() as session, commit(session):
        assert is_first(session, Favourite(person_id=buyer.person_id, product_id=product, at=factories.moment(2026, 11, 24)))
        assert not is_first(session, Favourite(person_id=buyer.person_id, product_id=product, at=factories.moment(2026, 11, 24)))
        assert service.star(session, buyer, shop.world.paper.product_id)
    assert len(kept(shop, Favourite)) == 2
