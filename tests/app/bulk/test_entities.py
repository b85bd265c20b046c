"""Every kind of row goes out and comes back unchanged; what comes in new obeys the rules of its chapter."""

from html import unescape

import pytest
from sqlalchemy import select

from app.accounts.organisations.tables import Organisation
from app.bulk.entity import REGISTRY
from app.bulk.states import JobState
from app.bulk.tables import BulkProblem
from app.kernel.db import commit
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.suppliers.tables import Supplier
from orders.budgets.audit import audit
from orders.budgets.tables import Allotment, BudgetLine
from orders.plans.tables import Plan, PlanLine
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.app.bulk.conftest import Desk, workbook
from tests.app.bulk.test_listings import counts, job
from tests.orders import steps

WHO = {"listings": Role.LISTER, "allotments": Role.FINANCE, "budget-lines": Role.FINANCE, "plans": Role.FINANCE, "orders": Role.BUYER}


def desk_of(shop, entity):
    """Somebody who may import it."""
    if entity in WHO:
        return Desk(shop, WHO[entity])
    with shop.session() as session, commit(session):
        operator = factories.organisation(session, OrganisationKind.OPERATOR)
        factories.person(session, operator, Role.SYSTEM_ADMIN, login=Role.SYSTEM_ADMIN.value, password_hash=KEPT)
    return Desk(shop, Role.SYSTEM_ADMIN)


def text(answer):
    return unescape(answer.get_data(as_text=True))


def test_every_entity_stands_in_the_test_of_the_round_trip(shop):
    assert set(REGISTRY.entities) == {*WHO, "suppliers", "units"}


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("entity", [*WHO, "suppliers", "units"])
def test_an_export_that_comes_back_changes_nothing(shop, entity, kind):
    with shop.session() as session:
        steps.approved(session, shop.world, {shop.world.laser: 2})
        steps.submitted(session, shop.world, {shop.world.laser: 1})
    desk = desk_of(shop, entity)
    out = desk.browser.get(f"/bulk/{entity}/export.{kind}")
    with shop.session() as session:
        there = factories.how_many(session, Event)
    assert desk.upload(out.data, entity, f"x.{kind}").status_code == 303
    desk.check()
    state, rows, added, changed, unchanged, failed = counts(shop)
    assert (state, added, changed, failed, unchanged) == (JobState.CHECKED, 0, 0, 0, rows) and rows > 0, _said(shop)
    assert desk.step("write").status_code == 409
    with shop.session() as session:
        assert factories.how_many(session, Event) == there + 3, "uploaded, check begun, checked, and nothing else"


def _said(shop):
    with shop.session() as session:
        return [(row.line, row.heading, row.figure, row.rule, row.facts) for row in session.scalars(select(BulkProblem).limit(5))]


ALLOTMENT = ("指标编号", "单位编码", "年度", "项目编码", "项目名称", "项目类别", "功能分类", "经济分类", "资金性质", "指标来源", "文号", "金额（元）")
LINE = ("指标编号", "明细编号", "品目编码", "名称", "数量", "金额（元）", "面向中小企业")
PLAN = ("计划名称", "行号", "指标编号", "明细编号", "名称", "数量", "金额（元）")


def allotment(unit, number, amount):
    return (number, unit, 2026, "P9", "信息化", "项目支出", "2010301", "31002", "一般公共预算", "年初预算", "豫财〔2026〕1号", amount)


