"""Shape of a search that is kept: the address of its page, as the engine will be asked."""

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from catalog.search import queries as search
from catalog.search.forms import of_address
from catalog.search.port import SearchRequest
from catalog.taxonomy import queries as taxonomy


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the search is called, the query string of its page, and the question to the engine."""

    words: str
    question: str
    request: SearchRequest


def kept(session: Session, address: str) -> Kept:
    """The search of this query string; nonsense in it is left out."""
    asked = of_address(address)
    categories, codes = search.leaves(session, asked.categories)
    asked = asked.but(categories=categories)
    words = asked.q or "、".join(taxonomy.names(session, categories).values()) or "*"
    return Kept(words=words, question=urlencode(asked.params(), doseq=True), request=asked.but(categories=codes).request())
