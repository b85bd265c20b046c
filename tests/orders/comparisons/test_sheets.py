"""Freezing, citing, and who sees it: through the pages, as buyers, approvers, suppliers and supervisors use them."""

import hashlib
import io
import json
import re
import zipfile
from html import unescape

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import MultiDict

from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.outbox import Event
from app.kernel.sheets import table_of
from app.policy import Role
from catalog.listings import service as listings
from catalog.listings.tables import Listing
from orders.carts import service as carts
from orders.comparisons import documents, queries, service
from orders.comparisons.rules import BadPick, NothingToFreeze
from orders.comparisons.tables import Comparison
from orders.purchases.states import State
from orders.purchases.tables import Order, Submission
from tests import factories
from tests.catalog.conftest import Shop, shop
from tests.orders.carts.test_pages import form_of
from tests.statements import count_statements
from tests.web.test_statements import engine_of

__all__ = ["shop"]


@pytest.fixture
def market(shop: Shop) -> Shop:
    """Four suppliers of one printer: 1,000, 1,050 (nothing in stock), 1,100 and 1,150 yuan."""
    shop.stock_shelf(others=3)
    shop.index()
    return shop


def offers(shop: Shop) -> list[Listing]:
    with shop.session() as session:
        return list(session.scalars(select(Listing).where(Listing.product_id == shop.world.laser.product_id).order_by(Listing.price_fen)))


def freeze(shop: Shop, *listing_ids: int) -> Comparison:
    with shop.session() as session, commit(session):
        return service.freeze_offers(session, shop.world.actor(Role.BUYER), listing_ids)


def sheets(shop: Shop) -> list[Comparison]:
    with shop.session() as session:
        return list(session.scalars(select(Comparison).order_by(Comparison.id)))


def put(shop: Shop, listing: Listing, quantity: int = 1) -> None:
    with shop.session() as session, commit(session):
        carts.add(session, shop.world.actor(Role.BUYER), listing.id, quantity)


# ---------------------------------------------------------------- freezing


@pytest.mark.both_databases
def test_a_search_is_frozen_with_every_hit_its_version_price_and_the_conditions(market: Shop) -> None:
    buyer = market.browser(Role.BUYER)
    answer = buyer.post("/comparisons", "/search?q=打印机&sort=price_up", search="q=打印机&sort=price_up&low=900&page=nonsense")
    (sheet,) = sheets(market)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/comparisons/{sheet.number}")
    content = json.loads(sheet.content)
    assert (sheet.kind, sheet.words, sheet.hits, sheet.total, sheet.suppliers) == ("search", "打印机", 4, 4, 4)
    assert content["question"] == {"params": {"low": "900", "q": "打印机", "sort": "price_up"}, "names": {}}
    assert content["engine"]["name"] == "embedded" and content["engine"]["degraded"] is False
    held = [(hit["listing"], hit["version"], hit["price_fen"], hit["supplier"]) for hit in content["hits"]]
    assert held == [(each.id, 1, each.price_fen, each.supplier_id) for each in offers(market)]
    with market.session() as session:
        event = session.scalars(select(Event).where(Event.stream == sheet.number)).one()
    body = json.loads(event.body)
    assert (event.type, event.version, body["sha256"], body["hits"]) == ("comparison.frozen", 1, sheet.sha256, 4)
    assert hashlib.sha256(sheet.content.encode()).hexdigest() == sheet.sha256


def test_only_so_many_hits_are_frozen_as_a_dated_row_says_and_the_total_is_told(market: Shop) -> None:
    engine = market.app.extensions["mall.search"]
    from catalog.search.port import SearchRequest

    found = queries.collect(engine, SearchRequest(q="打印机"), 3, question={})
    assert (len(found.listing_ids), found.total, found.exact) == (3, 4, True)
    with market.session() as session, commit(session):
        sheet = service.freeze(session, market.world.actor(Role.BUYER), found)
    assert (sheet.hits, sheet.total) == (3, 4)
    assert "当时共 4 条，只收录前 3 条" in market.browser(Role.BUYER).get(f"/comparisons/{sheet.number}").get_data(as_text=True)
    with market.session() as session:
        assert queries.most_hits(session) == 200


