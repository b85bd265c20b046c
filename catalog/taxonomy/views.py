"""Public pages of what may be bought and within which limits."""

import contextlib
from datetime import date
from typing import Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.kernel import clock, regions
from app.kernel.errors import N_
from app.web import htmx
from app.web.extensions import db
from app.web.guard import maybe_me, public
from catalog.taxonomy import queries
from catalog.taxonomy.rules import LIMIT_LABELS, TERM_LABELS, UNIT_NAMES, CategoryKind, TermName, What

bp = Blueprint("taxonomy", __name__, template_folder="templates")

KIND_NAMES: Final[dict[CategoryKind, str]] = {
    CategoryKind.GOODS: N_("货物"), CategoryKind.WORKS: N_("工程"), CategoryKind.SERVICES: N_("服务"),
}  # fmt: skip
LEVEL_NAMES: Final[dict[str, str]] = {"province": N_("省级"), "city": N_("市级"), "county": N_("县级")}


@bp.get("/catalogue")
@public
def catalogue() -> ResponseReturnValue:
    """The mall catalogue of a region, and the whole procurement catalogue as a tree and by words."""
    session, on = db.session(), clock.today()
    region, q, code = _region(), " ".join(request.args.get("q", "").split())[:60], request.args.get("code", "")
    found = queries.search_categories(session, q, most=100) if q else ()
    at = queries.category(session, code.ljust(9, "0")[:9] if len(code) > 1 else code) if code else None
    rows = found if q else queries.children(session, at.code if at else None)
    mall = queries.mall_categories(session, region.code, on)
    return htmx.show(
        "taxonomy/catalogue.html",
        q=q,
        at=at,
        above=queries.ancestors(session, at.code)[:-1] if at else (),
        rows=[(row, queries.mall_row(session, row.code, region.code, on), len(queries.children(session, row.code))) for row in rows],
        mall=[(row, queries.category(session, row.category_code)) for row in mall] if not q and at is None else [],
        region=region,
        on=on,
        kinds=KIND_NAMES,
    )


@bp.get("/limits")
@public
def limits() -> ResponseReturnValue:
    """The limits and periods that hold in a region on a day, each with the document that set it."""
    session, region, on = db.session(), _region(), _day()
    return htmx.show(
        "taxonomy/limits.html",
        region=region,
        on=on,
        regions=[(each.code, "　" * (len(regions.path(each.code)) - 1) + each.name) for each in _in_tree(regions.PROVINCE)],
        limits=sorted(queries.limits(session, region.code, on), key=lambda row: list(What).index(What(row.what))),
        terms=sorted(queries.terms(session, region.code, on), key=lambda row: list(TermName).index(TermName(row.name))),
        limit_labels=LIMIT_LABELS,
        term_labels=TERM_LABELS,
        kinds=KIND_NAMES,
        levels=LEVEL_NAMES,
        units=UNIT_NAMES,
        names={code: each.name for code, each in regions.REGIONS.items()},
    )


def _in_tree(code: str) -> list[regions.Region]:
    return [regions.by_code(code), *(below for child in regions.children(code) for below in _in_tree(child.code))]


def _region() -> regions.Region:
    """The region asked for, the reader's own, or the province."""
    actor = maybe_me()
    asked = request.args.get("region", "")
    return regions.REGIONS.get(asked) or regions.by_code(actor.region if actor else regions.PROVINCE)


def _day() -> date:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(request.args.get("on", ""))
    return clock.today()
