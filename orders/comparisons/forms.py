"""Shape of what is asked to be frozen: the address of a search, or offers ticked in it."""

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.kernel import regions
from app.policy import Actor
from catalog.search import queries as search
from catalog.search.forms import Asked, of_address
from catalog.search.port import SearchEngine
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy
from orders.comparisons import queries
from orders.comparisons.queries import Found


def picked(fields: MultiDict[str, str]) -> list[int]:
    """The offers ticked; nonsense is left out."""
    return [int(text) for text in ",".join(fields.getlist("ids")).split(",") if text.isascii() and text.isdecimal() and len(text) < 18]


def question(fields: MultiDict[str, str]) -> Asked | None:
    """The search as its own page reads its address; None when offers were ticked."""
    return of_address(fields["search"]) if "search" in fields else None


def found(session: Session, actor: Actor, engine: SearchEngine, asked: Asked) -> Found:
    """What the search finds for the actor now, page by page, outside any transaction that writes. Raises SearchUnavailable."""
    categories, codes = search.leaves(session, asked.categories)
    asked = asked.but(categories=categories)
    names = dict(taxonomy.names(session, asked.categories))
    names |= {str(each): name for each, name in suppliers.names(session, asked.suppliers).items()}
    if asked.region:
        names[asked.region] = regions.full_name(asked.region)
    told = {"params": asked.params(), "names": names}
    wanted = asked.but(categories=codes, without=search.not_trading(session, actor, asked.region))
    return queries.collect(engine, wanted.request(), queries.most_hits(session), question=told)
