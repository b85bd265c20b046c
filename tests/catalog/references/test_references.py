"""Reference prices from outside: taken in whole or not at all, the newest within so many days counts."""

import io
from datetime import timedelta
from html import unescape

import pytest

from app.accounts.people.tables import Person
from app.kernel import clock
from app.kernel.db import commit
from app.kernel.errors import Forbidden
from app.kernel.sheets import SheetRefused, table_of
from app.policy import SYSTEM, OrganisationKind, Role
from catalog.references import queries, service
from catalog.references.rules import Found
from catalog.references.tables import ReferencePrice
from tests import factories
from tests.app.accounts.conftest import KEPT

HEAD = "品目编码,品牌,型号,来源,日期,价格（元）\n"


def found(product, days, price_fen, source="某电商自营"):
    return Found(product_id=product.id, source=source, day=clock.today() - timedelta(days=days), price_fen=price_fen)


def line(product, day, price, source="厂商官网"):
    return f"{product.category_code},{product.brand},{product.model},{source},{day},{price}\n"


@pytest.mark.both_databases
def test_the_newest_within_the_days_counts_and_the_lowest_of_that_day(session):
    with commit(session):
        product, old = factories.product(session), factories.product(session)
        service.keep(session, SYSTEM, [found(product, 3, 900_00), found(product, 1, 1_000_00), found(product, 1, 990_00, "厂商官网"), found(old, 8, 1_00)])
    newest = queries.newest(session, [product.id, old.id], clock.today(), 7)
    assert {each: (row.price_fen, row.source) for each, row in newest.items()} == {product.id: (990_00, "厂商官网")}
    assert queries.newest(session, [old.id], clock.today(), 8)[old.id].price_fen == 1_00
    assert queries.newest(session, [], clock.today(), 7) == {}


@pytest.mark.both_databases
def test_a_second_price_of_one_source_and_day_corrects_the_first(session):
    with commit(session):
        product = factories.product(session)
        service.keep(session, SYSTEM, [found(product, 0, 900_00)])
        service.keep(session, SYSTEM, [found(product, 0, 950_00)])
    assert [row.price_fen for row in queries.of_product(session, product.id)] == [950_00]


def test_a_table_with_one_bad_cell_is_refused_whole(session):
    with commit(session):
        product = factories.product(session)
    today, tomorrow = clock.today(), clock.today() + timedelta(days=1)
    table = HEAD + line(product, today, "1000") + line(product, tomorrow, "900") + f"A02021003,无此,型号,官网,{today},1\n" + line(product, "昨天", "0")
    with pytest.raises(SheetRefused) as refused, commit(session):
        service.import_table(session, SYSTEM, table_of(table.encode()))
    assert [(each.line, each.column) for each in refused.value.problems] == [(3, "日期"), (4, "型号"), (5, "价格（元）"), (5, "日期")]
    assert factories.how_many(session, ReferencePrice) == 0
    with commit(session):
        assert service.import_table(session, SYSTEM, table_of((HEAD + line(product, today, "999.90")).encode())).added == 1
    assert [row.price_fen for row in queries.of_product(session, product.id)] == [999_90]


def test_only_the_keeper_takes_prices_in(session):
    with commit(session):
        world = factories.world(session)
    for role in (Role.LISTER, Role.BUYER, Role.SUPERVISOR):
        with pytest.raises(Forbidden), commit(session):
            service.import_table(session, world.actor(role), table_of(HEAD.encode()))


def test_the_page_takes_a_table_and_everybody_reads_it(shop):
    with shop.session() as session, commit(session):
        agency = factories.organisation(session, OrganisationKind.AGENCY, region="410000")
        person = session.get_one(Person, factories.person(session, agency, Role.CATALOGUE_ADMIN).id)
        person.login, person.password_hash = "catalogue", KEPT
        product = factories.product(session)
    keeper = shop.browser()
    keeper.sign_in("catalogue")
    bad = keeper.post("/references/", "/references/", file=(io.BytesIO((HEAD + "A02021003,无此,型号,官网,2026-01-01,1\n").encode()), "a.csv"))
    page = unescape(bad.get_data(as_text=True))
    assert bad.status_code == 422 and "没有这样的产品" in page and "没有导入任何一行" in page
    good = keeper.post("/references/", "/references/", file=(io.BytesIO((HEAD + line(product, clock.today(), "999")).encode("gb18030")), "a.csv"))
    assert good.status_code == 303
    assert "999.00" in shop.browser().get(f"/references/?q={product.model}").get_data(as_text=True)
    assert "导入" not in unescape(shop.browser(Role.BUYER).get("/references/").get_data(as_text=True)).split("<main")[1].split("没有参考价")[0]
