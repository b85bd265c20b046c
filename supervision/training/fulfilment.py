"""The steps of an order in the training province after the contract: parcels, acceptance, invoice, payment, asset cards, ratings."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.kernel import clock, numbers
from app.kernel.money import tax_of_unit
from app.kernel.outbox import Event
from app.policy import Role
from catalog.taxonomy.rules import TermName
from orders.assets.states import CardState
from orders.budgets.states import Pool
from orders.deliveries.service import DEEMED_REMARK
from orders.deliveries.states import AcceptanceKind
from orders.deliveries.tables import Acceptance, AcceptanceLine, Shipment, ShipmentLine
from orders.payments import rules as payment_rules
from orders.payments.states import ApplicationState, Colour, InvoiceKind
from orders.payments.tables import Invoice, PaymentApplication, PaymentClock
from orders.purchases.states import Action, State
from orders.purchases.tables import Hold, Order, OrderLine
from orders.ratings.events import RatingGiven
from orders.ratings.states import Side
from orders.ratings.tables import Rating
from supervision.training.cards import Cards
from supervision.training.deals import Deal, DealLine

CARRIERS: Final = ("顺丰速运", "京东物流", "中通快递", "德邦快递", "供应商自送")


class Fulfilment(Cards):
    """Everything that happens to an order once the contract is concluded."""

    # ------------------------------------------------------------ goods

    def ship(self, deal: Deal, pieces: Sequence[tuple[DealLine, int]], at: datetime) -> dict[str, Any]:
        """Send a parcel."""
        clerk, number = deal.seller.people[Role.ORDER_CLERK], numbers.new("FH", at=clock.local(at).date(), rng=self.rng)
        carrier = self.rng.choice(CARRIERS)
        tracking = f"{self.rng.choice(('SF', 'JD', 'ZT', 'DB'))}{self.rng.randint(10**11, 10**12 - 1)}"
        lines = [{"no": line.no, "quantity": quantity} for line, quantity in pieces]
        details = {"shipment": number, "carrier": carrier, "tracking": tracking}
        self.step(deal, Action.SHIP, State.SHIPPED, clerk, at, lines=lines, details=details)
        row = {
            "id": self.writer.id(Shipment),
            "order_id": deal.id,
            "number": number,
            "carrier": carrier,
            "tracking": tracking,
            "shipped_by": clerk,
            "shipped_at": at,
            "received_by": None,
            "received_at": None,
        }
        deal.rows.append((Shipment, row))
        for line, quantity in pieces:
            deal.rows.append((ShipmentLine, {"shipment_id": row["id"], "order_line_id": line.id, "quantity": quantity}))
            line.shipped += quantity
        deal.papers.setdefault("parcels", []).append((row, list(pieces)))
        return row

    def receive(self, deal: Deal, parcel: dict[str, Any], at: datetime) -> None:
        """Sign for a parcel."""
        receiver = deal.unit.people[Role.ACCEPTOR]
        parcels = deal.papers["parcels"]
        everything = all(row["received_at"] is not None or row is parcel for row, _ in parcels)
        pieces = next(pieces for row, pieces in parcels if row is parcel)
        self.step(
            deal,
            Action.DELIVER,
            State.DELIVERED if everything else State.SHIPPED,
            receiver,
            at,
            lines=[{"no": line.no, "quantity": quantity} for line, quantity in pieces],
            details={"shipment": parcel["number"], "everything_arrived": everything},
        )
        parcel |= {"received_by": receiver, "received_at": at}
        deal.papers["delivered_on"] = clock.local(at).date()
        for line, quantity in pieces:
            line.delivered += quantity

    def accept(self, deal: Deal, at: datetime, *, back: dict[int, tuple[int, str]] | None = None, deemed: bool = False) -> None:
        """Judge everything that arrived; `back` gives pieces sent back and why, by line number."""
        actor = None if deemed else deal.unit.people[Role.ACCEPTOR]
        kind = AcceptanceKind.DEEMED if deemed else AcceptanceKind.SIGNED
        remarks = DEEMED_REMARK if deemed else None
        day = clock.local(at).date()
        findings = []
        for line in deal.lines:
            arrived = line.delivered - line.accepted - line.returned
            returned, why = (back or {}).get(line.no, (0, ""))
            if arrived:
                findings.append((line, arrived - returned, returned, why or None))
        judged = sum(accepted + returned for _, accepted, returned, _ in findings)
        waiting = sum(line.left for line in deal.lines) - judged
        kept = any(accepted for _, accepted, _, _ in findings) or any(line.accepted for line in deal.lines)
        number = numbers.new("YS", at=day, rng=self.rng)
        action = Action.ACCEPT if waiting or kept else Action.TERMINATE
        target = State.SHIPPED if waiting else State.ACCEPTED if kept else State.TERMINATED
        self.step(
            deal,
            action,
            target,
            actor,
            at,
            note=remarks,
            lines=[
                {
                    "no": line.no,
                    "accepted": accepted,
                    "returned": returned,
                    "technical_ok": not returned,
                    "service_ok": True,
                    "safety_ok": True,
                    "reason": reason,
                }
                for line, accepted, returned, reason in findings
            ],
            details={
                "acceptance": number,
                "kind": kind.value,
                "accepted_fen": sum(line.price_fen * accepted for line, accepted, _, _ in findings),
                "returned_fen": sum(line.price_fen * returned for line, _, returned, _ in findings),
                "complete": not waiting,
            },
        )
        if action is Action.ACCEPT and not deemed:
            deal.acceptor = actor
        record = self.writer.id(Acceptance)
        row = {"id": record, "order_id": deal.id, "number": number, "kind": kind, "remarks": remarks, "actor_id": actor, "at": at}
        deal.rows.append((Acceptance, row))
        for line, accepted, returned, reason in findings:
            line.accepted += accepted
            line.returned += returned
            line.article.sold += accepted
            finding = {
                "id": self.writer.id(AcceptanceLine),
                "acceptance_id": record,
                "order_line_id": line.id,
                "accepted": accepted,
                "returned": returned,
                "technical_ok": not returned,
                "service_ok": True,
                "safety_ok": True,
                "serials": None,
                "reason": reason,
            }
            deal.rows.append((AcceptanceLine, finding))
        self.move_money(deal, [(line, accepted) for line, accepted, _, _ in findings], Pool.COMMITTED, Pool.ACCRUED, actor, at)
        self.move_money(deal, [(line, returned) for line, _, returned, _ in findings], Pool.COMMITTED, Pool.FREE, actor, at)
        deal.papers |= {"acceptance": number, "accepted_on": day}
        if deal.state is State.ACCEPTED:
            self._start_clock(deal)
        if not deemed:
            self.draft_cards(deal, at + timedelta(seconds=2))

    # ------------------------------------------------------------ invoice and payment

    def invoice(self, deal: Deal, at: datetime) -> None:
        """The supplier invoices what was accepted."""
        clerk, day = deal.seller.people[Role.ORDER_CLERK], clock.local(at).date()
        amount = sum(line.price_fen * line.accepted for line in deal.lines)
        tax = sum(tax_of_unit(line.price_fen, line.article.tax_rate) * line.accepted for line in deal.lines)
        number = f"{day:%y}41{self.rng.randint(0, 10**16 - 1):016d}"
        row = {
            "id": self.writer.id(Invoice),
            "order_id": deal.id,
            "kind": InvoiceKind.DIGITAL,
            "colour": Colour.BLUE,
            "code": "",
            "number": number,
            "amount_fen": amount,
            "tax_fen": tax,
            "buyer_title": deal.unit.title,
            "buyer_tax_number": deal.unit.credit_code,
            "seller_tax_number": deal.seller.credit_code,
            "red_of_id": None,
            "issued_on": day,
            "recorded_by": clerk,
            "recorded_at": at,
        }
        details = {
            "kind": InvoiceKind.DIGITAL.value,
            "colour": Colour.BLUE.value,
            "code": "",
            "number": number,
            "amount_fen": amount,
            "tax_fen": tax,
            "net_fen": amount,
        }
        self.step(deal, Action.INVOICE, State.INVOICED, clerk, at, details=details)
        deal.rows.append((Invoice, row))
        deal.papers["invoiced_on"] = day
        self._start_clock(deal)

    def _start_clock(self, deal: Deal) -> None:
        contract, accepted_on = deal.papers["contract"], deal.papers["accepted_on"]
        concluded_on: date = deal.papers["concluded_on"]
        region = deal.unit.region
        if contract["is_sme"]:
            delivered_on = deal.papers.get("delivered_on") or accepted_on
            due = payment_rules.due_to_sme(
                accepted_on=accepted_on,
                acceptance_ended_on=self.bureau.term(TermName.ACCEPT, region, concluded_on).after(delivered_on).on,
                days=min(contract["payment_days"], self.bureau.term(TermName.PAYMENT_SME_CAP, region, concluded_on).days),
                document_number=self.bureau.term(TermName.PAYMENT_SME, region, concluded_on).doc_no,
            )
        elif "invoiced_on" in deal.papers:
            due = payment_rules.due_to_others(
                accepted_on=accepted_on,
                invoiced_on=deal.papers["invoiced_on"],
                days=contract["payment_days"],
                document_number=self.bureau.term(TermName.PAYMENT_MALL, region, concluded_on).doc_no,
            )
        else:
            return
        deal.papers["clock"] = {"order_id": deal.id, **vars(due)}

    def apply(self, deal: Deal, at: datetime) -> None:
        """The finance officer applies to the treasury."""
        finance, contract = deal.unit.people[Role.FINANCE], deal.papers["contract"]
        number = numbers.new("ZF", at=clock.local(at).date(), rng=self.rng)
        amount = sum(line.price_fen * line.accepted for line in deal.lines)
        self.step(
            deal,
            Action.APPLY,
            State.PAYING,
            finance,
            at,
            details={
                "application": number,
                "amount_fen": amount,
                "contract": contract["number"],
                "acceptance": deal.papers["acceptance"],
                "payee": deal.seller.name,
            },
        )
        row = {
            "id": self.writer.id(PaymentApplication),
            "number": number,
            "order_id": deal.id,
            "unit_id": deal.unit.id,
            "state": ApplicationState.SENT,
            "amount_fen": amount,
            "payee_name": deal.seller.name,
            "payee_bank": deal.seller.bank,
            "payee_bank_account": deal.seller.account,
            "payee_account": deal.seller.payee,
            "intent": None,
            "receipt_number": None,
            "return_reason": None,
            "trouble": None,
            "applied_by": finance,
            "applied_at": at,
            "paid_at": None,
        }
        deal.rows.append((PaymentApplication, row))
        deal.papers |= {"application": row, "applied_by_event": self.writer.last[Event]}

    def pay(self, deal: Deal, at: datetime) -> None:
        """The treasury's receipt."""
        row = deal.papers["application"]
        intent = f"pi_training{self.rng.getrandbits(64):016x}"
        receipt = f"GK{clock.local(at):%Y%m%d}{self.rng.randint(0, 10**8 - 1):08d}"
        row |= {"state": ApplicationState.PAID, "intent": intent, "receipt_number": receipt, "paid_at": at}
        lines = [(line, line.accepted) for line in deal.lines]
        self.step(
            deal,
            Action.PAY,
            State.PAID,
            None,
            at,
            lines=[{"no": line.no, "quantity": pieces} for line, pieces in lines if pieces],
            details={"application": row["number"], "intent": intent, "receipt": receipt, "amount_fen": row["amount_fen"]},
        )
        self.move_money(deal, lines, Pool.ACCRUED, Pool.PAID, None, at)
        for card in deal.papers.get("cards", ()):
            if card["state"] is CardState.STORED:
                self.register(deal, card, None, at + timedelta(seconds=2))
        self.close_if_done(deal, at + timedelta(seconds=3))

    # ------------------------------------------------------------ ratings, and the end

    def rate(self, deal: Deal, side: Side, score: int, words: str | None, at: datetime) -> None:
        """One side rates the other."""
        actor = deal.buyer if side is Side.UNIT else deal.seller.people[Role.ORDER_CLERK]
        row = {"order_id": deal.id, "side": side, "score": score, "words": words, "actor_id": actor, "at": at}
        deal.rows.append((Rating, row))
        fact = RatingGiven(order=deal.number, side=side.value, unit_id=deal.unit.id, supplier_id=deal.seller.id, score=score, words=words)
        self.writer.record(
            fact, stream=f"{deal.number}:rating:{side.value}", version=1, region=deal.unit.region, owner=deal.unit.id, actor=actor, at=at
        )

    def write(self, deal: Deal) -> None:
        """Put the order and all that belongs to it among the rows to be written, as it stands now."""
        self.writer.add(
            Order,
            {
                "id": deal.id,
                "number": deal.number,
                "version": deal.version,
                "submission_id": deal.submission_id,
                "unit_id": deal.unit.id,
                "supplier_id": deal.seller.id,
                "region": deal.unit.region,
                "buyer_id": deal.buyer,
                "approver_id": deal.approver,
                "acceptor_id": deal.acceptor,
                "mode": "direct",
                "state": deal.state,
                "total_fen": deal.total_fen,
                "reason": deal.reason,
                "invoice_title": deal.unit.title,
                "invoice_tax_number": deal.unit.credit_code,
                "submitted_at": deal.submitted_at,
                "state_since": deal.state_since,
                "due_at": deal.due_at,
                "due_provisional": deal.provisional,
            },
        )
        for line in deal.lines:
            self.writer.add(OrderLine, _line_row(deal, line))
        for hold in deal.holds:
            self.writer.add(Hold, hold)
        for table, row in deal.rows:
            self.writer.add(table, row)
        if "clock" in deal.papers:
            self.writer.add(PaymentClock, deal.papers["clock"])


def _line_row(deal: Deal, line: DealLine) -> dict[str, Any]:
    seed = line.article.seed
    return {
        "id": line.id,
        "order_id": deal.id,
        "line_no": line.no,
        "listing_id": line.article.id,
        "listing_version": line.version,
        "product_id": line.article.product_id,
        "category_code": seed.category_code,
        "title": seed.title,
        "brand": seed.brand,
        "model": seed.model,
        "unit": seed.unit,
        "quantity": line.quantity,
        "price_fen": line.price_fen,
        "amount_fen": line.price_fen * line.quantity,
        "unit_tax_fen": tax_of_unit(line.price_fen, line.article.tax_rate),
        "plan_line_id": line.planned.id,
        "plan_control_id": line.planned.purse.id,
        "allotment_id": line.planned.grant.id,
        "allotment_control_id": line.planned.grant.purse.id,
        "place": line.place,
        "rejected": line.rejected,
        "shipped": line.shipped,
        "delivered": line.delivered,
        "accepted": line.accepted,
        "returned": line.returned,
    }
