"""Pages of invoices and payments, and the door through which the treasury's gateway speaks to us."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, flash, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.organisations import queries as organisations
from app.kernel import clock, money, sheets
from app.kernel.db import commit
from app.kernel.errors import N_, Refusal
from app.policy import Permission
from app.web import htmx
from app.web.errors import refused_problem
from app.web.extensions import csrf, db
from app.web.forms import refusals_on
from app.web.guard import me, public, requires
from orders.contracts import queries as contracts
from orders.contracts.views import sheet_of
from orders.deliveries import queries as deliveries
from orders.payments import queries, rules, service, statement
from orders.payments.forms import InvoiceForm, month_of
from orders.payments.gateway import gateway_for
from orders.payments.rules import DIFFERENCES, RETURN_REASONS, RULE_NAMES, TROUBLES, Check, PaymentRefused
from orders.payments.states import COLOUR_NAMES, KIND_NAMES, STATE_NAMES, Colour
from orders.payments.webhook_signature import HEADER
from orders.purchases import queries as purchases
from orders.purchases.states import STATE_NAMES as ORDER_STATE_NAMES
from orders.purchases.states import State

bp = Blueprint("payments", __name__, template_folder="templates")
log = logging.getLogger("mall.payments")

BAND_NAMES = {"overdue": N_("已逾期"), "week": N_("7 日内到期"), "month": N_("30 日内到期"), "later": N_("30 日以后")}
LISTED = (State.ACCEPTED, State.INVOICED, State.PAYING, State.PAID, State.CLOSED)


# ---------------------------------------------------------------- invoices


@bp.get("/orders/<number>/invoice")
@requires(Permission.INVOICE_ISSUE)
def invoicing(number: str) -> ResponseReturnValue:
    """What is still to be invoiced, with the parties filled in."""
    return _invoice_page(number, None)


@bp.post("/orders/<number>/invoice")
@requires(Permission.INVOICE_ISSUE)
def invoice(number: str) -> ResponseReturnValue:
    """An invoice is recorded."""
    form = InvoiceForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            service.invoice(session, me(), purchases.by_number(session, me(), number), form.given())
            flash(_("发票 %(number)s 已登记", number=form.number.data), "ok")
            return htmx.go(purchases.address(number))
    return _invoice_page(number, form, status=422)


def _invoice_page(number: str, form: InvoiceForm | None, *, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    order, lines = sheet["order"], sheet["lines"]
    invoices = queries.invoices_of(session, order)
    accepted_fen = sum(line.price_fen * line.accepted for line in lines)
    open_fen = accepted_fen - queries.net(invoices)
    if form is None:
        taken = sum(row.tax_fen if row.colour is Colour.BLUE else -row.tax_fen for row in invoices)
        form = InvoiceForm(
            formdata=None,
            amount_fen=open_fen,
            tax_fen=max(sum(line.unit_tax_fen * line.accepted for line in lines) - taken, 0),
            buyer_title=order.invoice_title,
            buyer_tax_number=order.invoice_tax_number,
            seller_tax_number=organisations.by_id(session, order.supplier_id).credit_code,
            issued_on=clock.today(),
            colour=Colour.BLUE.value if order.state is State.ACCEPTED else Colour.RED.value,
        )
    return htmx.show(
        "payments/invoice.html",
        status=status,
        form=form,
        invoices=invoices,
        accepted_fen=accepted_fen,
        open_fen=open_fen,
        kind_names=KIND_NAMES,
        colour_names=COLOUR_NAMES,
        **sheet,
    )


# ---------------------------------------------------------------- paying


@bp.get("/orders/<number>/payment")
@requires(Permission.INVOICE_READ)
def payment(number: str) -> ResponseReturnValue:
    """The payment of an order: due date, every check, applications and receipt."""
    return _payment_page(number)


@bp.post("/orders/<number>/payment")
@requires(Permission.PAYMENT_APPLY)
def apply(number: str) -> ResponseReturnValue:
    """The treasury is asked to pay."""
    try:
        with commit(db.session()) as session:
            made = service.apply(session, me(), purchases.by_number(session, me(), number)).number
    except Refusal as refused:
        return _payment_page(number, refused=refused, status=422)
    flash(_("支付申请 %(number)s 已提交国库", number=made), "ok")
    return htmx.go(purchases.address(number, "payment"))


def _payment_page(number: str, *, refused: Refusal | None = None, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    order = sheet["order"]
    ground = queries.ground(session, order)
    checks = refused.verdicts if isinstance(refused, PaymentRefused) else rules.check_payment(ground)
    may_apply = order.state is State.INVOICED and me().may(Permission.PAYMENT_APPLY) and me().organisation_id == order.unit_id
    return htmx.show(
        "payments/payment.html",
        status=status,
        refused=refused,
        checks=[_worded(check) for check in checks],
        ground=ground,
        clock=queries.clock_of(session, order),
        today=clock.today(),
        rule_names=RULE_NAMES,
        contract=contracts.of_order(session, order),
        invoices=queries.invoices_of(session, order),
        applications=queries.applications_of(session, order),
        kind_names=KIND_NAMES,
        colour_names=COLOUR_NAMES,
        application_names=STATE_NAMES,
        return_reasons=RETURN_REASONS,
        troubles=TROUBLES,
        may_apply=may_apply,
        line=queries.line(session, me()),
        is_acceptor=me().person_id in deliveries.acceptors_of(session, order),
        **sheet,
    )


def _worded(check: Check) -> dict[str, Any]:
    """A check as the verdict macro draws it."""
    basis = _(check.basis) + ("" if check.met else "　" + _(check.way_out))
    bound = _("应为 %(bound)s", bound=check.bound) if check.bound else ""
    return {
        "outcome": "pass" if check.met else "block",
        "rule": check.rule,
        "title": _(check.title),
        "basis": basis,
        "figure": check.figure,
        "bound": bound,
        "detail": "",
        "ways": [],
    }


@bp.get("/payments")
@requires(Permission.INVOICE_READ)
def index() -> ResponseReturnValue:
    """What is to be paid, the earliest due date first, with its ages."""
    session, actor = db.session(), me()
    state, band = request.args.get("state", ""), request.args.get("band", "")
    chosen = State(state) if state in {each.value for each in LISTED} else None
    return htmx.show(
        "payments/index.html",
        page=queries.owed(session, actor, state=chosen, band=band or None, cursor=request.args.get("cursor")),
        bands=queries.ageing(session, actor),
        line=queries.line(session, actor),
        reconciles=actor.may(Permission.PAYMENT_RECONCILE),
        band=band if band in BAND_NAMES else "",
        band_names=BAND_NAMES,
        state=chosen,
        states=LISTED,
        state_names=ORDER_STATE_NAMES,
        application_names=STATE_NAMES,
        return_reasons=RETURN_REASONS,
        troubles=TROUBLES,
        today=clock.today(),
        actor=actor,
    )


# ---------------------------------------------------------------- reconciliation


@bp.get("/payments/reconciliation")
@requires(Permission.PAYMENT_RECONCILE)
def reconciliation() -> ResponseReturnValue:
    """Day by day, what we hold for paid against what the treasury charged, and every difference with its way out."""
    session, actor, month = db.session(), me(), month_of(request.args.get("month"))
    before, after = (month - timedelta(days=1)).replace(day=1), (month + timedelta(days=32)).replace(day=1)
    return htmx.show(
        "payments/reconciliation.html",
        found=statement.of_month(session, actor, month),
        line=queries.line(session, actor),
        month=month,
        before=f"{before:%Y-%m}",
        after=f"{after:%Y-%m}" if after <= clock.today() else None,
        differences=DIFFERENCES,
        actor=actor,
    )


@bp.get("/payments/reconciliation.csv")
@requires(Permission.PAYMENT_RECONCILE)
def reconciliation_csv() -> ResponseReturnValue:
    """Every payment of a month on both sides, as a table to take away."""
    month = month_of(request.args.get("month"))
    body = "".join(sheets.written(_both_sides(month)))
    headers = {"Content-Disposition": f'attachment; filename="reconciliation-{month:%Y-%m}.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


def _both_sides(month: date) -> Iterator[Sequence[object]]:
    if current_app.config["SETTINGS"].is_demo:
        yield [_("演示数据")]
    heads = [_("日期"), _("支付申请"), _("订单"), _("采购单位"), _("供应商"), _("国库流水号")]
    yield [*heads, _("本系统（元）"), _("国库（元）"), _("差异"), _("处理办法")]
    for pair in statement.exported(db.session(), me(), month):
        name, way = DIFFERENCES.get(pair.kind, ("", ""))
        sides = [money.yuan(fen).replace(",", "") if fen is not None else "" for fen in (pair.ours_fen, pair.theirs_fen)]
        yield [pair.on, pair.application, pair.order, pair.unit, pair.supplier, pair.intent, *sides, name and _(name), way and _(way)]


# ---------------------------------------------------------------- the gateway's door


@bp.post("/payments/webhook")
@public
def webhook() -> ResponseReturnValue:
    """A signed notice of the payment gateway, taken in once; anything but 2xx makes the gateway send it again."""
    body = request.get_data(cache=False)
    try:
        event = gateway_for(current_app.config["SETTINGS"]).parse_event(body, request.headers.get(HEADER, ""))
        with commit(db.session()) as session:
            is_new = service.receive_notice(session, event, body.decode())
    except Refusal as refused:
        log.warning("notice of the gateway not taken", extra={"code": refused.code})
        return refused_problem(refused)
    return {"received": True, "new": is_new}


csrf.exempt(webhook)  # signed by the gateway; no browser comes here
