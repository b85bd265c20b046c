"""The steps of an order in the training province inside the unit and up to the contract, written as the services write them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.kernel import clock, money, numbers, regions
from app.kernel.money import tax_of_unit
from app.kernel.workdays import Unit as PeriodUnit
from app.policy import Role
from catalog.suppliers.rules import SCALE_NAMES
from catalog.taxonomy.rules import TermName, TermRow
from orders.approvals.tables import Decision, LineDecision
from orders.budgets.states import Pool
from orders.contracts import events as contract_events
from orders.contracts import rules as contract_rules
from orders.contracts.tables import Contract, Termination
from orders.purchases.states import Action, State
from supervision.training.counter import Counter
from supervision.training.deals import Deal, DealLine

OVERDUE: Final = {
    State.HELD: "说明与放行超时，自动释放",
    State.SUBMITTED: "审批超时，自动释放",
    State.PLACED: "供应商确认超时，自动释放",
}


class Trade(Counter):
    """Everything that happens to an order after it was sent off."""

    # ------------------------------------------------------------ inside the unit

    def explain(self, deal: Deal, words: Mapping[str, str], at: datetime) -> None:
        """The buyer explains the holds."""
        note = "；".join(f"{rule} {text}" for rule, text in words.items())
        self.step(deal, Action.EXPLAIN, State.HELD, deal.buyer, at, note=note, details={"explanations": dict(words)})
        for hold in deal.holds:
            if hold["rule"] in words:
                hold |= {"explanation": words[hold["rule"]], "explained_by": deal.buyer, "explained_at": at}

    def clear(self, deal: Deal, at: datetime) -> None:
        """The approver clears the holds."""
        approver = deal.unit.people[Role.APPROVER]
        explanations = {hold["rule"]: hold["explanation"] for hold in deal.holds}
        self.step(deal, Action.CLEAR, State.SUBMITTED, approver, at, details={"explanations": explanations})
        for hold in deal.holds:
            hold |= {"cleared_by": approver, "cleared_at": at}

    def unheld(self, deal: Deal, reason: str, at: datetime) -> None:
        """The approver does not clear the holds."""
        approver = deal.unit.people[Role.APPROVER]
        self.step(deal, Action.RELEASE, State.REJECTED, approver, at, note=reason)
        self.release(deal, approver, at)

    def approve(self, deal: Deal, at: datetime, out: Mapping[int, str] | None = None) -> None:
        """Approve, but for the lines in `out` (reason by line number)."""
        approver, reasons = deal.unit.people[Role.APPROVER], out or {}
        kept = [line for line in deal.lines if line.no not in reasons]
        gone = [line for line in deal.lines if line.no in reasons]
        deal.total_fen = sum(line.price_fen * line.quantity for line in kept)
        deal.approver = approver
        self.step(deal, Action.APPROVE, State.PLACED, approver, at, lines=self._decided(deal, reasons))
        self._decide(deal, approver, reasons, at)
        for line in gone:
            line.rejected = line.quantity
        self.move_money(deal, [(line, line.quantity) for line in gone], Pool.RESERVED, Pool.FREE, approver, at)

    def reject(self, deal: Deal, reason: str, at: datetime) -> None:
        """Reject the whole order."""
        approver, reasons = deal.unit.people[Role.APPROVER], {line.no: reason for line in deal.lines}
        deal.approver = None
        self.step(deal, Action.REJECT, State.REJECTED, approver, at, note=reason, lines=self._decided(deal, reasons))
        self._decide(deal, approver, reasons, at)
        self.release(deal, approver, at)

    def _decided(self, deal: Deal, reasons: Mapping[int, str]) -> list[dict[str, Any]]:
        return [
            {
                "no": line.no,
                "decision": (Decision.REJECTED if line.no in reasons else Decision.APPROVED).value,
                "reason": reasons.get(line.no),
            }
            for line in deal.lines
        ]

    def _decide(self, deal: Deal, approver: int, reasons: Mapping[int, str], at: datetime) -> None:
        for line in deal.lines:
            row = {
                "order_line_id": line.id,
                "order_id": deal.id,
                "decision": Decision.REJECTED if line.no in reasons else Decision.APPROVED,
                "reason": reasons.get(line.no),
                "actor_id": approver,
                "at": at,
            }
            deal.rows.append((LineDecision, row))

    def withdraw(self, deal: Deal, reason: str | None, at: datetime) -> None:
        """The buyer takes the order back."""
        self.step(deal, Action.WITHDRAW, State.CANCELLED, deal.buyer, at, note=reason)
        self.release(deal, deal.buyer, at)

    def lapse(self, deal: Deal, at: datetime) -> None:
        """Nobody decided in time."""
        self.step(deal, Action.LAPSE, State.LAPSED, None, at, note=OVERDUE[deal.state])
        self.release(deal, None, at)

    # ------------------------------------------------------------ contract

    def refuse(self, deal: Deal, code: str, note: str | None, at: datetime) -> None:
        """The supplier refuses."""
        clerk = deal.seller.people[Role.ORDER_CLERK]
        self.step(deal, Action.REFUSE, State.REFUSED, clerk, at, note=note, details={"code": code})
        self.release(deal, clerk, at)

    def confirm(self, deal: Deal, at: datetime) -> None:
        """The supplier confirms: the contract."""
        clerk = deal.seller.people[Role.ORDER_CLERK]
        lines = [line for line in deal.lines if line.quantity > line.rejected]
        day = clock.local(at).date()
        terms, days = self._terms(deal, lines, at)
        text = contract_rules.text_of(terms)
        row = {
            "id": self.writer.id(Contract),
            "order_id": deal.id,
            "number": terms.number,
            "filing_number": terms.filing_number,
            "text": text,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "amount_fen": sum(line.price_fen * (line.quantity - line.rejected) for line in lines),
            "payment_days": days,
            "is_sme": terms.is_sme,
            "payee_name": deal.seller.name,
            "payee_bank": deal.seller.bank,
            "payee_bank_account": deal.seller.account,
            "payee_account": deal.seller.payee,
            "concluded_by": clerk,
            "concluded_at": at,
        }
        deal.rows.append((Contract, row))
        deal.papers |= {"contract": row, "concluded_on": day}
        self.step(
            deal,
            Action.CONFIRM,
            State.CONFIRMED,
            clerk,
            at,
            lines=[
                {
                    "no": line.no,
                    "title": line.article.seed.title,
                    "brand": line.article.seed.brand,
                    "model": line.article.seed.model,
                    "category": line.article.seed.category_code,
                    "quantity": line.quantity - line.rejected,
                    "price_fen": line.price_fen,
                }
                for line in lines
            ],
            details={
                "contract": row["number"],
                "filing": row["filing_number"],
                "sha256": row["sha256"],
                "amount_fen": row["amount_fen"],
                "payment_days": days,
                "sme": row["is_sme"],
            },
        )
        self.move_money(deal, [(line, line.quantity - line.rejected) for line in lines], Pool.RESERVED, Pool.COMMITTED, clerk, at)

    def _terms(self, deal: Deal, lines: Sequence[DealLine], at: datetime) -> tuple[contract_rules.Terms, int]:
        day, region, sme = clock.local(at).date(), deal.unit.region, deal.seller.is_sme
        pay = self.bureau.term(TermName.PAYMENT_SME if sme else TermName.PAYMENT_MALL, region, day)
        total = sum(line.price_fen * (line.quantity - line.rejected) for line in lines)

        def period(term: TermRow) -> contract_rules.Period:
            return contract_rules.Period(term.days, in_workdays=term.unit is PeriodUnit.WORKDAYS)

        terms = contract_rules.Terms(
            number=numbers.new("HT", at=day, rng=self.rng),
            filing_number=numbers.new("BA", at=day, rng=self.rng),
            order=deal.number,
            concluded=f"{clock.local(at):%Y-%m-%d %H:%M:%S}",
            unit_name=deal.unit.name,
            unit_code=deal.unit.credit_code,
            region=regions.full_name(region),
            supplier_name=deal.seller.name,
            supplier_code=deal.seller.credit_code,
            scale=SCALE_NAMES[deal.seller.scale],
            is_sme=sme,
            legal_representative=deal.seller.legal,
            payee_name=deal.seller.name,
            payee_bank=deal.seller.bank,
            payee_bank_account=deal.seller.account,
            lines=[self._text_line(line) for line in lines],
            capital=money.capital(total),
            total=money.yuan(total),
            delivery=period(self.bureau.term(TermName.DELIVER, region, day)),
            acceptance=period(self.bureau.term(TermName.ACCEPT, region, day)),
            payment_days=pay.days,
            invoice_title=deal.unit.title,
            invoice_tax_number=deal.unit.credit_code,
        )
        return terms, pay.days

    def _text_line(self, line: DealLine) -> contract_rules.TextLine:
        pieces, seed = line.quantity - line.rejected, line.article.seed
        return contract_rules.TextLine(
            no=line.no,
            title=seed.title,
            category=seed.category_code,
            category_name=line.article.category_name,
            brand=seed.brand,
            model=seed.model,
            measure=seed.unit,
            listing_version=line.version,
            quantity=pieces,
            price=money.yuan(line.price_fen),
            amount=money.yuan(line.price_fen * pieces),
            tax=money.yuan(tax_of_unit(line.price_fen, line.article.tax_rate) * pieces),
            plan=f"{line.planned.plan_number} · {line.planned.line_no}",
            allotment=line.planned.grant.number,
            place=line.place,
        )

    def propose_end(self, deal: Deal, reason: str, at: datetime) -> None:
        """The supplier proposes to end the contract before dispatch."""
        contract = deal.papers["contract"]
        row = {
            "id": self.writer.id(Termination),
            "contract_id": contract["id"],
            "reason": reason,
            "proposed_by": deal.seller.people[Role.ORDER_CLERK],
            "proposed_for": deal.seller.id,
            "proposed_at": at,
            "agreed_by": None,
            "agreed_at": None,
        }
        deal.rows.append((Termination, row))
        deal.papers["termination"] = row
        fact = contract_events.TerminationProposed(
            contract=contract["number"],
            order=deal.number,
            unit_id=deal.unit.id,
            supplier_id=deal.seller.id,
            by=deal.seller.id,
            reason=reason,
        )
        self.writer.record(
            fact, stream=contract["number"], version=1, region=deal.unit.region, owner=deal.unit.id, actor=row["proposed_by"], at=at
        )

    def agree_end(self, deal: Deal, at: datetime) -> None:
        """The unit signs the proposal: nothing was sent, all goes back."""
        row, lines = deal.papers["termination"], [line for line in deal.lines if line.left]
        rest = [(line, line.left) for line in lines]
        deal.total_fen = 0
        self.step(
            deal,
            Action.TERMINATE,
            State.TERMINATED,
            deal.buyer,
            at,
            note=row["reason"],
            lines=[{"no": line.no, "quantity": pieces} for line, pieces in rest],
            details={
                "contract": deal.papers["contract"]["number"],
                "proposed_for": row["proposed_for"],
                "agreed_for": deal.unit.id,
                "kept_fen": 0,
            },
        )
        for line, pieces in rest:
            line.rejected += pieces
        row |= {"agreed_by": deal.buyer, "agreed_at": at}
        self.move_money(deal, rest, Pool.COMMITTED, Pool.FREE, deal.buyer, at)
