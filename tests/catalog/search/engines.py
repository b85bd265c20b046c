"""Both engines, for tests that must hold on each: Meilisearch against its documented API always, against itself when a server is at hand."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.search.engine import EmbeddedEngine
from catalog.search.meili import MeiliEngine
from catalog.search.port import SearchEngine
from catalog.search.taught import Taught
from tests.meili.server import served

ENGINES = ("embedded", "documented", pytest.param("meilisearch", marks=pytest.mark.peer("meilisearch")))


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[SearchEngine]:
    """An empty index of this kind, gone afterwards."""
    if kind == "embedded":
        embedded = EmbeddedEngine(folder / "search")
        yield embedded
        embedded.close()
        return
    with documented_server() if kind == "documented" else meilisearch_server(folder) as url:
        key = None if kind == "documented" else os.environ.get("MALL_TEST_MEILISEARCH_KEY")
        engine = MeiliEngine(url, key, index=f"test_{uuid4().hex[:8]}", taught=Taught(folder))
        engine.apply_settings()
        yield engine
        engine.close()


@contextmanager
def documented_server() -> Iterator[str]:
    with served() as server:
        yield server.url


@contextmanager
def meilisearch_server(folder: Path) -> Iterator[str]:
    """The address of a server: the one named in the environment, or one started here."""
    named = os.environ.get("MALL_TEST_MEILISEARCH_URL")
    if named:
        yield named
        return
    program = shutil.which("meilisearch") or str(Path(__file__).parents[3] / ".tools/bin/meilisearch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen(
        [program, "--no-analytics", "--http-addr", address, "--db-path", str(folder / "meili")],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        engine = MeiliEngine(f"http://{address}")
        deadline = time.monotonic() + 20
        while "does not answer" in engine.health().detail and time.monotonic() < deadline:
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)
