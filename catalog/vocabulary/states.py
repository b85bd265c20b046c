"""What becomes of a question that found nothing."""

from enum import StrEnum


class MissState(StrEnum):
    """Open until a catalogue administrator decides."""

    OPEN = "open"
    SYNONYM = "synonym"
    DISMISSED = "dismissed"
    GOODS_MISSING = "goods_missing"
