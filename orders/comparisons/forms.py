"""Shape of what is asked to be frozen: the address of a search, or offers ticked in it."""

from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

MOST_LETTERS = 4_000


def picked(fields: MultiDict[str, str]) -> list[int]:
    """The offers ticked; nonsense is left out."""
    return [int(text) for text in ",".join(fields.getlist("ids")).split(",") if text.isascii() and text.isdecimal() and len(text) < 18]


def question(fields: MultiDict[str, str]) -> MultiDict[str, str] | None:
    """The query string of a search as its own page reads it; None when offers were ticked."""
    if "search" not in fields:
        return None
    text = fields["search"][:MOST_LETTERS].removeprefix("?")
    return MultiDict(parse_qsl(text, max_num_fields=None, keep_blank_values=False, errors="replace"))
