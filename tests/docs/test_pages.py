"""What the documentation names exists: commands, options, targets, files, headings, pictures, and tables that say what the code says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.screenshots import PICTURES
from tests.docs import reference
from tests.docs.pages import MARKERS, OTHERS, SHELLS, Block, anchors, blocks, inline, links, pages, split
from tests.operations import commands, deployed
from tests.peers import ROOT

EVERY = blocks(*MARKERS)
DEPLOYED = {"docker", "systemctl", "journalctl"}
ON_THE_MACHINE = {
    "cat", "chmod", "chown", "cp", "createdb", "createuser", "curl", "git", "install", "ln", "make", "mv", "nginx", "openssl", "pg_dump", "pg_restore", "psql", "rm",
    "runuser", "sudo", "tar", "umask", "useradd", "cd", "set", "export", "apt-get", "python3", ".", *DEPLOYED,
}  # fmt: skip
"""Programs that a machine-block may call beside the product's own."""


def targets() -> set[str]:
    """What make can make."""
    return set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


def alternatives(text: str) -> list[str]:
    """`import units｜people` is two commands; what stands in brackets may be left out."""
    text = re.sub(r"\s*\[[^\]]*\]", "", text.replace("\\|", "|").replace("｜", "|"))
    found = [""]
    for word in text.split():
        found = [f"{before} {one}".strip() for before in found for one in word.split("|")]
    return found


def is_placeholder(word: str) -> bool:
    """FILE, N, … stand for what the reader puts there."""
    return bool(re.fullmatch(r"[A-Z_]+|…|<.+>|--help", word))


def check_line(line: str, *, whole: bool = True) -> bool:
    """Hold one command of the product or of make against what exists; False when it is neither."""
    words = commands.words_of(line)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if words[:1] == ["make"]:
        named = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        assert set(named) <= targets(), line
        return True
    rest = commands.of_the_mall(words)
    if rest is None:
        return False
    if any(map(is_placeholder, rest)):  # only the way to the command and its options can be known
        ending = next(i for i, word in enumerate(rest) if is_placeholder(word) or word.startswith("-"))
        command = commands.check([*rest[:ending], "--help"])
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= known, line
        return True
    commands.check(rest, whole=whole)
    return True


# ---------------------------------------------------------------- form


def test_every_block_has_a_language_and_every_block_of_commands_says_how_it_is_proved():
    odd = []
    for page in pages():
        for block in split(page)[0]:
            if block.language in SHELLS:
                odd += [block.name] if block.marker not in MARKERS else []
            elif block.language not in OTHERS or block.marker:
                odd.append(block.name)
    assert odd == [] and len(EVERY) > 10


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path):
    broken = []
    for target in links(page):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, heading = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        if not place.exists() or (heading and heading not in anchors(place)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_index_and_every_picture_is_shown_and_made_by_the_script():
    seen: set[Path] = set()
    waiting = [ROOT / "docs" / "README.md"]
    shown = {Path(target).stem for page in pages() for target in links(page) if target.endswith(".png")}
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in links(page) if "://" not in target]
    assert [str(page) for page in pages() if page not in seen and page.name != "README.en.md"] == []
    there = {file.stem for file in (ROOT / "docs" / "images").glob("*.png")}
    assert shown <= there and there == set(PICTURES)


# ---------------------------------------------------------------- what is named


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_a_page_names_exist(page: Path):
    for text in inline(page):
        for line in alternatives(text):
            if re.match(r"(\S*flask --app wsgi )?mall \w|make \w|\S*flask --app wsgi", line) or line == "make":
                assert check_line(line, whole=False), line
    for block in split(page)[0]:
        if block.language in SHELLS and block.marker != "machine":
            for line in block.commands():
                if re.match(r"make\b|(\S*flask|mall) ", line):
                    check_line(line.partition(" | ")[0])