@pytest.mark.both_databases
def test_a_sheet_cannot_be_changed_or_taken_away(market: Shop) -> None:
    sheet = freeze(market, *(each.id for each in offers(market)[:2]))
    for act in (update(Comparison).values(hits=9), delete(Comparison)):
        with pytest.raises(DBAPIError), market.session() as session, commit(session):
            session.execute(act)
    assert [(each.number, each.hits) for each in sheets(market)] == [(sheet.number, 2)]


def test_one_or_five_offers_and_what_is_off_the_shelf_are_refused_and_nothing_is_kept(market: Shop) -> None:
    ids = [each.id for each in offers(market)]
    for wanted in (ids[:1], [*ids, ids[0] + 1000], []):
        with pytest.raises(BadPick) as refused:
            freeze(market, *wanted)
        assert refused.value.count == len(wanted)
    with pytest.raises(NothingToFreeze):
        freeze(market, 10**9, 10**9 + 1)
    answer = market.browser(Role.BUYER).post("/comparisons", "/comparisons", ids=str(ids[0]))
    assert answer.status_code == 422
    assert sheets(market) == []


def test_a_price_that_changes_later_leaves_the_sheet_as_it_was(market: Shop) -> None:
    cheap, dear = offers(market)[0], offers(market)[2]
    sheet = freeze(market, cheap.id, dear.id)
    with market.session() as session, commit(session):
        listings.reprice(session, market.world.actor(Role.LISTER), cheap.id, price_fen=888_00)
    page = market.browser(Role.BUYER).get(f"/comparisons/{sheet.number}").get_data(as_text=True)
    assert "1,000.00" in page and "现价 888.00" in page and "内容与摘要相符" in page


# ---------------------------------------------------------------- taking it away


def test_the_document_has_the_same_bytes_every_time_and_the_workbook_reads_back(market: Shop) -> None:
    sheet = freeze(market, *(each.id for each in offers(market)[:3]))
    once, again = (documents.pdf_of(sheet, address="https://mall.example", demo=False) for _ in range(2))
    assert once == again and once.startswith(b"%PDF")
    buyer = market.browser(Role.BUYER)
    served = buyer.get(f"/comparisons/{sheet.number}.pdf")
    assert served.status_code == 200 and served.mimetype == "application/pdf" and served.get_data().startswith(b"%PDF")
    served.close()
    table = buyer.get(f"/comparisons/{sheet.number}.xlsx").get_data()
    assert table == buyer.get(f"/comparisons/{sheet.number}.xlsx").get_data()
    rows = [line.cells for line in table_of(table)]
    assert rows[0][:2] == ["序号", "商品"] and [row[6] for row in rows[1:]] == ["1000", "1050", "1100"]
    with zipfile.ZipFile(io.BytesIO(table)) as pages:
        assert sheet.sha256 in pages.read("xl/worksheets/sheet2.xml").decode()


# ---------------------------------------------------------------- citing


