"""Concluding a contract by the supplier's confirmation, refusing an order, and ending a contract by both signatures."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.kernel import clock, money, numbers, outbox, regions
from app.kernel.workdays import Unit
from app.policy import Actor, Permission
from catalog.listings import service as shelf
from catalog.suppliers import queries as suppliers
from catalog.suppliers.rules import SCALE_NAMES, is_sme
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName, TermRow
from orders.budgets.states import Pool
from orders.contracts import events, queries, rules
from orders.contracts.tables import Contract, Termination
from orders.purchases import queries as purchases
from orders.purchases import service as purchase
from orders.purchases.states import ACTION_NAMES, STATE_NAMES, Action, NotNow, State, next_state
from orders.purchases.tables import Order, OrderLine


def confirm(session: Session, actor: Actor, order: Order) -> Contract:
    """Conclude the contract: number, text, digest and filing record at once; reserved money becomes committed.

    Raises NotNow, Forbidden, Missing (another supplier's order), SupplierMayNotTrade, TooLate.
    """
    rules.supplier_side(actor, order.supplier_id)
    next_state(order.state, Action.CONFIRM)
    supplier = suppliers.by_id(session, order.supplier_id)
    if not suppliers.may_trade(session, supplier.organisation_id, order.region):
        raise rules.SupplierMayNotTrade(supplier=supplier.name)
    lines = [line for line in purchases.lines_of(session, order) if line.quantity > line.rejected]
    terms, payment_days = _terms(session, order, lines)
    text = rules.text_of(terms)
    contract = Contract(
        order_id=order.id,
        number=terms.number,
        filing_number=terms.filing_number,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        amount_fen=sum(line.price_fen * (line.quantity - line.rejected) for line in lines),
        payment_days=payment_days,
        is_sme=terms.is_sme,
        payee_name=terms.payee_name,
        payee_bank=terms.payee_bank,
        payee_bank_account=terms.payee_bank_account,
        payee_account=supplier.payee_account,
        concluded_by=actor.person_id or 0,
        concluded_at=clock.now(),
    )
    purchase.move(
        session,
        actor,
        order,
        Action.CONFIRM,
        lines=[
            {
                "no": line.line_no,
                "title": line.title,
                "brand": line.brand,
                "model": line.model,
                "category": line.category_code,
                "quantity": line.quantity - line.rejected,
                "price_fen": line.price_fen,
            }
            for line in lines
        ],
        details={
            "contract": contract.number,
            "filing": contract.filing_number,
            "sha256": contract.sha256,
            "amount_fen": contract.amount_fen,
            "payment_days": payment_days,
            "sme": contract.is_sme,
        },
    )
    session.add(contract)
    session.flush()
    pieces = [(line, line.quantity - line.rejected) for line in lines]
    purchase.shift(session, actor, order, (pieces, Pool.RESERVED, Pool.COMMITTED))
    return contract


def _terms(session: Session, order: Order, lines: Sequence[OrderLine]) -> tuple[rules.Terms, int]:
    """What the standard form is filled with, and the days within which the unit must pay."""
    today = clock.today()
    supplier = suppliers.by_id(session, order.supplier_id)
    unit, seller = organisations.by_id(session, order.unit_id), organisations.by_id(session, order.supplier_id)
    sme = is_sme(supplier.scale)
    pay = taxonomy.term(session, TermName.PAYMENT_SME if sme else TermName.PAYMENT_MALL, order.region, today)
    names = taxonomy.names(session, {line.category_code for line in lines})
    funds = queries.funds_of(session, lines)
    total = sum(line.price_fen * (line.quantity - line.rejected) for line in lines)
    terms = rules.Terms(
        number=numbers.new("HT", at=today),
        filing_number=numbers.new("BA", at=today),
        order=order.number,
        concluded=f"{clock.local(clock.now()):%Y-%m-%d %H:%M:%S}",
        unit_name=unit.name,
        unit_code=unit.credit_code or "",
        region=regions.full_name(order.region),
        supplier_name=supplier.name,
        supplier_code=seller.credit_code or "",
        scale=SCALE_NAMES[supplier.scale],
        is_sme=sme,
        legal_representative=supplier.legal_representative,
        payee_name=supplier.name,
        payee_bank=supplier.bank_name,
        payee_bank_account=supplier.bank_account,
        lines=[
            rules.TextLine(
                no=line.line_no,
                title=line.title,
                category=line.category_code,
                category_name=names.get(line.category_code, ""),
                brand=line.brand,
                model=line.model,
                measure=line.unit,
                listing_version=line.listing_version,
                quantity=line.quantity - line.rejected,
                price=money.yuan(line.price_fen),
                amount=money.yuan(line.price_fen * (line.quantity - line.rejected)),
                tax=money.yuan(line.unit_tax_fen * (line.quantity - line.rejected)),
                plan=funds[line.id].plan,
                allotment=funds[line.id].allotment,
                place=line.place,
            )
            for line in lines
        ],
        capital=money.capital(total),
        total=money.yuan(total),
        delivery=_period(taxonomy.term(session, TermName.DELIVER, order.region, today)),
        acceptance=_period(taxonomy.term(session, TermName.ACCEPT, order.region, today)),
        payment_days=pay.days,
        invoice_title=order.invoice_title,
        invoice_tax_number=order.invoice_tax_number,
    )
    return terms, pay.days


def _period(term: TermRow) -> rules.Period:
    return rules.Period(term.days, in_workdays=term.unit is Unit.WORKDAYS)


def refuse(session: Session, actor: Actor, order: Order, code: str, note: str = "") -> None:
    """Refuse an order with a code (and words for any other reason); money and stock are released.

    Raises NotNow, Forbidden, Missing, UnknownRefusalCode, ReasonMissing.
    """
    rules.supplier_side(actor, order.supplier_id)
    if code not in rules.REFUSAL_CODES:
        raise rules.UnknownRefusalCode()
    if code == "other" and not note.strip():
        raise rules.ReasonMissing(field="note")
    purchase.move(session, actor, order, Action.REFUSE, note=note.strip() or None, details={"code": code})
    purchase.release(session, actor, order)


def propose_termination(session: Session, actor: Actor, order: Order, reason: str) -> Termination:
    """Propose to the other party to end the contract, or what of it has not been sent.

    Raises Forbidden, Missing, NotNow, ReasonMissing, AlreadyProposed, GoodsUnderWay, NothingLeft.
    """
    actor.must(Permission.CONTRACT_AGREE)
    party = rules.side_of(actor, order.unit_id, order.supplier_id)
    _alone(session, order)
    contract = _ending(session, order)
    if not reason.strip():
        raise rules.ReasonMissing()
    earlier = queries.termination_of(session, contract)
    if earlier is not None:
        raise rules.AlreadyProposed(side=organisations.names(session, [earlier.proposed_for])[earlier.proposed_for])
    proposal = Termination(
        contract_id=contract.id,
        reason=reason.strip(),
        proposed_by=actor.person_id or 0,
        proposed_for=party,
        proposed_at=clock.now(),
    )
    session.add(proposal)
    _speak(session, actor, order, contract, proposal, events.TerminationProposed)
    session.flush()
    return proposal


def drop_termination(session: Session, actor: Actor, order: Order) -> None:
    """Take the own proposal back, or decline the other party's. Raises Forbidden, Missing, NothingProposed."""
    actor.must(Permission.CONTRACT_AGREE)
    rules.side_of(actor, order.unit_id, order.supplier_id)
    _alone(session, order)
    contract = queries.of_order(session, order)
    proposal = queries.termination_of(session, contract) if contract else None
    if contract is None or proposal is None or proposal.agreed_at is not None:
        raise rules.NothingProposed()
    _speak(session, actor, order, contract, proposal, events.TerminationDropped)
    session.execute(delete(Termination).where(Termination.id == proposal.id))


def agree_termination(session: Session, actor: Actor, order: Order) -> None:
    """Sign the other party's proposal: what was not sent is given back to the plan, the allotment and the shelf.

    When part of the goods was accepted the order goes on to invoice and payment with that part.
    Raises Forbidden, Missing, NotNow, NothingProposed, OtherSideSigns, GoodsUnderWay, NothingLeft, TooLate.
    """
    actor.must(Permission.CONTRACT_AGREE)
    party = rules.side_of(actor, order.unit_id, order.supplier_id)
    _alone(session, order)
    contract = _ending(session, order)
    proposal = queries.termination_of(session, contract)
    if proposal is None or proposal.agreed_at is not None:
        raise rules.NothingProposed()
    if proposal.proposed_for == party:
        raise rules.OtherSideSigns()
    lines = purchases.lines_of(session, order)
    rest = [(line, line.quantity - line.rejected - line.shipped) for line in lines]
    kept_fen = sum(line.accepted * line.price_fen for line in lines)
    purchase.move(
        session,
        actor,
        order,
        Action.TERMINATE,
        target=State.ACCEPTED if kept_fen else None,
        total_fen=sum((line.quantity - line.rejected - pieces) * line.price_fen for line, pieces in rest),
        note=proposal.reason,
        lines=[{"no": line.line_no, "quantity": pieces} for line, pieces in rest if pieces],
        details={"contract": contract.number, "proposed_for": proposal.proposed_for, "agreed_for": party, "kept_fen": kept_fen},
    )
    for line, pieces in rest:
        line.rejected += pieces
    proposal.agreed_by, proposal.agreed_at = actor.person_id, clock.now()
    session.flush()
    shelf.give_stock_back(session, ((line.listing_id, pieces) for line, pieces in rest if pieces))
    purchase.shift(session, actor, order, (rest, Pool.COMMITTED, Pool.FREE))


def _alone(session: Session, order: Order) -> None:
    """Hold the order's row: what the two parties say of ending its contract comes one after the other."""
    session.refresh(order, with_for_update={"key_share": True})


def _ending(session: Session, order: Order) -> Contract:
    """The contract, if it stands where it can be ended by agreement. Raises NotNow, GoodsUnderWay, NothingLeft, Missing."""
    if order.state not in {State.CONFIRMED, State.SHIPPED}:
        raise NotNow(state=STATE_NAMES[order.state], action=ACTION_NAMES[Action.TERMINATE])
    lines = purchases.lines_of(session, order)
    open_pieces = sum(line.shipped - line.accepted - line.returned for line in lines)
    if open_pieces:
        raise rules.GoodsUnderWay(pieces=open_pieces)
    if not sum(line.quantity - line.rejected - line.shipped for line in lines):
        raise rules.NothingLeft()
    contract = queries.of_order(session, order)
    if contract is None:
        raise AssertionError("an order with a contract's state has none")
    return contract


def _speak(
    session: Session, actor: Actor, order: Order, contract: Contract, proposal: Termination, fact: type[events.TerminationSpoken]
) -> None:
    said = fact(
        contract=contract.number,
        order=order.number,
        unit_id=order.unit_id,
        supplier_id=order.supplier_id,
        by=actor.organisation_id or 0,
        reason=proposal.reason,
    )
    outbox.record(session, actor, said, stream=contract.number, region=order.region, owner_id=order.unit_id)
