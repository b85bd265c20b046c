"""The one way out: each class of address, names that change their answer, redirects, and answers that never end."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.kernel.outgoing import AddressClosed, BadAddress, Door, NoAnswer, is_open
from app.kernel.sealed import Seal, SealBroken
from tests.orders.payments.conftest import served

OUT, HOME = Door(), Door(loopback=True)

CLOSED = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
)  # fmt: skip
OPEN = ("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "223.255.255.254", "2400:3200::1", "2606:4700::1111",
        "::ffff:8.8.8.8")  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_inside_is_closed_however_it_is_written(address):
    assert not is_open(address)
    door = Door(resolver=lambda _host, _port: [address])
    with pytest.raises(AddressClosed) as refused:
        door.judge("shop.example", 443, "https://shop.example/")
    assert refused.value.address == address


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_public_internet_is_open(address):
    assert is_open(address)


@pytest.mark.parametrize("url", [
    "http://shop.example/", "ftp://shop.example/", "https://", "https:///x", "shop.example", "//shop.example/x", "https://user@shop.example/",
    "https://user:word@shop.example/", "https://shop.example/#part", "https://shop.example:99999/", "https://shop.example:0/", "https://shop.example/ x",
    "https://shop.example/\r\nHost: inside", "https://shop.example\\@inside/", "javascript:alert(1)", "file:///etc/passwd", "https://商城.example/",
    "https://shop.example/" + "x" * 500, "https://[::1", "gopher://127.0.0.1:25/",
])  # fmt: skip
def test_an_address_of_another_form_is_refused_before_anything_is_looked_up(url):
    with pytest.raises(BadAddress):
        Door(resolver=_never).check(url)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]:8443/", "https://169.254.169.254/latest", "https://10.1.2.3/"])
def test_an_address_inside_that_is_written_out_is_refused_at_once(url):
    with pytest.raises(AddressClosed):
        Door(resolver=_never).check(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_other_spellings_of_loopback_are_caught_when_they_are_resolved(host):
    with pytest.raises((BadAddress, NoAnswer)):
        OUT.send("GET", f"https://{host}:9/", headers={})


def test_plain_http_reaches_loopback_only_where_training_says_so():
    with pytest.raises(BadAddress):
        OUT.check("http://127.0.0.1:8000/")
    assert HOME.check("http://127.0.0.1:8000/x") == "http://127.0.0.1:8000/x"
    assert OUT.check("https://shop.example:443/x") == "https://shop.example:443/x"
    assert HOME.check("http://localhost:8000/x") == "http://localhost:8000/x"
    for url in ("http://10.0.0.1/", "http://shop.example/"):
        with pytest.raises(BadAddress):
            HOME.check(url)
    with pytest.raises(AddressClosed):
        HOME.check("https://10.0.0.1/")


def test_one_closed_address_among_many_closes_the_name():
    door = Door(resolver=lambda _host, _port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(AddressClosed) as refused:
        door.send("GET", "https://shop.example/", headers={})
    assert refused.value.address == "10.0.0.1"


def test_a_name_is_resolved_once_and_the_connection_goes_to_the_address_that_was_judged():
    """A name that leads outside when it is judged and inside a moment later (DNS rebinding)."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with served(_app(200, b"here")) as url:
        port = url.rpartition(":")[2]
        answer = Door(loopback=True, resolver=rebinding).send("GET", f"http://localhost:{port}/", headers={})
    assert (answer.status, answer.body, asked) == (200, b"here", ["localhost"])

    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    door = Door(resolver=lambda _host, _port: next(answers))
    assert door.judge("shop.example", 443, "https://shop.example/") == ["8.8.8.8"]
    with pytest.raises(AddressClosed):
        door.send("GET", "https://shop.example/", headers={})


def test_the_certificate_is_asked_for_the_name_and_not_for_the_address():
    seen: list[str | None] = []
    with _tls(seen) as port:
        door = Door(loopback=True, resolver=lambda _host, _port: ["127.0.0.1"], longest_s=2)
        with pytest.raises(NoAnswer) as silent:
            door.send("GET", f"https://shop.example:{port}/", headers={})
    assert seen == ["shop.example"]
    assert (silent.value.reason, silent.value.is_sent) == ("unreachable", False)


def test_no_redirect_is_followed_and_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    visits: list[str] = []
    with served(_app(302, b"", [("Location", "http://169.254.169.254/latest/meta-data")], visits)) as url:
        answer = HOME.send("POST", f"{url}/x", headers={}, content=b"a")
    assert (answer.status, answer.is_success, visits) == (302, False, ["/x"])


def test_an_answer_is_cut_at_the_limit():
    with served(_app(200, b"x" * 5_000)) as url:
        answer = Door(loopback=True, most_bytes=1_000).send("GET", f"{url}/", headers={})
    assert (len(answer.body), answer.is_whole) == (1_000, False)


def test_an_encoded_answer_is_not_unpacked():
    with served(_app(200, b"\x1f\x8b-not-gzip", [("Content-Encoding", "gzip")])) as url:
        assert HOME.send("GET", f"{url}/", headers={}).body == b"\x1f\x8b-not-gzip"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_for_ever_ends_with_the_time_of_the_whole_call(part):
    with _dripping(in_headers=part == "headers") as port, pytest.raises(NoAnswer) as late:
        Door(loopback=True, longest_s=0.5).send("GET", f"http://127.0.0.1:{port}/", headers={})
    assert (late.value.reason, late.value.is_sent) == ("timeout", True)


def test_nobody_there_is_told_from_a_call_that_may_have_arrived():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NoAnswer) as gone:
        HOME.send("GET", f"http://127.0.0.1:{port}/", headers={})
    assert (gone.value.reason, gone.value.is_sent) == ("unreachable", False)
    with _cutting() as port, pytest.raises(NoAnswer) as cut:
        HOME.send("POST", f"http://127.0.0.1:{port}/", headers={}, content=b"order")
    assert (cut.value.reason, cut.value.is_sent) == ("connection_lost", True)


def test_a_secret_is_read_again_only_with_the_key_of_the_installation():
    kept = Seal("a" * 40).close("whsec_x")
    assert "whsec_x" not in kept
    assert Seal("a" * 40).open(kept) == "whsec_x"
    with pytest.raises(SealBroken):
        Seal("b" * 40).open(kept)
    assert "aaaa" not in repr(Seal("a" * 40))


# ---------------------------------------------------------------- others


def _never(_host: str, _port: int) -> list[str]:
    raise AssertionError("nothing should be looked up")


def _app(status: int, body: bytes, headers: list[tuple[str, str]] | None = None, visits: list[str] | None = None) -> Any:
    def app(environ: Any, start: Any) -> list[bytes]:
        if visits is not None:
            visits.append(environ["PATH_INFO"])
        start(f"{status} X", headers or [])
        return [body]

    return app


@contextmanager
def _server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def accept() -> None:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    talk(connection)
                except OSError:
                    pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def _dripping(*, in_headers: bool) -> Any:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"" if in_headers else b"Content-Length: 100000\r\n\r\n"))
        for _ in range(60):
            connection.sendall(b"X-Drop: 1\r\n" if in_headers else b"x")
            time.sleep(0.1)

    return _server(talk)


def _cutting() -> Any:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)

    return _server(talk)


def _tls(seen: list[str | None]) -> Any:
    """A server that only notes which name is asked for."""

    def talk(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = lambda _socket, name, _context: seen.append(name)
        try:
            context.wrap_socket(connection, server_side=True)
        except ssl.SSLError:
            pass

    return _server(talk)
