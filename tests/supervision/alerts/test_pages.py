"""The queue by page and by API."""

import re

from app.kernel.db import commit
from app.policy import Role
from tests import factories
from tests.supervision.alerts.test_alerts import raised


def test_the_page_says_why_it_fired_and_lets_its_owner_settle_it(watched):
    with watched.session() as session:
        number = raised(session).number
    visitor = watched.visitor(Role.SUPERVISOR)
    page = visitor.text("/watch/alerts")
    for words in (number, "拆分订单规避限额", "300,000.00", "30 日内", "未领取", "规则集"):
        assert words in page
    at = f"/watch/alerts/{number}"
    assert visitor.post(f"{at}/claim", at).status_code == 303
    assert visitor.post(f"{at}/dismiss", at, note="没有").status_code == 422
    assert "请选择不成立的原因" in visitor.post(f"{at}/dismiss", at).text
    assert visitor.post(f"{at}/dismiss", at, code="duplicate").status_code == 303
    assert "与另一条预警重复" in visitor.text(at)
    assert watched.visitor(watched.other).get(at).status_code == 404
    assert "由当地财政部门处置" not in watched.visitor(watched.auditor).text(at)
    assert watched.visitor(Role.BUYER).get("/watch/alerts").status_code == 403


def test_who_may_read_alerts_but_not_orders_gets_no_link_that_would_be_refused(watched):
    with watched.session() as session:
        number = raised(session).number
        with commit(session):
            rules = factories.actor(session, factories.person(session, watched.world.finance, Role.RULE_ADMIN))
    reader = watched.visitor(rules)
    page = reader.text(f"/watch/alerts/{number}")
    assert number in page
    for href in set(re.findall(r'<a[^>]* href="(/[^"#?]+)', page)):
        assert reader.get(href).status_code < 400, href
    assert "/watch/orders/" in watched.visitor(Role.SUPERVISOR).text(f"/watch/alerts/{number}")


def test_the_api_lists_claims_and_closes(watched):
    with watched.session() as session:
        number = raised(session).number
    call = watched.caller(watched.supervisor)
    (item,) = call("GET", "/api/v1/alerts").json["items"]
    assert (item["number"], item["rule"], item["amount_fen"], item["state"]) == (number, "S02", 300_000_00, "new")
    assert watched.caller(watched.province)("POST", f"/api/v1/alerts/{number}/claim").json["code"] == "alert.other_region"
    assert watched.caller(watched.auditor)("POST", f"/api/v1/alerts/{number}/claim").status_code == 403
    assert call("POST", f"/api/v1/alerts/{number}/claim").json["owner"] == watched.supervisor.name
    closed = call("POST", f"/api/v1/alerts/{number}/close", json={"note": "已核实"}).json
    assert (closed["state"], closed["note"], closed["evidence"][0]["number"]) == ("closed", "已核实", "DD-1")
    assert watched.caller(watched.other)("GET", f"/api/v1/alerts/{number}").status_code == 404
