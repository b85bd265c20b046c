"""The keeper's desk and the supplier's side of it: the live gate, the notice of a review, approval, return, suspension."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from app.accounts.people.tables import Person
from app.kernel import clock
from app.kernel.db import commit
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingReview
from catalog.products.tables import Product
from catalog.references import service as references
from catalog.references.rules import Found
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.catalog.listings.test_pages import FIELDS

IMPORTED = {**FIELDS, "imported": "y", "brand": "惠普", "model": "M405d", "title": "惠普 M405d 激光打印机", "sku": "H-1"}


@pytest.fixture
def keeper(shop):
    with shop.session() as session, commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        person = session.get_one(Person, factories.person(session, agency, Role.CATALOGUE_ADMIN).id)
        person.login, person.password_hash = "catalogue", KEPT
    browser = shop.browser()
    assert browser.sign_in("catalogue").status_code == 303
    return browser


def text(answer):
    return unescape(answer.get_data(as_text=True))


def only_review(shop):
    with shop.session() as session:
        return session.scalars(select(ListingReview)).one()


def row(shop, listing_id):
    with shop.session() as session:
        return session.get_one(Listing, listing_id)


def reference(shop, price_fen):
    """What the laser printer cost yesterday in a large e-shop."""
    with shop.session() as session, commit(session):
        found = Found(product_id=shop.world.laser.product_id, source="某电商自营", day=clock.today() - timedelta(days=1), price_fen=price_fen)
        references.keep(session, SYSTEM, [found])


def test_an_imported_offer_waits_and_is_approved_from_the_queue(shop, keeper):
    lister = shop.browser(Role.LISTER)
    assert lister.post("/listings/new", "/listings/new", **IMPORTED).status_code == 303
    review = only_review(shop)
    page = text(lister.get(f"/listings/{review.listing_id}"))
    assert "正在等待目录管理员审核" in page and "由规则 P07 送审" in page
    queue = text(keeper.get("/upkeep/reviews"))
    assert "惠普 M405d 激光打印机" in queue and "进口产品须先审核" in queue
    assert keeper.post(f"/upkeep/reviews/{review.id}/approve", "/upkeep/reviews").status_code == 303
    assert row(shop, review.listing_id).shelf is Shelf.ON_SHELF
    assert "没有等待审核的商品" in text(keeper.get("/upkeep/reviews"))
    late = keeper.post(f"/upkeep/reviews/{review.id}/approve", f"/upkeep/listings/{review.listing_id}")
    assert late.status_code == 422 and "已办结" in text(late)


def test_what_is_sent_back_tells_the_supplier_why(shop, keeper):
    lister = shop.browser(Role.LISTER)
    lister.post("/listings/new", "/listings/new", **IMPORTED)
    review = only_review(shop)
    empty = keeper.post(f"/upkeep/reviews/{review.id}/return", "/upkeep/reviews", reason="")
    assert empty.status_code == 422 and "请写明理由" in text(empty) and only_review(shop).state == "waiting"
    assert keeper.post(f"/upkeep/reviews/{review.id}/return", "/upkeep/reviews", reason="缺原产地证明").status_code == 303
    page = text(lister.get(f"/listings/{review.listing_id}"))
    assert "审核退回" in page and "缺原产地证明" in page and row(shop, review.listing_id).shelf is Shelf.DRAFT


def test_several_are_approved_in_one_go(shop, keeper):
    lister = shop.browser(Role.LISTER)
    for number in range(3):
        lister.post("/listings/new", "/listings/new", **{**IMPORTED, "sku": f"H-{number}", "model": f"M{number}"})
    with shop.session() as session:
        ids = list(session.scalars(select(ListingReview.id)))
    assert keeper.post("/upkeep/reviews/bulk", "/upkeep/reviews", review=[str(each) for each in ids[:2]]).status_code == 303
    with shop.session() as session:
        assert [each.state.value for each in session.scalars(select(ListingReview).order_by(ListingReview.id))] == ["approved", "approved", "waiting"]


def test_a_price_above_the_reference_is_seen_while_typed_and_waits_when_sent(shop):
    reference(shop, 1_000_00)
    lister, laser = shop.browser(Role.LISTER), shop.world.laser
    token = re.search(r'name="csrf_token" value="([^"]+)"', lister.get(f"/listings/{laser.id}").get_data(as_text=True))[1]
    live = lister.client.post(f"/listings/{laser.id}/gate", data={"csrf_token": token, "price_fen": "1080"}, headers={"HX-Request": "true"})
    assert "1,080.00 元高于市场参考价 1,000.00 元（某电商自营" in text(live) and "1 项挂起" in text(live)
    assert row(shop, laser.id).version == 1, "looking keeps nothing"
    assert lister.post(f"/listings/{laser.id}/price", f"/listings/{laser.id}", price_fen="1080", version="1", back="editor").status_code == 303
    page = text(lister.get(f"/listings/{laser.id}"))
    assert "外部参考 1,000" in page, "the chart draws the reference price"
    assert "申请改价为 1,080.00 元；审核前按原价 1,000.00 元在架" in page and row(shop, laser.id).price_fen == 1_000_00
    assert lister.post(f"/listings/{laser.id}/withdraw", f"/listings/{laser.id}").status_code == 303
    assert only_review(shop).state == "withdrawn"


def test_what_is_blocked_stays_on_the_form_with_every_verdict(shop):
    lister = shop.browser(Role.LISTER)
    shop.stock_shelf(others=4)
    with shop.session() as session:
        product = session.get_one(Product, shop.world.laser.product_id)
    fields = {**FIELDS, "brand": product.brand, "model": product.model, "price_fen": "2000"}
    answer = lister.post("/listings/new", "/listings/new", **fields)
    page = text(answer)
    assert answer.status_code == 422 and "不能上架：重复铺货、价格畸高" in page and "2 项阻断" in page and 'value="2000.00"' in page
    draft = lister.post("/listings/new", "/listings/new", **{**fields, "shelf": "draft"})
    assert draft.status_code == 303, "what is blocked may be kept as a draft"


def test_a_keeper_suspends_and_supervision_freezes(shop, keeper):
    laser = shop.world.laser
    here = f"/upkeep/listings/{laser.id}"
    assert "暂停销售" in text(keeper.get(here))
    assert keeper.post(f"{here}/suspend", here, reason="").status_code == 422
    assert keeper.post(f"{here}/suspend", here, reason="图文不符").status_code == 303
    shop.drain()
    assert shop.browser().get(f"/products/{laser.product_id}").status_code == 404
    assert "图文不符" in text(shop.browser(Role.LISTER).get(f"/listings/{laser.id}"))
    supervisor = shop.browser(Role.SUPERVISOR)
    assert supervisor.post(f"{here}/freeze", here, reason="涉案取证").status_code == 303
    assert row(shop, laser.id).shelf is Shelf.FROZEN
    assert supervisor.post(f"{here}/lift", here, reason="恢复").status_code == 403, "lifting is the keeper's"


def test_the_desk_is_closed_to_everybody_else(shop):
    for role in (Role.BUYER, Role.LISTER, Role.SUPERVISOR):
        assert shop.browser(role).get("/upkeep/reviews").status_code == 403
    assert shop.browser(Role.LISTER).get(f"/upkeep/listings/{shop.world.laser.id}").status_code == 403
    assert shop.browser().get("/upkeep/reviews").status_code == 303
