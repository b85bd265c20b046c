"""The catalogue administrator's work: brands with their names, profiles by day, products put right, documents checked, twins merged."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.outbox import Event
from app.policy import OrganisationKind, Role
from catalog.brands import queries as brand_queries
from catalog.brands import rules as brand_rules
from catalog.brands import service as brands
from catalog.brands.tables import Brand
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion
from catalog.products import queries, service
from catalog.products.rules import FactInput, GtinTaken, MergeUnits, MergeUnknown, ReasonMissing
from catalog.products.states import FactKind, Origin
from catalog.products.tables import Product
from catalog.profiles import queries as profiles
from tests import factories
from tests.app.accounts.conftest import KEPT
from tests.catalog.listings.test_pages import text


@pytest.fixture
def keeper(session):
    with commit(session):
        return factories.staff(session, factories.organisation(session, OrganisationKind.AGENCY), [Role.CATALOGUE_ADMIN])[Role.CATALOGUE_ADMIN]


@pytest.fixture
def lister(session):
    with commit(session):
        return factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.LISTER])[Role.LISTER]


@pytest.fixture
def browser(shop):
    with shop.session() as session, commit(session):
        someone = factories.person(session, factories.organisation(session, OrganisationKind.AGENCY), Role.CATALOGUE_ADMIN, login="keeper")
        someone.password_hash = KEPT
    made = shop.browser()
    assert made.sign_in("keeper").status_code == 303
    return made


def define(session, who, brand, model, **more):
    return service.find_or_define(session, who, service.Definition(**({"category_code": factories.LASER, "brand": brand, "model": model, "title": f"{brand} {model}", "unit": "台"} | more)))


# ---------------------------------------------------------------- brands


@pytest.mark.both_databases
def test_a_name_that_stands_for_a_brand_leads_to_its_products(session, keeper, lister):
    with commit(session):
        first = define(session, lister, "惠普", "M1005")
        hp = brand_queries.meant(session, ["惠普"])["惠普"]
        brands.join(session, keeper, hp.id, "HP")
        again = define(session, lister, "hp", "m 1005")
        other = define(session, lister, "HP", "M9999")
    assert first.id == again.id and other.brand == "惠普"
    assert factories.how_many(session, Product) == 2
    with pytest.raises(brand_rules.BrandTaken), commit(session):
        brands.join(session, keeper, hp.id, "Ｈ Ｐ")
    with pytest.raises(Forbidden), commit(session):
        brands.join(session, lister, hp.id, "Hewlett-Packard")
    assert factories.how_many(session, Brand) == 2


def test_a_brand_joined_with_another_brings_its_products_along_and_twins_come_to_light(session, keeper, lister):
    from catalog.products import handlers

    with commit(session):
        own, foreign, alone = define(session, lister, "惠普", "M1005"), define(session, lister, "HP", "M1005"), define(session, lister, "HP", "M2")
        brands.join(session, keeper, brand_queries.meant(session, ["惠普"])["惠普"].id, "HP")
    (consumer,) = handlers.consumers(None)
    joined = list(session.scalars(select(Event).where(Event.type == "brand.joined")))
    with commit(session):
        consumer.inside(session, joined, None)
    assert [(each.brand, each.brand_key) for each in (own, foreign, alone)] == [("惠普", "惠普"), ("HP", "惠普"), ("惠普", "惠普")]
    assert [each.id for each in queries.twins_of(session, own)] == [foreign.id]
    assert sorted(each.id for each in queries.page(session, twins=True).rows) == [own.id, foreign.id]


def test_an_archived_brand_takes_no_new_products_until_it_is_restored(session, keeper, lister):
    with commit(session):
        define(session, lister, "老牌", "A1")
        brand = brand_queries.meant(session, ["老牌"])["老牌"]
        brands.archive(session, keeper, brand.id)
    with pytest.raises(brand_rules.BrandArchived) as refused, commit(session):
        define(session, lister, "老牌", "A2")
    assert refused.value.brand == "老牌" and factories.how_many(session, Product) == 1
    with commit(session):
        assert define(session, lister, "老牌", "A1").model == "A1", "what is there stays and can be offered"
        brands.restore(session, keeper, brand.id)
        define(session, lister, "老牌", "A2")
    types = list(session.scalars(select(Event.type).where(Event.stream == f"brand/{brand.id}").order_by(Event.id)))
    assert types == ["brand.named", "brand.archived", "brand.restored"]


@pytest.mark.parametrize("name", ["  ", "——", "长" * 61])
def test_a_brand_has_a_name_of_letters_or_figures(session, lister, name):
    with pytest.raises(brand_rules.BadBrand), commit(session):
        define(session, lister, name, "A1")
    assert factories.how_many(session, Brand) == 0


def test_the_shipped_brands_are_loaded_once(session):
    with commit(session):
        assert brands.load_brands(session) > 300
        assert brands.load_brands(session) == 0
    assert brand_queries.meant(session, ["lenovo"])["lenovo"].name == "联想"


def test_the_page_of_brands_adds_names_and_says_what_is_wrong(shop, browser):
    with shop.session() as session, commit(session):
        made = brands.named(session, shop.world.actor(Role.LISTER), ["惠普", "联想"])
        hp, lenovo = made["惠普"].id, made["联想"].id
    assert browser.post(f"/catalogue/brands/{hp}/aliases", "/catalogue/brands", name="HP").status_code == 303
    assert "HP" in text(browser.get("/catalogue/brands?q=hp"))
    taken = browser.post(f"/catalogue/brands/{lenovo}/aliases", "/catalogue/brands", name="HP")
    assert taken.status_code == 422 and "“HP”已是品牌“惠普”的名称或别名" in text(taken) and 'value="HP"' in text(taken)
    with shop.session() as session:
        alias = brand_queries.aliases_of(session, [hp])[hp][0].id
    assert browser.post(f"/catalogue/brands/{alias}/free", "/catalogue/brands").status_code == 303
    assert browser.post(f"/catalogue/brands/{hp}/archive", "/catalogue/brands").status_code == 303
    assert "已停用" in text(browser.get("/catalogue/brands?q=惠普"))
    for role in (Role.LISTER, Role.BUYER):
        assert shop.browser(role).get("/catalogue/brands").status_code == 403


# ---------------------------------------------------------------- profiles


def test_the_page_of_a_profile_adds_changes_and_archives_an_attribute(shop, browser):
    address = f"/catalogue/profiles/{factories.LASER}"
    fields = {"name": "打印速度", "kind": "number", "unit": "页/分", "low": "1", "high": "200", "required": "y", "valid_from": clock.today().isoformat(), "note": "豫财购〔2026〕1号"}
    assert browser.post(f"{address}/attributes", address, **fields).status_code == 303
    bad = browser.post(f"{address}/attributes", address, **{**fields, "name": "幅面", "kind": "list", "options": "A4"})
    assert bad.status_code == 422 and "选项至少两个" in text(bad) and "\nA4</textarea>" in text(bad)
    late = browser.post(f"{address}/attributes", address, **{**fields, "name": "幅面", "valid_from": "2020-01-01"})
    assert late.status_code == 422 and "启用日 2020-01-01 已经过去" in text(late)
    changed = browser.post(f"{address}/attributes", address, **{**fields, "instead_of": "打印速度", "high": "300", "note": "放宽"})
    assert changed.status_code == 303
    assert "1～300 页/分" in text(browser.get(address)) and "放宽" in text(browser.get(address))
    assert browser.post(f"{address}/archive", address, name="打印速度", archived="y", valid_from=clock.today().isoformat(), note="不再要求").status_code == 303
    with shop.session() as session:
        written = profiles.history(session, factories.LASER)
    assert [(version.number, [(each.name, each.high, each.archived) for each in attributes]) for version, attributes in written] == [
        (3, [("打印速度", "300", True)]), (2, [("打印速度", "300", False)]), (1, [("打印速度", "200", False)]),
    ]  # fmt: skip
    assert "打印速度" in text(browser.get("/catalogue/profiles?q=A02021003")) or "沿用" in text(browser.get("/catalogue/profiles?q=A02021003"))
    assert browser.get("/catalogue/profiles/A99999999").status_code == 404
    assert shop.browser(Role.LISTER).get(address).status_code == 403


# ---------------------------------------------------------------- products


def test_a_definition_is_put_right_with_a_reason(session, keeper, lister):
    with commit(session):
        first, second = define(session, lister, "奔图", "P1", gtin="6901234567892"), define(session, lister, "奔图", "P2")
    given = {"title": "奔图 P2 激光打印机", "unit": "台", "gtin": "96385074", "origin": Origin.IMPORTED, "attributes": {"颜色": "白"}, "reason": "供应商填错"}
    for refusal, change in ((ReasonMissing, {"reason": " "}), (GtinTaken, {"gtin": "6901234567892"})):
        with pytest.raises(refusal), commit(session):
            service.correct(session, keeper, second.id, **(given | change))
    with pytest.raises(Forbidden), commit(session):
        service.correct(session, lister, second.id, **given)
    assert (second.title, second.gtin) == ("奔图 P2", None)
    with commit(session):
        service.correct(session, keeper, second.id, **given)
        service.correct(session, keeper, second.id, **given)
    assert (second.title, second.gtin, second.origin, second.attributes) == ("奔图 P2 激光打印机", "00000096385074", Origin.IMPORTED, '{"颜色":"白"}')
    types = list(session.scalars(select(Event.type).where(Event.stream == f"product/{second.id}").order_by(Event.id)))
    assert types == ["product.defined", "product.corrected"] and first.gtin == "06901234567892"


@pytest.mark.both_databases
def test_merged_products_are_one_their_offers_stand_side_by_side_and_the_old_id_leads_on(shop, session):
    from app.kernel.worker import Worker
    from catalog.listings import handlers

    with shop.session() as session, commit(session):
        keeper = factories.staff(session, factories.organisation(session, OrganisationKind.AGENCY), [Role.CATALOGUE_ADMIN])[Role.CATALOGUE_ADMIN]
        lister = shop.world.actor(Role.LISTER)
        gone, into = define(session, lister, "奔图", "P1", gtin="6901234567892"), define(session, lister, "奔图", "P1 打印机")
        other, third = factories.supplier(session), factories.supplier(session)
        both = [factories.listing(session, other, each).id for each in (gone, into)]
        alone = factories.listing(session, third, gone, price_fen=888_00).id
        paper = FactInput(kind=FactKind.ENERGY, number="CQC1", issuer="中心", valid_to=clock.today() + timedelta(days=9))
        service.record_facts(session, lister, gone.id, [paper])
        for refusal, change in ((MergeUnknown, {"into_id": gone.id}), (MergeUnknown, {"into_id": 10**9}), (ReasonMissing, {"reason": ""})):
            with pytest.raises(refusal):
                service.merge(session, keeper, gone.id, **({"into_id": into.id, "reason": "同一产品"} | change))
        box = define(session, lister, "奔图", "P1 整箱", unit="箱")
        with pytest.raises(MergeUnits):
            service.merge(session, keeper, gone.id, box.id, reason="同一产品")
        with pytest.raises(Forbidden):
            service.merge(session, lister, gone.id, into.id, reason="同一产品")
        service.merge(session, keeper, gone.id, into.id, reason="同一产品")
        gone_id, into_id = gone.id, into.id
    Worker(shop.session, handlers.consumers(None), []).drain()
    shop.drain()
    with shop.session() as session:
        offers = {row.id: (row.product_id, row.shelf, row.version) for row in session.scalars(select(Listing).where(Listing.id.in_([*both, alone])))}
        assert offers == {both[0]: (into_id, Shelf.OFF_SHELF, 2), both[1]: (into_id, Shelf.ON_SHELF, 1), alone: (into_id, Shelf.ON_SHELF, 2)}
        assert session.get(ListingVersion, (alone, 2)).price_fen == 888_00
        assert queries.by_id(session, gone_id).id == into_id and queries.by_id(session, into_id).gtin == "06901234567892"
        assert queries.facts_of(session, [into_id], clock.today())[into_id][FactKind.ENERGY].holds
        assert queries.same(session, factories.LASER, "奔图", "P1").id == into_id, "whoever offers the old model finds the product it became"
        assert list(session.scalars(select(Event.type).where(Event.stream == f"product/{gone_id}").order_by(Event.id)))[-1] == "product.merged"
    led = shop.browser().get(f"/products/{gone_id}")
    assert led.status_code == 301 and led.headers["Location"] == f"/products/{into_id}"
    assert "888.00" in text(shop.browser().get(f"/products/{into_id}"))
    assert shop.api("GET", f"/products/{gone_id}").get_json()["product_id"] == into_id


def test_the_pages_of_products_put_right_check_withdraw_and_merge(shop, browser):
    with shop.session() as session, commit(session):
        lister = shop.world.actor(Role.LISTER)
        gone, into = define(session, lister, "奔图", "P1"), define(session, lister, "奔图", "P1", category_code="A02021001")
        paper = FactInput(kind=FactKind.ENERGY, number="CQC1", issuer="中心", valid_to=clock.today() + timedelta(days=9))
        (proof,) = service.record_facts(session, lister, gone.id, [paper])
        address, into_id = f"/catalogue/products/{gone.id}", into.id
    assert text(browser.get("/catalogue/products?tab=twins")).count("奔图 P1</a>") == 2
    bad = browser.post(f"{address}/correct", address, title="新名", unit="台", gtin="1", attributes="颜色：白", reason="错")
    assert bad.status_code == 422 and "应为 8、12、13 或 14 位数字" in text(bad) and 'value="新名"' in text(bad)
    assert browser.post(f"{address}/correct", address, title="新名", unit="台", gtin="", attributes="颜色：白", reason="错").status_code == 303
    assert browser.post(f"/catalogue/products/proofs/{proof}/check", address).status_code == 303
    assert "目录管理员已核对" in text(browser.get(address))
    assert browser.post(f"/catalogue/products/proofs/{proof}/withdraw", address, reason="").status_code == 422
    assert browser.post(f"/catalogue/products/proofs/{proof}/withdraw", address, reason="查无此证").status_code == 303
    assert "撤销理由：查无此证" in text(browser.get(address))
    wrong = browser.post(f"{address}/merge", address, into="九九", reason="同一产品")
    assert wrong.status_code == 422 and "不存在，或就是本产品" in text(wrong)
    merged = browser.post(f"{address}/merge", address, into=str(into_id), reason="同一产品")
    assert merged.status_code == 303 and merged.headers["Location"] == f"/catalogue/products/{into_id}"
    assert browser.get(address).headers["Location"] == f"/catalogue/products/{into_id}"
    for role in (Role.LISTER, Role.BUYER, Role.SUPERVISOR):
        assert shop.browser(role).get("/catalogue/products").status_code == 403


@pytest.mark.only_postgresql
def test_two_who_define_the_same_product_at_the_same_moment_get_one(database_url):
    from threading import Thread

    from sqlalchemy.orm import Session

    from app.kernel.db import make_engine

    engine, found = make_engine(database_url), []
    with Session(engine, expire_on_commit=False) as session, commit(session):
        lister = factories.staff(session, factories.organisation(session, OrganisationKind.SUPPLIER), [Role.LISTER])[Role.LISTER]
        brands.named(session, lister, ["奔图"])

    def late() -> None:
        with Session(engine) as other, commit(other):
            found.append(define(other, lister, "奔图", "P1").id)

    thread = Thread(target=late)
    with Session(engine) as session, commit(session):
        first = define(session, lister, "奔图", "P1").id
        thread.start()
        thread.join(1)
        assert found == [], "the second waits for the first"
    thread.join(20)
    assert found == [first]
    engine.dispose()


def test_an_offer_of_a_merged_product_is_an_offer_of_what_it_became(session, keeper):
    from catalog.listings import service as listings

    with commit(session):
        world = factories.world(session)
        seller = world.actor(Role.LISTER)
        gone, into = define(session, seller, "奔图", "P1"), define(session, seller, "奔图", "P2")
        paper = FactInput(kind=FactKind.ENERGY, number="CQC1", issuer="中心", valid_to=clock.today() + timedelta(days=9))
        service.record_facts(session, seller, gone.id, [paper])
        service.merge(session, keeper, gone.id, into.id, reason="同一产品")
        made = listings.create(session, seller, listings.NewListing(product_id=gone.id, sku="M-1", title="奔图", price_fen=100, stock=1))
    assert made.product_id == into.id
