"""Who the caller is, with and without reverse proxies in front; and nginx itself in front where it is installed."""

import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, Response, request

from app.config import BadConfiguration, Settings, from_environment
from app.web import process
from tests.operations import deployed
from tests.operations.deployed import NGINX
from tests.orders.payments.conftest import served
from tests.peers import ROOT, program

SPOOFED, REAL = "203.0.113.9", "198.51.100.7"


class Lines(logging.Handler):
    """Keeps the access lines."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@contextmanager
def mall(url: str, folder: Path, trusted: int) -> Iterator[tuple[Flask, Lines]]:
    """The application behind so many proxies, and what it writes into its access log."""
    from app.web.extensions import db
    from wsgi import create_app

    app = create_app(Settings(data_dir=folder / "mall", database_url=url, base_url="https://mall.test", trusted_proxies=trusted))
    lines, access = Lines(), logging.getLogger("mall.access")
    access.addHandler(lines)
    try:
        yield app, lines
    finally:
        access.removeHandler(lines)
        app.extensions["mall.search"].close()
        with app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        (0, SPOOFED, "127.0.0.1"),
        (0, None, "127.0.0.1"),
        (1, f"{SPOOFED}, {REAL}", REAL),
        (1, REAL, REAL),
        (2, f"{SPOOFED}, {REAL}, 10.0.0.1", REAL),
        (2, REAL, "127.0.0.1"),
    ],
)
def test_a_proxy_is_believed_exactly_as_far_as_configured(database_url, tmp_path, trusted, forwarded, client):
    with mall(database_url, tmp_path, trusted) as (app, lines):
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        assert app.test_client().get("/api/v1/me", headers=headers).status_code == 401
        assert lines.kept[-1].__dict__["client"] == client


def test_only_a_refused_attempt_leaves_an_address_in_the_log(database_url, tmp_path):
    with mall(database_url, tmp_path, 0) as (app, lines):
        web = app.test_client()
        answers = [web.get("/healthz"), web.get("/sign-in"), web.get("/api/v1/me"), web.post("/api/v1/tokens", json={"login": "nobody", "password": "x"})]
        assert [answer.status_code for answer in answers] == [200, 200, 401, 401]
        assert ["client" in line.__dict__ for line in lines.kept] == [False, False, True, True]


def test_the_scheme_is_believed_from_a_trusted_proxy_only(database_url, tmp_path):
    for trusted, scheme in ((0, "http"), (1, "https")):
        with mall(database_url, tmp_path, trusted) as (app, _lines):
            schemes: list[str] = []

            @app.after_request
            def note(response: Response, schemes: list[str] = schemes) -> Response:
                schemes.append(request.scheme)
                return response

            app.test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
            assert schemes == [scheme]


@pytest.mark.parametrize("count", ["-1", "6", "many"])
def test_an_impossible_number_of_proxies_stops_the_start(count):
    with pytest.raises(BadConfiguration, match="MALL_TRUSTED_PROXIES"):
        from_environment({"MALL_TRUSTED_PROXIES": count})


def test_the_web_server_itself_believes_nobody():
    from gunicorn.app.wsgiapp import WSGIApplication

    words = process.web_command(Settings())[3:]
    before, sys.argv = sys.argv, ["gunicorn", *words]
    try:
        assert WSGIApplication("%(prog)s").cfg.forwarded_allow_ips == []
    finally:
        sys.argv = before


# ---------------------------------------------------------------- the command of the service manager


def test_the_web_command_becomes_the_server_and_tells_the_service_manager(tmp_path):
    """`Type=notify`: the process that systemd started says itself that it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket() as probe:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {
            **os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "MALL_DATA_DIR": str(tmp_path / "mall"), "MALL_PORT": str(port), "MALL_WEB_WORKERS": "1",
        }  # fmt: skip
        words = deployed.unit("web")["Service"]["ExecStart"].split()[1:]
        web = subprocess.Popen([sys.executable, "-m", "flask", *words], cwd=ROOT, env=environment)
        try:
            while b"READY=1" not in (said := manager.recv(4096)):
                assert said
            until = time.monotonic() + 30
            while time.monotonic() < until:
                try:
                    assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            else:
                raise AssertionError("nobody serves")
        finally:
            web.terminate()
            assert web.wait(30) == 0


