"""A supplier brings its listings in a spreadsheet."""

from html import unescape
from io import BytesIO

import pytest
from sqlalchemy import func, select

from app.accounts.organisations.tables import Organisation
from app.bulk.states import JobState
from app.bulk.tables import BulkJob, BulkProblem
from app.kernel import sheets
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.tables import Product
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.app.bulk.conftest import Desk, offer, work, workbook


def job(shop):
    with shop.session() as session:
        return session.scalars(select(BulkJob).order_by(BulkJob.id.desc()).limit(1)).one()


def counts(shop):
    last = job(shop)
    return last.state, last.rows, last.added, last.changed, last.unchanged, last.failed


def text(answer):
    return unescape(answer.get_data(as_text=True))


@pytest.mark.both_databases
def test_a_workbook_becomes_listings_with_their_products_versions_and_events(shop, desk):
    desk.upload(workbook([offer(n) for n in range(1200)]))
    assert job(shop).state is JobState.UPLOADED
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 1200, 1200, 0, 0, 0)
    with shop.session() as session:
        assert session.scalar(select(func.count()).select_from(Listing).where(Listing.sku.startswith("B-"))) == 0, "a check writes nothing"
    desk.write()
    assert counts(shop) == (JobState.DONE, 1200, 1200, 0, 0, 0)
    with shop.session() as session:
        made = session.scalars(select(Listing).where(Listing.sku == "B-00042")).one()
        assert (made.price_fen, made.stock, made.shelf, made.delivery_days, made.regions) == (899_50, 20, "on_shelf", 5, "410000")
        assert session.get_one(Product, made.product_id).model == "P00042"
        assert session.scalar(select(func.count()).select_from(ListingVersion).where(ListingVersion.listing_id == made.id)) == 1
        assert session.scalar(select(func.count()).select_from(Event).where(Event.type == "listing.created")) == 1200
        kinds = list(session.scalars(select(Event.type).where(Event.type.startswith("bulk.")).order_by(Event.id)))
        assert kinds == ["bulk.uploaded", "bulk.check_begun", "bulk.checked", "bulk.write_begun", "bulk.written"]
    shop.drain()
    assert "P00042" in text(shop.browser().get("/search?q=P00042"))


def test_the_same_file_again_changes_nothing(shop, desk):
    content = workbook([offer(n) for n in range(30)])
    desk.bring(content)
    desk.upload(content)
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 30, 0, 0, 30, 0)
    answer = desk.step("write")
    assert answer.status_code == 409 and "没有可写入的行" in text(answer)


@pytest.mark.both_databases
def test_rows_of_known_numbers_change_price_stock_and_words_each_with_its_event(shop, desk):
    desk.bring(workbook([offer(1), offer(2)]))
    desk.bring(workbook([offer(1, price="799", stock=5), offer(2, title="新名称")]))
    assert counts(shop) == (JobState.DONE, 2, 0, 2, 0, 0)
    with shop.session() as session:
        one, two = (session.scalars(select(Listing).where(Listing.sku == sku)).one() for sku in ("B-00001", "B-00002"))
        assert (one.price_fen, one.stock, one.version, two.title, two.version) == (799_00, 5, 2, "新名称", 2)
        kinds = list(session.scalars(select(Event.type).where(Event.stream == f"listing/{one.id}").order_by(Event.version)))
        assert kinds == ["listing.created", "listing.repriced", "listing.restocked"]
        prices = list(session.scalars(select(ListingVersion.price_fen).where(ListingVersion.listing_id == one.id).order_by(ListingVersion.version)))
        assert prices == [899_50, 799_00]


def test_every_wrong_cell_is_named_with_row_column_reason_and_way_out_and_the_right_rows_are_written(shop, desk):
    rows = [
        offer(1), offer(2, price="abc"), offer(3, stock="-1"), offer(4, category="A02021000"), offer(5, category="A99999999"), offer(6, title=""),
        offer(7, sku="B-00001"), offer(8, brand="x" * 61), offer(9),
    ]  # fmt: skip
    desk.upload(workbook(rows))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 9, 2, 0, 0, 7)
    page = text(desk.browser.get(desk.address))
    for said in ("G 单价（元）", "H 库存", "应为 0 到 10,000,000 之间的整数", "请选到最末级", "没有编码 A99999999", "必填", "与第 2 行重复", "最多 60 个字，现有 61 个"):
        assert said in page, said
    with shop.session() as session:
        wrong = [(row.line, row.heading, row.figure) for row in session.scalars(select(BulkProblem).order_by(BulkProblem.line))]
    assert wrong[:2] == [(3, "单价（元）", "abc"), (4, "库存", "-1")] and [line for line, *_ in wrong] == [3, 4, 5, 6, 7, 8, 9]
    desk.write()
    assert counts(shop) == (JobState.DONE, 9, 2, 0, 0, 7)


