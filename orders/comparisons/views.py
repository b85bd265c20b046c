"""Pages of frozen comparisons: the unit's sheets, one sheet with its proof, and what can be taken away of it."""

import io
from typing import cast

from flask import Blueprint, Response, current_app, flash, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import regions, xlsx_writing
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.guard import me, requires
from catalog.listings import queries as listings
from catalog.search import forms as searching
from catalog.search import queries as search
from catalog.search.forms import Asked
from catalog.search.port import SearchEngine
from catalog.suppliers import queries as suppliers
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import UnknownCategory
from orders.comparisons import documents, forms, queries, rules, service
from orders.comparisons.queries import Comparison, Found
from orders.comparisons.rules import KIND_NAMES, Kind
from orders.purchases.states import STATE_NAMES

bp = Blueprint("comparisons", __name__, url_prefix="/comparisons", template_folder="templates")


@bp.get("")
@requires(Permission.ORDER_READ)
def index() -> ResponseReturnValue:
    """The sheets that the reader may see, the latest first."""
    page = queries.page(db.session(), me(), cursor=request.args.get("cursor"))
    return htmx.show("comparisons/index.html", page=page, kinds=KIND_NAMES, kind=Kind, buys=me().may(Permission.CART_USE))


@bp.post("")
@requires(Permission.CART_USE)
def freeze() -> ResponseReturnValue:
    """Freeze a search with all its hits, or two to four offers."""
    question = forms.question(request.form)
    try:
        if question is None:
            with commit(db.session()) as session:
                number = service.freeze_offers(session, me(), forms.picked(request.form)).number
        else:
            found = _found(searching.read(question))
            with commit(db.session()) as session:
                number = service.freeze(session, me(), found).number
    except Refusal as refused:
        if refused.status in {403, 404, 503}:
            raise
        page = queries.page(db.session(), me())
        return htmx.show("comparisons/index.html", page=page, kinds=KIND_NAMES, kind=Kind, buys=True, refused=refused, status=422)
    flash(_("比选单 %(number)s 已冻结，摘要写入监督日志", number=number), "ok")
    return htmx.go(url_for("comparisons.show", number=number))


def _found(asked: Asked) -> Found:
    """What the search finds now, page by page, outside any transaction that writes."""
    session, engine = db.session(), cast(SearchEngine, current_app.extensions["mall.search"])
    try:
        codes = tuple(code for each in asked.categories for code in search.searchable(session, each))
    except UnknownCategory:
        asked, codes = asked.but(categories=()), ()
    params = asked.but(table=False).params()
    names = dict(taxonomy.names(session, asked.categories))
    names |= {str(each): name for each, name in suppliers.names(session, asked.suppliers).items()}
    if asked.region:
        names[asked.region] = regions.full_name(asked.region)
    most = queries.most_hits(session)
    asked = asked.but(categories=codes, without=search.not_trading(session, me(), asked.region))
    return queries.collect(engine, asked.request(), most, question={"params": params, "names": names})


@bp.get("/<number>")
@requires(Permission.ORDER_READ)
def show(number: str) -> ResponseReturnValue:
    """One sheet: how it came about, every hit then and now, the orders that cite it, its digest and its receipt."""
    session, actor = db.session(), me()
    sheet = queries.by_number(session, actor, number)
    content = queries.content_of(sheet)
    question = content["question"]
    return htmx.show(
        "comparisons/show.html",
        sheet=sheet,
        content=content,
        intact=rules.digest(sheet.content) == sheet.sha256,
        conditions=rules.conditions(question.get("params", {}), question.get("names", {})),
        now=listings.shown(session, [hit["listing"] for hit in content["hits"]]),
        lowest=rules.lowest_by_product(content["hits"]),
        orders=queries.orders_citing(session, actor, sheet),
        states=STATE_NAMES,
        kind=KIND_NAMES[Kind(sheet.kind)],
        buys=actor.may(Permission.CART_USE) and sheet.unit_id == actor.organisation_id,
    )


@bp.get("/<number>.pdf")
@requires(Permission.ORDER_READ)
def pdf(number: str) -> ResponseReturnValue:
    """The sheet as a document."""
    sheet = _sheet(number)
    db.session.rollback()
    file = documents.file_of(sheet, current_app.config["SETTINGS"])
    return send_file(file, mimetype="application/pdf", download_name=file.name, max_age=3600, conditional=True)


@bp.get("/<number>.xlsx")
@requires(Permission.ORDER_READ)
def workbook(number: str) -> Response:
    """The sheet as a workbook."""
    sheet = _sheet(number)
    body = documents.workbook_of(sheet, tuple(_(head) for head in documents.HEADS))
    return send_file(io.BytesIO(body), mimetype=xlsx_writing.KIND, as_attachment=True, download_name=f"{sheet.number}.xlsx")


def _sheet(number: str) -> Comparison:
    return queries.by_number(db.session(), me(), number)
