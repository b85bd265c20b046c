"""A simulated treasury, our client in front of it, and other programs' servers started on 127.0.0.1."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from orders.payments.gateway import StripeGateway
from orders.payments.simulator.app import Simulator
from orders.payments.wire.call import Breaker

SECRET = "whsec_test_of_the_mall"
DESTINATION = "acct_supplier1"


class QuietHandler(WSGIRequestHandler):
    """Keeps the request log out of the test output."""

    def log(
        self,
        type: str,  # noqa: A002 - the name of the method it replaces
        message: str,
        *args: Any,
    ) -> None:
        pass


@pytest.fixture
def treasury(tmp_path: Path) -> Simulator:
    """A simulated treasury that decides only when told."""
    return Simulator(tmp_path / "treasury.db", webhook_secrets=[SECRET], treasury_delay_s=None, sleep=lambda _: None)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The WSGI application on a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client(base_url: str, transport: httpx.BaseTransport | None = None, *, api_key: str = "sk_test_mall", **settings: Any) -> Iterator[StripeGateway]:
    """Our client, impatient, with a breaker that never opens unless a test brings its own."""
    settings = {"attempts": 3, "wait_initial_s": 0.001, "wait_max_s": 0.005, "timeout_s": 5.0, "breaker": Breaker(limit=10**9), **settings}
    with closing(StripeGateway(base_url, api_key, [SECRET], transport=transport, **settings)) as made:
        yield made


@pytest.fixture(params=["in process", "over a socket"])
def gateway(request: pytest.FixtureRequest, treasury: Simulator) -> Iterator[StripeGateway]:
    """Our client in front of the simulated treasury, once through WSGI and once through TCP."""
    if request.param == "in process":
        with client("http://treasury.test", httpx.WSGITransport(app=treasury)) as made:
            yield made
        return
    with served(treasury) as url, client(url) as made:
        yield made


@pytest.fixture
def authorise(gateway: StripeGateway) -> Callable[..., Any]:
    """One treasury payment of 1,250.00 yuan, with what the test changes."""

    def place(**changes: Any) -> Any:
        wanted = {
            "key": "PA261124-7K3M9Q-4:authorise:1",
            "application": "PA261124-7K3M9Q-4",
            "amount_fen": 1_250_00,
            "payment_method": "pm_treasury",
            "destination": DESTINATION,
        }
        return gateway.authorise(**{**wanted, **changes})

    return place


@contextmanager
def running(command: Callable[[int], list[str]]) -> Iterator[str]:
    """Another program's server on a free port, killed at the end; another port when somebody took the first one meanwhile."""
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if _answers(process, port):
            break
        process.kill()
        said = process.communicate()[1]
    else:
        pytest.fail(f"the server ended five times at once; the last time it said: {said}")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def _answers(process: subprocess.Popen[str], port: int) -> bool:
    """Whether the server takes a connection within 30 s; no when it ended."""
    for _ in range(300):
        if process.poll() is not None:
            return False
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process.poll() is None
        time.sleep(0.1)
    return False
