"""Programs under measurement: started on a free port of 127.0.0.1, their CPU time read from /proc, surely stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.peers import ROOT

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running web server under measurement."""

    pid: int
    address: str
    log: Path


def cpu_ms(*pids: int) -> float:
    """CPU time used so far by processes and all their descendants, the finished ones included; each counts once."""
    return sum(_ticks(member) for member in _family(pids)) * TICK_MS


def _family(pids: tuple[int, ...]) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    family = list(dict.fromkeys(pids))
    for member in family:
        family.extend(child for child in children.get(member, ()) if child not in family)
    return family


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ticks(pid: int) -> int:
    """User and system time, own and of children already reaped (fields 14 to 17 of proc(5))."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) if fields else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(
    application: str, environment: Mapping[str, str], log: Path, *, workers: int = 2, threads: int = 4, probe: str = "/healthz"
) -> Iterator[Server]:
    """Serve an application as the product is served in production, until the block ends."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", application, "-k", "gthread", "-w", str(workers), "--threads", str(threads)]
    command += ["-b", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "warning"]
    with background(command, environment, log) as pid:
        _wait_until_up(address + probe, pid, log)
        yield Server(pid, address, log)


@contextmanager
def background(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a program until the block ends."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_up(url: str, pid: int, log: Path) -> None:
    for _ in range(300):
        try:
            if httpx.get(url, timeout=5).status_code < 500:
                return
        except httpx.HTTPError:
            if not _stat(pid) or _stat(pid)[0] == "Z":
                break
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not come up:\n{log.read_text()[-3000:]}")
