"""Sending a cart off: judge it whole, split it by supplier, reserve money and stock, record every check."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.accounts.people import desk as desks
from app.accounts.people.desk import Desk
from app.kernel import clock, numbers, outbox
from app.kernel.db import connection_of, run
from app.kernel.money import tax_of_unit
from app.kernel.outbox import Entry
from app.kernel.rows import insert_rows
from app.kernel.verdicts import findings, written
from app.policy import Actor
from catalog.listings import queries as listings
from catalog.listings import service as shelf
from orders.budgets import rules as money
from orders.budgets import service as budgets
from orders.budgets.states import Pool
from orders.purchases import events, queries, rules
from orders.purchases.queries import Wish
from orders.purchases.rules import Cited, Facts, Gate, KeyReused, Line, SubmissionRefused
from orders.purchases.service import deadline
from orders.purchases.states import State
from orders.purchases.tables import Attempt, DecisionRecord, Hold, Order, OrderLine, Submission
from orders.purchases.verdicts import RULESET, Outcome, Verdict


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a submission would meet: the facts found and every verdict on them."""

    facts: Facts
    desk: Desk
    verdicts: tuple[Verdict, ...]

    @property
    def blocks(self) -> tuple[Verdict, ...]:
        """Verdicts that refuse the submission."""
        return tuple(v for v in self.verdicts if v.outcome is Outcome.BLOCK)

    @property
    def holds(self) -> tuple[Verdict, ...]:
        """Verdicts that hold its orders until explained and cleared."""
        return tuple(v for v in self.verdicts if v.outcome is Outcome.HOLD)

    @property
    def passes(self) -> tuple[Verdict, ...]:
        """Verdicts that found nothing."""
        return tuple(v for v in self.verdicts if v.outcome in {Outcome.PASS, Outcome.WATCH})

    @property
    def total_fen(self) -> int:
        """Sum of all lines at the prices of now."""
        return sum(line.amount_fen for line in self.facts.lines)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An order that a submission made."""

    id: int
    number: str
    unit_id: int
    supplier_id: int
    region: str
    buyer_id: int
    state: State
    total_fen: int
    reason: str | None


@dataclass(frozen=True)
class Sent:
    """A submission that was accepted, with its orders; sending it again gives the same."""

    id: int
    number: str
    orders: tuple[Made, ...]


def assess(
    session: Session,
    actor: Actor,
    wishes: Sequence[Wish],
    *,
    invoice_title_id: int | None = None,
    gates: Sequence[Gate] = (),
    cited: Cited | None = None,
) -> Assessment:
    """Judge a submission without moving anything: what checkout shows and what `submit` decides by.

    Raises EmptySubmission, UnknownPlace, Missing.
    """
    if not wishes or any(wish.quantity <= 0 for wish in wishes):
        raise rules.EmptySubmission()
    desk = desks.of(session, actor, (w.address_id for w in wishes if w.address_id), invoice_title_id)
    facts = queries.facts_for(session, actor, wishes, desk, cited)
    return Assessment(facts=facts, desk=desk, verdicts=rules.judge(facts, gates))


def digest_of(wishes: Sequence[Wish], reason: str | None, cited: Cited | None = None) -> str:
    """What a submission says, to tell a second click from another content under the same key."""
    said: list[Any] = [[wish.told for wish in wishes], reason or "", *([cited.number] if cited else [])]
    return hashlib.sha256(_encode(said).encode()).hexdigest()


_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def submit(
    session: Session,
    actor: Actor,
    wishes: Sequence[Wish],
    *,
    key: str,
    invoice_title_id: int | None = None,
    reason: str | None = None,
    gates: Sequence[Gate] = (),
    cited: Cited | None = None,
) -> Sent:
    """Send a cart off; the same key with the same content gives the submission made before.

    Raises SubmissionRefused with every verdict, KeyReused, and OverBudget, OverQuantity or OutOfStock when another buyer
    was faster between the check and the update.
    """
    submission = _claim_key(session, actor, key, digest_of(wishes, reason, cited), cited)
    if not submission.is_new:
        return Sent(submission.id, submission.number, _made_before(session, submission.id))
    assessment = assess(session, actor, wishes, invoice_title_id=invoice_title_id, gates=gates, cited=cited)
    if assessment.blocks:
        raise SubmissionRefused(count=len(assessment.blocks), verdicts=assessment.verdicts)
    by_supplier: dict[int, list[Line]] = defaultdict(list)
    for line in assessment.facts.lines:
        by_supplier[line.offer.supplier_id].append(line)
    orders = _insert_orders(session, submission, assessment, by_supplier, reason)
    lines = _insert_lines(session, orders, by_supplier)
    _insert_record(session, submission, orders, assessment)
    outbox.record_all(session, actor, [_fact(order, submission, by_supplier[order.supplier_id], assessment) for order in orders])
    _reserve(session, actor, orders, lines, assessment.facts)
    return Sent(submission.id, submission.number, tuple(orders))


@dataclass(frozen=True)
class _Claim:
    """A key taken for a submission: now, or before by somebody who sent the same."""

    id: int
    number: str
    buyer_id: int
    at: datetime
    is_new: bool


def _claim_key(session: Session, actor: Actor, key: str, digest: str, cited: Cited | None) -> _Claim:
    """Insert the submission under its key; a second sender waits here for the first and gets what that one made."""
    row = {
        "number": numbers.new("TJ", at=clock.today()),
        "key": key,
        "digest": digest,
        "unit_id": actor.organisation_id,
        "buyer_id": actor.person_id,
        "at": clock.now(),
        "comparison": cited.number if cited else None,
    }
    made = run(session, _claim(connection_of(session).dialect.name), row).one_or_none()
    if made is not None:
        return _Claim(made.id, made.number, made.buyer_id, made.at, is_new=True)
    mine = _submissions.c.buyer_id == actor.person_id, _submissions.c.key == key
    earlier = run(session, select(*_CLAIM, _submissions.c.digest).where(*mine)).one()
    if earlier.digest != digest:
        raise KeyReused()
    return _Claim(earlier.id, earlier.number, earlier.buyer_id, earlier.at, is_new=False)


_submissions: Final[Any] = Submission.__table__
_CLAIM: Final = (_submissions.c.id, _submissions.c.number, _submissions.c.buyer_id, _submissions.c.at)


@cache
def _claim(dialect: str) -> Any:
    mine = [_submissions.c.buyer_id, _submissions.c.key]
    return _upsert(dialect)(_submissions).on_conflict_do_nothing(index_elements=mine).returning(*_CLAIM)


def _upsert(dialect: str) -> Any:
    return postgresql_insert if dialect == "postgresql" else sqlite_insert


def _made_before(session: Session, submission_id: int) -> tuple[Made, ...]:
    """The orders of a submission sent earlier, as they stand now."""
    query = select(*(_orders.c[field.name] for field in fields(Made))).where(_orders.c.submission_id == submission_id)
    return tuple(Made(**row) for row in run(session, query.order_by(_orders.c.id)).mappings())


_MADE: Final = tuple(field.name for field in fields(Made) if field.name != "id")


def _insert_orders(
    session: Session, submission: _Claim, assessment: Assessment, by_supplier: dict[int, list[Line]], reason: str | None
) -> list[Made]:
    """One order per supplier, with one statement."""
    facts, desk = assessment.facts, assessment.desk
    state = State.HELD if assessment.holds else State.SUBMITTED
    due, provisional = deadline(session, state, facts.region, clock.today())
    rows: list[dict[str, Any]] = [
        {
            "number": numbers.new("DD", at=clock.today()),
            "version": 1,
            "submission_id": submission.id,
            "unit_id": facts.unit_id,
            "supplier_id": supplier_id,
            "region": facts.region,
            "buyer_id": submission.buyer_id,
            "mode": "direct",
            "state": state,
            "total_fen": sum(line.amount_fen for line in lines),
            "reason": reason,
            "invoice_title": desk.invoice_title,
            "invoice_tax_number": desk.invoice_tax_number,
            "submitted_at": submission.at,
            "state_since": submission.at,
            "due_at": due,
            "due_provisional": provisional,
        }
        for supplier_id, lines in by_supplier.items()
    ]
    ids = run(session, _ORDERS, rows if len(rows) > 1 else rows[0]).scalars()
    return [Made(id=order_id, **{name: row[name] for name in _MADE}) for order_id, row in zip(ids, rows, strict=True)]


def _insert_lines(session: Session, orders: Sequence[Made], by_supplier: dict[int, list[Line]]) -> Sequence[Any]:
    """The lines of all orders with one statement; gives back what the reservation needs of them."""
    rows = [_line_row(order, no, line) for order in orders for no, line in enumerate(by_supplier[order.supplier_id], start=1)]
    return insert_rows(session, _lines, rows, _LINES)


_orders: Final[Any] = Order.__table__
_lines: Final[Any] = OrderLine.__table__
_ORDERS: Final = insert(_orders).returning(_orders.c.id, sort_by_parameter_order=True)
_LINES: Final = (
    _lines.c.id, _lines.c.order_id, _lines.c.quantity, _lines.c.amount_fen, _lines.c.plan_control_id, _lines.c.allotment_control_id
)  # fmt: skip
_RECORD: Final = insert(DecisionRecord.__table__)  # type: ignore[arg-type]


def _line_row(order: Made, no: int, line: Line) -> dict[str, Any]:
    offer, funding = line.offer, line.funding
    if funding is None:
        raise AssertionError("a line without a plan passed B01")
    return {
        "order_id": order.id,
        "line_no": no,
        "listing_id": offer.listing_id,
        "listing_version": offer.version,
        "product_id": offer.product_id,
        "category_code": offer.category,
        "title": offer.title,
        "brand": offer.brand,
        "model": offer.model,
        "unit": offer.unit,
        "quantity": line.quantity,
        "price_fen": offer.price_fen,
        "amount_fen": line.amount_fen,
        "unit_tax_fen": tax_of_unit(offer.price_fen, offer.tax_rate),
        "plan_line_id": funding.plan_line_id,
        "plan_control_id": funding.plan_control_id,
        "allotment_id": funding.allotment_id,
        "allotment_control_id": funding.allotment_control_id,
        "place": line.place,
    } | dict.fromkeys(("rejected", "shipped", "delivered", "accepted", "returned"), 0)


def _insert_record(session: Session, submission: _Claim, orders: Sequence[Made], assessment: Assessment) -> None:
    """The decision record, and a hold per order and rule where a rule holds."""
    record = {
        "submission": submission.number,
        "rule_version": RULESET,
        "verdicts": written(assessment.verdicts),
        "findings": len(findings(assessment.verdicts)),
        "at": submission.at,
    }
    run(session, _RECORD, record)
    if assessment.holds:
        held = sorted({verdict.rule for verdict in assessment.holds})
        session.execute(insert(Hold), [{"order_id": order.id, "rule": rule} for order in orders for rule in held])


def _fact(order: Made, submission: _Claim, lines: Sequence[Line], assessment: Assessment) -> Entry:
    fact = events.OrderSubmitted(
        order=order.number,
        submission=submission.number,
        unit_id=order.unit_id,
        unit_name=assessment.desk.unit_name,
        supplier_id=order.supplier_id,
        supplier_name=lines[0].offer.supplier_name,
        buyer_id=order.buyer_id,
        total_fen=order.total_fen,
        categories=tuple(sorted({line.offer.category for line in lines})),
        state=order.state.value,
        previous=None,
        note=order.reason,
        lines=tuple(
            {
                "no": no,
                "listing_id": line.offer.listing_id,
                "listing_version": line.offer.version,
                "category": line.offer.category,
                "title": line.offer.title,
                "quantity": line.quantity,
                "price_fen": line.offer.price_fen,
                "plan": line.funding.label if line.funding else None,
                "allotment": line.funding.allotment_number if line.funding else None,
            }
            for no, line in enumerate(lines, start=1)
        ),
        verdicts=tuple(verdict.as_dict() for verdict in findings(assessment.verdicts)),
        comparison={"number": cited.number, "sha256": cited.sha256} if (cited := assessment.facts.cited) else None,
    )
    return Entry(fact, order.number, 1, order.region, order.unit_id)


def _reserve(session: Session, actor: Actor, orders: Sequence[Made], lines: Sequence[Any], facts: Facts) -> None:
    """The deciding updates, last before the commit: stock, then both controls of every line, locked in id order."""
    wanted: dict[int, int] = defaultdict(int)
    for line in facts.lines:
        wanted[line.offer.listing_id] += line.quantity
    shelf.take_stock(session, wanted)
    draws: dict[int, list[money.Draw]] = defaultdict(list)
    for row in lines:
        draws[row.order_id].append(
            money.Draw(
                order_line_id=row.id,
                plan_control_id=row.plan_control_id,
                allotment_control_id=row.allotment_control_id,
                amount_fen=row.amount_fen,
                quantity=row.quantity,
            )
        )
    moves = [move for order in orders for move in money.moves(draws[order.id], Pool.FREE, Pool.RESERVED, stream=order.number, version=1)]
    budgets.apply(session, actor, moves)


def record_attempt(
    session: Session,
    actor: Actor,
    refusal: SubmissionRefused,
    wishes: Sequence[Wish],
    *,
    key: str,
    reason: str | None = None,
    cited: Cited | None = None,
) -> str:
    """Remember a refused submission after its rollback: one row and one event, once per key; returns its number.

    Raises KeyReused: under a key that was refused no other content is tried unseen.
    """
    digest = digest_of(wishes, reason, cited)
    known = refused_before(session, actor, key, digest)
    if known is not None:
        return known
    number, at = numbers.new("JJ", at=clock.today()), clock.now()
    offers = listings.offers(session, {wish.listing_id for wish in wishes}, actor.region, clock.today())
    total = sum(offers[wish.listing_id].price_fen * wish.quantity for wish in wishes if wish.listing_id in offers)
    suppliers = {offer.supplier_id: offer.supplier_name for offer in offers.values()}
    made = session.scalar(
        _upsert(session.get_bind().dialect.name)(Attempt)
        .values(
            number=number,
            key=key,
            digest=digest,
            unit_id=actor.organisation_id or 0,
            region=actor.region,
            buyer_id=actor.person_id or 0,
            total_fen=total,
            verdicts=written(refusal.verdicts),
            lines=json.dumps([wish.told for wish in wishes]),
            at=at,
        )
        .on_conflict_do_nothing(index_elements=[Attempt.buyer_id, Attempt.key])
        .returning(Attempt.number)
    )
    if made is None:  # a second click was faster
        return refused_before(session, actor, key, digest) or number
    fact = events.SubmissionRefused(
        attempt=number,
        unit_id=actor.organisation_id or 0,
        unit_name=actor.organisation_name,
        buyer_id=actor.person_id or 0,
        total_fen=total,
        supplier_ids=tuple(suppliers),
        supplier_names=tuple(suppliers.values()),
        categories=tuple(sorted({offer.category for offer in offers.values()})),
        verdicts=tuple(verdict.as_dict() for verdict in findings(refusal.verdicts)),
    )
    outbox.record(session, actor, fact, stream=number, version=1, region=actor.region, owner_id=actor.organisation_id)
    return number


def refused_before(session: Session, actor: Actor, key: str, digest: str) -> str | None:
    """The number of an attempt refused under this key, if there was one. Raises KeyReused when it was another content."""
    query = select(Attempt.number, Attempt.digest).where(Attempt.buyer_id == actor.person_id, Attempt.key == key)
    known = session.execute(query).one_or_none()
    if known is not None and known.digest != digest:
        raise KeyReused()
    return known.number if known is not None else None
