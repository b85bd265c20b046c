"""Where a listing stands."""

from enum import StrEnum


class Shelf(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"
    FROZEN = "frozen"
