"""JSON ways in: confirm or refuse an order, end a contract by both signatures, read contracts."""

from datetime import datetime
from typing import Literal

from flask import Blueprint, Response, current_app
from pydantic import Field

from app.kernel.db import commit
from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, CursorPage, Fen, Model, PageQuery, Problem, Verbatim, spec, titled
from orders.contracts import documents, queries, service
from orders.contracts.queries import Contract
from orders.purchases import queries as purchases
from orders.purchases.states import State
from orders.purchases.tables import Order

api = Blueprint("contracts_api", __name__, url_prefix="/api/v1")
TAG = ("contracts",)


class Standing(Model):
    """Where an order stands after a command."""

    number: str
    state: State
    version: int
    due_at: datetime | None


class ContractOut(Model):
    """A contract without its text; amounts in fen."""

    number: str
    filing_number: str
    order: str
    sha256: str
    amount_fen: Fen
    payment_days: int
    is_sme: bool
    payee_name: str
    concluded_at: datetime


class ContractTextOut(ContractOut):
    """A contract with its text, and the digest of its PDF once that is made."""

    text: Verbatim
    pdf: str
    pdf_sha256: str | None


class ContractPage(CursorPage):
    """A page of contracts."""

    items: list[ContractOut]


class RefusalIn(Model):
    """Why an order is not taken."""

    code: Literal["out_of_stock", "price_error", "cannot_deliver", "other"]
    note: str = Field(default="", max_length=300)


class TerminationIn(Model):
    """Why a contract should end."""

    reason: str = Field(min_length=1, max_length=400)


@api.post("/orders/<number>/confirm")
@titled(N_("确认订单并成立合同"))
@requires(Permission.CONTRACT_CONFIRM)
@spec.validate(resp=Answers(HTTP_201=ContractOut, HTTP_403=Problem, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def confirm(number: str) -> tuple[ContractOut, int]:
    """Conclude the contract: number, filing record, text and digest at once."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        made = _contract(service.confirm(session, me(), order), order)
    return made, 201


@api.post("/orders/<number>/refuse")
@titled(N_("供应商拒单"))
@requires(Permission.CONTRACT_CONFIRM)
@spec.validate(resp=Answers(HTTP_200=Standing, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def refuse(number: str, json: RefusalIn) -> Standing:
    """Refuse an order with a code; its money and stock are released."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.refuse(session, me(), order, json.code, json.note)
        return Standing.model_validate(order)


@api.post("/orders/<number>/terminations")
@titled(N_("提出终止合同"))
@requires(Permission.CONTRACT_AGREE)
@spec.validate(resp=Answers(HTTP_201=Standing, HTTP_404=Problem, HTTP_409=Problem, HTTP_422=Problem), tags=TAG)
def propose(number: str, json: TerminationIn) -> tuple[Standing, int]:
    """Propose to end what has not been sent; the other party signs."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.propose_termination(session, me(), order, json.reason)
        return Standing.model_validate(order), 201


@api.post("/orders/<number>/terminations/agree")
@titled(N_("签署终止合同"))
@requires(Permission.CONTRACT_AGREE)
@spec.validate(resp=Answers(HTTP_200=Standing, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def agree(number: str) -> Standing:
    """Sign the other party's proposal."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.agree_termination(session, me(), order)
        return Standing.model_validate(order)


@api.delete("/orders/<number>/terminations")
@titled(N_("撤回或不同意终止合同"))
@requires(Permission.CONTRACT_AGREE)
@spec.validate(resp=Answers(HTTP_200=Standing, HTTP_404=Problem, HTTP_409=Problem), tags=TAG)
def drop(number: str) -> Standing:
    """Withdraw the own proposal, or decline the other party's."""
    with commit(db.session()) as session:
        order = purchases.by_number(session, me(), number)
        service.drop_termination(session, me(), order)
        return Standing.model_validate(order)


@api.get("/contracts")
@titled(N_("合同"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ContractPage), tags=TAG)
def index(query: PageQuery) -> ContractPage:
    """The contracts of the orders the caller may see, the latest first."""
    page = queries.visible(db.session(), me(), cursor=query.cursor, limit=query.limit)
    return ContractPage(items=[_contract(contract, order) for contract, order in page.rows], next=page.next)


@api.get("/contracts/<number>")
@titled(N_("一份合同"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=ContractTextOut, HTTP_404=Problem), tags=TAG)
def show(number: str) -> ContractTextOut:
    """A contract with its text."""
    contract, order = queries.by_number(db.session(), me(), number)
    document = queries.document_of(db.session(), contract)
    return ContractTextOut(
        **_contract(contract, order).model_dump(),
        text=contract.text,
        pdf=f"/api/v1/contracts/{number}/document",
        pdf_sha256=document.sha256 if document else None,
    )


@api.get("/contracts/<number>/document")
@titled(N_("合同 PDF"))
@requires(Permission.ORDER_READ)
@spec.validate(resp=Answers(HTTP_200=None, HTTP_404=Problem, HTTP_503=Problem), tags=TAG)
def document(number: str) -> Response:
    """The contract as PDF; 503 while others are before us."""
    contract, _order = queries.by_number(db.session(), me(), number)
    db.session.rollback()
    file = documents.file_of(contract, current_app.config["SETTINGS"])
    headers = {"Content-Disposition": f'inline; filename="{file.name}"'}
    return Response(file.read_bytes(), mimetype="application/pdf", headers=headers)


def _contract(contract: Contract, order: Order) -> ContractOut:
    return ContractOut(
        number=contract.number,
        filing_number=contract.filing_number,
        order=order.number,
        sha256=contract.sha256,
        amount_fen=contract.amount_fen,
        payment_days=contract.payment_days,
        is_sme=contract.is_sme,
        payee_name=contract.payee_name,
        concluded_at=contract.concluded_at,
    )
