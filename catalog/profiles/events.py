"""Facts of profiles."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from app.kernel.events import Fact


@dataclass(frozen=True, kw_only=True)
class ProfileWritten(Fact):
    """From a day on the products of a category are described by these attributes."""

    type: ClassVar[str] = "profile.written"
    category_code: str
    profile_version: int
    valid_from: date
    note: str
    attributes: tuple[dict[str, Any], ...]
