"""Things about the tree itself that no linter says."""

import dataclasses
import re
import tomllib
from pathlib import Path

from app.config import Settings
from tests.peers import ROOT

PACKAGES = ("app", "catalog", "orders", "supervision")
SOURCES = sorted(file for package in (*PACKAGES, "migrations", "tests") for file in (ROOT / package).rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def chapters() -> list[Path]:
    return sorted(
        folder
        for folder in (ROOT / "app/bulk", *(each for parent in ("app/accounts", "catalog", "orders", "supervision") for each in (ROOT / parent).iterdir()))
        if (folder / "__init__.py").exists()
    )


def test_every_chapter_but_the_training_province_is_under_exactly_one_contract_of_rooms():
    contracts = [contract for contract in CONTRACTS if contract["id"].startswith("rooms")]
    assert all(contract["exhaustive"] for contract in contracts)
    covered = sorted(name for contract in contracts for name in contract["containers"])
    assert covered == sorted(name for chapter in chapters() if (name := ".".join(chapter.relative_to(ROOT).parts)) != "supervision.training")


OWN_ROOMS = {"verdicts": {"purchases"}, "submission": {"purchases"}, "desk": {"people", "thread"}, "broadcast": {"dashboard"}}


def test_rooms_for_one_chapter_stay_in_that_chapter():
    for room, owners in OWN_ROOMS.items():
        assert {chapter.name for chapter in chapters() if (chapter / f"{room}.py").exists()} == owners


def test_package_files_are_empty():
    assert [name_of(file) for file in SOURCES if file.name == "__init__.py" and file.stat().st_size] == []


def test_no_file_has_outgrown_its_matter():
    assert {name_of(file): lines for file in SOURCES if "versions" not in file.parts and (lines := len(file.read_text().splitlines())) > 450} == {}


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
