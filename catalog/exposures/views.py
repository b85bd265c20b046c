"""Who is shown to whoever searches: shares of exposure against shares of the offers, for those who supervise."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock, sheets
from app.policy import ROLE_NAMES, Permission, Role
from app.web import htmx
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.streams import streamed
from app.web.texts import gettext
from catalog.exposures import queries, rules
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy

bp = Blueprint("exposures", __name__, template_folder="templates", url_prefix="/watch/exposure")

SPANS = (7, 30, 90)
"""Days back that the page looks; the middle one when nothing is asked."""


@bp.get("")
@requires(Permission.EXPOSURE_READ)
def index() -> ResponseReturnValue:
    """One category: what each supplier offers and how much of it was shown; and the latest samples."""
    session, actor, on = db.session(), me(), clock.today()
    days = _days()
    since = on - timedelta(days=days - 1)
    shown = queries.categories(session, actor, since)
    code = _code(shown)
    shares = queries.shares(session, actor, code, since, on) if code else []
    samples = queries.latest(session, actor)
    ids = {share.supplier_id for share in shares} | {hit.supplier_id for sample in samples for hit in sample.hits[:3]}
    return htmx.show(
        "exposures/index.html",
        days=days,
        spans=[(gettext("近 %(n)s 日", n=each), url_for("exposures.index", days=each, category=code), each == days) for each in SPANS],
        shown=shown,
        code=code,
        names=taxonomy.names(session, [each.code for each in shown]),
        shares=shares,
        total=sum(share.shown for share in shares),
        suppliers=suppliers.names(session, ids),
        taken=queries.taken(session, actor, since),
        samples=samples,
        roles={role.value: ROLE_NAMES[role] for role in Role},
        known=taxonomy.parameters(session, rules.RULE, on),
        since=since,
    )


@bp.get("/shares.csv")
@requires(Permission.EXPOSURE_READ)
def table() -> ResponseReturnValue:
    """The shares of every category of the span as a table to take away."""
    since = clock.today() - timedelta(days=_days() - 1)
    return _file("exposure", _shares(since))


@bp.get("/samples.csv")
@requires(Permission.EXPOSURE_READ)
def samples() -> ResponseReturnValue:
    """Every sampled search of the span, a line for each hit shown."""
    since = clock.today() - timedelta(days=_days() - 1)
    return _file("samples", _samples(since))


def _shares(since: date) -> Iterator[Sequence[object]]:
    yield [
        gettext("品目编码"), gettext("品目"), gettext("供应商"), gettext("在架报价"), gettext("报价占比（万分之）"), gettext("显示次数"),
        gettext("显示占比（万分之）"), gettext("曝光占比（万分之）"), gettext("曝光为报价的（%）"), gettext("值得一看"),
    ]  # fmt: skip
    session, actor, on = db.session(), me(), clock.today()
    found = queries.categories(session, actor, since, limit=10_000)
    names = taxonomy.names(session, [each.code for each in found])
    for each in found:
        shares = queries.shares(session, actor, each.code, since, on)
        called = suppliers.names(session, {share.supplier_id for share in shares})
        for share in shares:
            yield [
                each.code, names.get(each.code, ""), called.get(share.supplier_id, share.supplier_id), share.offers, share.offers_bp,
                share.shown, share.shown_bp, share.exposure_bp, "" if share.percent is None else share.percent,
                gettext("是") if share.is_high else "",
            ]  # fmt: skip


def _samples(since: date) -> Iterator[Sequence[object]]:
    yield [
        gettext("时间"), gettext("问题（规范形式）"), gettext("条件"), gettext("排序"), gettext("引擎"), gettext("索引代次"),
        gettext("规则版本"),
        gettext("读者地区"), gettext("读者岗位"), gettext("结果数"), gettext("位置"), gettext("商品编号"),
        gettext("供应商编号"), gettext("品目编码"),
    ]  # fmt: skip
    for sample in queries.exported(db.session(), me(), since):
        row = sample.row
        head = [
            clock.local(row.at).strftime("%Y-%m-%d %H:%M:%S"),
            gettext("（可能含个人信息，未保留）") if row.question is None else row.question,
            row.conditions, row.sort, row.engine, row.generation, row.rules, row.region, row.role, row.total,
        ]  # fmt: skip
        yield from ([*head, *hit] for hit in sample.hits)


def _file(name: str, rows: Iterator[Sequence[object]]) -> Response:
    body = streamed(sheets.written(rows))
    headers = {"Content-Disposition": f'attachment; filename="{name}-{clock.today().isoformat()}.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in {str(each) for each in SPANS} else SPANS[1]


def _code(shown: Sequence[queries.Category]) -> str | None:
    """The category asked for, or the one shown most; None when nothing was shown."""
    asked = request.args.get("category", "")
    known = [each.code for each in shown]
    return asked if asked in known else next(iter(known), None)
