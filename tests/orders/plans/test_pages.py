"""Plans by page and API: filed in one step with everything said at once, printed as a receipt, sent back from the desk."""

import re

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.policy import Role
from orders.plans.states import PlanState
from orders.plans.tables import Plan
from tests import factories


@pytest.fixture
def line(shop):
    with shop.session() as session, commit(session):
        return factories.budget_line(session, shop.world.allotment, code="CG-L", name="打印设备", quantity=10, amount_fen=10_000_00)


def plans(shop):
    with shop.session() as session:
        return session.scalars(select(Plan).order_by(Plan.id)).all()


def test_finance_files_a_plan_and_gets_the_receipt(shop, line):
    visitor = shop.visitor(Role.FINANCE)
    assert "CG-L" in visitor.text("/plans/new")
    fields = {"title": "打印机更新", f"l{line.id}-name": "激光打印机", f"l{line.id}-quantity": "3", f"l{line.id}-amount": "4500.00"}
    answer = visitor.post("/plans", "/plans/new", **fields)
    number = plans(shop)[-1].number
    assert (answer.status_code, answer.location) == (303, f"/plans/{number}")
    page = visitor.text(f"/plans/{number}")
    for words in ("备案回执", number, "4,500.00", "肆仟伍佰元整", "激光打印机"):
        assert words in page
    assert number in visitor.text("/plans")


def test_a_refused_plan_comes_back_with_everything_typed_and_everything_wrong(shop, line):
    visitor = shop.visitor(Role.FINANCE)
    fields = {f"l{line.id}-category": "A05040101", f"l{line.id}-quantity": "11", f"l{line.id}-amount": "10000.01"}
    answer = visitor.post("/plans", "/plans/new", title="超", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="10000.01"' in page and 'value="11"' in page and 'value="A05040101"' in page
    assert "需要 10,000.01 元" in page and "本计划需要 11" in page and "不在预算明细" in page
    assert len(plans(shop)) == 1


def test_what_cannot_be_read_is_said_beside_its_field(shop, line):
    answer = shop.visitor(Role.FINANCE).post("/plans", "/plans/new", title="x", **{f"l{line.id}-quantity": "二", f"l{line.id}-amount": "1.234"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "有 1 行明细填写有误" in page
    assert len(re.findall(r'aria-invalid="true"', page)) == 2


def test_the_finance_department_sends_a_plan_back_from_its_desk(shop):
    plan = shop.world.plan
    clerk = shop.visitor(Role.PLAN_CLERK)
    assert plan.number in clerk.text("/plans/desk")
    page = f"/plans/{plan.number}"
    refused = clerk.post(f"{page}/return", page, reason="", note="")
    assert (refused.status_code, "请选择退回原因" in refused.get_data(as_text=True)) == (422, True)
    assert clerk.post(f"{page}/return", page, reason="wrong_budget", note="请改列办公费").status_code == 303
    assert plans(shop)[0].state is PlanState.RETURNED
    assert "请改列办公费" in shop.visitor(Role.FINANCE).text(page)
    assert plan.number not in clerk.text("/plans/desk")


def test_who_may_open_what(shop):
    with shop.session() as session, commit(session):
        other = factories.world(session, region=factories.OTHER_CITY)
    assert shop.visitor(Role.BUYER).get(f"/plans/{other.plan.number}").status_code == 404
    assert shop.visitor(Role.BUYER).get("/plans/desk").status_code == 403
    assert shop.visitor(Role.SUPERVISOR).get("/plans/new").status_code == 403
    assert shop.visitor(Role.ORDER_CLERK).get("/plans").status_code == 403
    assert other.plan.number not in shop.visitor(Role.PLAN_CLERK).text("/plans")


def test_the_same_by_api(shop, line):
    buyer, clerk = shop.caller(Role.BUYER), shop.caller(Role.PLAN_CLERK)
    asked = f"/api/v1/plans/candidates?category={factories.LASER}&amount_fen=200000&quantity=2"
    assert [row["budget_line_id"] for row in buyer("GET", asked).get_json()["items"]] == [line.id]
    body = {"category": factories.LASER, "quantity": 2, "amount_fen": 2_000_00}
    made = buyer("POST", "/api/v1/plans/on-the-spot", json=body)
    assert (made.status_code, made.get_json()["lines"][0]["free_fen"]) == (201, 2_000_00)
    lines = [{"budget_line_id": line.id, "name": "打印机", "quantity": 20, "amount_fen": 8_000_01}]
    refused = buyer("POST", "/api/v1/plans", json={"title": "超", "lines": lines})
    problem = refused.get_json()
    assert (refused.status_code, problem["code"]) == (422, "plan.refused")
    assert [(each["code"], each["line"]) for each in problem["verdicts"]] == [("plan.money_short", 1), ("plan.quantity_short", 1)]
    number = made.get_json()["number"]
    back = clerk("POST", f"/api/v1/plans/{number}/return", json={"reason": "incomplete", "note": "补充"})
    assert (back.status_code, back.get_json()["state"]) == (200, "returned")
    again = clerk("POST", f"/api/v1/plans/{number}/return", json={"reason": "incomplete", "note": "补充"})
    assert (again.status_code, again.get_json()["code"]) == (409, "plan.not_filed")
    listed = buyer("GET", "/api/v1/plans").get_json()["items"]
    assert [(row["number"], row["state"]) for row in listed] == [(number, "returned"), (shop.world.plan.number, "filed")]
    assert buyer("GET", f"/api/v1/plans/{number}").get_json()["return_reason"] == "补充"
