"""Page marks of search results: opaque to the reader, checked when they come back."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

from catalog.search.port import MAX_PAGE, MAX_TOTAL, SearchInvalid, SearchRequest, Sort

ID_BITS: Final = 27
_ID_MASK: Final = (1 << ID_BITS) - 1
_VALUE_LIMIT: Final = (1 << (63 - ID_BITS)) - 1

_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def composite(value: int, pk: int) -> int:
    """One number that sorts by `value` and then by id, so that no two listings share a place."""
    return (min(max(value, 0), _VALUE_LIMIT) << ID_BITS) | (pk & _ID_MASK)


def parted(place: int) -> tuple[int, int]:
    """Value and id of a composite."""
    return place >> ID_BITS, place & _ID_MASK


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next page begins, and what the first page said of the total."""

    sort: Sort
    at: int
    """Hits already shown; or, in an order other than relevance, the composite of the last of them."""
    last: int
    """Id of the last hit shown."""
    total: int
    exact: bool
    generation: int
    q: str
    """The question answered, which may be a corrected one."""
    partial: bool


def written(place: Place) -> str:
    said = (place.sort, place.at, place.last, place.total, place.exact, place.generation, place.q, place.partial)
    return base64.urlsafe_b64encode(_encoded(said).encode()).decode().rstrip("=")


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
