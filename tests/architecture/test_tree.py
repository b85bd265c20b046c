"""Things about the tree itself that no linter says."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from app.config import Settings
from tests.peers import ROOT

PACKAGES = ("app", "catalog", "orders", "supervision")
SOURCES = sorted(file for package in (*PACKAGES, "migrations", "tests") for file in (ROOT / package).rglob("*.py"))
EVERYWHERE = {"views", "api", "cli", "handlers", "forms", "service", "queries", "gateway", "tables", "rules", "events", "states"}
SPECIAL = {
    "catalog.search": {
        "port", "engine", "engine_query", "engine_schema", "engine_store", "meili", "analysis", "lexicon", "spelling", "highlight",
    },
    "orders.purchases": {"verdicts"},
    "orders.payments": {"simulator", "wire", "webhook_signature"},
    "supervision.journal": {"sequencer", "audit", "receipts", "tree", "tiles", "note", "leaf"},
}
"""Rooms that only these chapters have."""


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def chapters() -> list[Path]:
    return sorted(
        folder
        for parent in ("app/accounts", "catalog", "orders", "supervision")
        for folder in (ROOT / parent).iterdir()
        if (folder / "__init__.py").exists()
    )


@pytest.mark.parametrize("chapter", chapters(), ids=lambda folder: ".".join(folder.relative_to(ROOT).parts))
def test_a_chapter_has_only_its_rooms(chapter):
    name = ".".join(chapter.relative_to(ROOT).parts)
    if name == "supervision.training":
        pytest.skip("the training province builds a world, not a chapter of the mall")
    rooms = {file.stem for file in chapter.glob("*.py")} - {"__init__"} | {file.parent.name for file in chapter.glob("*/__init__.py")}
    assert rooms - EVERYWHERE - SPECIAL.get(name, set()) == set()


def test_every_chapter_but_the_training_province_is_under_the_contract_of_rooms():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (containers,) = [contract["containers"] for contract in contracts if contract["id"] == "rooms"]
    names = {".".join(chapter.relative_to(ROOT).parts) for chapter in chapters()}
    covered = {name for name in names if name in containers or f"{name.rpartition('.')[0]}.*" in containers}
    assert names - covered == {"supervision.training"}


def test_package_files_are_empty():
    assert [name_of(file) for file in SOURCES if file.name == "__init__.py" and file.stat().st_size] == []


def test_no_file_has_outgrown_its_matter():
    assert {name_of(file): lines for file in SOURCES if (lines := len(file.read_text().splitlines())) > 450} == {}


def test_no_file_is_a_drawer_for_odds_and_ends():
    assert [name_of(file) for file in SOURCES if file.stem in {"utils", "util", "helpers", "common", "misc", "base"}] == []


def test_no_open_point_hides_in_the_code():
    words = re.compile(r"#.*\b(TO" "DO|FIX" "ME|XX" "X)\b")
    lines = [(f"{name_of(file)}:{number}", line) for file in SOURCES for number, line in enumerate(file.read_text().splitlines(), 1)]
    assert [place for place, line in lines if words.search(line)] == []


def test_every_target_of_the_makefile_explains_itself():
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## \S", makefile, re.MULTILINE))
    assert set(phony.split()) - {"tools"} == explained


def test_every_setting_stands_in_the_table_and_nothing_else():
    rows = re.findall(r"^\| `(MALL_[A-Z_]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(f"MALL_{field.name.upper()}" for field in dataclasses.fields(Settings))


def test_the_locked_requirements_name_every_dependency_and_no_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for file, wanted in (("run", project["project"]["dependencies"]), ("dev", project["dependency-groups"]["dev"])):
        locked = (ROOT / f"requirements/{file}.txt").read_text()
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", locked, re.MULTILINE)}
        assert {re.split(r"[\[><=~! ]", line)[0].lower() for line in wanted} - names == set()
        assert re.search(r"https?://|--index-url|--find-links", locked) is None
