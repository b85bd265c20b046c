"""What is shown to whoever searches: drawn, kept without names, summed, shown to supervisors alone, forgotten."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.kernel import clock
from app.kernel.db import commit
from app.policy import OrganisationKind, Role
from catalog.exposures import handlers, queries, rules, service, spool
from catalog.exposures.rules import Shown
from catalog.exposures.tables import ExposureDay, SearchSample
from catalog.listings import queries as listings
from catalog.search import ranking
from catalog.taxonomy import service as taxonomy
from tests import factories
from tests.app.accounts.conftest import KEPT, Browser

ALL, NONE = 10_000, 0


def share(shop, bp, **more):
    """Keep so many of ten thousand searches from now on."""
    with shop.session() as session, commit(session):
        for name, value in {"share_bp": bp, **more}.items():
            taxonomy.set_parameter(session, rule="Q02", name=name, value=value, valid_from=clock.today(), doc_no="测试")


def folder(shop):
    return shop.app.config["SETTINGS"].folder(handlers.FOLDER)


def collect(shop):
    return handlers.collector(folder(shop))(shop.session)


def rows(shop):
    with shop.session() as session:
        return list(session.scalars(select(SearchSample).order_by(SearchSample.id)))


def sums(shop):
    with shop.session() as session:
        return {(row.region, row.category_code, row.supplier_id): (row.shown, row.weight) for row in session.scalars(select(ExposureDay))}


def watcher(shop, role, kind, region):
    """The browser of somebody who watches a region."""
    with shop.session() as session, commit(session):
        office = factories.organisation(session, kind, region=region)
        login = factories.serial("watch")
        factories.person(session, office, role, login=login, password_hash=KEPT)
    browser = Browser(shop.app)
    assert browser.sign_in(login).status_code == 303
    return browser


def sample(shop, region, hits, question="打印机", at=None):
    """A sampled search as the page leaves it."""
    with shop.session() as session, commit(session):
        stamp = (at or clock.now()).isoformat()
        facts = {"question": question, "conditions": "", "sort": "relevance", "engine": "embedded", "generation": 1, "rules": ranking.VERSION}
        return service.take_in(
            session, [{**facts, "key": factories.serial("k"), "at": stamp, "region": region, "role": "buyer" if region else "", "total": 9, "hits": hits}]
        )


@pytest.mark.both_databases
def test_a_drawn_search_is_kept_with_what_was_shown_in_which_place_and_nobodys_name(shop):
    shop.stock_shelf()
    shop.index()
    share(shop, ALL)
    browser = shop.browser(Role.BUYER)
    page = browser.get("/search?q=激光 打印机&in_stock=1").get_data(as_text=True)
    assert collect(shop) == 1 and list(folder(shop).iterdir()) == []
    (row,) = rows(shop)
    buyer = shop.world.actor(Role.BUYER)
    assert (row.question, row.conditions, row.sort, row.rules) == ("激光 打印机", "in_stock=1", "relevance", ranking.VERSION)
    assert (row.region, row.role, row.engine) == (buyer.region, "buyer", "embedded")
    hits = [Shown(*hit) for hit in json.loads(row.hits)]
    assert [hit.place for hit in hits] == list(range(1, page.count('<li class="card">') + 1)) and hits
    assert all(f'name="listing" value="{hit.listing_id}"' in page for hit in hits)
    said = " ".join(str(value) for value in vars(row).values())
    assert buyer.name not in said and "login" not in {column.name for column in SearchSample.__table__.columns}
    assert sum(shown for shown, _ in sums(shop).values()) == len(hits)


def test_a_search_that_is_not_drawn_leaves_nothing(shop):
    share(shop, NONE)
    assert shop.browser().get("/search?q=打印机").status_code == 200
    assert list(folder(shop).iterdir()) == [] and collect(shop) == 0 and rows(shop) == []


def test_about_one_search_in_a_hundred_is_drawn(shop):
    with shop.session() as session:
        drawn = sum(service.drawn(session, clock.today()) for _ in range(20_000))
    assert 120 < drawn < 290


@pytest.mark.both_databases
def test_a_sample_that_comes_twice_is_counted_once(shop):
    share(shop, ALL)
    shop.browser().get("/search?q=打印机")
    (file,) = folder(shop).iterdir()
    content = file.read_text("utf-8")
    assert collect(shop) == 1
    before = sums(shop)
    file.write_text(content, "utf-8")  # the worker was killed between commit and delete
    assert collect(shop) == 0 and len(rows(shop)) == 1 and sums(shop) == before and list(folder(shop).iterdir()) == []


def test_what_may_be_personal_is_not_kept_and_a_broken_file_is_thrown_away(shop):
    share(shop, ALL)
    shop.browser().get("/search?q=13800138000")
    (folder(shop) / "broken.json").write_text("{", "utf-8")
    assert collect(shop) == 1
    assert [row.question for row in rows(shop)] == [None] and list(folder(shop).iterdir()) == []


def test_a_full_spool_takes_no_more_and_the_page_does_not_mind(shop):
    share(shop, ALL)
    for number in range(spool.MOST_WAITING - 1):
        (folder(shop) / f"{number}.json").touch()
    browser = shop.browser()
    assert [browser.get("/search?q=打印机").status_code for _ in range(3)] == [200, 200, 200]
    assert len(list(folder(shop).iterdir())) == spool.MOST_WAITING


@pytest.mark.both_databases
def test_samples_are_forgotten_after_their_days_with_their_sums(shop):
    supplier, laser = shop.world.supplier.organisation_id, shop.world.laser.id
    share(shop, ALL, keep_days=30)
    hits = [[1, laser, supplier, "A02021003"]]
    sample(shop, "", hits, at=clock.now() - timedelta(days=31))
    sample(shop, "", hits, at=clock.now() - timedelta(days=30))
    assert handlers.forget(shop.session) == 1
    with shop.session() as session:
        assert session.scalar(select(func.count()).select_from(SearchSample)) == 1
        assert [day for (day,) in session.execute(select(ExposureDay.day))] == [clock.today() - timedelta(days=30)]


def test_the_place_weighs_as_the_textbook_says():
    assert [rules.weight(place) for place in (1, 2, 3, 7)] == [10_000, 6_309, 5_000, 3_333]


def test_a_supplier_shown_more_than_it_offers_stands_out_and_an_even_one_does_not():
    found = rules.shares({1: 10, 2: 30, 3: 60}, {1: (50, 60), 2: (25, 25), 4: (25, 15)}, least_shown=100, high_percent=200)
    told = [(each.supplier_id, each.offers_bp, each.shown_bp, each.exposure_bp, each.percent, each.is_high) for each in found]
    assert told == [
        (1, 1_000, 5_000, 6_000, 600, True), (2, 3_000, 2_500, 2_500, 83, False), (4, 0, 2_500, 1_500, None, False),
        (3, 6_000, 0, 0, 0, False),
    ]  # fmt: skip
    few = rules.shares({1: 10, 2: 30}, {1: (50, 60)}, least_shown=51, high_percent=200)
    assert [each.is_high for each in few] == [False, False]


@pytest.mark.both_databases
def test_a_favoured_supplier_is_seen_on_the_page_and_in_the_export(shop):
    shop.stock_shelf()
    with shop.session() as session:
        code = listings.shown(session, [shop.world.laser.id])[shop.world.laser.id].category_code
    supplier = shop.world.supplier.organisation_id
    share(shop, ALL, least_shown=10)
    sample(shop, "", [[place, shop.world.laser.id, supplier, code] for place in range(1, 13)])
    browser = watcher(shop, Role.SUPERVISOR, OrganisationKind.FINANCE, "410000")
    page = browser.get(f"/watch/exposure?category={code}").get_data(as_text=True)
    assert "500%" in page  # one of five offers, all that was shown
    lines = list(csv.reader(io.StringIO(browser.get("/watch/exposure/shares.csv").get_data(as_text=True).lstrip("\ufeff"))))
    mine = next(line for line in lines if line[8] == "500")
    assert mine[3:] == ["1", "2000", "12", "10000", "10000", "500", "是"]
    kept = list(csv.reader(io.StringIO(browser.get("/watch/exposure/samples.csv").get_data(as_text=True).lstrip("\ufeff"))))
    assert len(kept) == 13 and kept[1][1] == "打印机" and kept[1][10:] == ["1", str(shop.world.laser.id), str(supplier), code]


def test_a_supervisor_sees_the_public_and_the_own_region_and_nobody_elses(shop):
    hits = [[1, shop.world.laser.id, shop.world.supplier.organisation_id, "A02021003"]]
    for region, question in (("", "公众问的"), (factories.CITY, "本市问的"), (factories.OTHER_CITY, "外市问的")):
        sample(shop, region, hits, question)
    seen = {}
    for name, region in (("city", factories.CITY), ("other", factories.OTHER_CITY), ("province", "410000")):
        browser = watcher(shop, Role.SUPERVISOR, OrganisationKind.FINANCE, region)
        page, file = (browser.get(f"/watch/exposure{path}").get_data(as_text=True) for path in ("", "/samples.csv"))
        words = ("公众问的", "本市问的", "外市问的")
        assert [word in page for word in words] == [word in file for word in words]
        seen[name] = [word in page for word in words]
    assert seen == {"city": [True, True, False], "other": [True, False, True], "province": [True, True, True]}


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.UNIT_ADMIN, Role.LISTER, Role.SUPPLIER_ADMIN, Role.PLAN_CLERK])
def test_suppliers_units_and_the_public_see_nothing_of_it(shop, role):
    sample(shop, "", [[1, shop.world.laser.id, shop.world.supplier.organisation_id, "A02021003"]], "问题甲乙丙")
    browser = shop.browser(role)
    for path in ("", "/shares.csv", "/samples.csv"):
        answer = browser.get(f"/watch/exposure{path}")
        assert answer.status_code in {303, 403} and "问题甲乙丙" not in answer.get_data(as_text=True), path
    if role:
        with shop.session() as session:
            actor = shop.world.actor(role)
            assert queries.latest(session, actor) == [] and queries.categories(session, actor, date(2020, 1, 1)) == []


def test_nonsense_in_the_address_is_answered_with_the_ordinary_page(shop):
    browser = watcher(shop, Role.AUDITOR, OrganisationKind.AUDIT, factories.CITY)
    for asked in ("days=abc", "days=-1", "category=A99999999", "category='", "days=" + "9" * 50):
        assert browser.get(f"/watch/exposure?{asked}").status_code == 200
