"""Pages of deliveries: sending a parcel, signing for it, accepting line by line, and the acceptance record to print."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.kernel.db import commit
from app.kernel.errors import Refusal
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import Form, refusals_on
from app.web.guard import me, requires
from orders.contracts.views import sheet_of
from orders.deliveries import queries, service
from orders.deliveries.forms import AcceptForm, FindingRow, ParcelRow, RowsUnread, ShipForm, finding_rows, parcel_rows
from orders.deliveries.queries import Record
from orders.deliveries.rules import Stand
from orders.deliveries.states import KIND_NAMES
from orders.purchases import queries as purchases

bp = Blueprint("deliveries", __name__, template_folder="templates")


@bp.get("/orders/<number>/ship")
@requires(Permission.GOODS_SHIP)
def parcel(number: str) -> ResponseReturnValue:
    """What is still to be sent."""
    return _ship_page(number, ShipForm(formdata=None))


@bp.post("/orders/<number>/ship")
@requires(Permission.GOODS_SHIP)
def ship(number: str) -> ResponseReturnValue:
    """A parcel leaves."""
    form, rows = ShipForm(), parcel_rows(_stands(number), blank=False)
    if form.validate() & _read(form, rows):
        pieces = [row.piece(line_id) for line_id, row in rows.items()]
        with refusals_on(form), commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            said = {"carrier": form.carrier.data, "tracking": form.tracking.data, "seen": form.seen.data}
            made = service.ship(session, me(), order, pieces, **said)
            flash(_("包裹 %(number)s 已发出", number=made.number), "ok")
            return htmx.go(purchases.address(number))
    return _ship_page(number, form, rows, status=422)


def _ship_page(number: str, form: ShipForm, rows: dict[int, ParcelRow] | None = None, *, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    stands = {stand.line_id: stand for stand in queries.stands_of(sheet["lines"])}
    return htmx.show(
        "deliveries/ship.html",
        status=status,
        form=form,
        rows=rows or parcel_rows(list(stands.values()), blank=True),
        stands=stands,
        parcels=queries.parcels_of(session, sheet["order"]),
        **sheet,
    )


@bp.get("/orders/<number>/receive")
@requires(Permission.GOODS_RECEIVE)
def parcels(number: str) -> ResponseReturnValue:
    """The parcels of an order: which have arrived, which are on their way."""
    return _receive_page(number)


@bp.post("/orders/<number>/receive")
@requires(Permission.GOODS_RECEIVE)
def receive(number: str) -> ResponseReturnValue:
    """A parcel has arrived."""
    try:
        with commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            shipment = service.receive(session, me(), order, request.form.get("shipment", "")[:40])
            flash(_("包裹 %(number)s 已签收", number=shipment.number), "ok")
            everything = order.state.value == "delivered"
    except Refusal as refused:
        return _receive_page(number, refused=refused, status=422)
    return htmx.go(purchases.address(number) if everything else url_for("deliveries.parcels", number=number))


def _receive_page(number: str, *, refused: Refusal | None = None, status: int = 200) -> ResponseReturnValue:
    sheet = sheet_of(number)
    found = queries.parcels_of(db.session(), sheet["order"])
    return htmx.show("deliveries/receive.html", status=status, parcels=found, refused=refused, **sheet)


@bp.get("/orders/<number>/accept")
@requires(Permission.GOODS_ACCEPT)
def findings(number: str) -> ResponseReturnValue:
    """What has arrived and waits for acceptance."""
    return _accept_page(number, AcceptForm(formdata=None))


@bp.post("/orders/<number>/accept")
@requires(Permission.GOODS_ACCEPT)
def accept(number: str) -> ResponseReturnValue:
    """Goods are accepted or sent back."""
    form, rows = AcceptForm(), finding_rows(_stands(number), blank=False)
    if form.validate() & _read(form, rows):
        said = [row.judgement(line_id) for line_id, row in rows.items()]
        with refusals_on(form), commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            record = service.accept(session, me(), order, said, remarks=form.remarks.data or "", seen=form.seen.data)
            flash(_("验收单 %(number)s 已生成", number=record.number), "ok")
            return htmx.go(url_for("deliveries.acceptance", number=record.number))
    return _accept_page(number, form, rows, status=422)


def _accept_page(number: str, form: AcceptForm, rows: dict[int, FindingRow] | None = None, *, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    stands = {stand.line_id: stand for stand in queries.stands_of(sheet["lines"])}
    return htmx.show(
        "deliveries/accept.html",
        status=status,
        form=form,
        rows=finding_rows(list(stands.values()), blank=True) if rows is None else rows,
        stands=stands,
        records=queries.acceptances_of(session, sheet["order"]),
        kind_names=KIND_NAMES,
        is_buyer=sheet["order"].buyer_id == me().person_id,
        **sheet,
    )


@bp.get("/acceptances/<number>")
@requires(Permission.ORDER_READ)
def acceptance(number: str) -> ResponseReturnValue:
    """The acceptance record, ready to be printed and signed."""
    session = db.session()
    record, order = queries.acceptance(session, me(), number)
    who = record.acceptance.actor_id
    return htmx.show(
        "deliveries/acceptance.html",
        record=record,
        kind_names=KIND_NAMES,
        acceptor=people.names(session, {who}).get(who, "") if who else "",
        unit=organisations.by_id(session, order.unit_id),
        parcels=queries.parcels_of(session, order),
        has_returns=_has_returns(record),
        **sheet_of(order.number),
    )


def _has_returns(record: Record) -> bool:
    return any(finding.returned for _line, finding in record.lines)


def _stands(number: str) -> list[Stand]:
    session = db.session()
    return queries.stands_of(purchases.lines_of(session, purchases.by_number(session, me(), number)))


def _read(form: Form, rows: dict[int, ParcelRow] | dict[int, FindingRow]) -> bool:
    """Whether every row could be read; if not, the form says how many could not."""
    unread = sum(not row.validate() for row in rows.values())
    if unread:
        form.refusals.append(RowsUnread(count=unread))
    return not unread
