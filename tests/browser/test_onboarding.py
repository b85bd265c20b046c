"""A firm finds its own way into the library: it registers, is returned with a reason, mends, is admitted, signs in and lists goods."""

import re
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.kernel import clock, credit_codes
from catalog.listings.tables import Listing
from catalog.onboarding.tables import Application
from catalog.suppliers.tables import Supplier
from tests.browser.axe import violations
from tests.browser.desk import Desk
from tests.catalog.suppliers_at_the_door import PDF
from tests.kernel.test_contents import png

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.timeout(600)]

FIRM, LOGIN, PASSWORD = "郑州青禾办公科技有限公司", "qinghe", "lantern-river-58"
KEEPER = "supervisor.zz"


def upload(page: Page, file: Path, title: str, *, number: str, until: str = "") -> None:
    """Hand in one document on the page of documents."""
    item = page.locator("li[id^=paper-]", has_text=title).first
    if not item.locator("details").evaluate("each => each.open"):
        item.locator("summary").click()
    item.get_by_label("编号").fill(number)
    item.get_by_label("发证机关").fill("郑州市市场监督管理局")
    item.get_by_label("起始日期").fill("2024-01-01")
    if until:
        item.get_by_label("截止日期").fill(until)
    item.get_by_label("文件").set_input_files(file)
    item.get_by_role("button", name="上传").click()


def registers(page: Page, code: str) -> None:
    page.get_by_role("link", name="供应商入驻").first.click()
    wrong = code[:17] + ("0" if code[17] != "0" else "1")
    typed = {
        "name": FIRM, "credit_code": wrong, "person": "许青禾", "phone": "0371-60005678", "login": LOGIN, "password": PASSWORD, "again": PASSWORD,
    }  # fmt: skip
    for name, value in typed.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_label("注册地").select_option("410105")
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_role("alert")).to_contain_text("第 18 位（校验位）不符")
    expect(page.get_by_label("企业名称")).to_have_value(FIRM)
    page.get_by_label("统一社会信用代码").fill(code)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="登记").click()
    page.wait_for_url("**/sign-in**")


def signs_in(page: Page) -> None:
    page.locator("[name=login]").fill(LOGIN)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/onboarding")


def fills_in(page: Page, files: Path) -> None:
    page.get_by_role("navigation", name="入驻步骤").get_by_role("link", name="1 企业信息").click()
    page.get_by_label("供应商类型").select_option("经销商")
    page.get_by_label("企业规模").select_option("small")
    for label, value in {"法定代表人": "许青禾", "成立日期": "2018-06-01", "注册资本（元）": "3000000", "住所": "金水区文化路 8 号", "经营范围": "办公设备销售"}.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="保存，下一步").click()
    page.wait_for_url("**/onboarding/scope")
    page.get_by_label("办公设备").check()
    page.get_by_label("郑州市", exact=True).check()
    page.get_by_role("button", name="保存，下一步").click()
    page.wait_for_url("**/onboarding/contact")
    typed = {"电子邮箱": "sales@qinghe.example.cn", "开户银行": "中原银行", "银行账号": "6222000011112222", "国库支付收款账户": "acct_qinghe01"}
    for label, value in typed.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="保存，下一步").click()
    page.wait_for_url("**/onboarding/papers")
    later = (clock.today() + timedelta(days=400)).isoformat()
    upload(page, files / "not-a-picture.png", "营业执照", number="QH-1")
    expect(page.get_by_role("alert")).to_contain_text("文件内容不是 PDF、JPEG 或 PNG")
    expect(page.locator("li[id^=paper-]", has_text="营业执照").first.get_by_label("编号")).to_have_value("QH-1")
    for title, file, until in (
        ("营业执照", "licence.png", ""), ("财务状况报告", "report.pdf", ""), ("依法缴纳税收", "report.pdf", ""), ("前三年内没有重大违法记录", "report.pdf", ""),
        ("品牌授权书", "report.pdf", later),
    ):  # fmt: skip
        upload(page, files / file, title, number=f"QH-{title[:2]}", until=until)
        expect(page.locator("li[id^=paper-]", has_text=title).first).to_contain_text("待审核")
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("我已阅读并代表本企业接受").check()
    page.get_by_role("button", name="接受协议").click()
    page.wait_for_url("**/onboarding")
    page.get_by_role("button", name="提交申请").click()
    expect(page.locator("main")).to_contain_text("等待审核")


def test_a_firm_gets_into_the_library_by_itself_and_lists_goods(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "licence.png").write_bytes(png())
    (tmp_path / "report.pdf").write_bytes(PDF)
    (tmp_path / "not-a-picture.png").write_bytes(b"<svg onload=alert(1)>")
    code = credit_codes.make(Random("qinghe"), region="410105")
    page = desk.page(None, "/sign-in")
    registers(page, code)
    signs_in(page)
    fills_in(page, tmp_path)
    number = desk.product.ask(lambda s: s.scalars(select(Application.number).order_by(Application.id.desc())).first())

    keeper = desk.page(KEEPER, "/onboarding/review")
    keeper.get_by_role("link", name=FIRM).click()
    keeper.wait_for_url(f"**/onboarding/review/{number}")
    assert violations(keeper) == []
    keeper.get_by_label("退回理由 营业执照").fill("扫描件看不清，请重新扫描")
    keeper.get_by_role("button", name="退回").click()
    expect(keeper.get_by_text("已退回，供应商会看到理由。")).to_be_visible()

    page.goto("/workbench")
    page.get_by_role("link", name="继续填写").click()
    expect(page.locator("main")).to_contain_text("扫描件看不清，请重新扫描")
    page.get_by_role("link", name="营业执照").click()
    upload(page, tmp_path / "report.pdf", "营业执照", number="QH-2")
    page.goto("/onboarding")
    page.get_by_role("button", name="提交申请").click()
    expect(page.locator("main")).to_contain_text("等待审核")

    keeper.goto(f"/onboarding/review/{number}")
    keeper.get_by_role("button", name="准予入驻").click()
    expect(keeper.get_by_text("已准予入驻，供应商可以上架商品。")).to_be_visible()

    page.goto("/listings/new")
    offer = page.locator("#offer")
    for label, value in {"品目编码": "A02021003", "品牌": "青禾", "型号": "QH-100", "商品名称": "青禾 QH-100 激光打印机", "销售单位": "台", "货号": "QH-100"}.items():
        offer.get_by_label(label).fill(value)
    expect(offer.get_by_label(re.compile("^打印速度"))).to_be_visible()
    offer.locator("summary", has_text="节能产品").click()
    paper = offer.locator("details[open]")
    for label, value in {"节能产品认证证书编号": "CQC26-0100", "发证机构": "中国质量认证中心", "有效期截止日": (clock.today() + timedelta(days=400)).isoformat()}.items():
        paper.get_by_label(label).fill(value)
    offer.get_by_label("单价").fill("1299")
    offer.get_by_label("库存").fill("20")
    offer.get_by_role("button", name="保存").click()
    expect(page).to_have_url(re.compile(r"/listings/\d+$"))
    listed = desk.product.ask(lambda s: s.scalars(select(Listing.title).join(Supplier, Supplier.organisation_id == Listing.supplier_id).where(Supplier.name == FIRM)).all())
    assert listed == ["青禾 QH-100 激光打印机"]

    public = desk.page(None, "/suppliers/?code=A0202&region=410105&q=青禾")
    public.get_by_role("link", name=FIRM).click()
    expect(public.locator("#qualifications")).to_contain_text("QH-2")
    assert violations(public) == []
    for each in (page, keeper, public):
        each.close()
    assert desk.complaints == []
