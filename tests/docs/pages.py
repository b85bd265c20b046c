"""The documentation as data: its pages, their blocks of commands, their links, pictures and code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.peers import ROOT

MARKERS = {
    "run": "runs in every test run, in a scratch copy over a small province",
    "serve": "runs in every test run against a served mall, `$MALL` is its address",
    "deep": "runs in the deep test run, in a scratch copy without any data",
    "machine": "needs another machine (root, systemd, containers): its programs, options and files are checked",
}
SHELLS = {"sh", "bash", "shell", "console", "zsh"}
OTHERS = {"text", "json", "jinja", "python", "css", "html", "ini", "nginx", "csv", "js"}


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language and marker, and what is in it."""

    page: Path
    line: int
    language: str
    marker: str
    text: str

    @property
    def name(self) -> str:
        """Where a reader finds it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """Its lines without comments; a line that goes on behind a backslash, or inside quotes, is one."""
        joined = re.sub(r"\\\n\s*", " ", self.text)
        lines: list[str] = []
        for line in joined.split("\n"):
            if lines and lines[-1].count("'") % 2:
                lines[-1] += "\n" + line
            elif line.strip() and not line.lstrip().startswith("#"):
                lines.append(line)
        return lines


@cache
def pages() -> tuple[Path, ...]:
    """Everything that is written for readers."""
    return tuple(sorted([ROOT / "README.md", ROOT / "README.en.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]))


@cache
def split(page: Path) -> tuple[tuple[Block, ...], str]:
    """The fenced blocks of a page, and its text without them."""
    blocks: list[Block] = []
    prose: list[str] = []
    opened: tuple[int, list[str]] | None = None
    kept: list[str] = []
    for number, line in enumerate(page.read_text().split("\n"), 1):
        fence = re.fullmatch(r"\s*```(.*)", line)
        if fence is None:
            (kept if opened else prose).append(line)
        elif opened is None:
            opened, kept = (number, fence[1].split()), []
        else:
            language, *marker = opened[1] or [""]
            blocks.append(Block(page, opened[0], language, " ".join(marker), "\n".join(kept)))
            opened = None
    assert opened is None, f"{page}: a block is not closed"
    return tuple(blocks), "\n".join(prose)


def blocks(*markers: str) -> list[Block]:
    """Blocks of commands with one of these markers."""
    return [block for page in pages() for block in split(page)[0] if block.language in SHELLS and block.marker in markers]


def inline(page: Path) -> list[str]:
    """Everything between back quotes."""
    return [re.sub(r"\s+", " ", text) for text in re.findall(r"`([^`\n]+)`", split(page)[1])]


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures."""
    bare = re.sub(r"`[^`\n]*`", "", split(page)[1])
    return (found[1] for found in re.finditer(r"\]\(([^)\s]+)\)", bare))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    heads = re.findall(r"(?m)^#+ (.+)$", split(page)[1])
    return frozenset(re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()).strip().replace(" ", "-") for head in heads)
