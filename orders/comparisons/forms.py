"""Shape of what is asked to be frozen: the address of a search, or offers ticked in it."""

from werkzeug.datastructures import MultiDict

from catalog.search.forms import Asked, of_address


def picked(fields: MultiDict[str, str]) -> list[int]:
    """The offers ticked; nonsense is left out."""
    return [int(text) for text in ",".join(fields.getlist("ids")).split(",") if text.isascii() and text.isdecimal() and len(text) < 18]


def question(fields: MultiDict[str, str]) -> Asked | None:
    """The search as its own page reads its address; None when offers were ticked."""
    return of_address(fields["search"]) if "search" in fields else None