# ---------------------------------------------------------------- nginx


def certificate(folder: Path) -> None:
    """A key and a certificate of the test's own, where the configuration looks for them."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mall.example.gov.cn")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "mall.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    (folder / "mall.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def test_the_configuration_of_nginx_is_whole_and_fits_the_product(database_url, tmp_path):
    text = (NGINX / "mall.conf").read_text()
    for file in ("mall.conf", "upstream-host.conf", "upstream-compose.conf"):
        assert deployed.directives((NGINX / file).read_text())
    with pytest.raises(ValueError, match="semicolon"):
        deployed.directives(text.replace("server_tokens off;", "server_tokens off"[:-1] + "}", 1))
    said = deployed.directives(text)
    with mall(database_url, tmp_path, 1) as (app, _lines):
        assert ["client_max_body_size", f"{app.config['MAX_CONTENT_LENGTH'] // 2**20}m"] in said
        adapter = app.url_map.bind("mall.test")
        places = re.findall(r"location = (\S+)", text)
        assert {adapter.match(place, method="POST")[0] for place in places} == {"sessions.enter", "sessions_api.issue"}
    assert [words for words in said if words[:2] == ["proxy_set_header", "X-Forwarded-For"]] == [["proxy_set_header", "X-Forwarded-For", "$proxy_add_x_forwarded_for"]]
    assert ["ssl_protocols", "TLSv1.2", "TLSv1.3"] in said and not [words for words in said if words[0] == "add_header"]


@pytest.mark.peer("nginx")
def test_nginx_reads_it_and_the_mall_behind_it_knows_its_callers(database_url, tmp_path):
    certificate(tmp_path / "tls")
    with (
        mall(database_url, tmp_path, 1) as (app, lines),
        served(app) as inner,
        _nginx(tmp_path, inner.rpartition(":")[2]) as (plain, secure),
        httpx.Client(verify=False, trust_env=False, timeout=30) as browser,  # a certificate of our own
    ):
        moved = browser.get(f"http://127.0.0.1:{plain}/search?q=a")
        assert (moved.status_code, moved.headers["Location"]) == (308, "https://mall.example.gov.cn/search?q=a")
        refused = browser.get(f"https://127.0.0.1:{secure}/api/v1/me", headers={"X-Forwarded-For": SPOOFED})
        assert refused.status_code == 401 and lines.kept[-1].__dict__["client"] == "127.0.0.1"
        page = browser.get(f"https://127.0.0.1:{secure}/sign-in")
        assert page.status_code == 200 and page.headers["Strict-Transport-Security"] and page.headers.get_list("Content-Security-Policy", split_commas=False)[1:] == []
        large = browser.post(f"https://127.0.0.1:{secure}/cart/items", content=bytes(9 * 2**20))
        assert large.status_code == 413 and "不超过 8 MB" in large.text and "8 MB for anything else" in large.text
        too_many = [browser.get(f"https://127.0.0.1:{secure}/sign-in").status_code for _ in range(30)]
        assert too_many[0] == 200 and too_many[-1] == 429


@contextmanager
def _nginx(folder: Path, inner: str) -> Iterator[tuple[int, int]]:
    """nginx with the checked-in files, on ports of its own; nothing else in them is changed."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    text = (NGINX / "mall.conf").read_text().replace("/etc/nginx/tls", str(folder / "tls"))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{ports[0]};").replace("listen 443 ", f"listen 127.0.0.1:{ports[1]} ")
    (folder / "site.conf").write_text(text + (NGINX / "upstream-host.conf").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{inner}"))
    scratch = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr warn; events {{}} http {{ access_log off; {scratch} include {folder}/site.conf; }}"
    )
    command = [program("nginx") or "", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen(command)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", ports[1])) == 0:
                    break
            time.sleep(0.05)
        yield ports[0], ports[1]
    finally:
        running.terminate()
        running.wait(20)
