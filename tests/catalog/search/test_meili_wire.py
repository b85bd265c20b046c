"""How the Meilisearch engine speaks to its server, and what it makes of its errors, against answers written down from the server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from catalog.search import meili_form
from catalog.search.engine import EmbeddedEngine
from catalog.search.fallback import FallbackEngine
from catalog.search.meili import MeiliEngine
from catalog.search.port import FacetName, Filters, IndexTaskFailed, IndexTimeout, SearchInvalid, SearchRequest, SearchUnavailable, Sort
from tests.catalog.search import goods


class Server(ThreadingHTTPServer):
    """Answers each path as told and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None))
        status, said = self.server.answers.get(f"{self.command} {self.path}", (404, {"message": "no", "code": "not_found", "type": "invalid_request"}))
        raw = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *args: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def result(total: int = 0, hits: list | None = None, **more: Any) -> dict[str, Any]:
    return {"hits": hits or [], "totalHits": total, "facetDistribution": {}, "facetStats": {}, "processingTimeMs": 1, **more}


def taken(uid: int) -> dict[str, Any]:
    return {"taskUid": uid, "indexUid": "listings", "status": "enqueued", "type": "documentAdditionOrUpdate", "enqueuedAt": "2026-01-01T00:00:00.1Z"}


def task(uid: int, status: str, error: dict | None = None) -> dict[str, Any]:
    return {
        "uid": uid, "indexUid": "listings", "status": status, "type": "documentAdditionOrUpdate", "details": None, "error": error, "canceledBy": None,
        "duration": "PT1S", "enqueuedAt": "2026-01-01T00:00:00.1Z", "startedAt": "2026-01-01T00:00:00.1Z", "finishedAt": "2026-01-01T00:00:00.1Z",
    }  # fmt: skip


HIT = {
    "pk": 7, "product_id": 3, "title": "惠普 M404dn", "brand": "惠普", "model": "M404dn", "category_name": "A4黑白打印机", "supplier_name": "甲",
    "price": 100, "sales": 1, "created": 1, "_rankingScore": 0.9,
}  # fmt: skip


def test_values_of_filters_are_quoted_and_numbers_are_numbers():
    filters = Filters(brands=('a"] OR 1 = 1 \\',), suppliers=(3,), price_max_fen=500, in_stock=True, regions=("410000", "410100"))
    assert meili_form.filters(filters) == [
        'brand IN ["a\\"] OR 1 = 1 \\\\"]', "supplier_id IN [3]", 'region IN ["410000", "410100"]', "price <= 500", "in_stock = true",
    ]  # fmt: skip


def test_one_request_asks_for_the_page_and_each_disjunctive_facet(server):
    server.answers["POST /multi-search"] = (
        200, {"results": [result(41, [HIT] * 21, facetDistribution={"cat1": {"A02\t设备": 41}}), result(90, facetDistribution={"brand": {"惠普": 41, "佳能": 49}})]},
    )  # fmt: skip
    page = MeiliEngine(server.url).search(
        SearchRequest(q="惠普打印机", filters=Filters(brands=("惠普",)), facets=(FacetName.CAT1,), disjunctive=(FacetName.BRAND,))
    )
    first, second = server.asked[-1][2]["queries"]
    assert (first["q"], first["locales"], first["matchingStrategy"], first["filter"]) == ("惠普 打印机", ["cmn"], "all", ['brand IN ["惠普"]'])
    assert (first["facets"], second["facets"], second["filter"], second["hitsPerPage"]) == (["cat1"], ["brand"], [], 0)
    assert [value.label for value in page.facets[FacetName.CAT1].values] == ["设备"]
    assert [value.value for value in page.facets[FacetName.BRAND].values] == ["佳能", "惠普"]
    assert (page.total, len(page.hits), page.hits[0].title_html) == (41, 20, "<mark>惠普</mark> M404dn") and page.next_page


def test_the_next_page_by_price_stands_behind_the_last_hit(server):
    server.answers["POST /multi-search"] = (200, {"results": [result(3, [HIT, HIT])]})
    engine = MeiliEngine(server.url)
    page = engine.search(SearchRequest(q="惠普", sort=Sort.PRICE_UP, limit=1))
    engine.search(SearchRequest(q="惠普", sort=Sort.PRICE_UP, limit=1, page=page.next_page))
    (query,) = server.asked[-1][2]["queries"]
    assert query["sort"] == ["price:asc", "pk:asc"] and query["filter"] == ["(price > 100 OR (price = 100 AND pk > 7))"]


