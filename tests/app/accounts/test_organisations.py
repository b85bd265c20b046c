"""The register, addresses and invoice titles, and the imports with an error for every cell."""

from random import Random

import pytest
from sqlalchemy import select

from app.accounts.organisations import queries, service
from app.accounts.organisations.cli import import_group
from app.accounts.organisations.rules import CodeTaken, NewOrganisation, WrongParent
from app.accounts.organisations.sheet import ENTITIES
from app.accounts.organisations.tables import Organisation
from app.accounts.people import cli, rules  # noqa: F401 - adds its command to the group
from app.accounts.people import queries as people
from app.accounts.people import service as people_service
from app.bulk import engine
from app.kernel import credit_codes, sheets
from app.kernel.db import commit
from app.kernel.errors import Forbidden, Missing
from app.kernel.outbox import Event
from app.kernel.sheets import SheetRefused, UnreadableSheet
from app.policy import SYSTEM, OrganisationKind, Role
from tests import factories


def credit(number):
    return credit_codes.make(Random(1_000_000 + number), front="11", region="410100")


HEAD = "单位编码,单位名称,简称,统一社会信用代码,区划代码,上级单位编码,单位类型"
GOOD = f"""{HEAD}
101001,郑州市某局,某局,{credit(1)},410100,101,机关
101,郑州市某委,,{credit(2)},410100,,机关
101001001,某局信息中心,信息中心,{credit(3)},410105,101001,事业单位
"""


def import_units(session, text, *, dry_run=False):
    return engine.at_once(session, SYSTEM, ENTITIES[0], sheets.table_of(text.encode()), dry_run=dry_run)


@pytest.mark.both_databases
def test_units_come_in_whatever_the_order_of_their_lines(session):
    with commit(session):
        done = import_units(session, GOOD)
    assert (done.rows, done.added) == (3, 3)
    top, middle, base = (queries.by_code(session, code) for code in ("101", "101001", "101001001"))
    assert (top.level, middle.level, base.level) == (1, 2, 3)
    assert middle.parent_id == top.id and [child.id for child in queries.children(session, middle.id)] == [base.id]
    assert sorted(queries.subtree(session, top.id)) == sorted([top.id, middle.id, base.id])
    assert top.short_name == "郑州市某委"
    assert session.scalars(select(Event.type)).all() == ["organisation.registered"] * 3


def test_a_dry_run_writes_nothing(session):
    with commit(session):
        assert import_units(session, GOOD, dry_run=True).dry_run
    assert factories.how_many(session, Organisation) == 0 and factories.how_many(session, Event) == 0


def test_every_bad_cell_is_named_and_nothing_is_half_done(session):
    text = f"""{HEAD}
101,郑州市某委,,{credit(2)},410100,,机关
1,,,{credit(4)[:-1]}0,999999,,公司
102,某局,,{credit(2)},410100,999,机关
"""
    with pytest.raises(SheetRefused) as refused, commit(session):
        import_units(session, text)
    found = [(each.line, each.column) for each in refused.value.problems]
    assert found == [
        (3, "区划代码"), (3, "单位名称"), (3, "单位类型"), (3, "单位编码"), (3, "统一社会信用代码"),
        (4, "上级单位编码"), (4, "统一社会信用代码"),
    ]
    assert all(each.rule and each.way_out for each in refused.value.problems)
    assert factories.how_many(session, Organisation) == 0


def test_a_fourth_level_and_unknown_columns_are_refused(session):
    deep = GOOD + f"101001001001,太深,,{credit(9)},410100,101001001,机关\n"
    with pytest.raises(SheetRefused) as refused, commit(session):
        import_units(session, deep)
    assert [(each.line, each.rule) for each in refused.value.problems] == [(5, "单位最多三级")]
    with pytest.raises(SheetRefused) as refused, commit(session):
        import_units(session, "单位编码,颜色\n101,红\n")
    assert {each.column for each in refused.value.problems} == {"单位名称", "统一社会信用代码", "区划代码", "单位类型", "颜色"}


def test_a_table_from_a_spreadsheet_program_is_read(session):
    assert sheets.text_of(GOOD.encode("gb18030")) == GOOD
    assert sheets.text_of(b"\xef\xbb\xbf" + GOOD.encode()) == GOOD
    with pytest.raises(UnreadableSheet):
        sheets.text_of(b"\xff\xfe\x00\xd8")
    with pytest.raises(UnreadableSheet), commit(session):
        import_units(session, "")


def test_people_come_in_with_roles_by_name_or_code(session):
    with commit(session):
        import_units(session, GOOD)
    text = "单位编码,账号,姓名,电话,岗位\n101,Wang.Wu,王五,0371-65700000,经办人；验收人\n101,zhao.liu,赵六,,approver\n"
    with commit(session):
        done = people_service.import_people(session, SYSTEM, sheets.table_of(text.encode()))
    assert done.added == 2
    wang = people.by_login(session, "wang.wu")
    assert people.roles_of(session, wang.id) == {Role.BUYER, Role.ACCEPTOR} and wang.must_change_password


def test_people_with_errors_stay_out_all_of_them(session):
    with commit(session):
        import_units(session, GOOD)
    text = (
        "organisation_code,login,name,phone,roles\n101,ok.one,好,,经办人\n999,two,乙,,经办人\n"
        "101,three,丙,电话,店长\n101,ok.one,丁,,监管岗\n"
    )
    with pytest.raises(SheetRefused) as refused, commit(session):
        people_service.import_people(session, SYSTEM, sheets.table_of(text.encode()))
    assert [(each.line, each.column) for each in refused.value.problems] == [
        (3, "单位编码"), (4, "岗位"), (4, "电话"), (5, "岗位"), (5, "账号"),
    ]
    with pytest.raises(Missing):
        people.by_login(session, "ok.one")


