"""Running the product: one web server and one job worker as children of `mall serve`, ended together."""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.config import BadConfiguration, Settings

GRACE = 15.0


def settle_down() -> None:
    """Tell Python that what is loaded by now stays: half a million objects that the collector would otherwise walk through again
    and again while requests come and go, a tenth of what an order costs.

    Threads take turns more often than by default: one that comes back from the database, perhaps with SQLite's gate in its
    hands, should not wait five milliseconds for another to finish its page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.001)


@dataclass
class Child:
    """A process that is started again when it dies by itself (at most once a second)."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=0.0)

    def start(self) -> None:
        """Start it now."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command)

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None


def web_command(settings: Settings) -> list[str]:
    """How the web server is started: gunicorn with threads, which survives killed workers."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class=gthread",
        f"--workers={settings.web_workers}",
        f"--threads={settings.web_threads}",
        f"--bind={settings.host}:{settings.port}",
        "--timeout=60",
        "--graceful-timeout=10",
        "--keep-alive=5",
        "--forwarded-allow-ips=",  # what proxies say is read in one place: `proxies.install`
        "--log-level=warning",
        "--no-control-socket",
        "wsgi:app",
    ]


def worker_command() -> list[str]:
    """How the job worker is started."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", "mall", "worker"]


def check_port(settings: Settings) -> None:
    """Say early that the port is taken. Raises BadConfiguration with the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise BadConfiguration(
                f"{settings.host}:{settings.port} is in use: stop what runs there, or set MALL_PORT to another port"
            ) from error


def wait_until_served(settings: Settings, seconds: float = 60.0) -> bool:
    """Whether the server answers within this time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((settings.host, settings.port), 1.0):
            return True
        time.sleep(0.1)
    return False


def supervise(children: Sequence[Child]) -> None:
    """Keep the children running until SIGINT or SIGTERM, then end them in order and wait."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stopping:
            for child in children:
                if not child.is_running() and time.monotonic() - child.started > 1.0:
                    child.start()
            time.sleep(0.2)
    finally:
        for child in children:
            end(child)
        for number, handler in before.items():
            signal.signal(number, handler)


def end(child: Child) -> None:
    """Ask a child to end, and insist after a while."""
    if child.process is None or child.process.poll() is not None:
        return
    child.process.terminate()
    try:
        child.process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
