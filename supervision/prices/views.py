"""The price index of the mall, for everybody: every category, one category with its chart, and tables to take away."""

from collections.abc import Iterator, Sequence

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock, sheets
from app.kernel.errors import Missing
from app.web import htmx
from app.web.extensions import db
from app.web.guard import public
from app.web.streams import streamed
from catalog.taxonomy import queries as taxonomy
from supervision.prices import queries, rules
from supervision.prices.tables import IndexPoint

bp = Blueprint("prices", __name__, template_folder="templates", url_prefix="/portal/prices")


@bp.get("")
@public
def index() -> ResponseReturnValue:
    """Where every category stands."""
    session = db.session()
    found = queries.latest(session)
    return htmx.show(
        "prices/index.html",
        rows=found,
        names=taxonomy.names(session, [each.point.category_code for each in found]),
        at=max((each.point.at for each in found), default=None),
        known=taxonomy.parameters(session, rules.RULE, clock.today()),
    )


@bp.get("/<code>")
@public
def category(code: str) -> ResponseReturnValue:
    """One category month by month."""
    session = db.session()
    points = queries.points(session, code)
    if not points:
        raise Missing()
    return htmx.show(
        "prices/category.html",
        code=code,
        name=taxonomy.names(session, [code]).get(code, code),
        points=points,
        line=[(each.month, each.index_bp) for each in points],
        known=taxonomy.parameters(session, rules.RULE, clock.today()),
        today=clock.today(),
    )


@bp.get("/<code>.csv")
@public
def table(code: str) -> ResponseReturnValue:
    """One category as a table."""
    points = queries.points(db.session(), code)
    if not points:
        raise Missing()
    return _file(f"price-index-{code}", _lines(points))


@bp.get("/all.csv")
@public
def everything() -> ResponseReturnValue:
    """Every category as one table."""
    return _file("price-index", _lines(queries.everything(db.session())))


def _lines(points: Sequence[IndexPoint]) -> Iterator[Sequence[object]]:
    yield [
        _("品目编码"), _("品目"), _("月份"), _("指数（首月=100.00）"), _("可比产品"), _("成交产品"), _("成交行数"), _("计算时间"),
    ]  # fmt: skip
    names = taxonomy.names(db.session(), {each.category_code for each in points})
    for each in points:
        yield [
            each.category_code, names.get(each.category_code, ""), each.month.strftime("%Y-%m"),
            f"{each.index_bp // 100}.{each.index_bp % 100:02}", each.matched, each.products, each.lines,
            clock.local(each.at).strftime("%Y-%m-%d %H:%M:%S"),
        ]  # fmt: skip


def _file(name: str, rows: Iterator[Sequence[object]]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(streamed(sheets.written(rows)), content_type="text/csv; charset=utf-8", headers=headers)