def test_the_command_line_lists_each_cell_and_hands_out_passwords(mall, tmp_path):
    units, staff, out = tmp_path / "units.csv", tmp_path / "people.csv", tmp_path / "passwords.csv"
    runner = mall.app.test_cli_runner()
    units.write_text(GOOD.replace("410105", "410"), "utf-8")
    answer = runner.invoke(import_group, ["units", str(units)])
    assert answer.exit_code == 1 and "第 4 行 · 区划代码 · “410”：没有这个行政区划代码" in answer.output
    units.write_bytes(GOOD.encode("gb18030"))
    assert "3 行可以导入" in runner.invoke(import_group, ["units", str(units), "--dry-run"]).output
    assert "已导入 3 行" in runner.invoke(import_group, ["units", str(units)]).output
    staff.write_text("单位编码,账号,姓名,岗位\n101,wang.wu,王五,经办人\n", "utf-8")
    assert runner.invoke(import_group, ["people", str(staff)]).exit_code == 2
    answer = runner.invoke(import_group, ["people", str(staff), "--passwords", str(out)])
    assert "已导入 1 行" in answer.output
    assert out.stat().st_mode & 0o77 == 0
    login, password = out.read_text("utf-8-sig").splitlines()[1].split(",")
    assert mall.browser().sign_in(login, password).location == "/account/password"


def test_registering_refuses_a_code_twice_and_a_wrong_parent(session):
    new = {"kind": OrganisationKind.UNIT, "name": "某局", "region": "410100"}
    with commit(session):
        service.register(session, SYSTEM, NewOrganisation(**new, code="101", credit_code=credit(1)))
    with pytest.raises(CodeTaken), commit(session):
        service.register(session, SYSTEM, NewOrganisation(**new, code="101"))
    with pytest.raises(CodeTaken), commit(session):
        service.register(session, SYSTEM, NewOrganisation(**new, code="102", credit_code=credit(1)))
    with pytest.raises(WrongParent), commit(session):
        service.register(session, SYSTEM, NewOrganisation(**new, code="103", parent_code="999"))
    assert factories.how_many(session, Organisation) == 1


def test_a_unit_administrator_keeps_addresses_and_titles_of_his_own_unit(mall):
    with mall.session() as session:
        admin, buyer = people.actor_of(session, mall.admin_id), people.actor_of(session, mall.buyer_id)
        stranger = people.actor_of(session, mall.stranger_id)
        place = {"label": "东院", "region": "410105", "street": "花园路 1 号", "contact": "王收", "phone": "0371-65700000"}
        with pytest.raises(Forbidden), commit(session):
            service.add_address(session, buyer, **place)
        with commit(session):
            added = service.add_address(session, admin, **place, is_default=True)
        assert [row.label for row in queries.addresses_of(session, mall.unit_id)] == ["东院", "办公楼"]
        with pytest.raises(Missing):
            queries.address(session, stranger, added.id)
        with commit(session):
            service.withdraw_address(session, admin, added.id)
        assert [row.label for row in queries.addresses_of(session, mall.unit_id)] == ["办公楼"]


def test_the_page_of_the_unit_adds_and_withdraws(mall):
    browser = mall.browser("admin")
    bad = browser.post("/organisation/invoice-titles", "/organisation", title="某局", tax_number=credit(1)[:-1] + "?")
    assert bad.status_code == 422 and "纳税人识别号应为" in bad.get_data(as_text=True)
    assert browser.post("/organisation/invoice-titles", "/organisation", title="某局", tax_number=credit(1)).status_code == 303
    with mall.session() as session:
        titles = queries.invoice_titles_of(session, mall.unit_id)
    assert [title.title for title in titles if title.tax_number == credit(1)] == ["某局"]
    place = {"label": "西院", "region": "410105", "street": "路", "contact": "王", "phone": "0371-65700000"}
    assert browser.post("/organisation/addresses", "/organisation", **place).status_code == 303
    assert "西院" in browser.get("/organisation").get_data(as_text=True)
    assert mall.browser("buyer").get("/organisation").status_code == 403


def test_the_register_page_is_the_system_administrators(mall):
    browser = mall.browser("keeper")
    form = {"kind": "unit", "code": "201", "name": "新单位", "region": "410100", "credit_code": credit(7), "unit_kind": "机关"}
    assert browser.post("/organisation/register", "/organisation/register", **form).status_code == 303
    assert "新单位" in browser.get("/organisation/register?q=201").get_data(as_text=True)
    assert browser.post("/organisation/register", "/organisation/register", **form).status_code == 422
    assert mall.browser("guard").get("/organisation/register").status_code == 403


def test_the_api_keeps_addresses_and_titles(mall):
    token, buyer = mall.token("admin"), mall.token("buyer")
    body = {"label": "东院", "region": "410105", "street": "路", "contact": "王", "phone": "0371-65700000"}
    made = mall.api("POST", "/api/v1/addresses", token, json=body)
    assert made.status_code == 201
    assert [each["label"] for each in mall.api("GET", "/api/v1/addresses", buyer).json["items"]] == ["办公楼", "东院"]
    assert mall.api("POST", "/api/v1/addresses", buyer, json=body).status_code == 403
    assert mall.api("DELETE", f"/api/v1/addresses/{made.json['id']}", token).status_code == 204
    assert mall.api("DELETE", f"/api/v1/addresses/{made.json['id']}", token).status_code == 404
    assert mall.api("POST", "/api/v1/invoice-titles", token, json={"title": "甲", "tax_number": "x" * 15}).status_code == 422
    assert mall.api("GET", "/api/v1/invoice-titles", buyer).status_code == 200
