"""Processes that are killed and started again: treasury, web server, job workers, each in a group of its own."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from app.config import Settings
from app.kernel import clock
from app.web.process import web_command
from orders.payments.simulator.app import Simulator
from tests.browser.product import free_port
from tests.orders.payments.treasury_process import books
from tests.peers import ROOT

PR_SET_PDEATHSIG = 1
PRCTL = getattr(ctypes.CDLL(None), "prctl", None)


def _die_with_the_test() -> None:
    """A test that is ended from outside leaves nobody behind (Linux; elsewhere nothing happens)."""
    if PRCTL is not None:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)


class Mortal:
    """One process and everything that it starts."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, list(command), environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again)."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_the_test,  # noqa: PLW1509 - one system call, looked up beforehand
            )

    def kill(self) -> None:
        """SIGKILL, to the whole group."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Town:
    """The treasury on a socket, the mall's web server, and job workers, over one database and one shared clock."""

    def __init__(self, folder: Path, url: str, *, workers: int, pace: float, web: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        data, port, self.treasury_port = folder / "mall", free_port(), free_port()
        data.mkdir()
        self.settings = Settings(
            data_dir=data, database_url=url, port=port, payment_url=f"http://127.0.0.1:{self.treasury_port}", web_workers=1, web_threads=4
        )
        self.clock = data / "clock"
        self.books: Simulator = books(folder / "treasury.db")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MALL_")}
        environment = kept | {
            "MALL_DATA_DIR": str(data),
            "MALL_DATABASE_URL": url,
            "MALL_PORT": str(port),
            "MALL_PAYMENT_URL": self.settings.payment_url,
            "MALL_WEB_WORKERS": "1",
            "MALL_WEB_THREADS": "4",
        }
        door = f"{self.settings.address}/payments/webhook" if web else "-"
        treasury = ["tests.orders.payments.treasury_process", str(folder / "treasury.db"), str(self.treasury_port), door, str(self.clock)]
        commands = {"treasury": [sys.executable, "-m", *treasury]}
        if web:
            commands["web"] = web_command(self.settings)
        for number in range(workers):
            commands[f"worker-{number}"] = [sys.executable, "-m", "tests.orders.payments.worker_process", str(pace)]
        self.people = {name: Mortal(name, command, environment, folder / f"{name}.log") for name, command in commands.items()}

    def __enter__(self) -> Self:
        clock.use_offset_file(self.clock)
        for mortal in self.people.values():
            mortal.start()
        return self

    def __exit__(self, *_: object) -> None:
        for mortal in self.people.values():
            mortal.kill()
        clock.use_offset_file(None)

    def wait_for(self, port: int, seconds: float = 60.0) -> None:
        """Until somebody listens there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"nobody listens on {port}: {''.join(m.log.read_text()[-1500:] for m in self.people.values())}")
