"""Page marks of search results: opaque to the reader, checked when they come back."""

import base64
import binascii
import json
from dataclasses import astuple, dataclass

from catalog.search.port import MAX_PAGE, MAX_TOTAL, SearchInvalid, SearchRequest, Sort


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next page begins, and what the first page said of the total."""

    sort: Sort
    at: int
    """Hits already shown, or the last value of the composite field when sorted by one."""
    last: int
    """Id of the last hit shown."""
    total: int
    exact: bool
    generation: int
    q: str
    """The question answered, which may be a corrected one."""
    partial: bool


def written(place: Place) -> str:
    raw = json.dumps(astuple(place), ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(request: SearchRequest) -> Place | None:
    """The place a request asks for; None is the first page. Raises SearchInvalid for a mark of another order or no mark at all."""
    if not 1 <= request.limit <= MAX_PAGE:
        raise SearchInvalid(field="limit")
    if request.page is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(request.page + "=" * (-len(request.page) % 4))
        sort, at, last, total, exact, generation, q, partial = json.loads(raw)
        place = Place(Sort(sort), int(at), int(last), int(total), bool(exact), int(generation), str(q), bool(partial))
    except (ValueError, TypeError, binascii.Error):
        raise SearchInvalid(field="page") from None
    too_far = place.at > MAX_TOTAL if place.sort is Sort.RELEVANCE else place.at >= 1 << 64
    if place.sort is not request.sort or place.at < 0 or too_far:
        raise SearchInvalid(field="page")
    return place
