"""Where a product comes from."""

from enum import StrEnum


class Origin(StrEnum):
    """Where a product comes from in the sense of the import rules."""

    DOMESTIC = "domestic"
    IMPORTED = "imported"
