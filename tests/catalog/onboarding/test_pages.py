"""The pages of the way into the library: nothing typed is lost, files are served to whom they concern and to nobody else."""

import io
import re
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.accounts.organisations.tables import Organisation
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.uploads import Upload
from app.policy import OrganisationKind, Role
from catalog.onboarding.states import State
from catalog.onboarding.tables import Application
from catalog.qualifications.tables import Qualification
from catalog.suppliers.tables import Supplier
from catalog.taxonomy import service as taxonomy
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.catalog import suppliers_at_the_door as door
from tests.kernel.test_contents import exif, jpeg, png, segment

PASSWORD = "river-stone-42-lamp"
FIRM = {"name": "郑州明泽办公设备有限公司", "region": "410100", "person": "方达", "phone": "0371-60001111", "login": "mingze", "password": PASSWORD, "again": PASSWORD}
COMPANY = {
    "kind": "经销商", "scale": "small", "legal_representative": "方明远", "founded_on": "2015-03-01", "capital_fen": "5,000,000", "address": "经三路 9 号",
    "business": "办公设备销售",
}  # fmt: skip


def text(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def send(browser, page, **fields):
    """A form of a page, sent where it stands; one of its fields is called address."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(page).get_data(as_text=True))
    assert token
    return browser.client.post(page, data={"csrf_token": token[1], **fields})


def paper(requirement, data=door.PDF, name="扫描件.pdf", **more):
    plain = {"requirement": requirement, "number": "91410100-1", "issuer": "市场监督管理局", "valid_from": "2020-01-01", "valid_to": ""}
    return plain | more | {"file": (io.BytesIO(data), name)}


@pytest.fixture
def small_files(shop):
    """Files of at most 200 kB, from before the mall is first asked for a parameter."""
    with shop.session() as session, commit(session):
        taxonomy.set_parameter(session, rule="UPLOAD", name="most_bytes", value=200_000, valid_from=clock.today(), doc_no="测试")


@pytest.fixture
def joined(shop):
    """A browser of a firm that registered itself over the public page."""
    browser = shop.browser()
    answer = browser.post("/onboarding/join", "/onboarding/join", credit_code=door.credit_code(), **FIRM)
    assert answer.status_code == 303
    assert browser.sign_in("mingze", PASSWORD).status_code == 303
    return browser


def one(shop, table):
    with shop.session() as session:
        return session.scalars(select(table).order_by(table.id.desc())).first()


def colleague(shop, *roles, kind=OrganisationKind.SUPPLIER, region=factories.CITY, house=None):
    """A browser of somebody else."""
    with shop.session() as session, commit(session):
        of = session.get_one(Organisation, house) if house else factories.organisation(session, kind, region=region)
        login = factories.person(session, of, *roles, password_hash=KEPT).login
    browser = shop.browser()
    assert browser.sign_in(login).status_code == 303
    return browser


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"credit_code": "91410100MA00000000"}, "校验"),
        ({"credit_code": "9141"}, "应为 18 位，“9141”是 4 位"),
        ({"again": "river-stone-42-lamq"}, "两次输入的密码不一致"),
        ({"password": "short", "again": "short"}, "密码至少 10 位"),
        ({"phone": "abc"}, "电话应为 7 到 20 位数字"),
        ({"login": "a b"}, "账号应为 3 到 40 位小写字母"),
        ({"region": "990000"}, "注册地"),
    ],
)
def test_what_is_wrong_in_the_registration_is_said_at_its_field_and_nothing_typed_is_lost(shop, change, said):
    browser = shop.browser()
    answer = browser.post("/onboarding/join", "/onboarding/join", **({"credit_code": door.credit_code(), **FIRM} | change))
    shown = text(answer)
    assert answer.status_code == 422
    assert said in shown
    assert [value in shown for value in (FIRM["name"], FIRM["person"])] == [True, True]
    assert one(shop, Application) is None


def test_a_draft_is_kept_between_steps_and_a_bad_field_loses_nothing(shop, joined):
    assert send(joined, "/onboarding/company", **COMPANY, next="1").headers["Location"] == "/onboarding/scope"
    answer = send(joined, "/onboarding/company", **(COMPANY | {"capital_fen": "五百万", "address": "新地址"}))
    assert answer.status_code == 422
    assert [word in text(answer) for word in ("五百万", "新地址")] == [True, True]
    assert 'value="经三路 9 号"' in text(joined.get("/onboarding/company"))
    assert one(shop, Application).capital_fen == 5_000_000_00
    assert "提交前还需填写" not in text(joined.get("/onboarding/company"))
    shown = text(joined.get("/onboarding"))
    assert "经营品类、供货区域" in shown
    refused = joined.post("/onboarding/submit", "/onboarding")
    assert refused.status_code == 422
    assert "还不能提交，缺少：经营品类、供货区域" in text(refused)
    assert one(shop, Application).state is State.DRAFT


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"<svg onload=alert(1)>", "licence.pdf", "文件内容不是 PDF、JPEG 或 PNG"),
        (b"", "licence.pdf", "没有收到文件"),
        (door.PDF[:-9], "licence.pdf", "文件不完整或已损坏"),
        (b"%PDF-1.7\n" + b"0" * 400_000 + b"\nstartxref\n%%EOF", "big.pdf", "文件有 0.4 MB，超过 0.2 MB"),
        (jpeg(60_000, 60_000), "photo.jpg", "图片为 60000 × 60000 像素，超过 4000 万像素"),
    ],
    ids=["script", "empty", "cut", "large", "pixels"],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_and_what_was_typed_stays(shop, small_files, joined, data, name, said):
    answer = joined.post("/onboarding/papers", "/onboarding/papers", **paper("business_licence", data, name, number="沪-123"))
    assert answer.status_code == 422
    assert said in text(answer)
    assert 'value="沪-123"' in text(answer)
    with shop.session() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0


def test_a_field_beside_the_file_is_refused_by_name(shop, joined):
    answer = joined.post("/onboarding/papers", "/onboarding/papers", **paper("business_licence", valid_from="昨天"))
    assert answer.status_code == 422
    answer = joined.post("/onboarding/papers", "/onboarding/papers", **paper("business_licence", valid_to="2021-01-01"))
    assert "今天不在有效期内" in text(answer)
    answer = joined.post("/onboarding/papers", "/onboarding/papers", **paper("security_licence"))
    assert "没有这项材料要求" in text(answer)
    assert one(shop, Qualification) is None


def test_a_photograph_is_kept_without_its_place_and_served_so_that_it_stays_a_file(shop, joined):
    photo = jpeg(notes=segment(0xE1, exif(6)))
    assert joined.post("/onboarding/papers", "/onboarding/papers", **paper("business_licence", photo, "../../照片.html")).status_code == 303
    made = one(shop, Qualification)
    answer = joined.get(f"/qualifications/{made.id}/file")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert b"GPS" not in answer.get_data()
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; img-src 'self'; sandbox"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Disposition"].startswith("inline")
    assert "..%2F" not in headers["Content-Disposition"]
    answer.close()
    assert joined.post("/onboarding/papers", "/onboarding/papers", **paper("clean_record", door.PDF, "声明.pdf")).status_code == 303
    with joined.get(f"/qualifications/{one(shop, Qualification).id}/file") as document:
        assert (document.mimetype, document.headers["Content-Disposition"].split(";")[0]) == ("application/pdf", "attachment")
    files = [file for file in Path(shop.app.config["SETTINGS"].folder("uploads")).rglob("*") if file.is_file()]
    assert all(re.fullmatch(r"[0-9a-f]{32}", file.name) for file in files)
    assert len(files) == 2


def test_a_document_is_shown_to_the_firm_and_its_reviewers_and_to_nobody_else(shop, joined):
    assert joined.post("/onboarding/papers", "/onboarding/papers", **paper("business_licence", png(), "a.png")).status_code == 303
    made, address = one(shop, Qualification), f"/qualifications/{one(shop, Qualification).id}/file"
    strangers = {
        "rival": shop.browser(Role.SUPPLIER_ADMIN), "rival's clerk": shop.browser(Role.ORDER_CLERK), "buyer": shop.browser(Role.BUYER),
        "unit admin": shop.browser(Role.UNIT_ADMIN), "city, before it is submitted": shop.browser(Role.SUPERVISOR),
        "other city": colleague(shop, Role.SUPERVISOR, kind=OrganisationKind.FINANCE, region=factories.OTHER_CITY),
        "auditor": colleague(shop, Role.AUDITOR, kind=OrganisationKind.AUDIT),
    }  # fmt: skip
    seen = {who: browser.get(address).status_code for who, browser in strangers.items()}
    refused = {"rival": 404, "rival's clerk": 403, "buyer": 403, "unit admin": 403, "city, before it is submitted": 404, "other city": 404, "auditor": 403}
    assert seen == refused
    assert shop.browser().get(address).headers["Location"].startswith("/sign-in")
    assert joined.get(address).status_code == 200
    assert made.organisation_id != shop.world.supplier.organisation_id


def test_a_supplier_that_was_registered_by_hand_is_led_to_its_entry(shop):
    manager = shop.browser(Role.SUPPLIER_ADMIN)
    assert manager.get("/onboarding").headers["Location"] == "/suppliers/own"
    assert manager.get("/onboarding/papers").headers["Location"] == "/suppliers/own"
    shown = text(manager.get("/suppliers/own"))
    assert shop.world.supplier.name in shown
    assert manager.post("/onboarding/submit", "/suppliers/own").status_code == 404


def test_a_supplier_changes_where_it_delivers(shop):
    manager = shop.browser(Role.SUPPLIER_ADMIN)
    assert manager.post("/suppliers/own/areas", "/suppliers/own", areas=["410100", "410300"]).status_code == 303
    shown = text(shop.browser().get(f"/suppliers/{shop.world.supplier.organisation_id}"))
    assert "郑州市、洛阳市" in shown
    refused = manager.post("/suppliers/own/areas", "/suppliers/own", areas=["123456"])
    assert refused.status_code == 422
    assert "没有这个供货区域：123456" in text(refused)
    assert "郑州市、洛阳市" in text(shop.browser().get(f"/suppliers/{shop.world.supplier.organisation_id}"))


def test_a_decision_is_made_and_published_on_the_page_of_the_supplier(shop):
    supervisor, address = shop.browser(Role.SUPERVISOR), f"/suppliers/{shop.world.supplier.organisation_id}"
    refused = supervisor.post(f"{address}/suspend", address, kind="ban", reason="提供虚假材料", until="2027-01-01")
    assert refused.status_code == 422
    assert "须写明处罚决定文号和法律依据" in text(refused)
    assert "提供虚假材料" in text(refused)
    done = supervisor.post(f"{address}/suspend", address, reason="三次延期供货", basis="网上商城规则", document_no="郑财购〔2026〕8号", until="2099-01-01")
    assert done.status_code == 303
    shown = text(shop.browser().get(address))
    assert [word in shown for word in ("在 郑州市 暂停交易", "三次延期供货", "网上商城规则", "郑财购〔2026〕8号", "执行中")] == [True] * 5
    assert "郑州市暂停" in text(shop.browser().get("/suppliers/?standing=suspended"))
    decision = re.search(r'name="decision" value="(\d+)"', text(supervisor.get(address)))
    assert decision
    assert supervisor.post(f"{address}/lift", address, decision=decision[1], reason="").status_code == 422
    assert supervisor.post(f"{address}/lift", address, decision=decision[1], reason="整改完成").status_code == 303
    shown = text(shop.browser().get(address))
    assert ("在 郑州市 暂停交易" in shown, "提前解除" in shown, "整改完成" in shown) == (False, True, True)
    with shop.session() as session:
        assert session.get_one(Supplier, shop.world.supplier.organisation_id).standing.value == "active"


def test_a_renewed_document_is_reviewed_over_the_pages_and_shown_without_its_file(shop):
    manager, supervisor = shop.browser(Role.SUPPLIER_ADMIN), shop.browser(Role.SUPERVISOR)
    assert manager.post("/qualifications", "/qualifications", **paper("business_licence", number="新证-1")).status_code == 303
    made, address = one(shop, Qualification), f"/suppliers/{shop.world.supplier.organisation_id}"
    assert "新证-1" not in text(shop.browser().get(address))
    assert "1 份换新的材料等待审核" in text(supervisor.get("/workbench"))
    refused = supervisor.post(f"/qualifications/{made.id}/return", "/qualifications/review", reason="")
    assert refused.status_code == 422
    assert "请写明退回理由" in text(refused)
    assert supervisor.post(f"/qualifications/{made.id}/accept", "/qualifications/review").status_code == 303
    shown = text(shop.browser().get(address))
    assert ("新证-1" in shown, "/file" in shown) == (True, False)
