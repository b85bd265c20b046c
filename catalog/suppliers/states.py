"""What a supplier is and whether it may trade."""

from enum import StrEnum


class Scale(StrEnum):
    """Size class of an enterprise; micro, small and medium ones are SMEs (中小企业划型)."""

    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Standing(StrEnum):
    """Whether a supplier may trade now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    BANNED = "banned"
    REMOVED = "removed"
