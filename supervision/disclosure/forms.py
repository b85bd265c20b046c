"""Shape of what the portal is asked for: the search lives in the address."""

from collections.abc import Mapping
from datetime import date

from app.kernel import regions
from supervision.disclosure.queries import Search
from supervision.disclosure.states import NoticeKind


def search_of(given: Mapping[str, str]) -> Search:
    """The search of an address; what is not understood is left out."""
    region, kind = given.get("region", ""), given.get("kind", "")
    return Search(
        text=given.get("q", "").strip()[:100],
        region=region if region in regions.REGIONS else None,
        kind=NoticeKind(kind) if kind in set(NoticeKind) else None,
        since=_day(given.get("from")),
        until=_day(given.get("to")),
    )


def address_of(search: Search) -> dict[str, str]:
    """The same search as the arguments of an address."""
    found = {
        "q": search.text,
        "region": search.region,
        "kind": search.kind.value if search.kind else None,
        "from": search.since.isoformat() if search.since else None,
        "to": search.until.isoformat() if search.until else None,
    }
    return {name: value for name, value in found.items() if value}


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
