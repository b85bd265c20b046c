"""The form of a new offer asks what the profile asks, says every fault beside its field, and recognises what is there already."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.policy import Role
from catalog.listings.tables import Listing
from catalog.products import queries
from catalog.products.states import FactKind
from catalog.products.tables import Product
from catalog.profiles.service import load_profiles
from tests import factories
from tests.catalog.listings.test_pages import FIELDS, text

NEW = {**FIELDS, "attributes": "", "spec.打印速度": "33", "spec.自动双面": "是", "spec.网络接口": "有线"}


@pytest.fixture
def asking(shop):
    """The shop with the shipped profiles."""
    with shop.session() as session, commit(session):
        load_profiles(session)
    return shop


def products(shop):
    with shop.session() as session:
        return list(session.scalars(select(Product).order_by(Product.id)))


def test_the_fields_of_a_category_are_those_of_its_profile_with_units_options_and_what_must_be(asking):
    html = text(asking.browser(Role.LISTER).get(f"/listings/new?category={factories.LASER}"))
    assert 'name="spec.打印速度"' in html and "（页/分）" in html and "1～1000 页/分" in html
    assert 'name="spec.网络接口"' in html and '<option value="有线">' in html and 'name="spec.工作温度"' in html
    assert html.index('name="spec.打印速度"') < html.index('name="spec.产地"'), "what the narrow category asks comes first"
    part = text(asking.browser(Role.LISTER).post("/listings/new/specs", "/listings/new", category_code=factories.PAPER))
    assert 'name="spec.幅面"' in part and "打印速度" not in part and "<html" not in part


def test_every_fault_stands_beside_its_field_with_value_and_rule_and_nothing_typed_is_lost(asking):
    before = len(products(asking))
    answer = asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, "spec.打印速度": "很快", "spec.网络接口": "光纤", "spec.工作温度": "10～35"})
    html = text(answer)
    assert answer.status_code == 422
    assert "“打印速度”填的“很快”应为数值，单位：页/分" in html
    assert "“网络接口”填的“光纤”不在选项内，应为：有线、USB、无线" in html
    assert "规格参数有 2 处不符合品目 A02021003 的规格要求" in html
    assert 'value="很快"' in html and '<option value="光纤" selected>' in html and 'value="10～35"' in html
    assert len(products(asking)) == before


def test_what_the_profile_asks_for_must_be_said(asking):
    answer = asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, "spec.打印速度": ""})
    assert answer.status_code == 422 and "“打印速度”必填" in text(answer)


def test_values_are_kept_in_profile_order_with_their_units_and_shown_so(asking):
    answer = asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, "attributes": "颜色：黑\n是否进口产品：否"})
    assert answer.status_code == 303, text(answer)
    made = products(asking)[-1]
    with asking.session() as session:
        assert queries.attributes(session, made.id) == {"打印速度": "33 页/分", "自动双面": True, "网络接口": "有线", "颜色": "黑", "是否进口产品": False}
    html = text(asking.browser().get(f"/products/{made.id}"))
    specs = html[html.index('class="spect"'):]
    assert specs.index("打印速度") < specs.index("自动双面") < specs.index("网络接口") < specs.index("颜色") and "是否进口产品" not in specs
    assert "<dd>33 页/分</dd>" in specs


def test_a_certificate_given_with_the_offer_gives_the_label_and_one_that_ran_out_is_refused(asking):
    last = clock.today() + timedelta(days=90)
    paper = {"fact.energy.number": "CQC26701000001", "fact.energy.issuer": "中国质量认证中心", "fact.energy.valid_to": last.isoformat()}
    bad = asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, **paper, "fact.energy.valid_to": "2020-01-01"})
    assert bad.status_code == 422 and "不在其中，不能登记" in text(bad) and 'value="CQC26701000001"' in text(bad)
    odd = asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, **paper, "fact.energy.valid_to": "明年"})
    assert odd.status_code == 422 and "“明年”应写作 2026-01-31" in text(odd)
    assert asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **{**NEW, **paper}).status_code == 303
    made = products(asking)[-1]
    html = text(asking.browser().get(f"/products/{made.id}"))
    assert "节能产品" in html and "CQC26701000001" in html and f"有效期至 {last}" in html
    clock.advance(timedelta(days=91))
    try:
        html = text(asking.browser().get(f"/products/{made.id}"))
        assert "节能产品：已到期" in html and "已到期，不计" in html
    finally:
        clock.advance(-timedelta(days=91))


@pytest.mark.parametrize(("brand", "model"), [("奔图", "P3370DN"), ("奔 图", "p3370-dn"), ("奔图", "Ｐ3370 ＤＮ")])
def test_another_way_of_writing_brand_and_model_finds_the_product_and_says_so(asking, brand, model):
    asking.browser(Role.LISTER).post("/listings/new", "/listings/new", **NEW)
    count = len(products(asking))
    with asking.session() as session, commit(session):
        other = factories.supplier(session)
        lister = factories.person(session, session.get_one(factories.Organisation, other.organisation_id), Role.LISTER, login="other.lister")
        from tests.app.accounts.conftest import KEPT

        lister.password_hash = KEPT
    browser = asking.browser()
    browser.sign_in("other.lister")
    answer = browser.post("/listings/new", "/listings/new", **{**NEW, "brand": brand, "model": model, "price_fen": "1,199.00"})
    assert answer.status_code == 303, text(answer)
    assert len(products(asking)) == count
    said = text(browser.get(answer.headers["Location"]))
    assert "沿用了已有的产品定义" in said and "现有 2 条在架" in said
    side_by_side = text(asking.browser().get(f"/products/{products(asking)[-1].id}"))
    assert "1,199.00" in side_by_side and "1,299.00" in side_by_side


def test_a_bar_code_is_checked_and_leads_to_its_product(asking):
    lister = asking.browser(Role.LISTER)
    wrong = lister.post("/listings/new", "/listings/new", **{**NEW, "gtin": "6901234567890"})
    assert wrong.status_code == 422 and "末位应为 2" in text(wrong)
    short = lister.post("/listings/new", "/listings/new", **{**NEW, "gtin": "69012"})
    assert short.status_code == 422 and "应为 8、12、13 或 14 位数字" in text(short)
    assert lister.post("/listings/new", "/listings/new", **{**NEW, "gtin": "6901234567892"}).status_code == 303
    assert products(asking)[-1].gtin == "06901234567892"
    foreign = lister.post("/listings/new", "/listings/new", **{**NEW, "sku": "P-9", "brand": "联想", "model": "LJ1", "gtin": "6901234567892"})
    assert foreign.status_code == 422 and "已属于 奔图 P3370DN" in text(foreign)
    same = lister.post("/listings/new", "/listings/new", **{**NEW, "sku": "P-9", "model": "P3370DN 黑白打印机", "gtin": "6901234567892", "shelf": "draft"})
    assert same.status_code == 303 and same.headers["Location"].endswith("product=gtin")


def test_documents_are_recorded_on_ones_own_offer_only(asking):
    paper = {"fact.energy.number": "CQC1", "fact.energy.issuer": "中国质量认证中心", "fact.energy.valid_to": (clock.today() + timedelta(days=9)).isoformat()}
    lister, mine = asking.browser(Role.LISTER), asking.world.laser.id
    with asking.session() as session, commit(session):
        foreign = factories.listing(session, factories.supplier(session), factories.product(session)).id
    assert lister.post(f"/listings/{foreign}/proofs", f"/listings/{mine}", **paper).status_code == 404
    assert lister.post(f"/listings/{mine}/proofs", f"/listings/{mine}", **{**paper, "fact.energy.issuer": ""}).status_code == 422
    assert lister.post(f"/listings/{mine}/proofs", f"/listings/{mine}", **paper).status_code == 303
    assert "CQC1" in text(lister.get(f"/listings/{mine}"))
    with asking.session() as session:
        ids = list(session.scalars(select(Listing.product_id).where(Listing.id.in_([mine, foreign])).order_by(Listing.id)))
        facts = queries.facts_of(session, ids, clock.today())
    assert [FactKind.ENERGY in facts[product_id] for product_id in ids] == [True, False]


def test_the_comparison_shows_attributes_once_by_profile_and_until_when_a_fact_counts(asking):
    with asking.session() as session, commit(session):
        old = factories.product(session, attributes='{"网络接口":"有线","打印速度":33,"是否进口产品":false,"质保期":"3 年"}')
        new = factories.product(session, attributes='{"打印速度":"45 页/分","质保期":"1 年"}', proven='{"energy":["2999-01-01","CQC1","中心",false]}')
        ids = [factories.listing(session, factories.supplier(session), each).id for each in (old, new)]
    html = text(asking.browser().get(f"/compare?ids={ids[0]},{ids[1]}"))
    assert html.count("进口产品</th>") == 1 and "质保期" not in html and "是否进口产品" not in html
    assert html.index("打印速度</th>") < html.index("网络接口</th>") and "33 页/分" in html and "45 页/分" in html
    assert "是，至 2999-01-01" in html


def test_the_api_says_how_the_product_was_found_and_takes_bar_code_and_documents(asking):
    given = {"category_code": factories.LASER, "brand": "奔图", "model": "P3370DN", "title": "奔图 P3370DN", "unit": "台", "gtin": "6901234567892",
             "attributes": {"打印速度": 33}, "facts": [{"kind": "domestic_2026", "number": "BGCP-1", "issuer": "珠海奔图"}]}
    offer = {"product": given, "sku": "A-1", "price_fen": 100_00, "stock": 1}
    refused = asking.api("POST", "/listings", Role.LISTER, json={**offer, "product": {**given, "attributes": {"打印速度": 0}}})
    assert refused.status_code == 422 and refused.get_json()["facts"]["faults"][0]["bounds"] == "1～1000 页/分"
    made = asking.api("POST", "/listings", Role.LISTER, json=offer)
    assert made.status_code == 201 and made.get_json()["product_found_by"] == "new", made.get_data(as_text=True)
    again = asking.api("POST", "/listings", Role.LISTER, json={**offer, "sku": "A-2", "shelf": "draft"})
    assert again.get_json()["product_found_by"] == "model" and again.get_json()["product_id"] == made.get_json()["product_id"]
    shown = asking.api("GET", f"/products/{made.get_json()['product_id']}").get_json()
    assert shown["gtin"] == "6901234567892" and shown["facts"] == [
        {"kind": "domestic_2026", "counts": "yes", "number": "BGCP-1", "issuer": "珠海奔图", "valid_to": None, "checked": False}
    ]
