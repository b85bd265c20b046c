"""Pages of contracts: the supplier's confirmation, the contract itself, and ending it by both signatures."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.people import queries as people
from app.kernel.db import commit
from app.kernel.errors import Missing
from app.policy import Permission
from app.web import htmx
from app.web.extensions import db
from app.web.forms import refusals_on
from app.web.guard import me, requires
from orders.comparisons import queries as comparisons
from orders.contracts import documents, queries, service
from orders.contracts.forms import RefuseForm, TerminationForm
from orders.contracts.rules import REFUSAL_CODES
from orders.purchases import queries as purchases
from orders.purchases.states import STATE_NAMES
from orders.purchases.tables import Order

bp = Blueprint("contracts", __name__, template_folder="templates")

Command = Callable[[Session, Order], object]


def sheet_of(number: str) -> dict[str, Any]:
    """What the head of every page about one order shows. Raises Missing."""
    session = db.session()
    order = purchases.by_number(session, me(), number)
    names = organisations.names(session, [order.unit_id, order.supplier_id])
    return {
        "order": order,
        "lines": purchases.lines_of(session, order),
        "unit_name": names[order.unit_id],
        "supplier_name": names[order.supplier_id],
        "state_name": STATE_NAMES[order.state],
        "comparison": None if me().is_supplier else comparisons.number_cited_by(session, order),
        "actor": me(),
    }


@bp.get("/orders/<number>/confirm")
@requires(Permission.CONTRACT_CONFIRM)
def confirmation(number: str) -> ResponseReturnValue:
    """What the supplier agrees to, before he confirms or refuses."""
    return _confirm_page(number, RefuseForm(formdata=None))


@bp.post("/orders/<number>/confirm")
@requires(Permission.CONTRACT_CONFIRM)
def confirm(number: str) -> ResponseReturnValue:
    """The contract is concluded."""
    form, concluded = RefuseForm(formdata=None), ""
    with refusals_on(form), commit(db.session()) as session:
        concluded = service.confirm(session, me(), purchases.by_number(session, me(), number)).number
    if not concluded:
        return _confirm_page(number, form, status=422)
    flash(_("合同 %(number)s 已成立并备案", number=concluded), "ok")
    return htmx.go(f"/contracts/{concluded}")


@bp.post("/orders/<number>/refuse")
@requires(Permission.CONTRACT_CONFIRM)
def refuse(number: str) -> ResponseReturnValue:
    """The supplier does not take the order."""
    form = RefuseForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            order = purchases.by_number(session, me(), number)
            service.refuse(session, me(), order, form.code.data or "", form.note.data or "")
            flash(_("已拒单，采购单位的预算和库存已释放"), "info")
            return htmx.go(purchases.address(number))
    return _confirm_page(number, form, status=422)


def _confirm_page(number: str, form: RefuseForm, *, status: int = 200) -> ResponseReturnValue:
    sheet = sheet_of(number)
    funds = queries.funds_of(db.session(), sheet["lines"])
    return htmx.show("contracts/confirm.html", status=status, form=form, funds=funds, codes=REFUSAL_CODES, **sheet)


# ---------------------------------------------------------------- the contract


@bp.get("/contracts/<number>")
@requires(Permission.ORDER_READ)
def contract(number: str) -> ResponseReturnValue:
    """The contract's text, digest and filing record."""
    session = db.session()
    found, order = queries.by_number(session, me(), number)
    termination = queries.termination_of(session, found)
    return htmx.show(
        "contracts/contract.html",
        contract=found,
        document=queries.document_of(session, found),
        termination=termination,
        signers=people.names(session, {found.concluded_by}),
        **sheet_of(order.number),
    )


@bp.get("/contracts/<number>.pdf")
@requires(Permission.ORDER_READ)
def pdf(number: str) -> ResponseReturnValue:
    """The contract as a document."""
    found, _order = queries.by_number(db.session(), me(), number)
    db.session.rollback()
    file = documents.file_of(found, current_app.config["SETTINGS"])
    return send_file(file, mimetype="application/pdf", download_name=file.name, max_age=3600, conditional=True)


# ---------------------------------------------------------------- ending it


@bp.get("/orders/<number>/terminate")
@requires(Permission.CONTRACT_AGREE)
def termination(number: str) -> ResponseReturnValue:
    """Propose to end the contract, or answer the other party's proposal."""
    return _termination_page(number, TerminationForm(formdata=None))


@bp.post("/orders/<number>/terminate")
@requires(Permission.CONTRACT_AGREE)
def propose(number: str) -> ResponseReturnValue:
    """One party proposes."""
    reason = TerminationForm().reason.data or ""
    return _said(number, lambda session, order: service.propose_termination(session, me(), order, reason), _("已提出终止，等待另一方签署"))


@bp.post("/orders/<number>/terminate/agree")
@requires(Permission.CONTRACT_AGREE)
def agree(number: str) -> ResponseReturnValue:
    """The other party signs."""
    done = _("合同已终止，未发货部分的预算和库存已释放")
    return _said(number, lambda session, order: service.agree_termination(session, me(), order), done)


@bp.post("/orders/<number>/terminate/drop")
@requires(Permission.CONTRACT_AGREE)
def drop(number: str) -> ResponseReturnValue:
    """The proposal is withdrawn or declined."""
    return _said(number, lambda session, order: service.drop_termination(session, me(), order), _("终止提议已撤销，合同继续履行"))


def _said(number: str, command: Command, done: str) -> ResponseReturnValue:
    form = TerminationForm()
    if form.validate():
        with refusals_on(form), commit(db.session()) as session:
            command(session, purchases.by_number(session, me(), number))
            flash(done, "ok")
            return htmx.go(purchases.address(number))
    return _termination_page(number, form, status=422)


def _termination_page(number: str, form: TerminationForm, *, status: int = 200) -> ResponseReturnValue:
    sheet, session = sheet_of(number), db.session()
    found = queries.of_order(session, sheet["order"])
    if found is None:
        raise Missing()
    proposal = queries.termination_of(session, found)
    return htmx.show("contracts/terminate.html", status=status, form=form, contract=found, proposal=proposal, **sheet)
