"""A server that answers by Meilisearch's documented API, for machines without the program itself.

It takes what the reference describes and refuses everything else with the documented code; writes are tasks, done one after the other by a
thread of their own, and succeed or fail there; with a folder it finds its indexes again after it was killed. It proves that requests are
right and that answers are read right. It does not prove Meilisearch's own ranking: its typos and its Chinese are a likeness.

    python -m tests.meili.server --http-addr 127.0.0.1:7700 [--db-path folder] [--master-key key]
"""

import argparse
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests.meili import shapes
from tests.meili.index import Index
from tests.meili.shapes import ApiError, bad
from tests.meili.state import Meili, now

Parts = Mapping[str, str]
Asked = Mapping[str, list[str]]


def _health(meili: Meili, *_: Any) -> tuple[int, Any]:
    return 200, {"status": "available"}


def _version(meili: Meili, *_: Any) -> tuple[int, Any]:
    return 200, {"commitSha": "0" * 40, "commitDate": "2026-01-01T00:00:00Z", "pkgVersion": "1.50.0"}


def _create_index(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked = shapes.index(body)

    def work() -> None:
        if asked["uid"] in meili.indexes:
            raise ApiError(409, "index_already_exists", f"Index `{asked['uid']}` already exists.")
        meili.indexes[asked["uid"]] = Index(asked["uid"], asked.get("primaryKey"))

    return 202, meili.enqueue(asked["uid"], "indexCreation", work)


def _delete_index(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    def work() -> None:
        meili.index(parts["uid"])
        del meili.indexes[parts["uid"]]

    return 202, meili.enqueue(parts["uid"], "indexDeletion", work)


def _show_index(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    index = meili.index(parts["uid"])
    return 200, {"uid": index.uid, "createdAt": now(), "updatedAt": now(), "primaryKey": index.primary_key}


def _list_indexes(meili: Meili, *_: Any) -> tuple[int, Any]:
    found = [{"uid": index.uid, "createdAt": now(), "updatedAt": now(), "primaryKey": index.primary_key} for index in meili.indexes.values()]
    return 200, {"results": found, "offset": 0, "limit": 20, "total": len(found)}


def _show_settings(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    return 200, meili.index(parts["uid"]).settings


def _change_settings(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked, uid = shapes.settings(body), parts["uid"]

    def work() -> None:
        meili.indexes.setdefault(uid, Index(uid)).change(asked)

    return 202, meili.enqueue(uid, "settingsUpdate", work)


def _put_documents(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    if unknown := set(query) - {"primaryKey", "csvDelimiter", "customMetadata", "skipCreation"}:
        raise bad("bad_request", f"Unknown parameter `{min(unknown)}`: expected one of `primaryKey`, `csvDelimiter`")
    documents = body if isinstance(body, list) else [body]
    if not all(isinstance(one, dict) for one in documents):
        raise bad("malformed_payload", "The json payload provided is malformed: documents are objects.")
    uid, key = parts["uid"], query.get("primaryKey", [None])[0]

    def work() -> None:
        index = meili.indexes.setdefault(uid, Index(uid, key))
        index.primary_key = index.primary_key or key
        if index.primary_key is None:
            raise bad("index_primary_key_no_candidate_found", "The primary key inference failed as the engine did not find any field ending with `id`.")
        for one in documents:
            if index.primary_key not in one:
                raise bad("missing_document_id", f"Document doesn't have a `{index.primary_key}` attribute: `{one}`.")
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,511}", str(one[index.primary_key])):
                raise bad("invalid_document_id", f"Document identifier `{one[index.primary_key]}` is invalid.")
        index.put(documents)

    return 202, meili.enqueue(uid, "documentAdditionOrUpdate", work)


def _delete_documents(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked = shapes.checked(body, {"filter": "any"}, {"filter": "invalid_document_filter"})
    if "filter" not in asked:
        raise bad("missing_document_filter", "Missing field `filter`")
    uid = parts["uid"]

    def work() -> None:
        index = meili.index(uid)
        test = index.test(asked["filter"], "invalid_document_filter")
        index.drop([pk for pk, one in index.documents.items() if test(one)])

    return 202, meili.enqueue(uid, "documentDeletion", work)


def _fetch_documents(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    kinds = {"offset": "whole", "limit": "whole", "fields": "texts", "filter": "any", "ids": "list", "sort": "texts", "retrieveVectors": "flag"}
    asked = shapes.checked(body, kinds, {name: f"invalid_document_{name}" for name in kinds})
    return 200, _page(meili.index(parts["uid"]), asked)


def _list_documents(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked: dict[str, Any] = {}
    for name, (value, *_) in query.items():
        if name in {"offset", "limit"}:
            if not value.isdecimal():
                raise bad(f"invalid_document_{name}", f"Invalid value in parameter `{name}`: could not parse `{value}` as a positive integer")
            asked[name] = int(value)
        elif name == "fields":
            asked["fields"] = value.split(",")
        elif name in {"filter", "sort", "ids"}:
            asked[name] = value
        else:
            raise bad("bad_request", f"Unknown parameter `{name}`: expected one of `offset`, `limit`, `fields`")
    return 200, _page(meili.index(parts["uid"]), asked)


def _page(index: Index, asked: Mapping[str, Any]) -> dict[str, Any]:
    test = index.test(asked.get("filter"), "invalid_document_filter")
    found = [one for one in index.documents.values() if test(one)]
    offset, limit, fields = asked.get("offset", 0), asked.get("limit", 20), asked.get("fields")
    shown = [one if fields in (None, ["*"]) else {name: one[name] for name in fields if name in one} for one in found[offset : offset + limit]]
    return {"results": shown, "offset": offset, "limit": limit, "total": len(found)}


def _stats(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    index = meili.index(parts["uid"])
    writing = any(task.index == index.uid and task.status == "processing" for task in meili.tasks)
    fields: dict[str, int] = {}
    for one in index.documents.values():
        for name in one:
            fields[name] = fields.get(name, 0) + 1
    return 200, {
        "numberOfDocuments": len(index.documents), "isIndexing": writing, "fieldDistribution": fields,
        "numberOfEmbeddings": 0, "numberOfEmbeddedDocuments": 0, "rawDocumentDbSize": 4096, "avgDocumentSize": 100,
    }  # fmt: skip


def _task(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    number = int(parts["task"])
    if number >= len(meili.tasks):
        raise ApiError(404, "task_not_found", f"Task `{number}` not found.")
    return 200, meili.tasks[number].view


def _swap(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    pairs = shapes.swaps(body)

    def work() -> None:
        for pair in pairs:
            for uid in pair:
                meili.index(uid)
        for one, other in pairs:
            meili.indexes[one], meili.indexes[other] = meili.indexes[other], meili.indexes[one]
            meili.indexes[one].uid, meili.indexes[other].uid = one, other

    return 202, meili.enqueue(None, "indexSwap", work)


def _refuse_when_busy(meili: Meili) -> None:
    if meili.busy:
        meili.busy -= 1
        message = "Too many search requests running at the same time: 4. Retry after 10s."
        raise ApiError(503, "too_many_search_requests", message, {"Retry-After": "10"})


def _multi_search(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked = shapes.multi_search(body)
    _refuse_when_busy(meili)
    answers = []
    for number, one in enumerate(asked):
        try:
            answers.append(meili.index(one["indexUid"]).search(one))
        except ApiError as failed:
            raise ApiError(failed.status, failed.code, f"Inside `.queries[{number}]`: {failed.message}") from failed
    return 200, {"results": answers}


def _search(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    asked = shapes.search(body)
    _refuse_when_busy(meili)
    return 200, {name: value for name, value in meili.index(parts["uid"]).search(asked).items() if name != "indexUid"}


def _facet_search(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    return 200, meili.index(parts["uid"]).facet_search(shapes.facet_search(body))


def _list_keys(meili: Meili, *_: Any) -> tuple[int, Any]:
    return 200, {"results": list(meili.keys.values()), "offset": 0, "limit": 20, "total": len(meili.keys)}


def _create_key(meili: Meili, parts: Parts, query: Asked, body: Any) -> tuple[int, Any]:
    kinds = {"name": "text", "description": "text", "uid": "text", "actions": "texts", "indexes": "texts", "expiresAt": "text"}
    asked = shapes.checked(body, kinds, {name: f"invalid_api_key_{shapes.snake(name)}" for name in kinds})
    for name in ("actions", "indexes"):
        if name not in asked:
            raise bad(f"missing_api_key_{name}", f"Missing field `{name}`")
    uid = asked.get("uid") or str(uuid4())
    key = sha256(f"{meili.master_key}{uid}".encode()).hexdigest()
    made = {
        "name": asked.get("name"), "description": asked.get("description"), "key": key, "uid": uid, "actions": asked["actions"],
        "indexes": asked["indexes"], "expiresAt": asked.get("expiresAt"), "createdAt": now(), "updatedAt": now(),
    }  # fmt: skip
    meili.keys[key] = made
    meili.keep()
    return 201, made


View = Callable[[Meili, Parts, Asked, Any], tuple[int, Any]]
ROUTES: Final[Sequence[tuple[str, str, str, View]]] = (
    ("GET", "/health", "", _health),
    ("GET", "/version", "version", _version),
    ("GET", "/keys", "keys", _list_keys),
    ("POST", "/keys", "keys", _create_key),
    ("GET", "/indexes", "indexes.get", _list_indexes),
    ("POST", "/indexes", "indexes.create", _create_index),
    ("GET", "/indexes/(?P<uid>[^/]+)", "indexes.get", _show_index),
    ("DELETE", "/indexes/(?P<uid>[^/]+)", "indexes.delete", _delete_index),
    ("GET", "/indexes/(?P<uid>[^/]+)/settings", "settings.get", _show_settings),
    ("PATCH", "/indexes/(?P<uid>[^/]+)/settings", "settings.update", _change_settings),
    ("GET", "/indexes/(?P<uid>[^/]+)/documents", "documents.get", _list_documents),
    ("POST", "/indexes/(?P<uid>[^/]+)/documents", "documents.add", _put_documents),
    ("POST", "/indexes/(?P<uid>[^/]+)/documents/fetch", "documents.get", _fetch_documents),
    ("POST", "/indexes/(?P<uid>[^/]+)/documents/delete", "documents.delete", _delete_documents),
    ("POST", "/indexes/(?P<uid>[^/]+)/search", "search", _search),
    ("POST", "/indexes/(?P<uid>[^/]+)/facet-search", "search", _facet_search),
    ("GET", "/indexes/(?P<uid>[^/]+)/stats", "stats.get", _stats),
    ("GET", r"/tasks/(?P<task>\d+)", "tasks.get", _task),
    ("POST", "/swap-indexes", "indexes.swap", _swap),
    ("POST", "/multi-search", "search", _multi_search),
)


def answer(meili: Meili, method: str, path: str, query: Mapping[str, list[str]], body: Any, header: str | None) -> tuple[int, Any]:
    """What the route says."""
    for verb, pattern, action, view in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and verb == method:
            if action:
                meili.allow(header, action, found.groupdict().get("uid"))
            return view(meili, found.groupdict(), query, body)
    if any(re.fullmatch(pattern, path) for _, pattern, _, _ in ROUTES):
        raise ApiError(405, "method_not_allowed", "The method is not allowed here.")
    raise ApiError(404, "not_found", f"No route for {path}.")


class Server(ThreadingHTTPServer):
    """The wire around it."""

    daemon_threads = True

    def __init__(self, meili: Meili, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, Handler)
        self.meili = meili

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = urlsplit(self.path)
        self.server.meili.asked.append((self.command, found.path))
        headers: Mapping[str, str] = {}
        try:
            if raw and self.command in {"POST", "PUT", "PATCH"} and not (self.headers.get("Content-Type") or "").startswith("application/json"):
                raise ApiError(415, "invalid_content_type", "The Content-Type is invalid. Accepted values are: `application/json`")
            body = self._read(raw)
            query = parse_qs(found.query, keep_blank_values=True)
            status, said = answer(self.server.meili, self.command, found.path, query, body, self.headers.get("Authorization"))
        except ApiError as refused:
            status, said, headers = refused.status, refused.body, refused.headers
        sent = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(sent)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def _read(self, raw: bytes) -> Any:
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            raise bad("malformed_payload", "The json payload provided is malformed.") from None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *args: Any) -> None:
        """Quiet: the tests speak."""


@contextmanager
def served(**more: Any) -> Iterator[Server]:
    """A server in this process, until the block ends."""
    server = Server(Meili(**more))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.meili.stop()
        server.server_close()
        thread.join()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--http-addr", default="127.0.0.1:7700")
    parser.add_argument("--db-path", type=Path)
    parser.add_argument("--master-key")
    options = parser.parse_args(arguments)
    host, _, port = options.http_addr.rpartition(":")
    if options.db_path:
        options.db_path.mkdir(parents=True, exist_ok=True)
    Server(Meili(options.db_path, options.master_key), (host, int(port))).serve_forever(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