def test_a_failed_task_raises_although_the_client_returns_it(server):
    server.answers["POST /indexes/listings/documents?primaryKey=pk"] = (202, taken(9))
    server.answers["GET /tasks/9"] = (200, task(9, "failed", {"message": "bad document", "code": "invalid_document_fields"}))
    engine = MeiliEngine(server.url)
    with pytest.raises(IndexTaskFailed) as refused:
        engine.wait(engine.upsert([goods.document(1, 1, 1)]))
    assert "bad document" in refused.value.reason
    assert server.asked[0][2][0]["pinyin"] and server.asked[0][2][0]["pk"] == 1


def test_a_task_that_does_not_end_in_time_raises(server):
    server.answers["POST /indexes/listings/documents/delete"] = (202, taken(4))
    server.answers["GET /tasks/4"] = (200, task(4, "processing"))
    engine = MeiliEngine(server.url)
    with pytest.raises(IndexTimeout):
        engine.wait(engine.delete([1]), timeout=0.1)


@pytest.mark.parametrize(
    ("status", "code", "kind", "raised"),
    [
        (400, "invalid_search_filter", "invalid_request", SearchInvalid),
        (404, "index_not_found", "invalid_request", SearchUnavailable),
        (403, "invalid_api_key", "auth", SearchUnavailable),
        (503, "too_many_search_requests", "system", SearchUnavailable),
        (500, "internal", "internal", SearchUnavailable),
    ],
)
def test_errors_of_the_server_become_those_of_the_port(server, status, code, kind, raised):
    server.answers["POST /multi-search"] = (status, {"message": "no", "code": code, "type": kind, "link": "x"})
    with pytest.raises(raised):
        MeiliEngine(server.url).search(SearchRequest(q="惠普"))


def test_a_rebuild_loads_beside_swaps_and_deletes_the_old(server):
    engine = MeiliEngine(server.url)

    class Any404(dict):
        def get(self, key, default=None):
            method, path = key.split()
            if method == "GET":
                return 200, task(int(path.rsplit("/", 1)[1]), "succeeded")
            return 202, taken(5)

    server.answers = Any404()
    assert engine.rebuild([goods.document(1, 1, 1), goods.document(2, 2, 1)]) == 2
    steps = [(method, path.split("?")[0]) for method, path, _ in server.asked if method != "GET"]
    fresh = steps[-1][1].rsplit("/", 1)[1]
    assert steps == [
        ("POST", "/indexes"), ("POST", "/indexes"), ("PATCH", f"/indexes/{fresh}/settings"),
        ("POST", f"/indexes/{fresh}/documents"), ("POST", "/swap-indexes"), ("DELETE", f"/indexes/{fresh}"),
    ]  # fmt: skip


def test_the_spare_engine_answers_while_the_first_does_not_and_says_so(server, tmp_path):
    server.answers["POST /multi-search"] = (503, {"message": "busy", "code": "too_many_search_requests", "type": "system"})
    spare = EmbeddedEngine(tmp_path)
    spare.upsert([goods.document(1, 1, 1)])
    both = FallbackEngine(MeiliEngine(server.url), spare, rest=0.2)
    page = both.search(SearchRequest(q="联想"))
    assert page.degraded and [hit.pk for hit in page.hits] == [1]
    asked = len(server.asked)
    assert both.search(SearchRequest()).degraded and len(server.asked) == asked
    assert both.suggest("联想") and both.health().ok
    server.answers["POST /multi-search"] = (200, {"results": [result(1, [HIT])]})
    threading.Event().wait(0.25)
    assert not both.search(SearchRequest(q="惠普")).degraded
    spare.close()


def test_a_write_that_the_first_engine_does_not_take_is_refused_so_that_it_is_tried_again(server, tmp_path):
    spare = EmbeddedEngine(tmp_path)
    both = FallbackEngine(MeiliEngine("http://127.0.0.1:9", timeout=1), spare)
    with pytest.raises(SearchUnavailable):
        both.upsert([goods.document(1, 1, 1)])
    assert spare.stats().documents == 1
    both.close()
