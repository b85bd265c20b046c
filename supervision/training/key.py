"""The answer key: what was planted in the training province, written down by whoever planted it, not by the rules."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

NAME = "training-key.json"


@dataclass(kw_only=True)
class Planted:
    """Something that a rule must find: the rule, whom it is about, and the orders that prove it."""

    rule: str
    subject: str
    """Name of the unit or supplier."""
    login: str
    """Tag of its logins (zz01, s05)."""
    region: str
    what: str
    orders: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Refused:
    """A cart that must be refused, with the rules that block it."""

    rules: list[str]
    subject: str
    login: str
    what: str
    attempt: str = ""


@dataclass
class Key:
    """Everything planted."""

    planted: list[Planted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"planted": [asdict(each) for each in self.planted], "refused": [asdict(each) for each in self.refused]}


def write(folder: Path, key: Key) -> Path:
    """Keep the key beside the data, for whoever checks the rules."""
    path = folder / NAME
    path.write_text(json.dumps(key.as_json(), ensure_ascii=False, indent=1))
    return path


def read(folder: Path) -> dict[str, Any] | None:
    """The key of this data folder; None when there is none."""
    path = folder / NAME
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found
