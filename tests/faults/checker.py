"""Holds the history against the database after everything has healed. Every finding names the check that made it."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.outbox import Consumer, Event, EventLease, EventReceipt, pending
from catalog.listings.tables import Listing
from orders.purchases.states import State
from orders.purchases.tables import Attempt, Order, OrderLine, Submission
from orders.thread.audit import audit as audit_orders
from supervision.journal.audit import Report
from supervision.journal.audit import audit as audit_journal
from supervision.journal.note import Verifier
from supervision.journal.tables import Leaf
from tests.faults.history import Checkout, Told
from tests.faults.scene import Scene
from tests.peers import program

EXPECTED_REFUSALS = {
    "submission.refused", "budget.over", "budget.just_freed", "listing.out_of_stock", "order.not_now", "order.changed", "submission.key_reused",
}
"""Codes that clients of this scene may meet; any other is a finding."""
GIVEN_BACK = (State.REJECTED, State.REFUSED, State.LAPSED, State.CANCELLED, State.TERMINATED)


@dataclass(frozen=True)
class Finding:
    """Something that must not be: which check found it, where, and what."""

    check: str
    where: str
    what: str


def check_history(session: Session, told: Told, scene: Scene) -> list[Finding]:
    """Everything that clients were told is in the database, once, and nothing else is."""
    found = [
        *_acknowledged(session, told), *_submissions(session, told, scene), *_contents(session, told), *_steps(session, told),
        *_refusals(session, told), *_stock(session, scene), *_foreign(told),
    ]
    return found


def _acknowledged(session: Session, told: Told) -> Iterator[Finding]:
    """An accepted cart is there with exactly the orders that were promised; the same key was always answered alike."""
    orders: dict[str, set[str]] = {}
    for submission, order in session.execute(select(Submission.number, Order.number).join(Order, Order.submission_id == Submission.id)):
        orders.setdefault(submission, set()).add(order)
    for checkout in told.checkouts.values():
        answers = {made["number"] for made in checkout.made}
        if len(answers) > 1:
            yield Finding("history: one key, one answer", checkout.key, f"answered as {', '.join(sorted(answers))}")
        for made in checkout.made:
            promised = {order["number"] for order in made["orders"]}
            if orders.get(made["number"], set()) != promised:
                there = ", ".join(sorted(orders.get(made["number"], ()))) or "nothing"
                yield Finding("history: acknowledged orders", f"{checkout.key}, {made['number']}", f"promised {promised}, there is {there}")


def _submissions(session: Session, told: Told, scene: Scene) -> Iterator[Finding]:
    """Every submission of the scene's buyers was asked for, once."""
    buyers = {desk.buyer_id for desk in scene.desks}
    there = Counter((row.key, row.buyer_id) for row in session.execute(select(Submission.key, Submission.buyer_id)))
    asked = {(checkout.key, checkout.buyer) for checkout in told.checkouts.values()}
    for (key, buyer), times in there.items():
        if times > 1:
            yield Finding("history: duplicates", f"{key} of {buyer}", f"{times} submissions")
        if buyer in buyers and (key, buyer) not in asked:
            yield Finding("history: never asked for", f"{key} of {buyer}", "there is a submission")


def _contents(session: Session, told: Told) -> Iterator[Finding]:
    """Orders say what their cart said."""
    columns = (Submission.key, OrderLine.listing_id, OrderLine.plan_line_id, OrderLine.quantity, OrderLine.price_fen)
    query = select(*columns).join(Order, Order.submission_id == Submission.id).join(OrderLine, OrderLine.order_id == Order.id)
    there: dict[str, list[tuple[int, ...]]] = {}
    for key, *line in session.execute(query):
        there.setdefault(key, []).append(tuple(line))
    names = ("listing_id", "plan_line_id", "quantity", "seen_price_fen")
    others = _keys_of_others(told)
    for key, lines in there.items():
        checkout = told.checkouts.get(key) if key not in others else None
        if checkout and sorted(lines) != sorted(tuple(line[name] for name in names) for line in checkout.lines):
            yield Finding("history: contents", key, f"sent {checkout.lines}, ordered {sorted(lines)}")


def _steps(session: Session, told: Told) -> Iterator[Finding]:
    """An acknowledged step is an event of its order."""
    taken = {(stream, json.loads(body).get("action")) for stream, body in session.execute(select(Event.stream, Event.body).where(Event.type.startswith("order.")))}
    for step in told.steps.done:
        if (step["order"], step["action"]) not in taken:
            yield Finding("history: acknowledged steps", step["order"], f"{step['action']} was acknowledged and left no event")


def _refusals(session: Session, told: Told) -> Iterator[Finding]:
    """What was only ever refused is not there, its refusal is remembered once, and nothing was refused for another reason."""
    made = {(row.key, row.buyer_id) for row in session.execute(select(Submission.key, Submission.buyer_id))}
    remembered = Counter((row.key, row.buyer_id) for row in session.execute(select(Attempt.key, Attempt.buyer_id)))
    others = _keys_of_others(told)
    for checkout in told.checkouts.values():
        me = (checkout.key, checkout.buyer)
        if checkout.key not in others and checkout.refused and not checkout.made and not checkout.unknown and me in made:
            yield Finding("history: refused", checkout.key, "was refused and stands")
        if "submission.refused" in checkout.refused and remembered[me] != 1:
            yield Finding("history: refused", checkout.key, f"its refusal is remembered {remembered[me]} times")
    codes = Counter(code for checkout in told.checkouts.values() for code in checkout.refused) + Counter(told.steps.refused)
    for code, times in codes.items():
        if code not in EXPECTED_REFUSALS:
            yield Finding("history: refusals", code or "without a code", f"{times} requests were refused with it")