@pytest.mark.both_databases
def test_a_budget_and_a_plan_come_in_from_workbooks(shop):
    desk, unit = Desk(shop, Role.FINANCE), shop.world.unit.code
    desk.bring(workbook([allotment(unit, "ZB-1", "12000"), allotment(unit, "ZB-2", "500.50")], ALLOTMENT), "allotments")
    assert counts(shop) == (JobState.DONE, 2, 2, 0, 0, 0)
    desk.bring(workbook([("ZB-1", "CG-1", factories.LASER, "打印机", 5, "8000", "否"), ("ZB-1", "CG-2", factories.LASER, "打印机", 5, "4000.01", "")], LINE), "budget-lines")
    assert counts(shop) == (JobState.DONE, 2, 1, 0, 0, 1)
    rows = [
        ("甲计划", 1, "ZB-1", "CG-1", "打印机", 1, "1500"), ("甲计划", 2, "ZB-1", "CG-1", "打印机", 1, "1600"),
        ("乙计划", 1, "ZB-1", "CG-1", "打印机", 1, "1000"), ("乙计划", 2, "ZB-1", "CG-9", "打印机", 1, "1000"),
        ("丙计划", 1, "ZB-1", "CG-1", "打印机", 1, "99999"),
    ]  # fmt: skip
    desk.bring(workbook(rows, PLAN), "plans")
    assert counts(shop) == (JobState.DONE, 5, 2, 0, 0, 3)
    page = text(desk.browser.get(desk.address))
    assert "没有这个采购预算明细" in page and "同组的第 5 行有错误" in page and "尚未安排计划的金额为" in page
    with shop.session() as session:
        plan = session.scalars(select(Plan).where(Plan.title == "甲计划")).one()
        assert [line.amount_fen for line in session.scalars(select(PlanLine).where(PlanLine.plan_id == plan.id).order_by(PlanLine.line_no))] == [1_500_00, 1_600_00]
        assert session.scalars(select(BudgetLine).where(BudgetLine.code == "CG-1")).one().planned_fen == 3_100_00
        assert audit(session) == []
    desk.upload(workbook(rows[:2], PLAN), "plans")
    desk.check()
    assert counts(shop) == (JobState.CHECKED, 2, 0, 0, 2, 0), "the same rows again are found filed"


def test_a_unit_brings_no_budget_of_another(shop):
    with shop.session() as session, commit(session):
        other = factories.unit(session)
    desk = Desk(shop, Role.FINANCE)
    desk.upload(workbook([allotment(other.code, "ZB-1", "12000")], ALLOTMENT), "allotments")
    desk.check()
    assert counts(shop)[-1] == 1 and "只导入本单位的指标" in text(desk.browser.get(desk.address))
    with shop.session() as session:
        assert session.scalar(select(Allotment).where(Allotment.number == "ZB-1")) is None


def test_an_order_is_held_against_the_books_and_never_changed(shop):
    with shop.session() as session:
        number = steps.submitted(session, shop.world, {shop.world.laser: 1}).number
    desk = Desk(shop, Role.BUYER)
    desk.upload(workbook([(number, "1.00"), ("DD000000-000000-0", "1")], ("订单号", "金额（元）")), "orders")
    desk.check()
    page = text(desk.browser.get(desk.address))
    assert counts(shop) == (JobState.CHECKED, 2, 0, 0, 0, 2) and "与系统记录不同，现为“1000.00”" in page and "没有这个订单" in page


def test_suppliers_are_registered_and_let_in(shop):
    from tests.app.accounts.test_organisations import credit

    desk = desk_of(shop, "suppliers")
    heads = ("机构编码", "供应商名称", "统一社会信用代码", "区划代码", "类型", "规模", "法定代表人", "联系人", "电话", "开户银行", "银行账号", "收款账户")
    row = ("S410001", "郑州某商行", credit(7), "410105", "电商", "小型企业", "李", "赵", "0371-61111111", "中原银行", "4100", "acct_1")
    desk.bring(workbook([row, ("S410002", *row[1:])], heads), "suppliers")
    assert counts(shop) == (JobState.DONE, 2, 1, 0, 0, 1)
    with shop.session() as session:
        made = session.scalars(select(Organisation).where(Organisation.code == "S410001")).one()
        assert session.get_one(Supplier, made.id).bank_account == "4100"
    assert job(shop).entity == "suppliers"


def test_what_somebody_may_not_import_is_not_there_for_him(shop):
    buyer = shop.browser(Role.BUYER)
    assert {entity: buyer.get(f"/bulk/{entity}").status_code for entity in REGISTRY.entities} == {
        "listings": 404, "suppliers": 404, "units": 404, "allotments": 200, "budget-lines": 200, "plans": 200, "orders": 200,
    }  # fmt: skip
    assert buyer.get("/bulk/listings/export.csv").status_code == 404 and buyer.get("/bulk/allotments/export.csv").status_code == 200
    token = Desk(shop, Role.BUYER).token("/bulk/plans")
    assert buyer.client.post("/bulk/allotments", data={"csrf_token": token}).status_code in {400, 403}
