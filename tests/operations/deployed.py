"""The files of deploy/, read by the tests as systemd, compose and nginx would read them."""

import configparser
import re
from pathlib import Path
from typing import Any

import yaml

from tests.peers import ROOT

DEPLOY = ROOT / "deploy"
UNITS = {"web": DEPLOY / "systemd" / "mall-web.service", "worker": DEPLOY / "systemd" / "mall-worker.service"}
EXAMPLES = {"systemd": DEPLOY / "systemd" / "mall.env.example", "compose": DEPLOY / "compose" / "env.example"}
NGINX = DEPLOY / "nginx"


def unit(name: str) -> dict[str, dict[str, str]]:
    """Sections and entries of a unit file; a key that stands twice would be a fault here."""
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNITS[name].read_text())
    return {section: dict(parser[section]) for section in parser.sections()}


def environment(file: Path) -> dict[str, str]:
    """Variables of a settings file."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def compose() -> dict[str, Any]:
    """The compose file with its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    return found


def nginx_block(text: str, head: str) -> list[str]:
    """The bodies of every block of an nginx file that begins with these words; braces are counted."""
    bodies = []
    for found in re.finditer(rf"{re.escape(head)}\s*\{{", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        bodies.append(text[found.end() : end - 1])
    return bodies


def directives(text: str) -> list[list[str]]:
    """Every directive of an nginx file with its arguments; blocks are opened. Raises ValueError for a file that nginx would not read."""
    bare = re.sub(r"(?m)#.*$", "", text)
    found = [words.split() for words in re.split(r"[;{}]", bare) if words.strip()]
    if bare.count("{") != bare.count("}") or re.search(r"[^;{}\s]\s*\}", bare) or re.sub(r"(?s).*[;}]", "", bare).strip():
        raise ValueError("a brace or a semicolon is missing")
    return found
