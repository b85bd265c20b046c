"""Rows of a table pass the same gate as single commands: some go on the shelf, some wait in review, some are refused at their cell."""

from html import unescape

import pytest
from sqlalchemy import select

from app.bulk.states import JobState
from app.bulk.tables import BulkProblem
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.kernel.sheets import SheetRow
from app.policy import OrganisationKind, Role
from catalog.listings import decisions, sheet
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingReview, ListingVerdict
from catalog.references import service as references
from catalog.references.rules import Found
from tests import factories
from tests.app.bulk.conftest import HEADS, offer, workbook
from tests.app.bulk.test_listings import counts
from tests.statements import count_statements

pytestmark = pytest.mark.both_databases

WITH_SHELF = (*HEADS, "状态")


@pytest.fixture
def keeper(shop):
    with shop.session() as session, commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        return factories.actor(session, factories.person(session, agency, Role.CATALOGUE_ADMIN))


def refer(shop, keeper, sku, price_fen):
    with shop.session() as session, commit(session):
        product = session.scalar(select(Listing.product_id).where(Listing.sku == sku))
        references.keep(session, keeper, [Found(product_id=product, source="某电商自营", day=clock.today(), price_fen=price_fen)])


def listing(shop, sku):
    with shop.session() as session:
        return session.scalars(select(Listing).where(Listing.sku == sku)).one()


def kinds(shop, sku):
    with shop.session() as session:
        stream = f"listing/{session.scalar(select(Listing.id).where(Listing.sku == sku))}"
        return list(session.scalars(select(Event.type).where(Event.stream == stream).order_by(Event.version)))


def reviews(shop):
    with shop.session() as session:
        return [(each.state, each.price_fen, each.rules) for each in session.scalars(select(ListingReview).order_by(ListingReview.id))]


def problems(shop):
    with shop.session() as session:
        return [(row.line, row.heading, row.figure) for row in session.scalars(select(BulkProblem).order_by(BulkProblem.line))]


def test_new_rows_go_on_the_shelf_wait_or_are_refused_at_their_cell(shop, desk):
    rows = [
        (*offer(1), ""), (*offer(2), "是"), (*offer(3, category=factories.LASER), ""),
    ]  # fmt: skip
    desk.bring(workbook(rows, (*HEADS, "进口产品")))
    assert counts(shop) == (JobState.DONE, 3, 2, 0, 0, 1)
    assert (listing(shop, "B-00001").shelf, listing(shop, "B-00002").shelf) == (Shelf.ON_SHELF, Shelf.REVIEW)
    assert problems(shop) == [(4, "型号", "奔图 P00003")]
    page = unescape(desk.browser.get(desk.address).get_data(as_text=True))
    assert "品目 A02021003 属强制采购节能产品" in page and "请在产品上登记有效的节能产品认证证书后再上架" in page
    assert reviews(shop) == [("waiting", 899_50, "P07")]
    assert (kinds(shop, "B-00001"), kinds(shop, "B-00002")) == (["listing.created"], ["listing.created", "listing.proposed"])
    with shop.session() as session:
        kept = [(each.listing_id, each.version) for each in session.scalars(select(ListingVerdict))]
    assert sorted(kept) == [(listing(shop, sku).id, 1) for sku in ("B-00001", "B-00002")]
    desk.upload(workbook(rows[:2], (*HEADS, "进口产品")))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 2, 0, 0, 2, 0), "the same rows again change nothing"


def test_a_price_that_is_held_leaves_the_old_one_and_is_asked_for_once(shop, desk, keeper):
    desk.bring(workbook([offer(1), offer(2)]))
    refer(shop, keeper, "B-00001", 900_00)
    desk.bring(workbook([offer(1, price="950.00"), offer(2, price="950.00")]))
    assert counts(shop) == (JobState.DONE, 2, 0, 2, 0, 0)
    assert [(listing(shop, sku).price_fen, listing(shop, sku).version) for sku in ("B-00001", "B-00002")] == [(899_50, 1), (950_00, 2)]
    desk.upload(workbook([offer(1, price="950.00")]))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 1, 0, 0, 1, 0)
    desk.bring(workbook([offer(1, price="960.00")]))
    assert reviews(shop) == [("withdrawn", 950_00, "R01"), ("waiting", 960_00, "R01")]
    assert kinds(shop, "B-00001") == ["listing.created", "listing.proposed", "listing.reviewed", "listing.proposed"]
    refer(shop, keeper, "B-00001", 100_00)
    desk.bring(workbook([offer(1, price="890.00")]))
    assert (listing(shop, "B-00001").price_fen, reviews(shop)[-1][0]) == (890_00, "withdrawn"), "a price may always fall"