def checkout(shop: Shop, **fields: object) -> tuple[int, str]:
    """Send the checkout as it stands, with some fields changed; the status, and where it leads."""
    buyer = shop.browser(Role.BUYER)
    form = form_of(buyer.get("/checkout").get_data(as_text=True)) | {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    answer = buyer.client.post("/checkout", data=MultiDict(form))
    return answer.status_code, answer.headers.get("Location", "")


def placed(shop: Shop) -> Order:
    with shop.session() as session:
        return session.scalars(select(Order)).one()


def test_without_a_comparison_the_order_is_held_and_with_one_it_is_submitted_and_cites_it(market: Shop) -> None:
    put(market, market.world.laser)
    buyer = market.browser(Role.BUYER)
    page = unescape(buyer.get("/checkout").get_data(as_text=True))
    assert "商品比选不足" in page and "有 3 家供应商可供同款，应比选不少于 3 家，现比选同品目供应商 0 家（没有引用比选单）" in page
    assert buyer.post("/cart/comparison", "/cart").status_code == 303
    (sheet,) = sheets(market)
    assert (sheet.kind, sheet.hits, sheet.suppliers) == ("products", 3, 3)
    page = unescape(buyer.get("/checkout").get_data(as_text=True))
    assert "商品比选不足" not in page and f'value="{sheet.number}" selected' in page
    status, to = checkout(market)
    assert status == 303 and to.startswith("/orders/submissions/TJ")
    order = placed(market)
    assert order.state is State.SUBMITTED
    with market.session() as session:
        assert session.scalars(select(Submission.comparison)).one() == sheet.number
        body = json.loads(session.scalars(select(Event.body).where(Event.type == "order.submitted")).one())
    assert body["comparison"] == {"number": sheet.number, "sha256": sheet.sha256}
    assert f"/comparisons/{sheet.number}" in buyer.get(f"/orders/{order.number}").get_data(as_text=True)
    assert order.number in buyer.get(f"/comparisons/{sheet.number}").get_data(as_text=True)
    approver = market.browser(Role.APPROVER).get(f"/approvals?order={order.number}").get_data(as_text=True)
    assert f"/comparisons/{sheet.number}" in approver


def test_who_cites_nothing_is_held_for_an_explanation(market: Shop) -> None:
    put(market, market.world.laser)
    freeze(market, *(each.id for each in offers(market)[:3]))
    assert checkout(market, comparison="")[0] == 303
    assert placed(market).state is State.HELD


def test_a_dearer_offer_is_held_without_a_reason_and_submitted_with_one_that_the_approver_reads(market: Shop) -> None:
    dear = offers(market)[2]
    put(market, dear)
    market.browser(Role.BUYER).post("/cart/comparison", "/cart")
    page = unescape(market.browser(Role.BUYER).get("/checkout").get_data(as_text=True))
    assert "第 1 行单价 1,100.00 元，同款最低 1,000.00 元，高出 100.00 元；理由：未写明" in page
    assert checkout(market, why="delivery", words="开标前三日要用")[0] == 303
    order = placed(market)
    assert order.state is State.SUBMITTED
    approver = unescape(market.browser(Role.APPROVER).get(f"/approvals?order={order.number}").get_data(as_text=True))
    assert "理由：送达更快 开标前三日要用" in approver and "未选最低价" in approver
    clerk = unescape(market.browser(Role.ORDER_CLERK).get("/orders").get_data(as_text=True))
    assert "开标前三日要用" not in clerk


def test_without_words_the_dearer_offer_is_held(market: Shop) -> None:
    put(market, offers(market)[2])
    market.browser(Role.BUYER).post("/cart/comparison", "/cart")
    assert checkout(market, why="delivery")[0] == 303
    assert placed(market).state is State.HELD


def test_an_unknown_reason_is_refused_and_nothing_typed_is_lost(market: Shop) -> None:
    put(market, offers(market)[2])
    buyer = market.browser(Role.BUYER)
    form = form_of(buyer.get("/checkout").get_data(as_text=True)) | {"why": ["because"], "words": ["急用急用"], "reason": ["年度计划"]}
    answer = buyer.client.post("/checkout", data=MultiDict(form))
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and "第 1 行的理由分类“because”不在可选范围" in page and "急用急用" in page and "年度计划" in page
    with market.session() as session:
        assert session.scalars(select(Order)).all() == []


def test_freezing_at_checkout_keeps_what_was_typed_and_cites_the_new_sheet(market: Shop) -> None:
    put(market, market.world.laser)
    buyer = market.browser(Role.BUYER)
    form = form_of(buyer.get("/checkout").get_data(as_text=True)) | {"freeze": ["1"], "reason": ["年度计划"]}
    page = unescape(buyer.client.post("/checkout/review", data=MultiDict(form)).get_data(as_text=True))
    (sheet,) = sheets(market)
    assert f'value="{sheet.number}" selected' in page and "年度计划" in page and "商品比选不足" not in page


def test_a_program_cites_a_comparison_and_is_judged_by_it(market: Shop) -> None:
    ids = [each.id for each in offers(market)]
    frozen = market.api("POST", "/comparisons", Role.BUYER, json={"listing_ids": [ids[0], ids[2], ids[3]]})
    number = frozen.get_json()["number"]
    assert frozen.status_code == 201 and frozen.get_json()["suppliers"] == 3
    line = {"listing_id": ids[0], "quantity": 1, "seen_price_fen": 1_000_00, "plan_line_id": market.world.lines[0].id}
    for body, would in (({"lines": [line]}, "held"), ({"lines": [line], "comparison": number}, "submitted")):
        assert market.api("POST", "/assessments", Role.BUYER, json=body).get_json()["would"] == would
    assert market.api("POST", "/assessments", Role.BUYER, json={"lines": [line], "comparison": "BX1"}).status_code == 404
    assert market.api("GET", f"/comparisons/{number}", Role.BUYER).get_json()["sha256"] == frozen.get_json()["sha256"]


def test_an_order_that_cites_takes_one_statement_more(market: Shop) -> None:
    put(market, market.world.laser)
    buyer = market.browser(Role.BUYER)
    buyer.post("/cart/comparison", "/cart")
    fields = form_of(buyer.get("/checkout").get_data(as_text=True))
    with count_statements(engine_of(market)) as ran:
        assert buyer.client.post("/checkout", data=MultiDict(fields)).status_code == 303
    assert len(ran) == 15, "\n".join(" ".join(each.split())[:160] for each in ran)


# ---------------------------------------------------------------- who sees it


def test_no_other_unit_no_supplier_and_no_supervisor_sees_a_sheet_and_nobody_else_may_cite_it(market: Shop) -> None:
    sheet = freeze(market, *(each.id for each in offers(market)[:2]))
    with market.session() as session, commit(session):
        other = factories.world(session, region=factories.CITY)
        afar = factories.world(session, region=factories.OTHER_CITY)
    address = f"/comparisons/{sheet.number}"
    with market.session() as session:
        for actor in (other.actor(Role.BUYER), other.actor(Role.APPROVER), market.world.actor(Role.LISTER), market.world.actor(Role.SUPERVISOR), afar.actor(Role.SUPERVISOR)):
            with pytest.raises(Missing):
                queries.by_number(session, actor, sheet.number)
            assert queries.page(session, actor).rows == []
        with pytest.raises(Missing):
            queries.cited(session, other.actor(Role.BUYER), sheet.number)
        assert queries.by_number(session, market.world.actor(Role.APPROVER), sheet.number).number == sheet.number
    for role in (Role.LISTER, Role.ORDER_CLERK, Role.SUPERVISOR):
        browser = market.browser(role)
        for ending in ("", ".pdf", ".xlsx"):
            assert browser.get(address + ending).status_code == 404, (role, ending)
        assert sheet.number not in browser.get("/comparisons").get_data(as_text=True)
    assert market.browser().get(address).status_code == 303


def test_the_supervisor_of_the_region_sees_a_sheet_once_an_order_cites_it_and_one_of_elsewhere_never(market: Shop) -> None:
    put(market, market.world.laser)
    market.browser(Role.BUYER).post("/cart/comparison", "/cart")
    assert checkout(market)[0] == 303
    (sheet,) = sheets(market)
    with market.session() as session, commit(session):
        afar = factories.world(session, region=factories.OTHER_CITY)
    assert market.browser(Role.SUPERVISOR).get(f"/comparisons/{sheet.number}").status_code == 200
    with market.session() as session:
        assert queries.by_number(session, market.world.actor(Role.SUPERVISOR), sheet.number).number == sheet.number
        for stranger in (afar.actor(Role.SUPERVISOR), market.world.actor(Role.ORDER_CLERK)):
            with pytest.raises(Missing):
                queries.by_number(session, stranger, sheet.number)
    page = market.browser(Role.SUPERVISOR).get(f"/comparisons/{sheet.number}").get_data(as_text=True)
    assert not re.search(r'action="/cart/items"', page)
