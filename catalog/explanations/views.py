"""Why a hit stands where it stands, and the rules of the order: public, for nothing about an order of goods is anybody's secret."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock, money
from app.web import htmx
from app.web.extensions import db
from app.web.guard import public
from app.web.texts import gettext
from catalog.listings import queries as listings
from catalog.search import forms, ranking
from catalog.search.port import Placed, Sort
from catalog.search.ranking import TIERS, Where
from catalog.search.views import engine, for_engine
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("explanations", __name__, template_folder="templates")

WHOLE: Final = (Where.WHOLE_KEY, Where.OWN_KEY, Where.KEY_PREFIX)
"""Places that look at the question as a whole; their points are added to those of the words."""


@bp.get("/search/why")
@public
def why() -> ResponseReturnValue:
    """What placed the hits of one page of a search, and one of them in particular."""
    session = db.session()
    asked, wanted = for_engine(session, forms.read(request.args))
    told = engine().explain(wanted.request(facets=(), disjunctive=(), highlight=False))
    first = len(asked.trail) * forms.PAGE + 1
    rows = list(enumerate(told.placed, start=first))
    listing = request.args.get("listing", "")
    place, chosen = next(((place, each) for place, each in rows if str(each.hit.pk) == listing), (None, None))
    offers = listings.shown(session, [each.hit.pk for each in told.placed])
    keep = asked.params()
    return htmx.show(
        "explanations/why.html",
        asked=asked,
        told=told,
        rows=rows,
        number=place,
        chosen=chosen,
        missed=bool(listing) and chosen is None,
        offers=offers,
        figure=_figure(asked.sort, chosen),
        figures={each.hit.pk: _figure(asked.sort, each) for each in told.placed},
        sort=next(label for label, _, present in forms.sorts(asked, lambda _: "") if present),
        sorts=Sort,
        chips=[label for label, _ in forms.chips(asked, told.page, taxonomy.names(session, asked.categories), lambda _: "")],
        tiers=TIERS,
        version=ranking.VERSION,
        popular_most=ranking.MOST_POPULAR,
        back=_address("search.results", keep),
        of=lambda pk: _address("explanations.why", keep | {"listing": pk}),
        at=clock.now(),
    )


@bp.get("/ranking")
@public
def rules() -> ResponseReturnValue:
    """The rules of the order, printed from the table that the engine ranks by, with their version."""
    tiers = [(where, tier) for where, tier in TIERS.items() if tier.points]
    return htmx.show(
        "explanations/rules.html",
        version=ranking.VERSION,
        whole=[each for each in tiers if each[0] in WHOLE],
        words=sorted((each for each in tiers if each[0] not in WHOLE), key=lambda each: -each[1].points),
        heard=ranking.HEARD,
        popular_most=ranking.MOST_POPULAR,
        engine=engine().stats().engine,
    )


def _address(endpoint: str, params: dict[str, Any]) -> str:
    told = urlencode(params, doseq=True)
    return f"{url_for(endpoint)}?{told}" if told else url_for(endpoint)


def _figure(sort: Sort, placed: Placed | None) -> str:
    """The figure that an order other than relevance goes by, in words."""
    if placed is None or placed.figure is None:
        return ""
    if sort in {Sort.PRICE_UP, Sort.PRICE_DOWN}:
        return gettext("%(yuan)s 元", yuan=money.yuan(placed.figure))
    if sort is Sort.SALES:
        return gettext("已售 %(n)s", n=f"{placed.figure:,}")
    return clock.local(datetime.fromtimestamp(placed.figure, UTC)).strftime("%Y-%m-%d %H:%M")
