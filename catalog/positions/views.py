"""The price position of a supplier's own offers: a list, one offer with its charts, a table to take away."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock, money, sheets
from app.kernel.errors import N_
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.streams import streamed
from app.web.texts import gettext
from catalog.listings import prices
from catalog.positions import queries
from catalog.positions.queries import Stand
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("positions", __name__, template_folder="templates", url_prefix="/positions")

STAND_NAMES: Final = {Stand.ALL: N_("全部在架"), Stand.BEATEN: N_("有更低的"), Stand.ABOVE: N_("高于中位"), Stand.LOWEST: N_("同款最低")}


@bp.get("/")
@requires(Permission.LISTING_KEEP)
def index() -> ResponseReturnValue:
    """The own offers on the shelf, each within the spread of its product."""
    session, actor, stand = db.session(), me(), _stand()
    page = queries.page(session, actor, stand, cursor=request.args.get("cursor"))
    counts = queries.counts(session, actor)
    return htmx.show(
        "positions/index.html",
        page=page,
        stand=stand,
        tabs=[
            (gettext(name), url_for("positions.index", **_kept(each)), each is stand, counts[each]) for each, name in STAND_NAMES.items()
        ],
        names=taxonomy.names(session, [each.category_code for each in page.rows]),
        keep=_kept(stand),
        here=lambda cursor: url_for("positions.index", cursor=cursor, **_kept(stand)),
        now=clock.now(),
    )


@bp.get("/<int:listing_id>")
@requires(Permission.LISTING_KEEP)
def show(listing_id: int) -> ResponseReturnValue:
    """One own offer: the spread, the ladder of prices without names, and how the own price went."""
    session = db.session()
    found = queries.one(session, me(), listing_id)
    today = clock.today()
    return htmx.show(
        "positions/show.html",
        position=found,
        rivals=queries.rivals(session, found),
        points=prices.steps(prices.versions_of(session, listing_id), found.price_fen, today),
        category=taxonomy.category(session, found.category_code),
        today=today,
        now=clock.now(),
    )


@bp.get("/positions.csv")
@requires(Permission.LISTING_KEEP)
def table() -> ResponseReturnValue:
    """What the list shows as a table."""
    headers = {"Content-Disposition": f'attachment; filename="positions-{clock.today().isoformat()}.csv"'}
    return Response(streamed(sheets.written(_rows(_stand()))), content_type="text/csv; charset=utf-8", headers=headers)


def _rows(stand: Stand) -> Iterator[Sequence[object]]:
    yield [
        gettext("货号"), gettext("商品"), gettext("品目编码"), gettext("单价（元）"), gettext("名次"), gettext("同款报价数"),
        gettext("最低"), "Q1",
        gettext("中位"), "Q3", gettext("最高"), gettext("价格分布更新于"),
    ]  # fmt: skip
    for each in queries.everything(db.session(), me(), stand):
        stats = each.stats
        spread = [stats.min, stats.q1, stats.median, stats.q3, stats.max] if stats else []
        yield [
            each.sku, each.title, each.category_code, _yuan(each.price_fen), each.rank, stats.n if stats else 0,
            *(map(_yuan, spread) if spread else [""] * 5),
            clock.local(each.spread_at).strftime("%Y-%m-%d %H:%M:%S") if each.spread_at else "",
        ]  # fmt: skip


def _yuan(fen: int) -> str:
    return money.yuan(fen).replace(",", "")


def _stand() -> Stand:
    asked = request.args.get("stand", "")
    return Stand(asked) if asked in set(Stand) else Stand.ALL


def _kept(stand: Stand) -> dict[str, Any]:
    return {} if stand is Stand.ALL else {"stand": stand.value}
