"""The Meilisearch engine on a server that answers by the documented API: what it must honour, and what it does when the server goes away."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from app.kernel import clock
from app.kernel.db import commit
from catalog.listings import service as listings
from catalog.search import lexicon, meili_form, service
from catalog.search.engine import EmbeddedEngine
from catalog.search.fallback import FallbackEngine
from catalog.search.handlers import nightly
from catalog.search.meili import ACTIONS, MeiliEngine
from catalog.search.port import (
    MAX_TOTAL,
    FacetName,
    Filters,
    IndexTaskFailed,
    IndexTimeout,
    SearchInvalid,
    SearchRequest,
    SearchUnavailable,
)
from catalog.search.taught import Taught
from tests.catalog.search import goods
from tests.meili.server import served
from tests.peers import ROOT


@pytest.fixture
def server():
    with served() as server:
        yield server


@pytest.fixture
def engine(server):
    engine = MeiliEngine(server.url)
    engine.apply_settings()
    return engine


@pytest.fixture(autouse=True)
def unlearnt():
    yield
    lexicon.learn([])


# ---------------------------------------------------------------- the server is strict


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"marin": 1}, "bad_request"), ({"q": ["x"]}, "invalid_search_q"), ({"limit": "x"}, "invalid_search_limit"),
        ({"hitsPerPage": -1}, "invalid_search_hits_per_page"), ({"matchingStrategy": "doggo"}, "invalid_search_matching_strategy"),
        ({"facets": ["title"]}, "invalid_search_facets"), ({"sort": ["title:asc"]}, "invalid_search_sort"), ({"sort": ["price"]}, "invalid_search_sort"),
        ({"filter": True}, "invalid_search_filter"), ({"filter": "title = x"}, "invalid_search_filter"), ({"filter": "brand & x"}, "invalid_search_filter"),
        ({"filter": "brand = x XOR brand = y"}, "invalid_search_filter"), ({"filter": 'brand IN ["x"'}, "invalid_search_filter"),
        ({"filter": "(price > 1"}, "invalid_search_filter"), ({"filter": "price > x"}, "invalid_search_filter"), ({"locales": ["xx"]}, "invalid_search_locales"),
    ],
)  # fmt: skip
def test_the_server_refuses_what_the_documentation_does_not_know(server, engine, query, code):
    with pytest.raises(MeilisearchApiError) as refused:
        Client(server.url).multi_search([{"indexUid": "listings", **query}])
    assert (refused.value.status_code, refused.value.code, refused.value.type) == (400, code, "invalid_request")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"typoTolerance": {"oneTypo": 5}}, "invalid_settings_typo_tolerance"), ({"rankingRules": ["popularity"]}, "invalid_settings_ranking_rules"),
        ({"pagination": {"maxTotalHits": 0}}, "invalid_settings_pagination"), ({"searchable": []}, "bad_request"),
        ({"faceting": {"sortFacetValuesBy": {"*": "size"}}}, "invalid_settings_faceting"), ({"synonyms": {"a": "b"}}, "invalid_settings_synonyms"),
        ({"localizedAttributes": [{"attributePatterns": ["*"], "locales": ["zz"]}]}, "invalid_settings_localized_attributes"),
    ],
)  # fmt: skip
def test_settings_that_the_documentation_does_not_know_are_refused(server, engine, settings, code):
    with pytest.raises(MeilisearchApiError) as refused:
        Client(server.url).index("listings").update_settings(settings)
    assert refused.value.code == code


def test_filters_sort_facets_and_pages_are_those_of_the_documentation(server, engine):
    client = Client(server.url)
    engine.wait(engine.upsert([goods.document(pk, pk, 1) for pk in range(1, 31)]))
    index = client.index("listings")
    dear = index.search("", {"filter": 'price >= 100 AND NOT (brand IN ["惠普", "戴尔"]) AND imported = false', "sort": ["price:desc"], "limit": 3})
    prices = [hit["price"] for hit in dear["hits"]]
    assert prices == sorted(prices, reverse=True) and dear["limit"] == 3 and "totalHits" not in dear
    counted = index.search("", {"facets": ["brand", "price"], "hitsPerPage": 0})
    assert (counted["totalHits"], counted["hits"], counted["totalPages"]) == (30, [], 0)
    counts = list(counted["facetDistribution"]["brand"].values())
    assert counts == sorted(counts, reverse=True) and counted["facetStats"]["price"]["min"] > 0
    assert index.facet_search("brand", "惠")["facetHits"] == [{"value": "惠普", "count": counted["facetDistribution"]["brand"]["惠普"]}]
    assert index.search("联想", {"filter": [["brand = 联想", "brand = 惠普"], "price > 0"], "limit": 1})["hits"][0]["brand"] == "联想"


def test_a_task_fails_without_anybody_being_told_until_it_is_asked_for(server, engine):
    taken = Client(server.url).index("listings").add_documents([{"title": "without an id"}], "pk")
    task = Client(server.url).wait_for_task(taken.task_uid)
    assert (task.status, task.error["code"]) == ("failed", "missing_document_id")


# ---------------------------------------------------------------- what the engine honours


def test_the_server_has_the_settings_of_the_design(server, engine):
    held = Client(server.url).index("listings").get_settings()
    assert held["searchableAttributes"] == ["key", "called", "kinds", "own", "words", "latin", "others", "spec", "pinyin", "pairs"]
    assert held["rankingRules"][0] == "sort" and "popularity:desc" in held["rankingRules"][-2:]
    typo = held["typoTolerance"]
    assert (typo["minWordSizeForTypos"], typo["disableOnNumbers"]) == ({"oneTypo": 5, "twoTypos": 9}, True)
    assert held["faceting"]["sortFacetValuesBy"] == {"*": "count"} and held["pagination"]["maxTotalHits"] == MAX_TOTAL + 1
    assert held["localizedAttributes"] == [{"attributePatterns": ["*"], "locales": ["cmn"]}]
    assert {"price", "sales", "created"} <= set(held["sortableAttributes"]) and {"brand", "cats", "region", "price"} <= set(held["filterableAttributes"])
    assert "电脑桌" in held["dictionary"] and "激打" in held["synonyms"]["激光打印机"]


def test_both_engines_clip_totals_alike(server, engine, tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.search.meili.MAX_TOTAL", 20)
    monkeypatch.setattr("catalog.search.engine.MAX_TOTAL", 20)
    monkeypatch.setattr("catalog.search.meili_form.MAX_TOTAL", 20)
    engine.apply_settings()
    embedded = EmbeddedEngine(tmp_path)
    told = []
    for each in (engine, embedded):
        each.wait(each.upsert([goods.document(pk, pk, 1) for pk in range(1, 31)]))
        many, few = each.search(SearchRequest()), each.search(SearchRequest(filters=Filters(products=(3, 4))))
        told.append((many.total, many.total_exact, few.total, few.total_exact))
    assert told == [(20, False, 2, True)] * 2
    embedded.close()


def test_a_rebuild_swaps_at_one_stroke_and_leaves_one_index(server, engine):
    engine.wait(engine.upsert([goods.document(1, 1, 1)]))
    assert engine.rebuild(goods.document(pk, pk % 900, 1) for pk in range(2, 1_204)) == 1_202
    assert engine.stats().documents == 1_202 and set(engine.ids()) == set(range(2, 1_204))
    assert list(server.meili.indexes) == ["listings"]
    assert server.meili.tasks[-1].type == "indexDeletion" and all(task.status == "succeeded" for task in server.meili.tasks if task.error is None)


def test_a_rebuild_that_fails_leaves_the_old_index_and_nothing_else(server, engine):
    engine.wait(engine.upsert([goods.document(1, 1, 1)]))

    def broken():
        yield goods.document(2, 2, 1)
        raise LookupError("the source broke off")

    with pytest.raises(LookupError):
        engine.rebuild(broken())
    assert set(engine.ids()) == {1} and list(server.meili.indexes) == ["listings"]


def test_a_failed_write_and_a_late_one_are_told(server, engine, monkeypatch):
    monkeypatch.setattr(meili_form, "document", lambda one: {"pk": "not an id!", "title": one.title})
    with pytest.raises(IndexTaskFailed) as failed:
        engine.wait(engine.upsert([goods.document(1, 1, 1)]))
    assert "invalid_document_id" in failed.value.reason
    server.meili.hold.clear()
    with pytest.raises(IndexTimeout) as late:
        engine.wait(engine.delete([1]), timeout=0.2)
    assert late.value.seconds == 0.2
    server.meili.hold.set()


def test_a_missing_index_a_bad_filter_and_a_crowded_server_become_errors_of_the_port(server, monkeypatch):
    with pytest.raises(SearchUnavailable) as missing:
        MeiliEngine(server.url).search(SearchRequest(q="x"))
    assert "index_not_found" in missing.value.reason and missing.value.retry_after is None
    engine = MeiliEngine(server.url)
    engine.apply_settings()
    server.meili.busy = 1
    with pytest.raises(SearchUnavailable) as busy:
        engine.search(SearchRequest(q="x"))
    assert busy.value.retry_after == 10
    monkeypatch.setattr(meili_form, "filters", lambda *_, **__: ["nobody = 1"])
    with pytest.raises(SearchInvalid) as refused:
        engine.search(SearchRequest(filters=Filters(brands=("x",))))
    assert refused.value.field == "filter"


def test_the_mall_works_with_a_key_that_can_do_nothing_else():
    with served(master_key="a master key of sixteen bytes") as server:
        with pytest.raises(SearchUnavailable) as nobody:
            MeiliEngine(server.url).apply_settings()
        assert "invalid_api_key" in nobody.value.reason
        master = MeiliEngine(server.url, "a master key of sixteen bytes")
        assert master.holds_master_key()
        key = master.make_key("a master key of sixteen bytes")
        engine = MeiliEngine(server.url, key)
        engine.apply_settings()
        assert engine.rebuild([goods.document(1, 1, 1), goods.document(2, 2, 1)]) == 2
        engine.wait(engine.delete([2]))
        engine.teach([["印表机架", "打印机"]])
        assert engine.search(SearchRequest(facets=(FacetName.BRAND,))).total == 1 and engine.stats().version == "Meilisearch 1.50.0"
        assert not engine.holds_master_key() and set(ACTIONS).isdisjoint({"*", "keys.create", "keys.get"})
        with pytest.raises(SearchUnavailable) as other:
            MeiliEngine(server.url, key, index="orders").apply_settings()
        assert "invalid_api_key" in other.value.reason
        with pytest.raises(SearchUnavailable):
            engine.make_key("wrong")


def test_words_that_people_taught_are_found_on_both_engines(server, tmp_path):
    taught = Taught(tmp_path)
    both = FallbackEngine(MeiliEngine(server.url, taught=taught), EmbeddedEngine(tmp_path))
    both.apply_settings()
    both.rebuild([goods.document(1, 1, 1)])
    word = goods.document(1, 1, 1).category_name
    both.teach([["油印设备", word]])
    for each in both.parts:
        assert [hit.pk for hit in each.search(SearchRequest(q="油印设备")).hits] == [1], each.stats().engine
    both.close()


# ---------------------------------------------------------------- the server goes away


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(port, folder):
    command = [sys.executable, "-m", "tests.meili.server", "--http-addr", f"127.0.0.1:{port}", "--db-path", str(folder)]
    running = subprocess.Popen(command, cwd=ROOT)
    try:
        client, deadline = Client(f"http://127.0.0.1:{port}"), time.monotonic() + 60
        while not client.is_healthy() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def meili_shop(database_url, tmp_path, monkeypatch):
    """A shop whose settings name a Meilisearch that is a process of its own."""
    from app.config import Settings
    from app.web.extensions import db
    from tests.catalog.conftest import Shop
    from wsgi import create_app

    port = free_port()
    monkeypatch.setattr("catalog.search.fallback.REST", 0.3)
    with process(port, tmp_path / "meili") as running:
        app = create_app(Settings(data_dir=tmp_path / "mall", database_url=database_url, meili_url=f"http://127.0.0.1:{port}"))
        app.extensions["mall.search"]._rest = 0.3
        shop = Shop(app, database_url)
        app.extensions["mall.search"].apply_settings()
        shop.index()
        yield shop, running, port, tmp_path / "meili"
        shop.engine.dispose()
        with app.app_context():
            db.engine.dispose()


def page(shop, address="/search?q=打印机"):
    answer = shop.browser().get(address)
    return answer.status_code, answer.get_data(as_text=True)


def test_pulling_the_server_away_in_the_middle_degrades_with_a_notice_and_recovers_by_itself(meili_shop):
    shop, running, port, folder = meili_shop
    status, html = page(shop)
    assert status == 200 and "备用引擎" not in html and 'class="card"' in html
    told, stop = [], threading.Event()

    def search():
        while not stop.is_set():
            told.append(page(shop))

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    while len(told) < 4:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    seen = len(told)
    while len(told) < seen + 6:
        time.sleep(0.01)
    stop.set()
    for reader in readers:
        reader.join()
    assert {status for status, _ in told} == {200} and all('class="card"' in html for _, html in told)
    assert "备用引擎" in told[-1][1], "the page says that the spare answers"
    doctor = shop.app.test_cli_runner().invoke(args=["mall", "doctor", "--json"]).output
    assert "the spare serves: embedded (tantivy" in doctor and "2 documents" in doctor
    with process(port, folder):
        time.sleep(0.35)
        status, html = page(shop)
        assert status == 200 and "备用引擎" not in html and 'class="card"' in html, "it is back, and nobody had to do anything"
        answer = shop.app.test_cli_runner().invoke(args=["mall", "doctor", "--json"])
        assert "Meilisearch (Meilisearch 1.50.0), 2 documents, generation 1" in answer.output


def test_what_changed_while_the_server_was_away_is_written_when_it_is_back(meili_shop):
    shop, running, port, folder = meili_shop
    running.kill()
    running.wait()
    from app.policy import Role

    with shop.session() as session, commit(session):
        listings.take_off_shelf(session, shop.world.actor(Role.LISTER), shop.world.laser.id)
    shop.drain()
    engine = shop.app.extensions["mall.search"]
    assert set(engine.parts[1].ids()) == {shop.world.paper.id}, "the spare is written although the first is away"
    with process(port, folder):
        assert set(engine.parts[0].ids()) == {shop.world.paper.id, shop.world.laser.id}
        runner = shop.app.test_cli_runner()
        broken = runner.invoke(args=["mall", "index", "check"])
        assert broken.exit_code == 1
        assert "Meilisearch: missing from the index: 0; not in the database: 1" in broken.output
        assert "embedded: missing from the index: 0; not in the database: 0" in broken.output
        assert runner.invoke(args=["mall", "index", "check", "--repair"]).exit_code == 0
        assert set(engine.parts[0].ids()) == {shop.world.paper.id} and runner.invoke(args=["mall", "index", "check"]).exit_code == 0


# ---------------------------------------------------------------- looking after the index


def test_once_a_night_the_index_is_held_against_the_database_and_mended(shop, monkeypatch):
    engine = shop.app.extensions["mall.search"]
    timer = nightly(engine)
    engine.delete([shop.world.laser.id])
    engine.upsert([goods.document(999_999, 1, 1)])
    real = clock.now
    day = real().astimezone(clock.local(real()).tzinfo)
    monkeypatch.setattr(clock, "now", lambda: day.replace(hour=14, minute=0))
    assert timer.run(shop.session) == 0, "not by day"
    monkeypatch.setattr(clock, "now", lambda: day.replace(hour=3, minute=0))
    assert timer.run(shop.session) == 2 and set(engine.ids()) == {shop.world.laser.id, shop.world.paper.id}
    engine.delete([shop.world.laser.id])
    assert timer.run(shop.session) == 0, "once a night is enough"


def test_what_changes_while_the_index_is_made_anew_is_replayed(shop):
    from app.policy import Role
    from catalog.search import queries

    engine = shop.app.extensions["mall.search"]

    with shop.session() as session:

        def told():
            yield from list(queries.documents(session))
            with shop.session() as other, commit(other):
                listings.take_off_shelf(other, shop.world.actor(Role.LISTER), shop.world.laser.id)

        assert service.rebuild(session, engine, told()) == 2
    assert set(engine.ids()) == {shop.world.paper.id}


def test_the_doctor_names_the_engine_its_version_documents_and_generation(shop):
    answer = shop.app.test_cli_runner().invoke(args=["mall", "doctor"])
    assert "embedded (tantivy" in answer.output.replace("\n", "") and "2 documents" in answer.output


def test_a_search_without_any_engine_says_when_to_come_back(shop, tmp_path):
    shop.app.extensions["mall.search"] = MeiliEngine("http://127.0.0.1:9", timeout=1)
    answer = shop.browser().get("/search?q=打印机")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert shop.app.test_client().get("/api/v1/search?q=x").get_json()["code"] == "search.unavailable"
    shop.app.extensions["mall.search"] = EmbeddedEngine(tmp_path / "other")
