"""A simulated treasury as a process of its own, on a socket: `python -m tests.orders.payments.treasury_process BOOKS PORT WEBHOOK CLOCK`."""

import contextlib
import logging
import sys
import threading
import time
from pathlib import Path

import httpx
from werkzeug.serving import make_server

from app.config import DEFAULT_WEBHOOK_SECRET
from app.kernel import clock
from orders.payments.simulator.app import Simulator

log = logging.getLogger("treasury")


def books(path: Path) -> Simulator:
    """The treasury over these books; it takes money only when it is told to."""
    return Simulator(path, webhook_secrets=[DEFAULT_WEBHOOK_SECRET], treasury_delay_s=None)


def tell(treasury: Simulator, address: str) -> None:
    """Send webhooks as they fall due, for ever."""
    with httpx.Client(timeout=3.0, trust_env=False) as client:

        def post(body: bytes, headers: dict[str, str]) -> int:
            try:
                return client.post(address, content=body, headers=headers).status_code
            except httpx.HTTPError:
                return 0

        while True:
            with contextlib.suppress(OSError):
                treasury.deliver_due(post, limit=20)
            time.sleep(0.05)


def main(path: str, port: str, webhook: str, offset: str) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    clock.use_offset_file(Path(offset))
    treasury = books(Path(path))
    if webhook != "-":
        threading.Thread(target=tell, args=(treasury, webhook), daemon=True).start()
    make_server("127.0.0.1", int(port), treasury, threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