def _stock(session: Session, scene: Scene) -> Iterator[Finding]:
    """Pieces on the shelf and in standing orders are what was there at the beginning."""
    pieces = func.sum(OrderLine.quantity - OrderLine.rejected)
    query = select(OrderLine.listing_id, pieces).join(Order).where(Order.state.not_in(GIVEN_BACK)).group_by(OrderLine.listing_id)
    sold = {listing: int(count) for listing, count in session.execute(query)}
    for listing, stock in session.execute(select(Listing.id, Listing.stock)):
        began = scene.stocks.get(str(listing))
        if began is not None and stock != began - sold.get(listing, 0):
            yield Finding("history: stock", f"listing {listing}", f"{began} at first, {sold.get(listing, 0)} ordered, {stock} left")


def _keys_of_others(told: Told) -> set[str]:
    """Keys whose first content was never accepted, so that another content may stand under them."""
    return {answer["key"] for answer in told.foreign if answer["phase"] != "fail" and not told.checkouts[answer["key"]].made}


def _foreign(told: Told) -> Iterator[Finding]:
    """Another content under a key that stands for a submission was never accepted."""
    for answer in told.foreign:
        if answer["phase"] == "ok" and told.checkouts[answer["key"]].made:
            yield Finding("history: used keys", answer["key"], f"another content was accepted as {answer['made'].get('number')}")


# ---------------------------------------------------------------- audits and verifiers


def check_invariants(session: Session) -> list[Finding]:
    """The audit of the books and of what orders, contracts and payments must agree on."""
    session.rollback()
    return [
        Finding(f"audit: invariant {one.invariant}", one.subject, f"should be {one.expected}, is {one.found}") for one in audit_orders(session)
    ]


def check_work(session: Session, consumers: Iterable[Consumer]) -> list[Finding]:
    """Every event was followed by every consumer, and nobody still holds one."""
    held = Counter(session.scalars(select(EventLease.consumer)))
    left = {consumer.name: pending(session, consumer, 3) for consumer in consumers}
    return [
        Finding("outbox: receipts", name, f"without a receipt: {ids or f'{held[name]} leased'}")
        for name, ids in left.items()
        if ids or held[name]
    ]


def receipts(session: Session) -> int:
    """How much has been followed so far, by all consumers together."""
    return session.scalar(select(func.count()).select_from(EventReceipt)) or 0


def check_journal(session: Session, directory: Path, verifier: Verifier, kept: Sequence[str] = (), spare: Path | None = None) -> list[Finding]:
    """Our own audit of the log, every event in it, and the verifier that knows nothing of this product.

    `kept` are checkpoints that somebody collected meanwhile; the log must still contain each of them.
    """
    session.rollback()
    report = audit_journal(session, directory, verifier)
    found = [Finding(f"journal audit: {one.code}", one.where, one.what) for one in report.findings]
    found += _gaps(session, report)
    files = []
    for number, note in enumerate(kept):
        file = (spare or directory.parent) / f"kept-{number}"
        file.write_text(note)
        files += ["-kept", str(file)]
    outside = program("tlog-verify")
    if outside is None:
        return [*found, Finding("independent verifier", "tlog-verify", "is not there")]
    answer = subprocess.run([outside, "-vkey", verifier.vkey, *files, str(directory)], capture_output=True, text=True, timeout=120, check=False)
    if answer.returncode:
        found.append(Finding("independent verifier", str(directory.name), answer.stderr.strip() or answer.stdout.strip()))
    return found


def _gaps(session: Session, report: Report) -> Iterator[Finding]:
    events, leaves, last = (
        session.scalar(select(figure)) or 0 for figure in (func.count(Event.id), func.count(Leaf.idx), func.coalesce(func.max(Leaf.idx), -1) + 1)
    )
    if not events == leaves == last == report.size:
        yield Finding("journal: gaps", "leaves", f"{events} events, {leaves} leaves up to {last}, {report.size} signed")


def outcomes(session: Session, told: Told) -> dict[str, int]:
    """Checkouts by what became of them; those that nobody answered are resolved by looking."""
    there = set(session.scalars(select(Submission.key)))

    def fate(checkout: Checkout) -> str:
        if checkout.is_answered:
            return "accepted" if checkout.made else "refused"
        return "unknown to the client, accepted" if checkout.key in there else "unknown to the client, not accepted"

    return dict(Counter(map(fate, told.checkouts.values())))


def as_lines(findings: Sequence[Finding]) -> list[str]:
    return [f"{one.check}: {one.where}: {one.what}" for one in findings]


def by_check(findings: Sequence[Finding]) -> dict[str, Any]:
    return dict(Counter(one.check for one in findings))


def entries(session: Session) -> int:
    """Leaves of the log."""
    return session.scalar(select(func.count(Leaf.idx))) or 0