def test_variables_named_in_the_documentation_are_known():
    from app.config import Settings

    known = {f"MALL_{name.upper()}" for name in Settings.__annotations__} | {"MALL_ADMIN_PASSWORD"}
    tests_own = set(re.findall(r"MALL_(?:TEST|REQUIRE)_[A-Z_]+", "".join(page.read_text() for page in pages())))
    named = {name for page in pages() for name in re.findall(r"\bMALL_[A-Z_]+\b", page.read_text())}
    assert named - tests_own <= known
    assert all(any(name in file.read_text() for file in (ROOT / "tests").rglob("*.py")) for name in tests_own)


@pytest.mark.parametrize("block", blocks("machine"), ids=lambda block: block.name)
def test_commands_for_another_machine_name_programs_options_and_files_that_exist(block: Block):
    checked = subprocess.run([shutil.which("bash") or "bash", "-n"], input=block.text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    services = set(deployed.compose()["services"])
    units = {file.stem for file in deployed.UNITS.values()}
    for line in (part for command in block.commands() for part in re.split(r"\s*(?:&&|\|\||;|\|)\s*(?=(?:[^']*'[^']*')*[^']*$)", command)):
        words = commands.words_of(line)
        while words and (re.fullmatch(r"[A-Z_]+=.*", words[0]) or words[0] in {"sudo", "-u", "postgres", "mall", "env", "--"}):
            words.pop(0)
        if not words or check_line(" ".join(map(json.dumps, words))):
            continue
        program = Path(words[0])
        assert (ROOT / program).is_file() or words[0] in ON_THE_MACHINE, line
        for word in words[1:]:
            if re.match(r"(\./)?(deploy|docs|requirements)/", word) and not word.endswith((".env", "/tls")):
                assert (ROOT / word).exists(), (line, word)
        if program.name in {"systemctl", "journalctl"}:
            named = {word.removesuffix(".service") for word in words if word.startswith("mall-")}
            assert named <= units, line
        if words[:2] == ["docker", "compose"]:
            check_compose(line, words[2:], services)


def check_compose(line: str, words: list[str], services: set[str]) -> None:
    """`docker compose`: its file, one of the subcommands in use here, services of the file, and the product's commands behind them."""
    while words[:1] in (["-f"], ["--file"]):
        assert (ROOT / words[1]).exists(), line
        words = words[2:]
    command, rest = words[0], words[1:]
    assert command in {"build", "up", "run", "exec", "ps", "logs", "stop", "down", "config", "restart"}, line
    plain = [word for word in rest if not word.startswith("-")]
    if command in {"run", "exec"}:
        assert plain[0] in services, line
        inner = rest[rest.index(plain[0]) + 1 :]
        if inner[:1] == ["flask"]:
            assert check_line(" ".join(inner)), line
    else:
        assert set(plain) <= services, line


@pytest.mark.parametrize("audience", ["units", "suppliers", "supervisors"])
def test_the_words_of_the_screen_that_a_guide_quotes_stand_on_the_screen(audience: str):
    sources = [file for package in ("app", "catalog", "orders", "supervision") for kind in ("*.html", "*.py", "*.js") for file in (ROOT / package).rglob(kind)]
    screen = "\n".join(file.read_text() for file in [*sources, ROOT / "wsgi.py"])
    quoted = {words for page in (ROOT / "docs" / audience).glob("*.md") for words in re.findall(r"“([^”]+)”", split(page)[1])}
    assert len(quoted) > 3 and sorted(words for words in quoted if words not in screen) == []


def test_every_message_in_the_table_of_faults_is_one_that_the_product_gives():
    said = "\n".join(file.read_text() for package in ("app", "supervision") for file in (ROOT / package).rglob("*.py")) + "OperationalError"
    rows = re.findall(r"(?m)^\| [^|]*?`([^`]+)`.*?\|", split(ROOT / "docs" / "operations" / "troubleshooting.md")[1])
    parts = {part.strip(" :,") for row in rows for part in row.split("…")} - {""}
    assert len(rows) > 10 and sorted(part for part in parts if part not in said) == []


# ---------------------------------------------------------------- tables made from the code


@pytest.mark.parametrize("file", sorted(reference.PAGES))
def test_a_reference_table_says_what_the_code_says(file: str):
    assert (reference.FOLDER / file).read_text() == reference.PAGES[file]() + "\n", "python -m tests.docs.reference"
