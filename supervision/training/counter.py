"""Sending carts off and taking the steps of orders in the training province, written as the services write them.

The checks are the product's own (`orders.purchases.rules.judge`), with the same facts; so are the facts of the events,
the keys of the moves and the columns of the rows. The invariant audits hold the result to account.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from app.kernel import clock, numbers
from app.kernel.verdicts import findings, written
from app.policy import Role
from catalog.taxonomy.rules import What
from orders.budgets.states import Pool
from orders.budgets.tables import Move
from orders.purchases import events
from orders.purchases.queries import PAST_DAYS, Wish
from orders.purchases.rules import Facts, Gate, Line, Past, judge
from orders.purchases.states import FINAL, Action, State
from orders.purchases.submission import digest_of
from orders.purchases.tables import Attempt, DecisionRecord, Hold, Order, OrderLine, Submission
from orders.purchases.verdicts import RULESET, Outcome, Verdict
from supervision.training.cast import Unit
from supervision.training.deals import Bureau, Deal, DealLine, Want
from supervision.training.writer import Writer

GIVEN_BACK: Final = FINAL - {State.CLOSED}


class Counter:
    """Sends carts off and takes the steps of orders."""

    def __init__(self, writer: Writer, bureau: Bureau, rng: Random, gates: Sequence[Gate]) -> None:
        self.writer = writer
        self.bureau = bureau
        self.rng = rng
        self.gates = gates
        self.sent = 0
        self.verdicts: tuple[Verdict, ...] = ()
        """Those of the cart that was sent off last."""

    # ------------------------------------------------------------ the cart

    def judge(self, unit: Unit, wants: Sequence[Want], at: datetime) -> tuple[Facts, tuple[Verdict, ...]]:
        """Every verdict on a cart at that moment."""
        day = clock.local(at).date()
        since = at - timedelta(days=PAST_DAYS)
        lines = tuple(
            Line(
                no=no,
                quantity=want.quantity,
                seen_price_fen=want.seen_fen or want.article.price_at(at).price_fen,
                offer=want.article.offer_at(at) if want.stock is None else want.article.offer_at(at, stock=want.stock),
                funding=want.planned.funding() if want.planned else None,
                place=unit.places[want.address_id],
            )
            for no, want in enumerate(wants, start=1)
        )
        kinds = {line.level3[0] for line in lines}
        asked = {line.level3 for line in lines}
        facts = Facts(
            unit_id=unit.id,
            region=unit.region,
            year=day.year,
            at=at,
            lines=lines,
            other_approvers=1,
            other_acceptors=1,
            mall_ceiling_fen={letter: self.bureau.limit(What.MALL_CEILING, unit.region, letter, day) for letter in kinds},
            direct_ceiling_fen={letter: self.bureau.limit(What.DIRECT_CEILING, unit.region, letter, day) for letter in kinds},
            past=tuple(past for past in unit.past if past.at >= since and past.level3 in asked),
        )
        return facts, judge(facts, self.gates)

    def submit(self, unit: Unit, wants: Sequence[Want], at: datetime, reason: str | None = None) -> list[Deal] | str:
        """Send a cart off: the orders it was split into, or the number of the refused attempt."""
        facts, verdicts = self.judge(unit, wants, at)
        self.verdicts = verdicts
        self.sent += 1
        key = f"training-{self.sent:07d}"
        buyer = unit.people[Role.BUYER]
        wishes = [
            Wish(
                listing_id=want.article.id,
                quantity=want.quantity,
                seen_price_fen=line.seen_price_fen,
                plan_line_id=want.planned.id if want.planned else None,
                address_id=want.address_id,
            )
            for want, line in zip(wants, facts.lines, strict=True)
        ]
        digest = digest_of(wishes, reason)
        day = clock.local(at).date()
        if any(verdict.outcome is Outcome.BLOCK for verdict in verdicts):
            return self._refused(unit, buyer, key, digest, facts, verdicts, wishes, at)
        submission, number = self.writer.id(Submission), numbers.new("TJ", at=day, rng=self.rng)
        self.writer.add(
            Submission,
            {"id": submission, "number": number, "key": key, "digest": digest, "unit_id": unit.id, "buyer_id": buyer, "at": at}
            | {"comparison": None},  # the training year was bought before sheets were frozen
        )
        self._keep_record(number, verdicts, at)
        held = sorted({verdict.rule for verdict in verdicts if verdict.outcome is Outcome.HOLD})
        state = State.HELD if held else State.SUBMITTED
        due, provisional = self.bureau.deadline(state, unit.region, day)
        by_seller: dict[int, list[tuple[Want, Line]]] = defaultdict(list)
        for want, line in zip(wants, facts.lines, strict=True):
            by_seller[want.article.seller.id].append((want, line))
        deals = []
        for pairs in by_seller.values():
            deal = Deal(
                id=self.writer.id(Order),
                number=numbers.new("DD", at=day, rng=self.rng),
                submission_id=submission,
                submission=number,
                unit=unit,
                seller=pairs[0][0].article.seller,
                buyer=buyer,
                state=state,
                total_fen=sum(line.amount_fen for _, line in pairs),
                reason=reason,
                submitted_at=at,
                state_since=at,
                due_at=due,
                provisional=provisional,
                lines=[self._line(no, want, line) for no, (want, line) in enumerate(pairs, start=1)],
            )
            deal.holds = [
                {"id": self.writer.id(Hold), "order_id": deal.id, "rule": rule}
                | dict.fromkeys(("explanation", "explained_by", "explained_at", "cleared_by", "cleared_at"))
                for rule in held
            ]
            self._record_submission(deal, verdicts, at)
            self.move_money(deal, [(line, line.quantity) for line in deal.lines], Pool.FREE, Pool.RESERVED, buyer, at)
            self._remember(deal, at)
            deals.append(deal)
        return deals

    def _line(self, no: int, want: Want, line: Line) -> DealLine:
        if want.planned is None:
            raise AssertionError("a line without a plan passed B01")
        return DealLine(
            id=self.writer.id(OrderLine),
            no=no,
            article=want.article,
            planned=want.planned,
            place=line.place,
            quantity=want.quantity,
            price_fen=line.offer.price_fen,
            version=line.offer.version,
        )

    def _remember(self, deal: Deal, at: datetime) -> None:
        """Keep what rule S02 looks back on."""
        sums: dict[str, int] = defaultdict(int)
        for line in deal.lines:
            sums[line.article.seed.category_code[:7]] += line.price_fen * line.quantity
        since = at - timedelta(days=PAST_DAYS)
        deal.unit.past = [past for past in deal.unit.past if past.at >= since]
        deal.unit.past += [
            Past(number=deal.number, supplier_id=deal.seller.id, level3=level3, amount_fen=fen, at=at) for level3, fen in sums.items()
        ]

    def _record_submission(self, deal: Deal, verdicts: Sequence[Verdict], at: datetime) -> None:
        fact = events.OrderSubmitted(
            order=deal.number,
            submission=deal.submission,
            unit_id=deal.unit.id,
            unit_name=deal.unit.name,
            supplier_id=deal.seller.id,
            supplier_name=deal.seller.name,
            buyer_id=deal.buyer,
            total_fen=deal.total_fen,
            categories=deal.categories,
            state=deal.state.value,
            previous=None,
            note=deal.reason,
            lines=tuple(
                {
                    "no": line.no,
                    "listing_id": line.article.id,
                    "listing_version": line.version,
                    "category": line.article.seed.category_code,
                    "title": line.article.seed.title,
                    "quantity": line.quantity,
                    "price_fen": line.price_fen,
                    "plan": f"{line.planned.plan_number} · {line.planned.line_no}",
                    "allotment": line.planned.grant.number,
                }
                for line in deal.lines
            ),
            verdicts=tuple(verdict.as_dict() for verdict in findings(verdicts)),
        )
        self.writer.record(fact, stream=deal.number, version=1, region=deal.unit.region, owner=deal.unit.id, actor=deal.buyer, at=at)

    def _refused(
        self, unit: Unit, buyer: int, key: str, digest: str, facts: Facts, verdicts: Sequence[Verdict], wishes: Sequence[Wish], at: datetime
    ) -> str:
        number = numbers.new("JJ", at=clock.local(at).date(), rng=self.rng)
        total = sum(line.amount_fen for line in facts.lines)
        self.writer.add(
            Attempt,
            {
                "id": self.writer.id(Attempt),
                "number": number,
                "key": key,
                "digest": digest,
                "unit_id": unit.id,
                "region": unit.region,
                "buyer_id": buyer,
                "total_fen": total,
                "verdicts": written(verdicts),
                "lines": json.dumps([wish.told for wish in wishes]),
                "at": at,
            },
        )
        suppliers = {line.offer.supplier_id: line.offer.supplier_name for line in facts.lines}
        fact = events.SubmissionRefused(
            attempt=number,
            unit_id=unit.id,
            unit_name=unit.name,
            buyer_id=buyer,
            total_fen=total,
            supplier_ids=tuple(suppliers),
            supplier_names=tuple(suppliers.values()),
            categories=tuple(sorted({line.offer.category for line in facts.lines})),
            verdicts=tuple(verdict.as_dict() for verdict in findings(verdicts)),
        )
        self.writer.record(fact, stream=number, version=1, region=unit.region, owner=unit.id, actor=buyer, at=at)
        return number

    def _keep_record(self, submission: str, checks: Sequence[Verdict], at: datetime) -> None:
        self.writer.add(
            DecisionRecord,
            {
                "id": self.writer.id(DecisionRecord),
                "submission": submission,
                "rule_version": RULESET,
                "verdicts": written(checks),
                "findings": len(findings(checks)),
                "at": at,
            },
        )

    # ------------------------------------------------------------ one step

    def step(
        self,
        deal: Deal,
        action: Action,
        target: State,
        actor: int | None,
        at: datetime,
        *,
        note: str | None = None,
        lines: Sequence[Mapping[str, Any]] = (),
        details: dict[str, Any] | None = None,
    ) -> None:
        """Take one step of the table and record its fact."""
        previous = deal.state
        deal.version += 1
        if target is not previous:
            deal.state, deal.state_since = target, at
            deal.due_at, deal.provisional = self.bureau.deadline(target, deal.unit.region, clock.local(at).date())
        fact = events.FACT_OF[action](
            order=deal.number,
            unit_id=deal.unit.id,
            unit_name=deal.unit.name,
            supplier_id=deal.seller.id,
            supplier_name=deal.seller.name,
            total_fen=deal.total_fen,
            categories=deal.categories,
            state=target.value,
            previous=previous.value,
            note=note,
            action=action.value,
            lines=tuple(dict(line) for line in lines),
            details=details,
        )
        self.writer.record(fact, stream=deal.number, version=deal.version, region=deal.unit.region, owner=deal.unit.id, actor=actor, at=at)
        if target in GIVEN_BACK:
            deal.unit.past = [past for past in deal.unit.past if past.number != deal.number]

    def move_money(
        self, deal: Deal, pieces: Sequence[tuple[DealLine, int]], source: Pool, target: Pool, actor: int | None, at: datetime
    ) -> None:
        """Move the money of (line, pieces) in both controls of each line, under the order's present version."""
        for line, quantity in pieces:
            if not quantity:
                continue
            amount = quantity * line.price_fen
            for purse, counted in ((line.planned.purse, quantity), (line.planned.grant.purse, 0)):
                purse.shift(source, target, amount, counted)
                self.writer.add(
                    Move,
                    {
                        "id": self.writer.id(Move),
                        "key": f"{deal.number}:{deal.version}:{line.id}:{purse.id}:{target.value}",
                        "control_id": purse.id,
                        "source": source,
                        "target": target,
                        "amount_fen": amount,
                        "order_line_id": line.id,
                        "quantity": counted,
                        "stream": deal.number,
                        "version": deal.version,
                        "actor_id": actor,
                        "at": at,
                    },
                )

    def release(self, deal: Deal, actor: int | None, at: datetime) -> None:
        """Give back what an ended order still holds."""
        self.move_money(deal, [(line, line.left) for line in deal.lines], Pool.RESERVED, Pool.FREE, actor, at)
