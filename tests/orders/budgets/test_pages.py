"""Budget money by page, API and command line."""

import pytest
from sqlalchemy import select

from app.kernel.db import commit
from app.policy import SYSTEM, Role
from orders.budgets import service
from orders.budgets.cli import adjust_allotment, allotments, budget_lines
from orders.budgets.rules import MoveRequest
from orders.budgets.states import Pool
from orders.budgets.tables import Allotment, BudgetLine
from orders.thread.audit import audit
from tests import factories

ALLOTMENTS = "指标编号,单位编码,年度,项目编码,项目名称,项目类别,功能分类,经济分类,资金性质,指标来源,文号,金额（元）\n"
LINES = "allotment,code,category_code,name,quantity,amount_fen,sme_reserved\n"


@pytest.fixture
def stranger(shop):
    """Another city's world, of which nothing may be seen."""
    with shop.session() as session, commit(session):
        return factories.world(session, region=factories.OTHER_CITY)


def test_a_unit_sees_its_allotments_in_four_buckets_each_a_link_to_its_orders(shop):
    control = shop.world.allotment.control_id
    with shop.session() as session, commit(session):
        move = MoveRequest(
            key="k", control_id=control, source=Pool.FREE, target=Pool.RESERVED, amount_fen=1_234_56, stream=shop.world.allotment.number, version=1
        )
        service.apply(session, SYSTEM, [move])
    page = shop.visitor(Role.BUYER).text("/budgets")
    assert shop.world.allotment.number in page
    assert f'/orders?control={control}&amp;bucket=reserved">1,234.56</a>' in page
    assert "98,765.44" in page


def test_the_page_of_an_allotment_shows_ruler_lines_and_moves(shop):
    page = shop.visitor(Role.FINANCE).text(f"/budgets/{shop.world.allotment.number}")
    for words in ("壹拾万元整", shop.world.printers.code, "A4黑白打印机", "额度之外", "31002"):
        assert words in page
    assert shop.world.paper_line.code in shop.visitor(Role.FINANCE).text("/budgets/lines")


def test_another_citys_allotment_is_not_there(shop, stranger):
    for role in (Role.BUYER, Role.SUPERVISOR):
        visitor = shop.visitor(role)
        assert visitor.get(f"/budgets/{stranger.allotment.number}").status_code == 404
        assert stranger.allotment.number not in visitor.text("/budgets")
    assert shop.caller(Role.BUYER)("GET", f"/api/v1/budgets/allotments/{stranger.allotment.number}").status_code == 404
    assert shop.visitor(Role.ORDER_CLERK).get("/budgets").status_code == 403


def test_the_api_gives_pages_of_allotments_and_lines(shop, stranger):
    call = shop.caller(Role.BUYER)
    first = call("GET", "/api/v1/budgets/allotments?limit=1").get_json()
    second = call("GET", f"/api/v1/budgets/allotments?limit=1&cursor={first['next']}").get_json()
    assert [row["number"] for row in first["items"] + second["items"]] == [shop.world.allotment.number, shop.world.office.number]
    assert (first["items"][0]["free_fen"], second["next"]) == (100_000_00, None)
    lines = call("GET", "/api/v1/budgets/lines").get_json()["items"]
    assert [(row["code"], row["open_fen"]) for row in lines] == [(shop.world.printers.code, 0), (shop.world.paper_line.code, 0)]


def run(shop, command, *arguments):
    return shop.app.test_cli_runner().invoke(command, [str(each) for each in arguments])


def test_allotments_and_lines_come_in_from_csv(shop, tmp_path):
    unit = shop.world.unit
    file = tmp_path / "zb.csv"
    file.write_text(ALLOTMENTS + f"ZB-1,{unit.code},2026,P9,信息化,项目支出,2010301,31002,一般公共预算,年初预算,豫财〔2026〕1号,\"12,000.00\"\n")
    tried = run(shop, allotments, file, "--dry-run")
    assert (tried.exit_code, "1 行可以导入" in tried.output) == (0, True)
    assert run(shop, allotments, file).exit_code == 0
    lines = tmp_path / "cg.csv"
    lines.write_text(LINES + "ZB-1,CG-1,A02010105,台式机,2,11999.99,否\nZB-1,CG-2,A02010105,台式机,1,0.01,\n")
    assert run(shop, budget_lines, lines).exit_code == 0
    with shop.session() as session:
        rows = session.scalars(select(BudgetLine).where(BudgetLine.code.in_(["CG-1", "CG-2"])).order_by(BudgetLine.code)).all()
        assert [(row.amount_fen, row.sme_reserved) for row in rows] == [(11_999_99, False), (1, True)]
        assert audit(session) == []


def test_every_bad_cell_is_named_and_nothing_comes_in(shop, tmp_path):
    file = tmp_path / "zb.csv"
    file.write_text(
        ALLOTMENTS
        + f"{shop.world.allotment.number},{shop.world.unit.code},2026,P9,信息化,项目支出,2010301,31002,一般公共预算,年初预算,文号,100\n"
        + "ZB-2,000000,26,P9,信息化,其他支出,20103,31002,一般公共预算,年初预算,文号,-3\n"
    )
    refused = run(shop, allotments, file)
    assert refused.exit_code == 1
    for words in ("第 2 行 · 指标编号", "第 3 行 · 年度", "第 3 行 · 项目类别", "第 3 行 · 功能分类", "第 3 行 · 金额（元）"):
        assert words in refused.output
    lines = tmp_path / "cg.csv"
    lines.write_text(LINES + f"{shop.world.office.number},{shop.world.paper_line.code},A99999999,纸,1,0.01,\nZB-9,X,A05040101,纸,1,1,\n")
    refused = run(shop, budget_lines, lines)
    for words in ("第 2 行 · 明细编号", "第 2 行 · 品目编码", "第 2 行 · 金额（元）", "第 3 行 · 指标编号"):
        assert words in refused.output
    with shop.session() as session:
        assert (factories.how_many(session, Allotment), factories.how_many(session, BudgetLine)) == (2, 2)


def test_an_allotment_is_adjusted_from_the_command_line_but_not_below_its_use(shop):
    number = shop.world.office.number
    raised = run(shop, adjust_allotment, number, "5000", "--reason", "追加")
    assert (raised.exit_code, "25,000.00" in raised.output) == (0, True)
    refused = run(shop, adjust_allotment, number, "25000.01", "--lower", "--reason", "调减")
    assert refused.exit_code == 1
    with shop.session() as session:
        assert factories.figures(session, shop.world.office.control_id)[0] == 25_000_00
