"""The treasury's process is killed again and again while payments are sent: each intent stays one payment."""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from orders.payments.simulator.app import Simulator
from orders.payments.wire.answers import Payment
from orders.payments.wire.call import GatewayUnavailable, UnknownOutcome
from tests.orders.payments.conftest import DESTINATION, SECRET, client

SERVER = """
import logging, sys
from functools import partial
from pathlib import Path
from werkzeug.serving import make_server
from orders.payments.simulator.app import Simulator
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Simulator(Path(sys.argv[1]), webhook_secrets=[sys.argv[2]], treasury_delay_s=None)
make_server("127.0.0.1", int(sys.argv[3]), app, threaded=True).serve_forever()
"""
KILLS = 6


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[tuple[str, Event]]:
    """The address of a treasury that is killed and started again, and an event set after the last kill."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(tmp_path / "treasury.db"), SECRET, str(port)]
    chance, over, stop = random.Random(5), Event(), Event()

    def live_and_die() -> None:
        for kill in range(KILLS + 1):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not _listens(port) and not stop.is_set():
                time.sleep(0.02)
            if kill == KILLS:
                over.set()
                stop.wait()
            time.sleep(chance.uniform(0.02, 0.3))
            process.kill()
            process.wait()

    thread = Thread(target=live_and_die)
    thread.start()
    yield f"http://127.0.0.1:{port}", over
    stop.set()
    thread.join()


def test_payments_survive_the_death_of_the_treasury(mortal: tuple[str, Event], treasury: Simulator) -> None:
    url, over = mortal
    expected = 0
    with client(url, attempts=2, timeout_s=3.0) as gateway:

        def settled(call: Callable[[], Payment]) -> Payment:
            for _ in range(2_000):
                try:
                    return call()
                except (GatewayUnavailable, UnknownOutcome):
                    time.sleep(0.02)
            raise AssertionError("the treasury never came back")

        while not over.is_set() or expected < 20:
            number = expected
            place = partial(gateway.authorise, key=f"a{number}", application=f"PA{number}", amount_fen=7)
            payment = settled(partial(place, payment_method="pm_treasury", destination=DESTINATION))
            settled(partial(gateway.capture, payment.id, key=f"c{number}"))
            expected += 1
    assert treasury.totals() == {DESTINATION: 7 * expected}
    assert treasury.waiting() == []
