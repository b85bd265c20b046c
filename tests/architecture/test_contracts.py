"""Every import contract of pyproject.toml is a guard that barks: each is broken once on purpose, in a hollow copy of the tree."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers import ROOT

PACKAGES = ("app", "catalog", "orders", "supervision")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

PLANTED = {
    "packages": ("app/kernel/money.py", "import orders.purchases"),
    "roof": ("orders/purchases/service.py", "import wsgi"),
    "loop": ("orders/budgets/service.py", "import orders.purchases"),
    "rooms": ("catalog/products/utils.py", ""),
    "rooms-search": ("catalog/search/port.py", "import catalog.search.engine"),
    "rooms-payments": ("orders/payments/webhook_signature.py", "import orders.payments.gateway"),
    "rooms-journal": ("supervision/journal/tree.py", "import supervision.journal.sequencer"),
    "rooms-bulk": ("app/bulk/entity.py", "import app.bulk.service"),
    "pure": ("orders/purchases/rules.py", "import sqlalchemy"),
    "unflasked": ("orders/purchases/service.py", "import flask"),
    "private-accounts": ("orders/thread/queries.py", "import app.accounts.people.tables"),
    "private-bulk": ("catalog/listings/queries.py", "import app.bulk.tables"),
    "private-catalog": ("orders/thread/queries.py", "import catalog.listings.tables"),
    "private-orders": ("supervision/alerts/queries.py", "import orders.purchases.tables"),
    "private-supervision": ("orders/thread/queries.py", "import supervision.alerts.tables"),
    "circles": ("catalog/products/service.py", "import catalog.listings\n# and back again\n"),
}


def hollow(folder: Path, write: Callable[[Path, str], object]) -> None:
    """The tree with every file emptied, so that only what a test plants is imported."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            write(folder / file.relative_to(ROOT), "")
    for room in ("orders/purchases/service", "orders/purchases/rules", "orders/purchases/tables", "app/accounts/people/tables",
                 "catalog/listings/tables", "supervision/alerts/tables", "catalog/search/engine", "app/bulk/service", "app/bulk/tables"):
        write(folder / f"{room}.py", "")
    write(folder / "wsgi.py", "")
    write(folder / "pyproject.toml", (ROOT / "pyproject.toml").read_text())


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def lint(folder: Path) -> dict[str, str]:
    """The verdict on each contract, by its name."""
    program = Path(sys.executable).with_name("lint-imports")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60, env=environment)
    names = {contract["name"] for contract in CONTRACTS}
    lines = [line.strip().rpartition(" ") for line in done.stdout.splitlines()]
    return {name: verdict for name, _, verdict in lines if name in names} or {"nothing was checked": done.stdout + done.stderr}


def test_a_hollow_tree_keeps_every_contract(tmp_path):
    hollow(tmp_path, write)
    assert lint(tmp_path) == {contract["name"]: "KEPT" for contract in CONTRACTS}


def test_every_contract_has_a_violation_to_prove_it():
    assert set(PLANTED) == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_a_planted_violation_breaks_the_contract(contract, tmp_path):
    hollow(tmp_path, write)
    file, text = PLANTED[contract["id"]]
    write(tmp_path / file, text)
    if contract["id"] == "circles":
        write(tmp_path / "catalog/listings/queries.py", "import catalog.products.service")
    assert lint(tmp_path)[contract["name"]] == "BROKEN"
