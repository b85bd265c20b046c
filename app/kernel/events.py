"""What every event is: a frozen fact with a type name."""

import dataclasses
import json
from datetime import date, datetime
from enum import Enum
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened. Chapters declare theirs in `events.py`; the type is `matter.past_participle`."""

    type: ClassVar[str]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a fact holds {type(value).__name__}, which has no stored form")


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode


def body_of(fact: Fact) -> str:
    """The stored text of a fact: canonical enough to be hashed as stored (sorted keys, no white space)."""
    return _encode(vars(fact))