def test_a_price_that_is_blocked_is_refused_at_its_cell_and_changes_nothing(shop, desk):
    desk.bring(workbook([offer(1)]))
    with shop.session() as session, commit(session):
        product = session.get_one(factories.Product, listing(shop, "B-00001").product_id)
        for price in (800_00, 810_00, 820_00):
            factories.listing(session, factories.supplier(session), product, price_fen=price)
    desk.upload(workbook([offer(1, price="9000.00")]))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 1, 0, 0, 0, 1)
    assert problems(shop) == [(2, "单价（元）", "9,000.00")]
    assert "高于其他供应商同款在架中位价 810.00 元" in unescape(desk.browser.get(desk.address).get_data(as_text=True))
    assert desk.step("write").status_code == 409 and (listing(shop, "B-00001").price_fen, kinds(shop, "B-00001")) == (899_50, ["listing.created"])


def test_a_supplier_sets_neither_review_nor_suspension_by_table(shop, desk, keeper):
    desk.bring(workbook([(*offer(1), ""), (*offer(2), "是")], (*HEADS, "进口产品")))
    with shop.session() as session, commit(session):
        decisions.suspend(session, keeper, listing(shop, "B-00001").id, reason="核对")
    with desk.browser.get("/bulk/listings/export.xlsx") as out:  # what is streamed holds its connection until it is closed
        exported = out.data
    desk.upload(exported, name="x.xlsx")
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 4, 0, 0, 4, 0), "what comes back unchanged changes nothing"
    desk.upload(workbook([(*offer(1), "已下架"), (*offer(2), "已下架"), (*offer(3), "待审核"), (*offer(4), "暂停销售")], WITH_SHELF))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 4, 0, 0, 0, 4)
    assert [heading for _, heading, _ in problems(shop)] == ["状态"] * 4
    desk.bring(workbook([(*offer(1), "在架")], WITH_SHELF))
    assert (listing(shop, "B-00001").shelf, reviews(shop)[-1][:2]) == (Shelf.REVIEW, ("waiting", 899_50)), "what was suspended comes back by review"


def test_a_new_product_claims_no_certificate(shop, desk):
    desk.upload(workbook([(*offer(1), "是", ""), (*offer(2), "否", "是"), (*offer(3), "否", "")], (*HEADS, "节能产品", "环境标志产品")))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 3, 1, 0, 0, 2)
    assert problems(shop) == [(2, "节能产品", "是"), (3, "环境标志产品", "是")]
    assert "导入后在产品页登记证书" in unescape(desk.browser.get(desk.address).get_data(as_text=True))


def test_a_batch_asks_the_database_as_often_as_a_row(shop):
    actor, taken = shop.world.actor(Role.LISTER), []
    columns = [column.name for column in sheet.COLUMNS]
    for some in (range(1, 2), range(10, 110)):
        with shop.session() as session:
            blank = dict.fromkeys(columns)
            told = [
                SheetRow(n, blank | {
                    "sku": f"C-{n}", "category_code": "A02021007", "brand": "奔图", "model": f"C{n}", "title": "条码打印机", "unit": "台",
                    "price_fen": 100_00, "stock": 1, "imported": True,
                })
                for n in some
            ]  # fmt: skip
            with commit(session), count_statements(session.get_bind()) as ran:
                judged, wrong = sheet.judge(session, actor, told, {})
                sheet.write(session, actor, judged)
            assert wrong == [] and len(judged) == len(some)
            with commit(session), count_statements(session.get_bind()) as again:
                judged, wrong = sheet.judge(session, actor, [SheetRow(row.line, row.values | {"stock": 2}) for row in told], {})
                sheet.write(session, actor, judged)
            assert wrong == [] and len(judged) == len(some)
        taken.append([sum(each.startswith("SELECT") for each in some) for some in (ran, again)])
    assert taken[1][0] <= taken[0][0] <= 20 and taken[1][1] <= taken[0][1] <= 12