def test_the_workbook_of_failed_rows_is_corrected_and_brings_exactly_those(shop, desk):
    desk.bring(workbook([offer(n, price="x" if n % 3 == 0 else "10.00") for n in range(9)]))
    table = list(sheets.lines(BytesIO(desk.browser.get(f"{desk.address}/failed.xlsx").data)))
    assert table[0].cells == ["货号", "品目编码", "品牌", "型号", "商品名称", "销售单位", "单价（元）", "库存", "错误原因", "原行号"]
    assert [(line.cells[0], line.cells[-1]) for line in table[1:]] == [("B-00000", "2"), ("B-00003", "5"), ("B-00006", "8")]
    assert all("单价" in line.cells[-2] for line in table[1:])
    mended = [tuple("12.00" if cell == "x" else cell for cell in line.cells) for line in table[1:]]
    desk.bring(workbook(mended, tuple(table[0].cells)))
    assert counts(shop) == (JobState.DONE, 3, 3, 0, 0, 0)
    with shop.session() as session:
        assert session.scalar(select(func.count()).select_from(Listing).where(Listing.sku.startswith("B-"))) == 9


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_imports_unchanged(shop, desk, kind):
    heads = (*("货号", "品目编码", "品牌", "型号", "商品名称", "销售单位", "单价（元）", "库存"), "规格参数", "供货区域", "节能产品", "状态")
    desk.bring(workbook([
        (*offer(1, title="=1+1", brand="@品牌", model="-M1"), "幅面：A4\n编号：007\n双面：是", "410100、410300", "否", "草稿"),
        (*offer(2, title="'+x", model="\tT"), "", "", "否", ""), (*offer(3, title="a,\"b\"\nc", sku="0371"), "速度：33.5", "洛阳市", "", "在架"),
    ], heads))  # fmt: skip
    assert counts(shop)[:3] == (JobState.DONE, 3, 3)
    with shop.session() as session:
        before = factories.how_many(session, Event)
    out = desk.browser.get(f"/bulk/listings/export.{kind}")
    desk.upload(out.data, name=f"x.{kind}")
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 5, 0, 0, 5, 0)
    with shop.session() as session:
        assert session.scalars(select(Listing.title).where(Listing.sku == "B-00001")).one() == "=1+1"
        assert factories.how_many(session, Event) == before + 3


def test_an_export_shows_exactly_what_the_page_shows(shop, desk):
    desk.bring(workbook([offer(1), offer(2, stock=0), offer(3, title="特别的打印机")]))
    skus = lambda query: [line.cells[0] for line in sheets.lines(BytesIO(desk.browser.get(f"/bulk/listings/export.xlsx?{query}").data))][1:]
    assert skus("tab=low") == ["B-00002"]
    assert skus("q=特别") == ["B-00003"]
    assert "/bulk/listings/export.xlsx?tab=low" in text(desk.browser.get("/listings/?tab=low"))


def test_two_rows_that_put_the_same_product_on_the_shelf_are_refused(shop, desk):
    desk.upload(workbook([offer(1), offer(2, brand="奔图", model="P00001")]))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 2, 1, 0, 0, 1)
    assert "您已上架同品牌同型号的商品（货号 B-00001）" in text(desk.browser.get(desk.address))


def test_columns_are_guessed_by_heading_and_by_value_and_chosen_by_hand(shop, desk):
    heads = ("SKU", "分类", "品牌", "型号", "名称", "计量单位", "价格", "库存数量", "备注")
    desk.upload(workbook([(*offer(1), "x")], heads))
    guessed = desk.mapping()
    assert guessed == {
        "column-0": "sku", "column-2": "brand", "column-3": "model", "column-4": "title", "column-5": "unit", "column-6": "price_fen", "column-7": "stock",
    } | ({"column-1": "category_code"} if "column-1" in guessed else {})  # fmt: skip
    answer = desk.step("check", **{key: name for key, name in guessed.items() if key != "column-0"})
    assert answer.status_code == 422 and "必需的列没有对应" in text(answer) and job(shop).state is JobState.UPLOADED
    desk.step("check", **guessed, **{"column-1": "category_code"})
    work(shop)
    assert counts(shop) == (JobState.CHECKED, 1, 1, 0, 0, 0)


def test_cancelled_imports_write_nothing_more_and_stay_in_the_history(shop, desk):
    desk.upload(workbook([offer(1)]))
    assert desk.step("check", **desk.mapping()).status_code == 303
    assert desk.step("cancel").status_code == 303
    work(shop)
    assert job(shop).state is JobState.CANCELLED
    assert desk.step("write").status_code == 409
    assert "商品.xlsx" in text(desk.browser.get("/bulk/")) and "已取消" in text(desk.browser.get("/bulk/"))


def test_a_foreign_supplier_sees_no_import_and_no_file_of_another(shop, desk):
    desk.bring(workbook([offer(1), offer(2, price="x")]))
    with shop.session() as session, commit(session):
        other = session.get_one(Organisation, factories.supplier(session).organisation_id)
        factories.person(session, other, Role.LISTER, login="other.lister", password_hash=KEPT)
    foreign = Desk(shop)
    foreign.browser = shop.browser()
    assert foreign.browser.sign_in("other.lister").status_code == 303
    for address in (desk.address, f"{desk.address}/failed.xlsx", f"{desk.address}/file"):
        assert foreign.browser.get(address).status_code == 404
        assert shop.browser(Role.BUYER).get(address).status_code == 404
        assert shop.browser().get(address).status_code == 303
    for step in ("check", "write", "cancel"):
        token = foreign.token("/bulk/listings")
        assert foreign.browser.client.post(f"{desk.address}/{step}", data={"csrf_token": token}).status_code == 404
    assert "商品.xlsx" not in text(foreign.browser.get("/bulk/")) and "B-00001" not in foreign.browser.get("/bulk/listings/export.csv").get_data(as_text=True)
    assert job(shop).state is JobState.DONE
