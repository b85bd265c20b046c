"""What the pages of import say: rows that wait for a decision, a file that is too large, progress without scripts, columns chosen before."""

from html import unescape
from io import BytesIO

import pytest
from sqlalchemy import select

from app.bulk import engine, intake, views
from app.bulk.engine import Engine
from app.bulk.rules import MOST_FILE, FileTooBig
from app.bulk.states import JobState
from app.bulk.tables import BulkJob
from app.kernel.outbox import Event
from app.policy import Role
from tests import factories
from tests.app.bulk.conftest import HEADS, Desk, offer, work, workbook
from tests.app.bulk.test_listings import counts, job

IMPORTED = (*HEADS, "进口产品")


def text(answer):
    return unescape(answer.get_data(as_text=True))


@pytest.mark.both_databases
def test_rows_that_the_gate_holds_are_counted_and_the_page_leads_to_them(shop, desk):
    desk.upload(workbook([(*offer(1), ""), (*offer(2), "是"), (*offer(3), "是"), (*offer(4, price="x"), "是")], IMPORTED))
    desk.check()
    assert (job(shop).added, job(shop).waiting) == (3, 2)
    page = text(desk.browser.get(desk.address))
    assert "写入后有 2 行等待目录管理员审核" in page and "tab=review" not in page
    desk.write()
    assert (job(shop).added, job(shop).waiting) == (3, 2)
    page = text(desk.browser.get(desk.address))
    assert "2 行等待目录管理员审核" in page and 'href="/listings/?tab=review"' in page
    waiting = text(desk.browser.get("/listings/?tab=review"))
    assert "B-00002" in waiting and "B-00003" in waiting and "B-00001" not in waiting
    with shop.session() as session:
        assert '"waiting":2' in session.scalars(select(Event.body).where(Event.type == "bulk.written")).one().replace(" ", "")
    assert ">2</td>" in text(desk.browser.get("/bulk/"))


def test_a_file_that_is_too_large_is_refused_with_its_size_the_limit_and_the_way_out(shop, desk):
    answer = desk.upload(b"x" * (MOST_FILE + 2 * 1024 * 1024))
    page = text(answer)
    assert answer.status_code == 413
    assert "文件有 35 兆字节，上限为 32 兆字节" in page and "拆成几个文件分别导入" in page and 'type="file"' in page
    with pytest.raises(FileTooBig) as refused:
        intake.weigh(MOST_FILE + 1)
    assert (refused.value.size, refused.value.most) == (33, 32) and intake.weigh(MOST_FILE) is None
    with shop.session() as session:
        assert factories.how_many(session, BulkJob) == 0


def test_whoever_may_not_import_learns_nothing_more_from_a_request_that_is_too_large(shop, monkeypatch):
    monkeypatch.setattr(views, "UPLOAD_ROOM", 1000)
    for browser in (shop.browser(Role.BUYER), shop.browser()):
        answer = browser.client.post("/bulk/listings", data={"file": (BytesIO(b"x" * 5000), "x.csv")}, content_type="multipart/form-data")
        assert answer.status_code in {303, 413} and "供货区域" not in text(answer)


def test_progress_is_told_to_readers_without_scripts(shop, desk):
    desk.upload(workbook([offer(n) for n in range(300)]))
    assert "刷新进度" not in text(desk.browser.get(desk.address))
    assert desk.step("check", **desk.mapping()).status_code == 303
    worker = Engine()
    assert worker.turn(shop.session) == 1
    page = text(desk.browser.get(desk.address))
    assert "已检查 200 行" in page and "刷新进度" in page
    while worker.turn(shop.session):
        pass
    assert "刷新进度" not in text(desk.browser.get(desk.address))


def test_columns_chosen_by_hand_are_chosen_again_for_the_workbook_of_failed_rows(shop, desk):
    heads = ("SKU编号", "分类码", "牌子", "款", "叫法", "计量", "价", "还有")
    chosen = {f"column-{place}": name for place, name in enumerate(("sku", "category_code", "brand", "model", "title", "unit", "price_fen", "stock"))}
    desk.upload(workbook([offer(1), offer(2, price="x")], heads))
    assert desk.step("check", **chosen).status_code == 303
    work(shop)
    desk.write()
    assert counts(shop) == (JobState.DONE, 2, 1, 0, 0, 1)
    desk.upload(desk.browser.get(f"{desk.address}/failed.xlsx").data)
    assert desk.mapping() == chosen


def test_an_import_cancelled_before_it_wrote_says_that_it_added_nothing(shop, desk):
    desk.upload(workbook([offer(1), offer(2, price="x")]))
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 2, 1, 0, 0, 1)
    assert desk.step("cancel").status_code == 303
    assert counts(shop) == (JobState.CANCELLED, 2, 0, 0, 0, 1)


def test_the_history_tells_who_brought_what_when_and_what_became_of_it(shop, desk):
    desk.bring(workbook([offer(1), offer(2, price="x")]))
    page = text(desk.browser.get("/bulk/listings"))
    with shop.session() as session:
        last = session.scalars(select(BulkJob)).one()
        who = session.get_one(factories.Person, last.person_id).name
    for said in ("商品.xlsx", who, "已写入", f"{last.created_at:%Y}"):
        assert said in page, said
    assert Desk(shop, Role.FINANCE).browser.get(desk.address).status_code == 404


def test_what_is_sent_after_the_request_needs_nothing_of_it(shop, desk):
    """Files are made while they are sent; by then the session of the request is closed and what it had read may have expired."""
    desk.bring(workbook([offer(1), offer(2, price="x")]))
    with shop.session() as session:
        found = session.scalars(select(BulkJob)).one()
        rows = engine.failed_lines(session, found.id, 8)
        session.rollback()
        session.expunge_all()
        assert [(line, cells[0], [each.heading for each in wrong]) for line, cells, wrong in rows] == [(3, "B-00002", ["单价（元）"])]
