"""Contracts go public within one turn of the worker, once, and can be verified by anybody."""

import hashlib
import json

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import Role
from orders.contracts import queries as contracts
from orders.contracts import service as contract
from supervision.disclosure import documents, queries, rules, service
from supervision.disclosure.queries import Search
from supervision.disclosure.states import NoticeKind
from supervision.disclosure.tables import Notice
from tests import factories
from tests.orders import steps


def published(session):
    session.rollback()
    return list(session.scalars(select(Notice).order_by(Notice.id)))


@pytest.mark.both_databases
def test_a_contract_is_published_once_with_everything_the_law_asks_for(watched):
    world = watched.world
    with watched.session() as session:
        order = steps.confirmed(session, world, {world.laser: 2, world.paper: 10})
        watched.work()
        watched.work()
        (notice,) = published(session)
        concluded = contracts.of_order(session, order)
        body = queries.body_of(notice)
        assert (notice.kind, notice.contract_number, notice.order_number) == (NoticeKind.CONTRACT, concluded.number, order.number)
        assert (body["unit"], body["supplier"], body["mode"], body["sme"]) == (world.unit.name, world.supplier.name, "direct", True)
        assert (body["contract_sha256"], body["filing"], body["amount_fen"]) == (concluded.sha256, concluded.filing_number, 2_250_00)
        assert [(line["item"], line["quantity"], line["price_fen"], line["amount_fen"]) for line in body["lines"]] == [
            (world.laser.title, 2, 1_000_00, 2_000_00),
            (world.paper.title, 10, 25_00, 250_00),
        ]
        assert sum(line["amount_fen"] for line in body["lines"]) == notice.amount_fen
        assert notice.sha256 == hashlib.sha256(notice.body.encode()).hexdigest()
        assert session.scalars(select(Event.type).where(Event.stream == notice.number)).all() == ["notice.published"]


@pytest.mark.both_databases
def test_the_end_of_a_contract_is_published_too(watched):
    world = watched.world
    with watched.session() as session:
        order = steps.confirmed(session, world, {world.laser: 2})
        session.rollback()
        with commit(session):
            contract.propose_termination(session, world.actor(Role.BUYER), steps.fresh(session, order), "项目取消")
        with commit(session):
            contract.agree_termination(session, world.actor(Role.ORDER_CLERK), steps.fresh(session, order))
        watched.work()
        first, second = published(session)
        assert (first.kind, second.kind, second.contract_number) == (NoticeKind.CONTRACT, NoticeKind.TERMINATION, first.contract_number)
        sums = queries.total(queries.sums(session, Search()))
        assert (sums.contracts, sums.amount_fen, sums.terminated) == (1, 2_000_00, 1)


def test_an_end_waits_for_its_beginning(watched):
    from app.kernel import clock

    with watched.session() as session, pytest.raises(rules.NotYetPublished), commit(session):
        service.publish_termination(session, {"order": "DD-none"}, at=clock.now())


def test_the_portal_needs_no_sign_in_and_its_sums_add_up(watched):
    world = watched.world
    with watched.session() as session:
        with commit(session):
            other = factories.world(session, region=factories.OTHER_CITY)
            county = factories.world(session, region=factories.COUNTY)
            name = other.unit.name
        for each, pieces in ((world, 2), (other, 3), (county, 5)):
            steps.confirmed(session, each, {each.laser: pieces})
        watched.work()
        session.rollback()
        found = queries.sums(session, Search())
        cities = queries.by_city(found)
        assert [(code, sums.contracts, sums.amount_fen) for code, sums in cities] == [("410100", 2, 7_000_00), ("410300", 1, 3_000_00)]
        assert queries.total(found).amount_fen == sum(sums.amount_fen for _, sums in cities) == 10_000_00
    anybody = watched.app.test_client()
    page = anybody.get("/portal").text
    for words in ("每一笔，都可查可验", world.unit.name, "10,000.00", "7,000.00", "3,000.00", "演示数据"):
        assert words in page
    assert name in anybody.get("/portal/notices?region=410300").text
    assert world.unit.name not in anybody.get("/portal/notices?region=410300").text
    assert "合同 1 份，合计 2,000.00 元" in anybody.get(f"/portal/notices?q={world.unit.name}").text
    assert "没有符合条件的公告" in anybody.get("/portal/notices?to=2020-01-01").text


def test_pages_of_notices_neither_repeat_nor_skip(watched):
    world = watched.world
    with watched.session() as session:
        for _ in range(5):
            steps.confirmed(session, world, {world.laser: 1})
        watched.work()
        session.rollback()
        seen, cursor = [], None
        while True:
            page = queries.listing(session, Search(), cursor=cursor, limit=2)
            seen += [each.id for each in page.rows]
            cursor = page.next
            if cursor is None:
                break
        assert seen == sorted((each.id for each in published(session)), reverse=True)


@pytest.fixture
def notice(watched):
    with watched.session() as session:
        steps.confirmed(session, watched.world, {watched.world.laser: 2})
        watched.work()
        return published(session)[0]


def test_a_notice_is_a_page_a_pdf_and_the_text_of_its_digest(watched, notice):
    anybody = watched.app.test_client()
    page = anybody.get(f"/portal/notices/{notice.number}").text
    for words in (notice.title, notice.contract_number, notice.sha256, "贰仟元整", "演示数据"):
        assert words in page
    text = anybody.get(f"/portal/notices/{notice.number}.json").data
    assert hashlib.sha256(text).hexdigest() == notice.sha256
    with anybody.get(f"/portal/notices/{notice.number}.pdf") as first, anybody.get(f"/portal/notices/{notice.number}.pdf") as second:
        assert first.data[:5] == b"%PDF-"
        assert first.data == second.data
    assert documents.pdf_of(notice, address="http://a", demo=True) == documents.pdf_of(notice, address="http://a", demo=True)
    assert anybody.get("/portal/notices/GG-nothing").status_code == 404
    assert anybody.get("/portal/notices/GG-nothing.pdf").status_code == 404


def test_verification_says_same_other_or_missing(watched, notice):
    anybody = watched.app.test_client()
    contract_digest = json.loads(notice.body)["contract_sha256"]
    assert "请核对编号" in anybody.get("/portal/verify?contract=HT000000-000000-0").text
    same = anybody.get(f"/portal/verify?contract={notice.contract_number}&sha256={contract_digest}").text
    assert "摘要与公开的合同一致" in same
    assert "摘要与公开的公告一致" in anybody.get(f"/portal/verify?number={notice.number}&sha256={notice.sha256}").text
    wrong = anybody.get(f"/portal/verify?contract={notice.contract_number}&sha256={'0' * 64}").text
    assert "不符" in wrong
    assert contract_digest in wrong
    assert notice.title in anybody.get(f"/portal/verify?contract={notice.order_number}").text


def test_programs_read_notices_without_a_token(watched, notice):
    anybody = watched.app.test_client()
    (item,) = anybody.get("/api/v1/notices").json["items"]
    assert (item["number"], item["amount_fen"], item["sha256"]) == (notice.number, 2_000_00, notice.sha256)
    one = anybody.get(f"/api/v1/notices/{notice.number}").json
    assert hashlib.sha256(one["text"].encode()).hexdigest() == notice.sha256
    assert one["body"]["lines"][0]["model"] == json.loads(notice.body)["lines"][0]["model"]
    assert anybody.get("/api/v1/notices?region=999999").status_code == 422
