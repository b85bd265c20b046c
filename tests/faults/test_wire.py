"""The wire of the fault harness passes everything on, and cuts when it is told to."""

import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.proxy import Wire


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers every request, and counts those it has heard."""

    protocol_version = "HTTP/1.1"
    heard: list[str]

    def do_POST(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def wire(heard: list[str]) -> Iterator[Wire]:
    handler = type("Handler", (Counting,), {"heard": heard})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        wire = Wire(server.server_port)
        yield wire
        wire.close()
        server.shutdown()
        thread.join()


def test_requests_and_answers_go_through(wire, heard):
    assert httpx.post(f"{wire.address}/one", trust_env=False).text == "ok"
    assert (heard, wire.cuts) == (["/one"], 0)


def test_a_lost_answer_leaves_the_work_done(wire, heard):
    wire.lose_answers(True)
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{wire.address}/one", trust_env=False)
    wire.lose_answers(False)
    assert heard == ["/one"]
    assert httpx.post(f"{wire.address}/two", trust_env=False).text == "ok"


def test_a_cut_ends_connections_that_are_open(wire):
    with httpx.Client(base_url=wire.address, trust_env=False) as client:
        assert client.post("/one").text == "ok"
        assert wire.cut() == 2
        assert client.post("/two").text == "ok"
