"""The pages of those who watch: board, stream, an order from end to end, a refused attempt."""

import json
import re

import pytest

from app.kernel.db import commit
from app.policy import Role
from supervision.journal import queries as journal
from supervision.journal import receipts, service
from tests import factories
from tests.orders import steps


@pytest.fixture
def busy(watched):
    """One contract and one refused attempt in the city, one order in a county below."""
    with watched.session() as session:
        with commit(session):
            watched.below = factories.world(session, region=factories.COUNTY)
            watched.below_name = watched.below.unit.name
        watched.order = steps.confirmed(session, watched.world, {watched.world.laser: 2}).number
        steps.submitted(session, watched.below, {watched.below.laser: 1})
        watched.attempt = watched.refuse(3)
    watched.work()
    return watched


def test_the_board_goes_down_and_each_figure_leads_to_as_many_lines(busy):
    visitor = busy.visitor(Role.SUPERVISOR)
    page = visitor.text("/watch")
    assert "郑州市监管态势" in page
    for href, figure in re.findall(r'<a href="(/watch/stream\?[^"]+)">([\d,]+)</a>', page):
        shown = visitor.text(href.replace("&amp;", "&"))
        assert shown.count('data-index="') == int(figure), href
    county = visitor.text(f"/watch?region={factories.COUNTY}")
    assert busy.below_name in county
    assert busy.world.unit.name not in county
    assert visitor.get(f"/watch?region={factories.OTHER_CITY}").status_code == 404
    assert "郑州市" in busy.visitor(busy.province).text("/watch?period=year")
    assert busy.visitor(busy.other).get("/watch").status_code == 200
    assert busy.visitor(Role.BUYER).get("/watch").status_code == 403


def test_the_stream_page_shows_refused_attempts_and_filters_by_its_address(busy):
    visitor = busy.visitor(Role.SUPERVISOR)
    page = visitor.text("/watch/stream")
    for words in (busy.attempt, "已阻断", "PRICE", "data-events", "演示数据", busy.world.unit.name):
        assert words in page
    assert busy.attempt not in visitor.text("/watch/stream?risk=pass")
    assert busy.world.unit.name not in visitor.text(f"/watch/stream?region={factories.COUNTY}")
    past = visitor.text("/watch/stream?from=2020-01-01&to=2020-01-31")
    assert "这个条件下没有业务" in past
    assert "data-stream-pause" not in past


def test_the_export_is_what_is_shown_and_says_that_it_is_a_demonstration(busy):
    lines = busy.visitor(Role.SUPERVISOR).text("/watch/stream.csv?risk=block").splitlines()
    assert lines[0].endswith("演示数据")
    assert lines[1].startswith("日志序号,时间")
    assert len(lines) == 3
    assert busy.attempt in lines[2]


def test_an_order_from_end_to_end_with_its_proof(busy):
    visitor = busy.visitor(Role.SUPERVISOR)
    page = visitor.text(f"/watch/orders/{busy.order}")
    for words in ("提交，冻结计划与指标", "确认成约，转为承诺", "包含证明", "合同编号", "未超预算", "100,000.00", "2,000.00"):
        assert words in page
    part = visitor.get(f"/watch/orders/{busy.order}", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "决策记录" in part
    assert busy.visitor(busy.other).get(f"/watch/orders/{busy.order}").status_code == 404
    assert busy.visitor(busy.auditor).get(f"/watch/orders/{busy.order}").status_code == 200


def test_an_attempt_shows_every_verdict(busy):
    page = busy.visitor(Role.SUPERVISOR).text(f"/watch/attempts/{busy.attempt}")
    for words in ("加入购物车后变价", "项通过", "没有任何变动", "包含证明"):
        assert words in page
    assert busy.visitor(busy.other).get(f"/watch/attempts/{busy.attempt}").status_code == 404


def test_the_ruler_shows_the_budget_as_it_was(busy):
    with busy.session() as session:
        later = steps.submitted(session, busy.world, {busy.world.laser: 10})
        from orders.budgets import queries as budgets

        control = busy.world.allotment.control_id
        then = budgets.buckets_then(session, [control], busy.order, 1)[control]
        assert (then.amount_fen, then.reserved_fen, then.committed_fen, then.free_fen) == (100_000_00, 2_000_00, 0, 98_000_00)
        now = budgets.buckets_then(session, [control], later.number, 1)[control]
        assert (now.reserved_fen, now.committed_fen, now.free_fen) == (10_000_00, 2_000_00, 88_000_00)


def test_each_party_takes_its_receipts_and_they_prove_themselves(busy):
    key = service.verifier_at(busy.settings.journal_key_path)
    for who, sees_lines in ((Role.BUYER, True), (Role.ORDER_CLERK, False), (busy.supervisor, True)):
        call = busy.caller(who)
        answer = call("GET", f"/api/v1/orders/{busy.order}/receipts").json
        assert [step["type"] for step in answer["steps"]] == ["order.submitted", "order.approved", "order.confirmed"]
        for step in answer["steps"]:
            proven = receipts.verify(receipts.parse(json.dumps(step["receipt"])), key)
            assert (proven.stream, proven.version, proven.index) == (busy.order, step["version"], step["index"])
            assert "verdicts" not in proven.fields
            assert ("lines" in proven.fields) is sees_lines
        one = call("GET", f"/api/v1/orders/{busy.order}/receipts/1")
        assert receipts.verify(receipts.parse(one.text), key).index == answer["steps"][0]["index"]
    assert busy.caller(busy.other)("GET", f"/api/v1/orders/{busy.order}/receipts").status_code == 404


def test_checkpoint_and_proof_are_for_everybody(busy):
    anybody = busy.app.test_client()
    checkpoint = anybody.get("/api/v1/log/checkpoint").json
    with busy.session() as session:
        assert checkpoint["size"] == journal.size(session)
    proof = anybody.get("/api/v1/log/proof?index=0").json
    assert (proof["size"], proof["root"], proof["note"]) == (checkpoint["size"], checkpoint["root"], checkpoint["note"])
    assert anybody.get(f"/api/v1/log/proof?index={checkpoint['size']}").status_code == 404
