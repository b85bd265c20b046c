"""Every command of the documentation is run: against a scratch copy, a served mall, or, the long ones, in the deep run."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.config import Settings
from tests import training
from tests.docs.pages import Block, blocks
from tests.operations import commands
from tests.orders.payments.conftest import served
from tests.peers import ROOT, TOOLS

SERVING = ("make run", "mall up", "mall serve", "mall web", "mall worker")
"""Commands that never end by themselves: started, waited for, ended."""
DRY = {"make test": "this very run", "make test-deep": "this very run", "make bench": "an hour", "make screenshots": "writes into docs/", "make lint": "part of make test",
       "make type": "part of make test", "make lint type": "part of make test", "make assets": "needs Node", "make lock": "needs the network", "make clean": "takes the tests' own environment away",
       ".ci/run": "runs this very run"}  # fmt: skip
"""Commands that must only exist, and why. (`make -n` is no way out: it runs every recipe that calls make again.)"""
HELPERS = """
set -euo pipefail
until_served() {
    "$@" >served.log 2>&1 & local pid=$!
    for _ in $(seq 900); do
        if [[ " $* " == *" worker "* ]] || curl -fs "http://127.0.0.1:$MALL_PORT/healthz" >/dev/null; then sleep 1; break; fi
        kill -0 $pid || { cat served.log; exit 1; }
        sleep 0.2
    done
    kill -0 $pid || { cat served.log; exit 1; }
    kill -TERM $pid; wait $pid || [ "$1" = make ]
}
"""


def by_page(*markers: str) -> list[object]:
    """The blocks of each page together: a page is read from the top."""
    grouped = groupby(blocks(*markers), key=lambda block: block.page)
    told = [(page, list(found)) for page, found in grouped]
    verifier = pytest.mark.peer("log-verifier")
    return [
        pytest.param(found, id=str(page.relative_to(ROOT)), marks=[verifier] if any("tlog-verify" in block.text for block in found) else [])
        for page, found in told
    ]


def script(found: list[Block]) -> str:
    """The blocks as one script."""
    lines = [HELPERS]
    for block in found:
        for command in block.commands():
            bare = command.partition("  #")[0].strip()
            if bare.partition(" BENCH=")[0] in DRY:
                lines.append(" && ".join(f"grep -q ^{name}: Makefile" for name in bare.partition(" BENCH=")[0].split()[1:]) or f"bash -n {bare}")
            elif any(bare == ending or bare.endswith(f" {ending}") for ending in SERVING):
                lines.append(f"until_served {bare}")
            else:
                lines.append(command)
        lines.append(f": {block.name}")
    return "\n".join(lines)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout to try things in: the same files and environment, no data."""
    folder = tmp_path / "mall"
    folder.mkdir()
    for item in ROOT.iterdir():
        if item.name not in {".git", ".venv", "instance", "bench-results"}:
            (folder / item.name).symlink_to(item)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def run(text: str, folder: Path, **more: str) -> None:
    """Run it with bash, as a reader would."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALL_") and name.lower() not in {"http_proxy", "https_proxy"}}
    path = f"{sys.prefix}/bin:{TOOLS}:{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "MALL_PORT": str(free_port()), "MALL_DEMO_TRAFFIC": "0", "MALL_WEB_WORKERS": "1", **more}
    done = subprocess.run(["bash", "-x"], input=text, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2500:]}"


@pytest.fixture(scope="module")
def served_province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """A small province, served, with its worker; and its address."""
    from app.web.extensions import db
    from wsgi import create_app

    folder = tmp_path_factory.mktemp("served") / "mall"
    shutil.copytree(training.template(), folder)
    made: list[Flask] = []

    def answer(*call: Any) -> Any:
        return made[0](*call)

    with served(answer) as url:
        app = create_app(Settings(data_dir=folder, base_url=url))
        made.append(app)
        worker = app.extensions["mall.worker"]()
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield app, url
        finally:
            worker.stop()
            thread.join()
            app.extensions["mall.search"].close()
            with app.app_context():
                db.engine.dispose()


@pytest.fixture
def province(served_province: tuple[Flask, str]) -> Flask:
    return served_province[0]


@pytest.fixture
def address(served_province: tuple[Flask, str]) -> str:
    return served_province[1]


def distinct(*markers: str) -> list[object]:
    """Every command once, wherever it stands."""
    first: dict[str, Block] = {}
    for block in blocks(*markers):
        for command in block.commands():
            first.setdefault(command.partition("  #")[0].strip(), block)
    return [pytest.param(command, id=block.name) for command, block in first.items()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", distinct("run"))
def test_a_command_runs_on_a_province(command: str, province: Flask, copy: Path):
    """A plain command of the product runs in this process, which has the product loaded already; anything else is the shell's."""
    words = commands.of_the_mall(commands.words_of(command)) if not set("|;&<>$`") & set(command) else None
    if words is None:
        (copy / "instance").symlink_to(province.config["SETTINGS"].data_dir)
        run(HELPERS + command, copy)
        return
    done = province.test_cli_runner().invoke(args=["mall", *words])
    assert done.exit_code == 0, done.output


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("found", by_page("deep"))
def test_the_long_commands_of_a_page_run(found: list[Block], copy: Path):
    run(script(found), copy)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("found", by_page("serve"))
def test_the_requests_of_a_page_are_answered(found: list[Block], address: str, copy: Path):
    text = script(found).replace("MALL=http://127.0.0.1:8000", f"MALL={address}")
    run(text, copy, MALL=address)
